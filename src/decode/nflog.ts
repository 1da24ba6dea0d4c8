import { EtherType } from "../net/index.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

const HEADER_BYTES = 4;
const TLV_HEADER_BYTES = 4;
const TLV_PAYLOAD = 9;

/**
 * Finds the raw IP packet among the TLVs of a LINKTYPE_NFLOG frame. TLVs stand in the writer's byte order, which the
 * frame does not tell: the order in which the first length is plausible is used throughout.
 *
 * Source: draft-ietf-opsawg-pcaplinktype, "NFLOG".
 */
export function decodeNflog(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < HEADER_BYTES + TLV_HEADER_BYTES) return DecodeStatus.Truncated;
  const family = view.getUint8(start);
  if (view.getUint8(start + 1) !== 0) return DecodeStatus.Unsupported;
  let at = start + HEADER_BYTES;
  // Real types are below 256, so the high byte of the right order is 0; a length alone can look plausible in both.
  const little = view.getUint16(at + 2, true) < 0x100;
  while (end - at >= TLV_HEADER_BYTES) {
    const length = view.getUint16(at, little);
    const type = view.getUint16(at + 2, little);
    if (length < TLV_HEADER_BYTES) return DecodeStatus.Malformed;
    if (type === TLV_PAYLOAD) return payload(view, at + TLV_HEADER_BYTES, end, family, out);
    at += (length + 3) & ~3;
  }
  return DecodeStatus.Truncated;
}

function payload(view: DataView, start: number, end: number, family: number, out: PacketHeaders): DecodeStatus {
  out.nextStart = start;
  if (family === 2) out.etherType = EtherType.IPV4;
  else if (family === 10) out.etherType = EtherType.IPV6;
  else if (family === 0) {
    // AF_UNSPEC: tables of family "inet" and "netdev" log both versions under it.
    if (end - start < 1) return DecodeStatus.Truncated;
    out.etherType = view.getUint8(start) >> 4 === 6 ? EtherType.IPV6 : EtherType.IPV4;
  } else {
    out.etherType = NoEtherType.OTHER_FAMILY;
    return DecodeStatus.NonIp;
  }
  return DecodeStatus.Ok;
}
