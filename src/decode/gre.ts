import { EtherType } from "../net/index.js";
import { decodeEthernet } from "./ethernet.js";
import { DecodeStatus, type PacketHeaders } from "./headers.js";

const FLAG_CHECKSUM = 0x8000;
const FLAG_ROUTING = 0x4000;
const FLAG_KEY = 0x2000;
const FLAG_SEQUENCE = 0x1000;
const VERSION_MASK = 7;

/**
 * Decodes a GRE header at `out.nextStart`, leaving `etherType` and `nextStart` at what it carries.
 *
 * Source: RFC 2784 2, RFC 2890 2.
 *
 * @returns Unsupported for version 1 (PPTP) and for source routing, which RFC 2784 retired.
 */
export function decodeGre(view: DataView, out: PacketHeaders): DecodeStatus {
  const start = out.nextStart;
  const end = out.nextEnd;
  if (end - start < 4) return DecodeStatus.Truncated;
  const flags = view.getUint16(start);
  if ((flags & (VERSION_MASK | FLAG_ROUTING)) !== 0) return DecodeStatus.Unsupported;
  let headerLength = 4;
  if ((flags & FLAG_CHECKSUM) !== 0) headerLength += 4;
  if ((flags & FLAG_KEY) !== 0) headerLength += 4;
  if ((flags & FLAG_SEQUENCE) !== 0) headerLength += 4;
  if (end - start < headerLength) return DecodeStatus.Truncated;
  out.etherType = view.getUint16(start + 2);
  out.nextStart = start + headerLength;
  return out.etherType === EtherType.TEB ? decodeEthernet(view, out.nextStart, end, out) : DecodeStatus.Ok;
}
