import { spawnSync } from "node:child_process";
import { CapturedPacket } from "../../../src/base/index.js";
import { LineBuffer, TcpdumpFormatter, type TcpdumpOptions } from "../../../src/report/tcpdump/index.js";
import { buildPcap } from "../../support/capture-builder.js";

/** A frame as it goes into a capture file. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Bytes on the wire; the frame's own length by default. */
  readonly originalLength?: number;
  readonly seconds?: number;
  readonly nanoseconds?: number;
}

/** What differs between leek and tcpdump for one packet. */
export interface Difference {
  readonly packet: number;
  readonly leek: string;
  readonly tcpdump: string;
  readonly hex: string;
}

/** The first frame cut to every length from `from` to its end. */
export function everyPrefix(frame: Uint8Array, from = 1): Frame[] {
  const frames: Frame[] = [];
  for (let length = from; length <= frame.length; length++) {
    frames.push({ bytes: frame.subarray(0, length), originalLength: frame.length });
  }
  return frames;
}

export function frames(...bytes: readonly Uint8Array[]): Frame[] {
  return bytes.map((frame) => ({ bytes: frame }));
}

/** A packet object for one frame, its bytes with foreign ones before and after. */
export function packetOf(frame: Frame, linkType: number, number = 1): CapturedPacket {
  const packet = new CapturedPacket();
  const { bytes } = frame;
  packet.bytes = new Uint8Array(bytes.length + 32).fill(0xa5);
  packet.bytes.set(bytes, 16);
  packet.view = new DataView(packet.bytes.buffer);
  packet.start = 16;
  packet.end = 16 + bytes.length;
  packet.originalLength = frame.originalLength ?? bytes.length;
  packet.seconds = frame.seconds ?? 1_700_000_000;
  packet.nanoseconds = frame.nanoseconds ?? 0;
  packet.linkType = linkType;
  packet.number = number;
  return packet;
}

/** leek's text of each frame, in one formatter. */
export function leekTexts(list: readonly Frame[], linkType: number, options: TcpdumpOptions = {}): string[] {
  const formatter = new TcpdumpFormatter(options);
  const out = new LineBuffer(256);
  return list.map((frame, index) => {
    out.clear();
    formatter.format(packetOf(frame, linkType, index + 1), out);
    return out.toString();
  });
}

/** All that tcpdump prints of these frames. */
export function tcpdumpText(
  list: readonly Frame[],
  linkType: number,
  flags: readonly string[] = ["-t"],
  zone = "UTC",
): string {
  const isNano = list.some((frame) => (frame.nanoseconds ?? 0) % 1000 !== 0);
  const capture = buildPcap(
    { linkType, form: isNano ? "nano" : "micro" },
    list.map((frame) => ({
      seconds: frame.seconds ?? 1_700_000_000,
      fraction: isNano ? (frame.nanoseconds ?? 0) : Math.trunc((frame.nanoseconds ?? 0) / 1000),
      bytes: frame.bytes,
      originalLength: frame.originalLength ?? frame.bytes.length,
    })),
  );
  return runTcpdump(["-r", "-", ...flags], zone, capture);
}

/** @param mayFail - Take what was printed before an error, as for a capture that is cut short. */
export function runTcpdump(flags: readonly string[], zone: string, input?: Uint8Array, mayFail = false): string {
  const result = spawnSync("tcpdump", ["-n", ...flags], {
    ...(input === undefined ? {} : { input }),
    env: { ...process.env, TZ: zone },
    maxBuffer: 1 << 28,
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0 && !mayFail) throw new Error(`tcpdump failed: ${result.stderr.toString("latin1")}`);
  return result.stdout.toString("latin1");
}

/** Lays leek's texts along tcpdump's output; packets that differ are found again at the next one that agrees. */
export function differences(
  texts: readonly string[],
  expected: string,
  list: readonly Frame[],
  limit = 5,
): Difference[] {
  const lines = expected.split("\n");
  const found: Difference[] = [];
  let line = 0;
  for (let i = 0; i < texts.length && found.length < limit; i++) {
    // A packet's text begins at its line and runs to before the next line that does not begin with a tab.
    let next = line + 1;
    while (next < lines.length && lines[next]!.startsWith("\t")) next++;
    const theirs = lines.slice(line, next).join("\n");
    if (theirs !== texts[i]) {
      found.push({ packet: i + 1, leek: texts[i]!, tcpdump: theirs, hex: Buffer.from(list[i]!.bytes).toString("hex") });
    }
    line = next;
  }
  return found;
}

/** Differences between leek and tcpdump over frames of one link type; empty when there are none. */
export function compare(
  list: readonly Frame[],
  linkType: number,
  options: TcpdumpOptions = {},
  flags: readonly string[] = [],
  limit = 5,
): Difference[] {
  const texts = leekTexts(list, linkType, { time: "none", ...options });
  return differences(texts, tcpdumpText(list, linkType, ["-t", ...flags]), list, limit);
}
