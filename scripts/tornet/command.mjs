/** The command line of tornet.mjs. */

import { once } from "node:events";
import { parseArgs } from "node:util";
import { runScript, UsageError } from "./interruption.mjs";
import { CLIENT_PORTS, INTERNET_SERVICES } from "./plan.mjs";

const HELP = `Usage: node scripts/tornet/tornet.mjs [--keep-running] [--dir DIR]

Starts a private Tor network in network namespaces of its own, visits a web server through it, and stops it.
Needs Linux, root, and the Debian packages tor, iproute2 and openssl. No packet leaves the machine.

  --keep-running  Stay up until Ctrl-C, for experiments.
  --dir DIR       Put keys, logs and documents into DIR (new or empty) and leave them there.
  --help          Show this text.

Exit status: 0 it works, 1 it does not, 2 wrong usage, 77 this machine cannot run it (not root, tor missing ...).`;

/**
 * @param {typeof import("./tornet.mjs").startTornet} startTornet - A parameter, because that module imports this one.
 */
export async function main(startTornet) {
  await runScript(async (interrupted) => {
    const options = readArguments();
    if (options.help) return console.log(HELP);
    const begin = Date.now();
    const tornet = await startTornet({ signal: interrupted, ...(options.dir ? { dir: options.dir } : {}) });
    try {
      console.log(`Ready after ${((Date.now() - begin) / 1000).toFixed(1)} s.\n\n${describe(tornet)}\n`);
      await visitThroughTor(tornet);
      if (options["keep-running"] && !interrupted.aborted) {
        console.log("Running until Ctrl-C.");
        await once(interrupted, "abort");
      }
    } finally {
      await tornet.stop();
    }
  });
}

function readArguments() {
  const options = {
    "keep-running": { type: /** @type {const} */ ("boolean"), default: false },
    dir: { type: /** @type {const} */ ("string") },
    help: { type: /** @type {const} */ ("boolean"), default: false },
  };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}\n\n${HELP}`);
  }
}

/** @param {import("./tornet.mjs").Tornet} tornet */
function describe(tornet) {
  const relays = tornet.relays.map((relay) => {
    const ipv6 = relay.ipv6 ? `, [${relay.ipv6.address}]:${relay.ipv6.orPort}` : "";
    const dirPort = relay.dirPort ? `, DirPort ${relay.dirPort}` : "";
    return `  ${relay.nickname.padEnd(12)} ${relay.fingerprint}  ${relay.address}:${relay.orPort}${ipv6}${dirPort}`;
  });
  const services = INTERNET_SERVICES.map(({ kind, address, port }) => `  ${kind.padEnd(12)} ${address} port ${port}`);
  return [
    "Relays:",
    ...relays,
    "Servers:",
    ...services,
    `Files:        ${tornet.dir}`,
    `On the node:  ip netns exec ${tornet.node.name} COMMAND`,
    `              SOCKS 127.0.0.1:${CLIENT_PORTS.socks}, control port 127.0.0.1:${CLIENT_PORTS.control}`,
    `              onion service ${tornet.onionHost}`,
  ].join("\n");
}

/** @param {import("./tornet.mjs").Tornet} tornet */
async function visitThroughTor(tornet) {
  const host = "www.example.com";
  const answer = await tornet.visitor.visit("http", { address: host, port: 80, host, socks: "5" });
  console.log(`http://${host}/ through Tor says: ${answer.trim()}`);
}
