import { DecodeStatus, type PacketHeaders } from "./headers.js";

const UDP_HEADER_BYTES = 8;

/**
 * Decodes the UDP header at `out.nextStart`; SCTP and UDP-Lite, whose ports stand in the same place, pass here too.
 *
 * Source: RFC 768.
 *
 * @returns Truncated when the capture cut the header: ports still stand if their four bytes were captured.
 */
export function decodeUdp(view: DataView, out: PacketHeaders): DecodeStatus {
  const start = out.nextStart;
  const end = out.nextEnd;
  if (end - start < 4) return DecodeStatus.Truncated;
  out.srcPort = view.getUint16(start);
  out.dstPort = view.getUint16(start + 2);
  if (end - start < UDP_HEADER_BYTES) return DecodeStatus.Truncated;
  out.payloadStart = start + UDP_HEADER_BYTES;
  out.payloadEnd = end;
  // The IP length, not UDP's own field: a wrong field must not hide bytes, and fragments carry the whole length.
  out.payloadLength = out.nextWireEnd - out.payloadStart;
  return out.payloadLength < 0 ? DecodeStatus.Malformed : DecodeStatus.Ok;
}
