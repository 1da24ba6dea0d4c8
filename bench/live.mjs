/**
 * `npm run bench:live`: packets at top speed over a veth pair, and what leek, tcpdump and dumpcap catch of them, one
 * after the other in each round. Needs root, tcpreplay, tcpdump and dumpcap.
 *
 * Options: --rounds N, --packets N (sent to each), --buffer KIB (of the kernel, for all of them; 0: each its own), --pps N
 * (packets a second; 0: as fast as tcpreplay can).
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensureDist } from "../scripts/dist.mjs";
import { Namespace } from "../scripts/tornet/namespaces.mjs";
import { generate } from "./generate.mjs";
import { median } from "./measure.mjs";
import { isInstalled } from "./peers.mjs";

const LEEK = [process.execPath, join(dirname(fileURLToPath(import.meta.url)), "..", "bin", "leek.js"), "capture"];
const LEEK_OPTIONS = ["-i", "sink", "--no-local-consensus"];
/** Sent over and over: packets of a house, of 54 to 1,514 bytes. */
const CAPTURE = { packets: 100_000, flows: 1_000 };
const READY_MS = 15_000;
/** For what stands in buffers when the sender is done. */
const SETTLE_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    packets: { type: "string", default: "2000000" },
    buffer: { type: "string", default: "0" },
    pps: { type: "string", default: "0" },
  },
});
const loops = Math.max(1, Math.round(Number(options.packets) / CAPTURE.packets));
const buffer = Number(options.buffer) > 0 ? ["-B", options.buffer] : [];
const folder = mkdtempSync(join(tmpdir(), "leek-live-"));

/**
 * @typedef {{ sent: number, rate: number, captured: number, dropped: number }} Catch
 * @typedef {{ name: string, command: string[], catches: Catch[] }} Contestant
 */

/** @type {Contestant[]} */
const contestants = [
  { name: "leek capture -q", command: [...LEEK, "-q", ...LEEK_OPTIONS, ...buffer] },
  { name: "leek capture -q -w FILE", command: [...LEEK, "-q", ...LEEK_OPTIONS, ...buffer, "-w", join(folder, "leek")] },
  { name: "leek capture (lines to /dev/null)", command: [...LEEK, ...LEEK_OPTIONS, ...buffer] },
  { name: "tcpdump -w /dev/null", command: ["tcpdump", "-n", "-i", "sink", ...buffer, "-w", "/dev/null"] },
  { name: "tcpdump -w FILE", command: ["tcpdump", "-n", "-i", "sink", ...buffer, "-w", join(folder, "tcpdump")] },
  // dumpcap counts its buffer in MiB.
  {
    name: "dumpcap -w FILE",
    command: [
      ...["dumpcap", "-i", "sink", "-w", join(folder, "dumpcap")],
      ...(buffer.length > 0 ? ["-B", String(Math.ceil(Number(options.buffer) / 1024))] : []),
    ],
  },
].map((contestant) => ({ ...contestant, catches: [] }));

for (const program of ["tcpreplay", "tcpdump", "dumpcap"]) {
  if (!isInstalled(program)) {
    console.error(`${program} is missing. On Debian: apt-get install tcpreplay tcpdump wireshark-common`);
    process.exit(69);
  }
}
await ensureDist();
const { capture } = generate(CAPTURE);
const sender = new Namespace(`leek-live-${process.pid}-sender`);
const receiver = new Namespace(`leek-live-${process.pid}-receiver`);
try {
  await sender.create();
  await receiver.create();
  // Quiet: no neighbour or router discovery may add packets to those that were sent.
  const quiet = ["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"];
  await sender.run(quiet);
  await receiver.run(quiet);
  await sender.run([..."ip link add source type veth peer name sink netns".split(" "), receiver.name]);
  await sender.run("ip link set source arp off up".split(" "));
  await receiver.run("ip link set sink arp off up".split(" "));
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const contestant of contestants) {
      contestant.catches.push(await race(contestant));
      // What one wrote must not be written to the disk while the next one captures.
      for (const file of readdirSync(folder)) rmSync(join(folder, file));
      execFileSync("sync");
    }
  }
} finally {
  await sender.remove().catch(() => {});
  await receiver.remove().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
console.log(table());

/**
 * @param {Contestant} contestant
 * @returns {Promise<Catch>}
 */
async function race({ name, command }) {
  const child = receiver.spawn(command, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    const start = performance.now();
    while (!/listening on|^File: /m.test(said)) {
      if (child.exitCode !== null || performance.now() - start > READY_MS) throw new Error(`${name}: ${said}`);
      await sleep(20);
    }
    await sleep(SETTLE_MS / 2);
    const replay = [
      "tcpreplay",
      "-q",
      "-i",
      "source",
      ...(options.pps === "0" ? ["--topspeed"] : ["--pps", options.pps]),
      "--preload-pcap",
      "--loop",
      String(loops),
      capture,
    ];
    const report = await sender.run(replay);
    await sleep(SETTLE_MS);
    child.kill("SIGINT");
    await ended;
    return { ...sentBy(report), ...caughtBy(said) };
  } finally {
    child.kill("SIGKILL");
  }
}

/** @param {string} report Of tcpreplay. */
function sentBy(report) {
  const [, sent = ""] = /Actual: (\d+) packets/.exec(report) ?? [];
  const [, rate = ""] = /([\d.]+) pps/.exec(report) ?? [];
  return { sent: Number(sent), rate: Number(rate) };
}

/** @param {string} said By tcpdump or leek in tcpdump's words, or by dumpcap. */
function caughtBy(said) {
  const dumpcap = /received\/dropped on interface '[^']*': (\d+)\/(\d+)/.exec(said);
  if (dumpcap !== null) return { captured: Number(dumpcap[1]), dropped: Number(dumpcap[2]) };
  const [, captured = ""] = /(\d+) packets? captured/.exec(said) ?? [];
  const [, dropped = ""] = /(\d+) packets? dropped by kernel/.exec(said) ?? [];
  return { captured: Number(captured), dropped: Number(dropped) };
}

function table() {
  const lines = [
    `${loops * CAPTURE.packets} packets sent to each, ${options.rounds} rounds, kernel buffer ${buffer[1] ?? "as each has it"}.`,
    "",
    "| program | sent per second | captured, fewest | dropped, most | sent = captured + dropped |",
    "| --- | ---: | ---: | ---: | --- |",
  ];
  for (const { name, catches } of contestants) {
    const rate = Math.round(median(catches.map((one) => one.rate)));
    const fewest = Math.min(...catches.map((one) => one.captured));
    const most = Math.max(...catches.map((one) => one.dropped));
    const exact = catches.every((one) => one.sent === one.captured + one.dropped);
    lines.push(`| ${name} | ${rate} | ${fewest} | ${most} | ${exact ? "yes" : "no"} |`);
  }
  return lines.join("\n");
}
