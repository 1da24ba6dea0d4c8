import { IpProtocol } from "../../net/index.js";
import { type FrameCopy, foldChecksum, sumWords } from "./frame-copy.js";
import type { UpperLayer } from "./redact-network.js";

const TCP_BYTES = 20;
const UDP_BYTES = 8;
/** By kind: maximum segment size, window scale, SACK permitted, SACK (RFC 9293 3.2, RFC 7323 2.2, RFC 2018). */
const KEPT_OPTIONS: ReadonlyMap<number, readonly number[]> = new Map([
  [2, [4]],
  [3, [3]],
  [4, [2]],
  [5, [10, 18, 26, 34]],
]);
const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_TIMESTAMPS = 8;

/** Rewrites a transport header: ports, numbers and flags stay, payload becomes zeros, checksums are made anew. */
export function redactTransport(frame: FrameCopy, upper: UpperLayer): void {
  if (upper.fragment === "later") return;
  switch (upper.protocol) {
    case IpProtocol.TCP:
      redactTcp(frame, upper);
      break;
    case IpProtocol.UDP:
      redactUdp(frame, upper);
      break;
    case IpProtocol.UDPLITE:
      redactUdpLite(frame, upper);
      break;
    case IpProtocol.SCTP:
      if (upper.end - upper.at >= 4) frame.keep(upper.at, 4);
      break;
    case IpProtocol.ICMP:
    case IpProtocol.IGMP:
      redactMessage(frame, upper, 0);
      break;
    case IpProtocol.ICMPV6:
      redactMessage(frame, upper, pseudoHeader(upper, upper.wireEnd - upper.at));
      break;
  }
}

function redactTcp(frame: FrameCopy, upper: UpperLayer): void {
  const { source, target } = frame;
  const { at, end, wireEnd } = upper;
  if (end - at < 4) return;
  frame.keep(at, 4);
  if (end - at < TCP_BYTES) return;
  // Sequence numbers, data offset, flags, window; no urgent pointer.
  frame.keep(at + 4, 12);
  const headerLength = (source.getUint8(at + 12) >> 4) * 4;
  if (headerLength < TCP_BYTES || at + headerLength > wireEnd) return;
  const headerEnd = Math.min(at + headerLength, end);
  redactOptions(frame, at + TCP_BYTES, headerEnd);
  // How long the whole segment is, a first fragment does not tell.
  if (upper.fragment !== "none") return;
  target.setUint16(at + 16, foldChecksum(pseudoHeader(upper, wireEnd - at) + sumWords(target, at, headerEnd)));
}

/** Cookies, keys and time stamps tell machines apart; what stays is the size of things. */
function redactOptions(frame: FrameCopy, start: number, end: number): void {
  const { source, target } = frame;
  for (let at = start; at < end; ) {
    const kind = source.getUint8(at);
    if (kind === OPTION_END) return;
    if (kind === OPTION_NOTHING) {
      frame.keep(at++, 1);
      continue;
    }
    const length = at + 1 < end ? source.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) return;
    if (KEPT_OPTIONS.get(kind)?.includes(length) === true) frame.keep(at, length);
    else if (kind === OPTION_TIMESTAMPS && length === 10) frame.keep(at, 2);
    else for (let i = at; i < at + length; i++) target.setUint8(i, OPTION_NOTHING);
    at += length;
  }
}

function redactUdp(frame: FrameCopy, upper: UpperLayer): void {
  const { source, target } = frame;
  const { at, end, wireEnd } = upper;
  if (end - at < 4) return;
  frame.keep(at, 4);
  if (end - at < UDP_BYTES) return;
  frame.keep(at + 4, 2);
  // Over IPv4 a sender may leave it out.
  if (source.getUint16(at + 6) === 0 && upper.version === 4) return;
  const length = source.getUint16(at + 4) || wireEnd - at;
  target.setUint16(at + 6, notZero(foldChecksum(pseudoHeader(upper, length) + sumWords(target, at, at + 6))));
}

/** Bytes 4 and 5 say how much the checksum covers (RFC 3828 3.1); zeros count for nothing anyway. */
function redactUdpLite(frame: FrameCopy, upper: UpperLayer): void {
  const { at, end, wireEnd } = upper;
  if (end - at < 4) return;
  frame.keep(at, 4);
  if (end - at < UDP_BYTES) return;
  frame.keep(at + 4, 2);
  if (upper.fragment !== "none") return;
  const sum = pseudoHeader(upper, wireEnd - at) + sumWords(frame.target, at, at + 6);
  frame.target.setUint16(at + 6, notZero(foldChecksum(sum)));
}

/** ICMP and IGMP: type and code; what follows holds addresses, quoted packets or what the sender likes. */
function redactMessage(frame: FrameCopy, upper: UpperLayer, pseudo: number): void {
  const { target } = frame;
  const { at, end } = upper;
  if (end - at < 1) return;
  frame.keep(at, 1);
  if (end - at < 2) return;
  // In IGMP this is a time or zero.
  frame.keep(at + 1, 1);
  if (end - at < 4 || upper.fragment !== "none") return;
  target.setUint16(at + 2, foldChecksum(pseudo + target.getUint16(at)));
}

/** RFC 9293 3.1, RFC 8200 8.1. */
function pseudoHeader({ addressSum, protocol }: UpperLayer, length: number): number {
  return addressSum + protocol + (length >>> 16) + (length & 0xffff);
}

/** In UDP zero stands for "none" (RFC 768). */
function notZero(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}
