import { EtherType } from "../net/index.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

const FAMILY_BYTES = 4;
/** AF_INET6 as Linux, NetBSD and OpenBSD, FreeBSD, and macOS number it. */
const IPV6_FAMILIES = [10, 24, 28, 30];

/**
 * Decodes a LINKTYPE_NULL or LINKTYPE_LOOP header. NULL's family stands in the byte order of the machine that wrote
 * it, which need not be the file's: families are small, so the order that gives a small number is the right one.
 *
 * Source: draft-ietf-opsawg-pcaplinktype, "BSD loopback encapsulation".
 */
export function decodeNullLoop(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < FAMILY_BYTES) return DecodeStatus.Truncated;
  out.nextStart = start + FAMILY_BYTES;
  const bigEndian = view.getUint32(start);
  const family = bigEndian <= 0xffff ? bigEndian : view.getUint32(start, true);
  if (family === 2) out.etherType = EtherType.IPV4;
  else if (IPV6_FAMILIES.includes(family)) out.etherType = EtherType.IPV6;
  else {
    out.etherType = NoEtherType.OTHER_FAMILY;
    return DecodeStatus.NonIp;
  }
  return DecodeStatus.Ok;
}
