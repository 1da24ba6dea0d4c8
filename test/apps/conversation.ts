import type { ApplicationTracker, DatagramProtocol, FlowFacts, StreamProtocol } from "../../src/apps/index.js";
import { ApplicationTracker as Tracker } from "../../src/apps/index.js";
import { CapturedPacket } from "../../src/base/index.js";
import { PacketHeaders, TcpFlag } from "../../src/decode/index.js";
import { IpProtocol } from "../../src/net/index.js";

/** What one side says; strings are a character for each byte. */
export type Said = readonly [side: 0 | 1, bytes: string | Uint8Array];

let number = 0;

function observe(tracker: ApplicationTracker, side: 0 | 1, payload: Uint8Array, seq: number, cut = 0): void {
  const headers = new PacketHeaders();
  headers.tcpFlags = TcpFlag.ACK;
  headers.tcpSeq = seq;
  headers.payloadStart = 3;
  headers.payloadEnd = 3 + payload.length - cut;
  headers.payloadLength = payload.length;
  const packet = new CapturedPacket();
  // In the midst of others' bytes, as in a capture.
  packet.bytes = new Uint8Array(payload.length + 70).fill(0x31);
  packet.bytes.set(payload.subarray(0, payload.length - cut), 3);
  packet.view = new DataView(packet.bytes.buffer);
  packet.end = packet.bytes.length;
  packet.number = ++number;
  tracker.observe(0, side, packet, headers);
}

function syn(tracker: ApplicationTracker, side: 0 | 1): void {
  const headers = new PacketHeaders();
  headers.tcpFlags = side === 0 ? TcpFlag.SYN : TcpFlag.SYN | TcpFlag.ACK;
  headers.tcpSeq = 0;
  const packet = new CapturedPacket();
  packet.bytes = new Uint8Array(0);
  packet.view = new DataView(packet.bytes.buffer);
  tracker.observe(0, side, packet, headers);
}

/**
 * What is understood of a TCP conversation on odd ports.
 *
 * @param segmentBytes - Each side's words are cut into segments of this many bytes.
 */
export function overTcp(
  streams: readonly StreamProtocol[],
  said: readonly Said[],
  segmentBytes = Infinity,
): FlowFacts | undefined {
  const tracker = new Tracker({ streams, datagrams: [] });
  converse(tracker, said, segmentBytes);
  return tracker.factsOf(0);
}

/** Has a TCP conversation in row 0. */
export function converse(tracker: ApplicationTracker, said: readonly Said[], segmentBytes = Infinity): void {
  tracker.begin(0, IpProtocol.TCP, 50_000, 47_000);
  syn(tracker, 0);
  syn(tracker, 1);
  const next = [1, 1];
  for (const [side, words] of said) {
    const bytes = Buffer.from(words as string, "latin1");
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + segmentBytes);
      observe(tracker, side, bytes.subarray(at, end), next[side]!);
      next[side]! += end - at;
      at = end;
    }
  }
}

/** What is understood of datagrams; `cut` bytes of each were not captured. */
export function overUdp(datagrams: readonly DatagramProtocol[], said: readonly Said[], cut = 0): FlowFacts | undefined {
  const tracker = new Tracker({ streams: [], datagrams });
  tracker.begin(0, IpProtocol.UDP, 50_000, 47_000);
  for (const [side, words] of said) observe(tracker, side, Buffer.from(words as string, "latin1"), 0, cut);
  return tracker.factsOf(0);
}

export const disclosed = (facts: FlowFacts | undefined) =>
  (facts?.disclosures ?? []).map(({ kind, value }) => `${kind}: ${value}`);

export const detailsOf = (facts: FlowFacts | undefined) => Object.fromEntries(facts?.details ?? []);
