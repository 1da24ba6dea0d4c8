import { IpProtocol } from "../net/index.js";
import { DecodeStatus, Fragment, type PacketHeaders } from "./headers.js";

const HEADER_BYTES = 40;
const FRAGMENT_HEADER_BYTES = 8;
/** RFC 8200 sets no limit; honest packets carry two or three, and a chain is a way to hide from a reader. */
export const MAX_EXTENSION_HEADERS = 10;

/**
 * Decodes the IPv6 header at `start` and walks its extension headers to the upper-layer protocol.
 *
 * Source: RFC 8200 3 and 4, RFC 4302 2.2 (AH).
 *
 * @param wireEnd - As for decodeIpv4.
 */
export function decodeIpv6(
  view: DataView,
  start: number,
  end: number,
  wireEnd: number,
  out: PacketHeaders,
): DecodeStatus {
  if (end - start < HEADER_BYTES) return DecodeStatus.Truncated;
  if (view.getUint8(start) >> 4 !== 6) return DecodeStatus.Malformed;
  const payloadLength = view.getUint16(start + 4);
  // 0 means a jumbogram (RFC 2675) or segmentation offload.
  const packetEnd = payloadLength === 0 ? wireEnd : start + HEADER_BYTES + payloadLength;
  out.ipVersion = 6;
  out.srcA = view.getInt32(start + 8);
  out.srcB = view.getInt32(start + 12);
  out.srcC = view.getInt32(start + 16);
  out.srcD = view.getInt32(start + 20);
  out.dstA = view.getInt32(start + 24);
  out.dstB = view.getInt32(start + 28);
  out.dstC = view.getInt32(start + 32);
  out.dstD = view.getInt32(start + 36);
  out.fragment = Fragment.None;
  out.nextStart = start + HEADER_BYTES;
  out.nextEnd = Math.min(packetEnd, end);
  out.nextWireEnd = packetEnd;
  out.protocol = view.getUint8(start + 6);
  return isExtensionHeader(out.protocol) ? walkExtensionHeaders(view, out) : DecodeStatus.Ok;
}

/** Whether a next-header number is that of an extension header, behind which another one follows (RFC 7045 2.2). */
export function isExtensionHeader(protocol: number): boolean {
  switch (protocol) {
    case IpProtocol.HOPOPT:
    case IpProtocol.IPV6_ROUTE:
    case IpProtocol.IPV6_FRAG:
    case IpProtocol.IPV6_OPTS:
    case IpProtocol.AH:
    case IpProtocol.MOBILITY:
    case IpProtocol.HIP:
    case IpProtocol.SHIM6:
      return true;
    default:
      return false;
  }
}

/**
 * Follows next-header fields from `out.protocol` at `out.nextStart`. Where the capture ends inside the chain, the
 * addresses still stand and the protocol is the last one named: the caller's transport decoder finds it truncated.
 */
function walkExtensionHeaders(view: DataView, out: PacketHeaders): DecodeStatus {
  for (let count = 0; count < MAX_EXTENSION_HEADERS; count++) {
    const at = out.nextStart;
    if (!isExtensionHeader(out.protocol)) return DecodeStatus.Ok;
    if (out.nextEnd - at < FRAGMENT_HEADER_BYTES) return DecodeStatus.Ok;
    const next = view.getUint8(at);
    if (out.protocol === IpProtocol.IPV6_FRAG) {
      const offsetAndMore = view.getUint16(at + 2);
      // An "atomic fragment" (offset 0, no more) is a whole datagram (RFC 6946).
      if ((offsetAndMore & 0xfff9) !== 0) {
        out.fragment = offsetAndMore >> 3 === 0 ? Fragment.First : Fragment.Later;
        out.fragmentId = view.getInt32(at + 4);
      }
      out.nextStart = at + FRAGMENT_HEADER_BYTES;
      out.protocol = next;
      if (out.fragment === Fragment.Later) return DecodeStatus.Ok;
      continue;
    }
    out.nextStart = at + extensionHeaderBytes(out.protocol, view.getUint8(at + 1));
    out.protocol = next;
  }
  return isExtensionHeader(out.protocol) ? DecodeStatus.Malformed : DecodeStatus.Ok;
}

/**
 * Length of an extension header other than the fragment header.
 *
 * @param units - Its second byte: AH counts words (RFC 4302 2.2), the others units of 8 bytes (RFC 8200 4).
 */
export function extensionHeaderBytes(protocol: number, units: number): number {
  return protocol === IpProtocol.AH ? (units + 2) * 4 : (units + 1) * 8;
}
