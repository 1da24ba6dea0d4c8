const HEADER_BYTES = 12;
const FLAG_RESPONSE = 0x8000;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** mDNS uses the top bit of the class for "cache flush" (RFC 6762 10.2). */
const CLASS_MASK = 0x7fff;
/** RFC 1035 3.1: 255 octets with length bytes. */
const MAX_NAME_BYTES = 255;
const MAX_POINTERS = 32;
/** Honest answers carry a few dozen records; a larger count is walked no further. */
const MAX_RECORDS = 256;

/** Receives one address that a DNS answer gives for `name`, as four words (IPv4 in `d`). */
export type AddressVisitor = (name: string, version: 4 | 6, a: number, b: number, c: number, d: number) => void;

/**
 * Finds the addresses in a DNS response. The name is the one that was asked (an alias chain ends at addresses of
 * other names, but the user asked for this one), or the record's own where the response repeats no question (mDNS).
 *
 * Source: RFC 1035 4.1.
 *
 * @param start - Offset of the DNS header; `end` just past the message's last captured byte.
 * @returns false when the bytes are no well-formed DNS response; what stood before the damage was visited.
 */
export function readDnsAnswers(view: DataView, start: number, end: number, visit: AddressVisitor): boolean {
  if (end - start < HEADER_BYTES) return false;
  if ((view.getUint16(start + 2) & FLAG_RESPONSE) === 0) return false;
  const questions = view.getUint16(start + 4);
  const answers = Math.min(view.getUint16(start + 6), MAX_RECORDS);
  if (questions > 1) return false;
  const cursor = new NameCursor(view, start, end);
  cursor.at = start + HEADER_BYTES;
  let asked: string | undefined;
  if (questions === 1) {
    asked = cursor.name();
    if (asked === undefined || end - cursor.at < 4) return false;
    cursor.at += 4;
  }
  for (let i = 0; i < answers; i++) {
    const owner = cursor.name();
    if (owner === undefined || end - cursor.at < 10) return false;
    const type = view.getUint16(cursor.at);
    const recordClass = view.getUint16(cursor.at + 2) & CLASS_MASK;
    const length = view.getUint16(cursor.at + 8);
    const data = cursor.at + 10;
    if (end - data < length) return false;
    cursor.at = data + length;
    if (recordClass !== CLASS_IN) continue;
    const name = asked ?? owner;
    if (type === TYPE_A && length === 4) visit(name, 4, 0, 0, 0, view.getInt32(data));
    else if (type === TYPE_AAAA && length === 16) {
      visit(name, 6, view.getInt32(data), view.getInt32(data + 4), view.getInt32(data + 8), view.getInt32(data + 12));
    }
  }
  return true;
}

/** Reads names, following compression pointers (RFC 1035 4.1.4) backwards only, so that no loop is possible. */
class NameCursor {
  at = 0;

  constructor(
    readonly view: DataView,
    readonly start: number,
    readonly end: number,
  ) {}

  /** @returns The name without its final dot and in lower case ("" for the root), or undefined when it is malformed. */
  name(): string | undefined {
    const { view, start, end } = this;
    let text = "";
    let at = this.at;
    let lowest = at;
    let after = -1;
    let pointers = 0;
    for (;;) {
      if (at >= end) return undefined;
      const length = view.getUint8(at);
      if (length === 0) {
        this.at = after < 0 ? at + 1 : after;
        return text;
      }
      if ((length & 0xc0) === 0xc0) {
        if (end - at < 2) return undefined;
        const target = start + (view.getUint16(at) & 0x3fff);
        if (after < 0) after = at + 2;
        if (target >= lowest || ++pointers > MAX_POINTERS) return undefined;
        lowest = target;
        at = target;
        continue;
      }
      if ((length & 0xc0) !== 0 || end - at < 1 + length) return undefined;
      if (text !== "") text += ".";
      text += labelText(view, at + 1, length);
      if (text.length > MAX_NAME_BYTES * 4) return undefined;
      at += 1 + length;
    }
  }
}

/** A label in lower case; bytes that are no host name character stand as `\DDD` (RFC 1035 5.1). */
function labelText(view: DataView, start: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    const byte = view.getUint8(start + i);
    if (byte >= 0x41 && byte <= 0x5a) text += String.fromCharCode(byte + 0x20);
    else if (byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c) text += String.fromCharCode(byte);
    else text += `\\${String(byte).padStart(3, "0")}`;
  }
  return text;
}
