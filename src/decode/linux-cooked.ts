import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

const SLL_HEADER_BYTES = 16;
const SLL2_HEADER_BYTES = 20;
const ARPHRD_NETLINK = 824;
const ARPHRD_IEEE80211_RADIOTAP = 803;
const PROTOCOL_802_3 = 0x0001;
const PROTOCOL_802_2 = 0x0004;

/** Decodes a LINKTYPE_LINUX_SLL header. Source: draft-ietf-opsawg-pcaplinktype, "Linux cooked capture encapsulation". */
export function decodeLinuxSll(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < SLL_HEADER_BYTES) return DecodeStatus.Truncated;
  out.nextStart = start + SLL_HEADER_BYTES;
  return cookedProtocol(view.getUint16(start + 14), view.getUint16(start + 2), out);
}

/** Decodes a LINKTYPE_LINUX_SLL2 header. Source: as above, "v2". */
export function decodeLinuxSll2(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < SLL2_HEADER_BYTES) return DecodeStatus.Truncated;
  out.nextStart = start + SLL2_HEADER_BYTES;
  return cookedProtocol(view.getUint16(start), view.getUint16(start + 8), out);
}

function cookedProtocol(protocol: number, arphrd: number, out: PacketHeaders): DecodeStatus {
  out.etherType = protocol;
  if (arphrd === ARPHRD_NETLINK) {
    out.etherType = NoEtherType.OTHER_FAMILY;
    return DecodeStatus.NonIp;
  }
  // The frame behind the cooked header is then 802.11 with radiotap, not what the protocol field names.
  if (arphrd === ARPHRD_IEEE80211_RADIOTAP) return DecodeStatus.Unsupported;
  if (protocol === PROTOCOL_802_3 || protocol === PROTOCOL_802_2) {
    out.etherType = NoEtherType.LLC;
    return DecodeStatus.NonIp;
  }
  return DecodeStatus.Ok;
}
