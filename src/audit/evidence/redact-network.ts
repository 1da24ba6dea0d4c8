import { extensionHeaderBytes, isExtensionHeader, MAX_EXTENSION_HEADERS } from "../../decode/index.js";
import { type IpAddress, IpProtocol } from "../../net/index.js";
import { type FrameCopy, foldChecksum, sumWords } from "./frame-copy.js";
import type { NetworkStart } from "./redact-link.js";

/** What an IP header carries. */
export interface UpperLayer {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly at: number;
  /** Just past the last captured byte. */
  readonly end: number;
  /** Just past the last byte on the wire. */
  readonly wireEnd: number;
  readonly fragment: "none" | "first" | "later";
  /** Of source and destination as they now stand, for the pseudo header. */
  readonly addressSum: number;
}

/** What an address is to become. */
export type MapAddress = (address: IpAddress) => IpAddress;

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const FRAGMENT_MASK = 0x3fff;
const OFFSET_MASK = 0x1fff;

/**
 * Rewrites an IP header: addresses are mapped, options go, the checksum is made anew.
 *
 * @param end - Just past the last captured byte of what is around it; `wireEnd` likewise, on the wire.
 * @returns undefined where there is no IP header.
 */
export function redactNetwork(
  frame: FrameCopy,
  { version, at }: NetworkStart,
  end: number,
  wireEnd: number,
  map: MapAddress,
): UpperLayer | undefined {
  return version === 4 ? redactIpv4(frame, at, end, wireEnd, map) : redactIpv6(frame, at, end, wireEnd, map);
}

function redactIpv4(
  frame: FrameCopy,
  at: number,
  end: number,
  wireEnd: number,
  map: MapAddress,
): UpperLayer | undefined {
  const { source, target } = frame;
  if (end - at < IPV4_BYTES) return undefined;
  const first = source.getUint8(at);
  const headerLength = (first & 15) * 4;
  const totalLength = source.getUint16(at + 2);
  if (first >> 4 !== 4 || headerLength < IPV4_BYTES || end - at < headerLength) return undefined;
  if (totalLength !== 0 && totalLength < headerLength) return undefined;
  const fragment = source.getUint16(at + 6);
  frame.keep(at, 4);
  // The identification counts a machine's packets: only fragments need it.
  if ((fragment & FRAGMENT_MASK) !== 0) frame.keep(at + 4, 2);
  frame.keep(at + 6, 4);
  for (const offset of [12, 16]) {
    target.setInt32(at + offset, map({ version: 4, a: 0, b: 0, c: 0, d: source.getInt32(at + offset) }).d);
  }
  target.setUint16(at + 10, foldChecksum(sumWords(target, at, at + headerLength)));
  const packetEnd = totalLength === 0 ? wireEnd : at + totalLength;
  return {
    version: 4,
    protocol: source.getUint8(at + 9),
    at: at + headerLength,
    end: Math.min(packetEnd, end),
    wireEnd: packetEnd,
    fragment: (fragment & FRAGMENT_MASK) === 0 ? "none" : (fragment & OFFSET_MASK) === 0 ? "first" : "later",
    addressSum: sumWords(target, at + 12, at + 20),
  };
}

function redactIpv6(
  frame: FrameCopy,
  at: number,
  end: number,
  wireEnd: number,
  map: MapAddress,
): UpperLayer | undefined {
  const { source, target } = frame;
  if (end - at < IPV6_BYTES || source.getUint8(at) >> 4 !== 6) return undefined;
  // Version and traffic class without the flow label.
  target.setUint16(at, source.getUint16(at) & 0xfff0);
  frame.keep(at + 4, 4);
  for (const offset of [8, 24]) {
    const word = (i: number) => source.getInt32(at + offset + i * 4);
    const { a, b, c, d } = map({ version: 6, a: word(0), b: word(1), c: word(2), d: word(3) });
    for (const [i, value] of [a, b, c, d].entries()) target.setInt32(at + offset + i * 4, value);
  }
  const payloadLength = source.getUint16(at + 4);
  const packetEnd = payloadLength === 0 ? wireEnd : at + IPV6_BYTES + payloadLength;
  const chain = redactExtensionHeaders(frame, source.getUint8(at + 6), at + IPV6_BYTES, Math.min(packetEnd, end));
  return {
    version: 6,
    ...chain,
    end: Math.min(packetEnd, end),
    wireEnd: packetEnd,
    addressSum: sumWords(target, at + 8, at + 40),
  };
}

/** Their types and lengths stay; zeros within options are padding (RFC 8200 4.2), and a route of zeros leads nowhere. */
function redactExtensionHeaders(
  frame: FrameCopy,
  first: number,
  start: number,
  end: number,
): Pick<UpperLayer, "protocol" | "at" | "fragment"> {
  const { source } = frame;
  let protocol = first;
  let at = start;
  let fragment: UpperLayer["fragment"] = "none";
  for (let count = 0; count < MAX_EXTENSION_HEADERS; count++) {
    if (!isExtensionHeader(protocol) || end - at < 8) break;
    const next = source.getUint8(at);
    if (protocol === IpProtocol.IPV6_FRAG) {
      frame.keep(at, 8);
      const offsetAndMore = source.getUint16(at + 2);
      if ((offsetAndMore & 0xfff9) !== 0) fragment = offsetAndMore >> 3 === 0 ? "first" : "later";
      at += 8;
      protocol = next;
      if (fragment === "later") break;
      continue;
    }
    frame.keep(at, 2);
    at += extensionHeaderBytes(protocol, source.getUint8(at + 1));
    protocol = next;
  }
  return { protocol, at, fragment };
}
