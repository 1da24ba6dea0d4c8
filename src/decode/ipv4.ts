import { DecodeStatus, Fragment, type PacketHeaders } from "./headers.js";

const HEADER_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/**
 * Decodes the IPv4 header at `start`.
 *
 * Source: RFC 791 3.1.
 *
 * @param end - Just past the last captured byte.
 * @param wireEnd - Just past the frame's last byte on the wire, as an offset.
 */
export function decodeIpv4(
  view: DataView,
  start: number,
  end: number,
  wireEnd: number,
  out: PacketHeaders,
): DecodeStatus {
  if (end - start < HEADER_BYTES) return DecodeStatus.Truncated;
  const first = view.getUint8(start);
  const headerLength = (first & 15) * 4;
  if (first >> 4 !== 4 || headerLength < HEADER_BYTES) return DecodeStatus.Malformed;
  if (end - start < headerLength) return DecodeStatus.Truncated;
  const totalLength = view.getUint16(start + 2);
  // Ethernet pads short frames to 60 bytes, so the IP length counts, not the frame's. Segmentation offload leaves 0.
  const packetEnd = totalLength === 0 ? wireEnd : start + totalLength;
  if (totalLength !== 0 && totalLength < headerLength) return DecodeStatus.Malformed;
  out.ipVersion = 4;
  out.srcA = 0;
  out.srcB = 0;
  out.srcC = 0;
  out.srcD = view.getInt32(start + 12);
  out.dstA = 0;
  out.dstB = 0;
  out.dstC = 0;
  out.dstD = view.getInt32(start + 16);
  out.protocol = view.getUint8(start + 9);
  const fragment = view.getUint16(start + 6);
  if ((fragment & (MORE_FRAGMENTS | OFFSET_MASK)) === 0) {
    out.fragment = Fragment.None;
  } else {
    out.fragment = (fragment & OFFSET_MASK) === 0 ? Fragment.First : Fragment.Later;
    out.fragmentId = view.getUint16(start + 4);
  }
  out.nextStart = start + headerLength;
  out.nextEnd = Math.min(packetEnd, end);
  out.nextWireEnd = packetEnd;
  return DecodeStatus.Ok;
}
