import { decodeLlc } from "./ethernet.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

const TYPE_MANAGEMENT = 0;
const TYPE_DATA = 2;
const SUBTYPE_NULL_BIT = 0x40;
const SUBTYPE_QOS_BIT = 0x80;
const TO_AND_FROM_DS = 0x03;
const FLAG_PROTECTED = 0x40;
const FLAG_ORDER = 0x80;
const QOS_AMSDU_BIT = 0x80;
const FCS_BYTES = 4;

/**
 * Decodes an IEEE 802.11 MAC header up to the EtherType behind LLC/SNAP.
 *
 * Source: IEEE 802.11-2020 9.2 and 9.3.2.
 *
 * @param padded - True when radiotap says that the header is padded to a multiple of 4.
 */
export function decodeIeee80211(
  view: DataView,
  start: number,
  end: number,
  padded: boolean,
  out: PacketHeaders,
): DecodeStatus {
  if (end - start < 2) return DecodeStatus.Truncated;
  const control = view.getUint8(start);
  const flags = view.getUint8(start + 1);
  const type = (control >> 2) & 3;
  if (type !== TYPE_DATA) {
    out.etherType = type === TYPE_MANAGEMENT ? NoEtherType.WLAN_MANAGEMENT : NoEtherType.WLAN_CONTROL;
    return DecodeStatus.NonIp;
  }
  if ((control & SUBTYPE_NULL_BIT) !== 0) {
    out.etherType = NoEtherType.WLAN_CONTROL;
    return DecodeStatus.NonIp;
  }
  let headerLength = 24;
  if ((flags & TO_AND_FROM_DS) === TO_AND_FROM_DS) headerLength += 6;
  if ((control & SUBTYPE_QOS_BIT) !== 0) {
    if (end - start < headerLength + 2) return DecodeStatus.Truncated;
    // An aggregate holds several frames with headers of their own.
    if ((view.getUint8(start + headerLength) & QOS_AMSDU_BIT) !== 0) return DecodeStatus.Unsupported;
    headerLength += 2;
    if ((flags & FLAG_ORDER) !== 0) headerLength += 4;
  }
  if ((flags & FLAG_PROTECTED) !== 0) return DecodeStatus.Encrypted;
  if (padded) headerLength = (headerLength + 3) & ~3;
  return decodeLlc(view, start + headerLength, end, out);
}

const PRESENT_TSFT = 1;
const PRESENT_FLAGS = 2;
const PRESENT_MORE = 0x80000000 | 0;
const RADIOTAP_FCS = 0x10;
const RADIOTAP_PADDED = 0x20;
const RADIOTAP_BAD_FCS = 0x40;

/** Decodes a radiotap header and the 802.11 header behind it. Source: radiotap.org, "Defined fields". */
export function decodeRadiotap(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < 8) return DecodeStatus.Truncated;
  if (view.getUint8(start) !== 0) return DecodeStatus.Unsupported;
  const length = view.getUint16(start + 2, true);
  if (length < 8) return DecodeStatus.Malformed;
  if (end - start < length) return DecodeStatus.Truncated;
  let fields = start + 4;
  const first = view.getInt32(fields, true);
  let present = first;
  fields += 4;
  while ((present & PRESENT_MORE) !== 0) {
    if (fields + 4 > start + length) return DecodeStatus.Malformed;
    present = view.getInt32(fields, true);
    fields += 4;
  }
  let flags = 0;
  if ((first & PRESENT_FLAGS) !== 0) {
    // TSFT is 8 bytes, aligned to 8 from the start of the radiotap header; Flags follows it.
    let at = fields;
    if ((first & PRESENT_TSFT) !== 0) at = start + ((at - start + 7) & ~7) + 8;
    if (at >= start + length) return DecodeStatus.Malformed;
    flags = view.getUint8(at);
  }
  if ((flags & RADIOTAP_BAD_FCS) !== 0) return DecodeStatus.Malformed;
  const withoutFcs = (flags & RADIOTAP_FCS) !== 0 ? end - FCS_BYTES : end;
  return decodeIeee80211(view, start + length, withoutFcs, (flags & RADIOTAP_PADDED) !== 0, out);
}
