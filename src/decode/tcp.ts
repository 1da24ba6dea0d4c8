import { DecodeStatus, type PacketHeaders } from "./headers.js";

export const TCP_HEADER_BYTES = 20;

/**
 * Decodes the TCP header at `out.nextStart`. Options are skipped.
 *
 * Source: RFC 9293 3.1.
 *
 * @returns Truncated when the capture cut the header: ports still stand if their four bytes were captured. Malformed
 *   when the data offset is below 5 or past the packet's end on the wire.
 */
export function decodeTcp(view: DataView, out: PacketHeaders): DecodeStatus {
  const start = out.nextStart;
  const end = out.nextEnd;
  if (end - start < 4) return DecodeStatus.Truncated;
  out.srcPort = view.getUint16(start);
  out.dstPort = view.getUint16(start + 2);
  if (end - start < TCP_HEADER_BYTES) return DecodeStatus.Truncated;
  const headerLength = (view.getUint8(start + 12) >> 4) * 4;
  if (headerLength < TCP_HEADER_BYTES || start + headerLength > out.nextWireEnd) return DecodeStatus.Malformed;
  out.tcpSeq = view.getInt32(start + 4);
  out.tcpAck = view.getInt32(start + 8);
  out.tcpFlags = view.getUint8(start + 13);
  const payloadStart = start + headerLength;
  out.payloadStart = Math.min(payloadStart, end);
  out.payloadEnd = end;
  out.payloadLength = out.nextWireEnd - payloadStart;
  return DecodeStatus.Ok;
}
