import { EtherType } from "../net/index.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

export const ETHERNET_HEADER_BYTES = 14;
/** Below it the field is an 802.3 length. */
export const FIRST_ETHERTYPE = 0x0600;

/**
 * Decodes an Ethernet II or IEEE 802.3 header. VLAN tags are left to `decodeEtherType`.
 *
 * Source: IEEE 802.3 3.2.6 (length or type).
 */
export function decodeEthernet(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < ETHERNET_HEADER_BYTES) return DecodeStatus.Truncated;
  out.etherType = view.getUint16(start + 12);
  out.nextStart = start + ETHERNET_HEADER_BYTES;
  return out.etherType >= FIRST_ETHERTYPE ? DecodeStatus.Ok : decodeLlc(view, out.nextStart, end, out);
}

/**
 * Decodes an LLC header: SNAP gives an EtherType, all else is no IP but for the rare DSAP 06.
 *
 * Source: IEEE 802.2; RFC 1042 for SNAP.
 */
export function decodeLlc(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  out.etherType = NoEtherType.LLC;
  out.nextStart = start;
  if (end - start < 3) return DecodeStatus.Truncated;
  const saps = view.getUint16(start);
  if (saps === 0x0606) {
    out.etherType = EtherType.IPV4;
    out.nextStart = start + 3;
    return DecodeStatus.Ok;
  }
  if (saps !== 0xaaaa) return DecodeStatus.NonIp;
  if (end - start < 8) return DecodeStatus.Truncated;
  const organisation = (view.getUint16(start + 3) << 8) | view.getUint8(start + 5);
  // 00-00-f8 is RFC 1042's encapsulation of types that some bridges would translate wrongly.
  if (organisation !== 0 && organisation !== 0xf8) return DecodeStatus.NonIp;
  out.etherType = view.getUint16(start + 6);
  out.nextStart = start + 8;
  return DecodeStatus.Ok;
}
