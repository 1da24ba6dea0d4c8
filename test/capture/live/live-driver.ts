// Captures as told, in a process of its own, and prints what it saw; see live-lab.ts.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { CapturedPacket, LeekError } from "../../../src/base/index.js";
import { type LiveOptions, openLive } from "../../../src/capture/index.js";
import type { SourceInfo } from "../../../src/capture/packet-source.js";
import { copyPacket, type ReadPacket } from "../read-packets.js";

export interface DriverOrder {
  readonly options: Partial<LiveOptions> & Pick<LiveOptions, "interfaces">;
  /** Whether packets are left alone until SIGUSR2. */
  readonly hold?: boolean;
  /** Whether packets are counted only. */
  readonly countOnly?: boolean;
  /** The user to become, and when. */
  readonly user?: { readonly id: number; readonly when: "before" | "open" };
}

export interface DriverResult {
  readonly packets: readonly ReadPacket[];
  readonly count: number;
  /** Of frames, as captured. */
  readonly bytes: number;
  readonly infos: readonly (Omit<SourceInfo, "anomalies"> & { readonly anomalies: Record<string, number> })[];
  readonly events: readonly { readonly interface: string; readonly kind: string; readonly message: string }[];
  readonly error: { code: string; kind: string; message: string; hint?: string | undefined } | undefined;
  /** Milliseconds that close() took. */
  readonly closing: number;
  /** Packet sockets that are open at the end. */
  readonly sockets: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const order = JSON.parse(process.argv[2]!) as DriverOrder;
const events: DriverResult["events"][number][] = [];
const packets: ReadPacket[] = [];
const result: Mutable<DriverResult> = {
  packets,
  count: 0,
  bytes: 0,
  infos: [],
  events,
  error: undefined,
  closing: 0,
  sockets: 0,
};
const options: LiveOptions = {
  expression: undefined,
  snaplen: 262_144,
  promiscuous: true,
  immediate: false,
  bufferBytes: 4 << 20,
  backend: "libpcap",
  worker: new URL("./worker.mjs", import.meta.url),
  now: Date.now,
  ...order.options,
  onEvent: (event) => {
    events.push(event);
    console.error(`event ${event.interface} ${event.kind}`);
  },
};

async function capture(): Promise<void> {
  if (order.user?.when === "before") process.setuid!(order.user.id);
  const source = await openLive(options);
  if (order.user?.when === "open") process.setuid!(order.user.id);
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  // A promise alone keeps no process, and the capture's thread may have ended by then.
  const keepsRunning = setInterval(() => {}, 1_000);
  if (order.hold !== true) go();
  let closed: Promise<void> | undefined;
  process.on("SIGUSR2", () => go());
  process.on("SIGINT", () => {
    source.stop();
    console.error("stopping");
  });
  process.on("SIGTERM", () => {
    closed ??= close();
  });
  const close = async () => {
    const start = performance.now();
    await source.close();
    result.closing = performance.now() - start;
  };
  console.error("listening on", JSON.stringify(source.infos));
  await held;
  clearInterval(keepsRunning);
  const packet = new CapturedPacket();
  while (await source.fill()) {
    while (source.next(packet)) {
      result.count++;
      result.bytes += packet.end - packet.start;
      if (order.countOnly !== true) packets.push(copyPacket(packet));
      if (result.count === 1) console.error("first packet");
    }
  }
  console.error("ended");
  await (closed ?? close());
  result.infos = source.infos.map((info) => ({ ...info, anomalies: Object.fromEntries(info.anomalies) }));
}

/** How many this process has open; those of other processes in the namespace are in the kernel's list too. */
function packetSockets(): number {
  const [, ...lines] = readFileSync("/proc/net/packet", "utf8").trim().split("\n");
  const known = new Set(lines.map((line) => `socket:[${line.trim().split(/\s+/).at(-1)}]`));
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return known.has(readlinkSync(`/proc/self/fd/${descriptor}`));
    } catch {
      // That of the listing itself.
      return false;
    }
  }).length;
}

try {
  await capture();
} catch (error) {
  if (!(error instanceof LeekError)) throw error;
  const { code, kind, message, hint } = error;
  result.error = { code, kind, message, hint };
}
result.sockets = packetSockets();
console.log(JSON.stringify(result));
// No exit: a thread that was left behind would keep the process, and the test would see that.
