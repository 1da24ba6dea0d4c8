import type { Dissection } from "./dissection.js";
import { printLlc } from "./llc.js";

const TO_DS = 0x01;
const FROM_DS = 0x02;
const PROTECTED = 0x40;

const MANAGEMENT = 0;
const CONTROL = 1;
const DATA = 2;
const NO_DATA = 4;
const QOS = 8;

const RADIOTAP_TSFT = 0x01;
const RADIOTAP_FLAGS = 0x02;
const RADIOTAP_MORE = 0x8000_0000;
const FCS_AT_END = 0x10;
const PADDED = 0x20;
const FCS_BYTES = 4;

/**
 * An IEEE 802.11 frame: of data frames what they carry, as tcpdump prints it without `-e`. Management and control
 * frames are only named, and the 802.11 header is left out with `-e`: out of scope.
 *
 * @param length - Bytes on the wire.
 */
export function printIeee80211(d: Dissection, at: number, length: number, isPadded = false, fcsBytes = 0): void {
  d.protocol = "802.11";
  const { out } = d;
  const wholeLength = length - fcsBytes;
  if (wholeLength < 0) {
    d.cut();
    return;
  }
  d.limit(at, wholeLength);
  const captured = d.end - at;
  if (captured < 2) {
    d.cut();
    return;
  }
  const type = (d.u8(at) >> 2) & 3;
  const subtype = d.u8(at) >> 4;
  const flags = d.u8(at + 1);
  if (type === MANAGEMENT || type === CONTROL) {
    out.write(`802.11 ${type === MANAGEMENT ? "management" : "control"} frame, subtype ${subtype}, length ${length}`);
    return;
  }
  if (type !== DATA) {
    out.write(`unknown 802.11 frame type (${type})`);
    return;
  }
  const hasFourAddresses = (flags & TO_DS) !== 0 && (flags & FROM_DS) !== 0;
  let headerLength = (hasFourAddresses ? 30 : 24) + (subtype & QOS ? 2 : 0);
  if (isPadded) headerLength = (headerLength + 3) & ~3;
  if (captured < headerLength) {
    d.cut();
    return;
  }
  if (subtype & NO_DATA) return;
  const body = at + headerLength;
  if (flags & PROTECTED) {
    out.write("Data");
    if (!d.has(body, 4)) {
      d.cut();
      return;
    }
    const vector = d.view.getUint32(body, true);
    out.write(` IV:${(vector & 0xffffff).toString(16).padStart(3)} Pad ${((vector >>> 24) & 63).toString(16)}`);
    out.write(` KeyID ${vector >>> 30}`);
    return;
  }
  const addresses =
    flags & TO_DS
      ? { src: at + (hasFourAddresses ? 24 : 10), dst: at + 16 }
      : { src: at + (flags & FROM_DS ? 16 : 10), dst: at + 4 };
  if (!printLlc(d, body, wholeLength - headerLength, captured - headerLength, addresses)) {
    d.unknownDump(body, captured - headerLength);
  }
}

/** A radiotap header and its frame. What the header says of the radio, which tcpdump prints first, is out of scope. */
export function printRadiotap(d: Dissection, at: number, length: number): void {
  d.protocol = "802.11_radio";
  if (!d.has(at, 8)) {
    d.cut();
    return;
  }
  const headerLength = d.view.getUint16(at + 2, true);
  if (headerLength < 8 || !d.has(at, headerLength)) {
    d.cut();
    return;
  }
  const present = d.view.getUint32(at + 4, true);
  let field = at + 8;
  for (let word = present; word >= RADIOTAP_MORE && field + 4 <= at + headerLength; field += 4) {
    word = d.view.getUint32(field, true);
  }
  // The time stamp that may stand before the flags is aligned to its 8 bytes, counted from the header's start.
  if (present & RADIOTAP_TSFT) field = at + ((field - at + 7) & ~7) + 8;
  const flags = present & RADIOTAP_FLAGS && field < at + headerLength ? d.u8(field) : 0;
  const fcsBytes = flags & FCS_AT_END ? FCS_BYTES : 0;
  printIeee80211(d, at + headerLength, length - headerLength, (flags & PADDED) !== 0, fcsBytes);
}
