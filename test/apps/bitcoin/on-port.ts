import { ApplicationTracker, type FlowFacts, type StreamProtocol } from "../../../src/apps/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { PacketHeaders, TcpFlag } from "../../../src/decode/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import type { Said } from "../conversation.js";

export interface Circumstances {
  /** Where the responder listens. */
  readonly port?: number;
  /** Each side's words are cut into segments of this many bytes. */
  readonly segmentBytes?: number;
  /** What is captured of a segment at most. */
  readonly snaplen?: number;
  /** Whether the capture has the beginning of the connection. */
  readonly fromStart?: boolean;
  /** Stands behind each payload, as a neighbour's bytes do in a capture. */
  readonly behind?: number;
  readonly originatorPort?: number;
}

/** What is understood of a TCP connection from its first to its last byte. */
export function onPort(
  streams: readonly StreamProtocol[],
  said: readonly Said[],
  circumstances: Circumstances = {},
): FlowFacts | undefined {
  const { port = 47_000, segmentBytes = Infinity, snaplen = Infinity, fromStart = true, behind = 0x31 } = circumstances;
  const tracker = new ApplicationTracker({ streams, datagrams: [] });
  tracker.begin(0, IpProtocol.TCP, circumstances.originatorPort ?? 50_000, port);
  let number = 0;
  const observe = (side: 0 | 1, payload: Uint8Array, seq: number, tcpFlags: number) => {
    const captured = payload.subarray(0, Math.min(payload.length, snaplen));
    const packet = new CapturedPacket();
    packet.bytes = new Uint8Array(captured.length + 70).fill(behind);
    packet.bytes.set(captured, 3);
    packet.view = new DataView(packet.bytes.buffer);
    packet.end = packet.bytes.length;
    packet.number = ++number;
    const headers = new PacketHeaders();
    headers.tcpFlags = tcpFlags;
    headers.tcpSeq = seq;
    headers.payloadStart = 3;
    headers.payloadEnd = 3 + captured.length;
    headers.payloadLength = payload.length;
    tracker.observe(0, side, packet, headers);
  };
  if (fromStart) {
    observe(0, new Uint8Array(0), 0, TcpFlag.SYN);
    observe(1, new Uint8Array(0), 0, TcpFlag.SYN | TcpFlag.ACK);
  }
  const next = [1, 1];
  for (const [side, words] of said) {
    const bytes = Buffer.from(words as string, "latin1");
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const segment = bytes.subarray(at, Math.min(bytes.length, at + segmentBytes));
      observe(side, segment, next[side]!, TcpFlag.ACK);
      next[side]! += segment.length;
    }
  }
  return tracker.end(0);
}

/** Random bytes that are the same in each run. */
export function seeded(seed: number): (count: number) => Buffer {
  let state = seed >>> 0;
  const next = () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 24;
  };
  return (count) => Buffer.from(Array.from({ length: count }, next));
}
