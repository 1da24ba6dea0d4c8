import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Namespace } from "../../../scripts/tornet/namespaces.mjs";
import { end } from "../../../scripts/tornet/processes.mjs";
import type { LiveEvent, LiveOptions, SourceInfo } from "../../../src/capture/index.js";
import { bundleScript } from "../../support/bundle.js";
import { PROJECT } from "../../support/leek.js";
import type { ReadPacket } from "../read-packets.js";

/** What the probe is told to do. */
export interface ProbeOptions {
  readonly live: Partial<Omit<LiveOptions, "worker" | "onEvent" | "now">> & Pick<LiveOptions, "interfaces">;
  /** Whether to leave the packets alone until `go`. */
  readonly hold?: boolean;
  /** User to become once the interfaces are open. */
  readonly becomeUid?: number;
  /** How many packets to tell of, the first ones; the others are counted. */
  readonly keep?: number;
}

/** How a probe ended. */
export interface ProbeResult {
  /** All packets, and all bytes kept of them. */
  readonly count: number;
  readonly bytes: number;
  readonly packets: readonly ReadPacket[];
  readonly infos: readonly (Omit<SourceInfo, "anomalies"> & { readonly anomalies: Record<string, number> })[];
  readonly events: readonly LiveEvent[];
  /** Of the process at the opening, in bytes. */
  readonly residentBytes: number;
}

export interface ProbeError {
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly hint: string | undefined;
}

type Said =
  | { readonly say: "open" }
  | { readonly say: "packets"; readonly count: number }
  | { readonly say: "event"; readonly event: LiveEvent }
  | { readonly say: "error"; readonly error: ProbeError }
  | { readonly say: "end"; readonly result: ProbeResult };

/** openLive() as a user has it: in a process of its own, with the worker as a file of its own. */
const PROBE = `
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CapturedPacket } from "./src/base/index.js";
import { DEFAULT_LIVE_BUFFER_BYTES, openLive } from "./src/capture/index.js";
import { copyPacket } from "./test/capture/read-packets.js";

const { live, hold = false, becomeUid, keep = 1000 } = JSON.parse(process.argv[2]);
const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
const events = [];
let go;
const gone = new Promise((resolve) => { go = resolve; });
try {
  const source = await openLive({
    expression: undefined, snaplen: 262144, promiscuous: true, immediate: false,
    bufferBytes: DEFAULT_LIVE_BUFFER_BYTES, backend: "libpcap", now: Date.now,
    worker: new URL("./worker.mjs", import.meta.url),
    onEvent: (event) => { events.push(event); say({ say: "event", event }); },
    ...live,
  });
  if (becomeUid !== undefined) {
    process.setgroups([]);
    process.setgid(becomeUid);
    process.setuid(becomeUid);
  }
  createInterface({ input: process.stdin }).on("line", (line) => {
    if (line === "go") go();
    if (line === "stop") source.stop();
  }).on("close", () => { go(); source.stop(); });
  const residentBytes = process.memoryUsage.rss();
  say({ say: "open" });
  if (hold) await gone;
  const packet = new CapturedPacket();
  const packets = [];
  let count = 0;
  let bytes = 0;
  while (await source.fill()) {
    while (source.next(packet)) {
      count++;
      bytes += packet.end - packet.start;
      if (packets.length < keep) packets.push(copyPacket(packet));
    }
    say({ say: "packets", count });
    await nextTurn();
  }
  await source.close();
  const infos = source.infos.map((info) => ({ ...info, anomalies: Object.fromEntries(info.anomalies) }));
  say({ say: "end", result: { count, bytes, packets, infos, events, residentBytes } });
} catch (error) {
  const { code, kind, message, hint } = error;
  say({ say: "error", error: { code: code ?? "crash", kind, message: code ? message : error.stack, hint } });
}
process.stdin.destroy();
`;

/** Sends UDP frames as fast as it can: argv is the interface, and JSON of [{ count, sizes, port }]. */
const SENDER = `
import koffi from "koffi";
const [name, plan] = process.argv.slice(2);
const c = koffi.load(null);
const socket = c.func("socket", "int", ["int", "int", "int"]);
const indexOf = c.func("if_nametoindex", "uint", ["str"]);
const sendto = c.func("sendto", "long", ["int", "void *", "size_t", "int", "void *", "uint"]);
const descriptor = socket(17, 3, 0);
const address = Buffer.alloc(20);
address.writeUInt16LE(17, 0);
address.writeUInt16BE(0x0800, 2);
address.writeInt32LE(indexOf(name), 4);
let sent = 0;
for (const { count, sizes, port } of JSON.parse(plan)) {
  for (let i = 0; i < count; i++) {
    const size = sizes[i % sizes.length];
    const frame = Buffer.alloc(size, i & 255);
    frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0], 0);
    frame.writeUInt16BE(size - 14, 16);
    frame.set([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2], 18);
    frame.writeUInt16BE(40000, 34);
    frame.writeUInt16BE(port, 36);
    frame.writeUInt16BE(size - 34, 38);
    frame.writeUInt16BE(0, 40);
    frame.writeUInt32BE(sent, 42);
    while (sendto(descriptor, frame, size, 0, address, 20) !== size);
    sent++;
  }
}
process.stdout.write(String(sent));
`;

export interface Burst {
  readonly count: number;
  /** Of frames in bytes, taken in turn; at least 46. */
  readonly sizes: readonly number[];
  /** UDP destination port. */
  readonly port?: number;
}

let networks = 0;

/**
 * Two network namespaces joined by a cable that carries nothing but what a test sends: `source` in the one, `sink` in the
 * other.
 */
export class LiveNetwork {
  readonly folder: string;
  private readonly sender: Namespace;
  private readonly receiver: Namespace;
  private readonly probes = new Set<Probe>();

  constructor() {
    const name = `leek-live-${process.pid}-${networks++}`;
    this.sender = new Namespace(`${name}-s`);
    this.receiver = new Namespace(`${name}-r`);
    // Inside the project, where the scripts find its packages.
    const cache = join(PROJECT, "node_modules", ".cache");
    mkdirSync(cache, { recursive: true });
    this.folder = mkdtempSync(join(cache, "leek-live-test-"));
  }

  async create(): Promise<void> {
    bundleScript(PROBE, join(this.folder, "probe.mjs"));
    bundleScript('import "./src/capture/live/libpcap-worker.js";', join(this.folder, "worker.mjs"));
    bundleScript(SENDER, join(this.folder, "sender.mjs"));
    await this.sender.create();
    await this.receiver.create();
    // No neighbour or router discovery may add packets to those that a test sends.
    for (const side of [this.sender, this.receiver]) {
      await side.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"]);
    }
  }

  /** Makes the cable unless it is there: a test may have removed it. */
  async plugIn(): Promise<void> {
    if ((await this.sender.run(["ip", "-br", "link"])).includes("source@")) return;
    const args = ["link", "add", "source", "type", "veth", "peer", "name", "sink", "netns", this.receiver.name];
    await this.sender.run(["ip", ...args]);
    await this.sender.run("ip link set source arp off up".split(" "));
    await this.receiver.run("ip link set sink arp off up".split(" "));
  }

  async remove(): Promise<void> {
    await Promise.all([...this.probes].map((probe) => probe.kill()));
    await this.sender.remove().catch(() => {});
    await this.receiver.remove().catch(() => {});
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends through the cable; returns when all frames have been handed to the kernel. */
  async send(...bursts: readonly Burst[]): Promise<void> {
    const plan = JSON.stringify(bursts.map((burst) => ({ port: 9, ...burst })));
    await this.sender.run([process.execPath, join(this.folder, "sender.mjs"), "source", plan], { timeoutMs: 20_000 });
  }

  /** Runs a program where the capture is. */
  run(command: string): Promise<string> {
    return this.receiver.run(command.split(" "));
  }

  /** Starts a program where the capture is. */
  spawn(command: readonly string[]): ChildProcess {
    return this.receiver.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Starts a capture. @param wrapper - A program, and its arguments, to start it by. */
  start(options: ProbeOptions, wrapper: readonly string[] = []): Probe {
    const command = [...wrapper, process.execPath, join(this.folder, "probe.mjs"), JSON.stringify(options)];
    const probe = new Probe(this.receiver.spawn(command, { stdio: ["pipe", "pipe", "inherit"] }));
    this.probes.add(probe);
    return probe;
  }

  /** Captures until everything that `during` sends has come. */
  async capture(options: ProbeOptions, during: () => Promise<unknown>): Promise<ProbeResult> {
    const probe = this.start(options);
    await probe.opened();
    await during();
    return probe.stop();
  }
}

const PATIENCE_MS = 15_000;

/** A process that captures. */
export class Probe {
  private readonly said: Said[] = [];
  private heard: () => void = () => {};

  constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      this.said.push(JSON.parse(line));
      this.heard();
    });
    // It may have ended by itself.
    child.stdin!.on("error", () => {});
  }

  opened(): Promise<unknown> {
    return this.until("the opening", (said) => said.say === "open");
  }

  event(kind: LiveEvent["kind"]): Promise<unknown> {
    return this.until(`the event ${kind}`, (said) => said.say === "event" && said.event.kind === kind);
  }

  packets(count: number): Promise<unknown> {
    return this.until(`${count} packets`, (said) => said.say === "packets" && said.count >= count);
  }

  async refusal(): Promise<ProbeError> {
    const said = await this.until("an error", ({ say }) => say === "error" || say === "open", false);
    if (said.say !== "error") throw new Error("the capture was not refused");
    return said.error;
  }

  /** Ends holding back. */
  go(): void {
    this.child.stdin!.write("go\n");
  }

  askToStop(): void {
    this.child.stdin!.write("stop\n");
  }

  stop(): Promise<ProbeResult> {
    this.askToStop();
    return this.result();
  }

  async result(): Promise<ProbeResult> {
    const said = await this.until("the end", ({ say }) => say === "end");
    return (said as Extract<Said, { say: "end" }>).result;
  }

  async kill(): Promise<void> {
    await end(this.child, "SIGKILL");
  }

  private async until(what: string, is: (said: Said) => boolean, errorsThrow = true): Promise<Said> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.said.find(is);
      if (found !== undefined) return found;
      const error = this.said.find((said) => said.say === "error");
      if (errorsThrow && error !== undefined) throw new Error(JSON.stringify(error));
      const left = deadline - performance.now();
      if (left <= 0 || this.child.exitCode !== null) throw new Error(`waited in vain for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 100));
        this.heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Starts tcpdump beside; the function that it resolves to ends it. */
export async function startTcpdump(network: LiveNetwork, file: string, args: readonly string[]) {
  const child = network.spawn(["tcpdump", "-n", "-U", "-w", file, "--time-stamp-precision=nano", ...args]);
  child.stdout!.resume();
  for await (const line of createInterface({ input: child.stderr! })) if (line.includes("listening on")) break;
  return async (): Promise<void> => {
    // Its last block of packets comes within its time-out of 1 s.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const closed = once(child, "close");
    child.kill("SIGINT");
    await closed;
  };
}

/** Runs a program to its end and throws away what it says. */
export async function quietly(program: string, args: readonly string[]): Promise<void> {
  await once(spawn(program, [...args], { stdio: "ignore" }), "close");
}
