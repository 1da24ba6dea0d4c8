#!/usr/bin/env node
/** Records Tor links, and TLS that is not Tor's, in the private network of scripts/tornet. */

import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startCapture } from "../fixtures/capture.mjs";
import { runScript, UsageError } from "../tornet/interruption.mjs";
import { Namespace, namespaceName } from "../tornet/namespaces.mjs";
import { GATEWAY, NODE } from "../tornet/plan.mjs";
import { ProcessGroup, run, sleep, waitFor } from "../tornet/processes.mjs";
import { requireRootAnd } from "../tornet/requirements.mjs";
import { startTornet } from "../tornet/tornet.mjs";

const HELP = `Usage: node scripts/tor-suspected/record.mjs --out DIR

Starts a private Tor network and records the links of clients and of relays, and TLS connections that are not Tor's,
into captures in DIR. Takes about six minutes. Needs root, and the Debian packages tor, tcpdump, iproute2 and openssl.
Then: node scripts/tor-suspected/measure.mjs --captures DIR`;

const FULL_SNAPLEN = 262_144;
const FIRST_VOTE_SECONDS = 25;
const SHORT_LINKS = 12;
const IDLE_MS = 60_000;
const BULK_BYTES = 6_000_000;
/** Of a narrow connection to the internet: tor's buffers fill then. */
const NARROW = ["tbf", "rate", "4mbit", "burst", "32kbit", "latency", "200ms"];
const CONNECTIONS_OF_A_KIND = 40;

/** @typedef {import("../tornet/tornet.mjs").Tornet} Tornet */

/** What clients do while their link is recorded. @type {Readonly<Record<string, (stage: Stage) => Promise<void>>>} */
const ACTIVITIES = {
  idle: () => sleep(IDLE_MS),
  async browsing({ tornet }) {
    for (let page = 0; page < 20; page++) {
      const path = `/bytes/${Math.floor(Math.exp(Math.random() * Math.log(150_000)))}`;
      await tornet.visitor.visit("http", {
        address: "www.example.com",
        port: 80,
        host: "www.example.com",
        path,
        socks: "5",
      });
      await sleep(Math.random() * 1_000);
    }
  },
  download: ({ tornet }) => clients(tornet, { download: BULK_BYTES }),
  upload: ({ tornet }) => clients(tornet, { upload: BULK_BYTES }),
  async both({ tornet }) {
    await Promise.all([clients(tornet, { download: BULK_BYTES }), clients(tornet, { upload: BULK_BYTES })]);
  },
  async onion({ tornet, client }) {
    const host = tornet.onionHost;
    await client.published();
    for (let visit = 0; visit < 3; visit++) {
      // A circuit to an onion service fails now and then; its cells count all the same.
      await tornet.visitor.visit("http", { address: host, port: 80, host, socks: "5" }).catch(() => {});
    }
  },
};

/** @typedef {{ tornet: Tornet, client: import("../tornet/tor-process.mjs").TorProcess }} Stage */

await runScript(async (interrupted) => {
  const out = outDirectory();
  if (out === undefined) return console.log(HELP);
  requireRootAnd(["ip", "tor", "tor-gencert", "openssl", "tcpdump"]);
  await mkdir(out, { recursive: true });
  // Beside the network's own; they must end before it.
  const processes = new ProcessGroup();
  const relays = recordRelays(join(out, "relays.pcap"), processes);
  // Looked at when the network is up; if it does not come up, that is the error to tell.
  relays.catch(() => {});
  try {
    const tornet = await startTornet({ firstVoteSeconds: FIRST_VOTE_SECONDS, signal: interrupted });
    try {
      const recording = await relays;
      await startWebServers(tornet, processes);
      await recordAll(tornet, out);
      await recording.stop();
    } finally {
      await processes.stopAll();
      await tornet.stop();
    }
  } finally {
    await processes.stopAll();
  }
});

/**
 * @param {Tornet} tornet
 * @param {string} out
 */
async function recordAll(tornet, out) {
  await recordWeb(tornet, join(out, "web.pcap"));
  await tornet.client.stop();
  const viaBridge = bridgeLines(tornet);
  await recordClient(tornet, out, "bridge", viaBridge);
  await recordClient(tornet, out, "guards", []);
  await recordShortLinks(tornet, join(out, "bridge-short.pcap"));
  await narrowly(tornet, async () => {
    const activities = ["download", "upload"];
    await recordClient(tornet, out, "narrow", viaBridge, activities);
    // tor has another one on systems that are not Linux, and an old one.
    await recordClient(tornet, out, "narrow-kistlite", [...viaBridge, "Schedulers KISTLite"], activities);
    await recordClient(tornet, out, "narrow-vanilla", [...viaBridge, "Schedulers Vanilla"], activities);
  });
  await withTls12(tornet, () => recordClient(tornet, out, "tls12", viaBridge, ["browsing", "download"]));
}

function outDirectory() {
  const options = { out: { type: /** @type {const} */ ("string") }, help: { type: /** @type {const} */ ("boolean") } };
  try {
    const { values } = parseArgs({ options });
    if (values.help) return undefined;
    if (values.out) return values.out;
  } catch (error) {
    throw new UsageError(`${/** @type {Error} */ (error).message}\n\n${HELP}`);
  }
  throw new UsageError(HELP);
}

/**
 * Begins as soon as the namespace is there, so that relays' links are seen from their first packet.
 *
 * @param {string} file
 * @param {ProcessGroup} processes
 */
async function recordRelays(file, processes) {
  const internet = new Namespace(namespaceName("internet"));
  const isUp = async () => {
    const exists = (await run(["ip", "netns", "list"])).includes(internet.name);
    return exists && (await internet.run(["ip", "link", "show", "lo"])).includes("UP");
  };
  await waitFor("the network", isUp, { timeoutMs: 30_000 });
  /** @type {Pick<Tornet, "spawnOnNode">} */
  const place = { spawnOnNode: (argv, options) => processes.add(internet.spawn(argv, options)) };
  const options = { interface: "lo", file, snaplen: FULL_SNAPLEN };
  return startCapture(/** @type {Tornet} */ (place), options);
}

/**
 * @param {Tornet} tornet
 * @param {ProcessGroup} processes
 */
async function startWebServers(tornet, processes) {
  const key = join(tornet.dir, "rsa-key.pem");
  const certificate = join(tornet.dir, "rsa-cert.pem");
  await run([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate],
    ...["-days", "30", "-subj", "/CN=www.example.com"],
  ]);
  const program = fileURLToPath(new URL("servers.mjs", import.meta.url));
  const argv = [process.execPath, program, key, certificate];
  const child = tornet.internet.spawn(argv, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  processes.add(child);
  const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (message !== "ready") throw new Error("The web servers did not start");
}

/**
 * @param {Tornet} tornet
 * @param {object} order
 */
async function clients(tornet, order) {
  const program = fileURLToPath(new URL("clients.mjs", import.meta.url));
  await tornet.node.run([process.execPath, program, JSON.stringify(order)], { timeoutMs: 240_000 });
}

/**
 * @param {Tornet} tornet
 * @param {string} file
 */
async function recordWeb(tornet, file) {
  const recording = await startCapture(tornet, { interface: NODE.interface, file, snaplen: FULL_SNAPLEN });
  await clients(tornet, { web: CONNECTIONS_OF_A_KIND });
  await recording.stop();
  console.log(`Recorded ${file}`);
}

/** @param {Tornet} tornet */
function bridgeLines(tornet) {
  const { address, orPort, fingerprint } = tornet.relay("bridge8443");
  return ["UseBridges 1", `Bridge ${address}:${orPort} ${fingerprint}`];
}

/**
 * A capture for each activity, each with a link of its own; the first one has the client's bootstrap. The client has the
 * onion service of the network's own one, which is stopped.
 *
 * @param {Tornet} tornet
 * @param {string} out
 * @param {string} name
 * @param {readonly string[]} extraLines
 * @param {readonly string[]} [activities]
 */
async function recordClient(tornet, out, name, extraLines, activities = Object.keys(ACTIVITIES)) {
  for (const activity of activities) {
    const onionDirectory = join(tornet.dir, "onion");
    const client = await tornet.makeClient(`${name}-client`, { extraLines, onionDirectory });
    const file = join(out, `${name}-${activity}.pcap`);
    const recording = await startCapture(tornet, { interface: NODE.interface, file, snaplen: FULL_SNAPLEN });
    await client.start();
    await client.bootstrapped();
    await ACTIVITIES[activity]?.({ tornet, client });
    await recording.stop();
    await client.stop();
    console.log(`Recorded ${file}`);
  }
}

/**
 * Links that end as soon as the client could use them.
 *
 * @param {Tornet} tornet
 * @param {string} file
 */
async function recordShortLinks(tornet, file) {
  const recording = await startCapture(tornet, { interface: NODE.interface, file, snaplen: FULL_SNAPLEN });
  for (let link = 0; link < SHORT_LINKS; link++) {
    const client = await tornet.makeClient("bridge-client", { extraLines: bridgeLines(tornet) });
    await client.start();
    await client.bootstrapped();
    await client.stop();
  }
  await recording.stop();
  console.log(`Recorded ${file}`);
}

/**
 * @param {Tornet} tornet
 * @param {() => Promise<void>} action
 */
async function narrowly(tornet, action) {
  const ends = /** @type {const} */ ([
    [tornet.node, NODE.interface],
    [tornet.internet, GATEWAY.interface],
  ]);
  for (const [namespace, name] of ends) await namespace.run(["tc", "qdisc", "add", "dev", name, "root", ...NARROW]);
  await action();
  for (const [namespace, name] of ends) await namespace.run(["tc", "qdisc", "del", "dev", name, "root"]);
}

/**
 * Clients that start meanwhile offer TLS 1.2 at most.
 *
 * @param {Tornet} tornet
 * @param {() => Promise<void>} action
 */
async function withTls12(tornet, action) {
  const file = join(tornet.dir, "openssl-tls12.cnf");
  const sections = [
    "openssl_conf = init",
    "[init]",
    "ssl_conf = ssl",
    "[ssl]",
    "system_default = default",
    "[default]",
  ];
  await writeFile(file, `${[...sections, "MaxProtocol = TLSv1.2"].join("\n")}\n`);
  process.env.OPENSSL_CONF = file;
  try {
    await action();
  } finally {
    delete process.env.OPENSSL_CONF;
  }
}
