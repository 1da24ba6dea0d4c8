import { ByteText } from "./byte-text.js";

const HEADER_BYTES = 12;
const FLAG_RESPONSE = 0x8000;
const TYPE_A = 1;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** mDNS uses the top bit of the class for "cache flush" (RFC 6762 10.2). */
const CLASS_MASK = 0x7fff;
/** RFC 1035 3.1: 255 octets with length bytes, each of which may stand as `\DDD`. */
const MAX_NAME_LENGTH = 255 * 4;
const MAX_LABEL_LENGTH = 63 * 4;
const MAX_POINTERS = 32;
/** Honest answers carry a few dozen records; a larger count is walked no further. */
const MAX_RECORDS = 256;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
const DIGIT_0 = 0x30;
/** For one name after the other; the label that makes a name too long is still put in. */
const NAME = new ByteText(MAX_NAME_LENGTH + 1 + MAX_LABEL_LENGTH);

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
    if (!cursor.readName() || end - cursor.at < 4) return false;
    asked = cursor.name.toString();
    cursor.at += 4;
  }
  for (let i = 0; i < answers; i++) {
    if (!cursor.readName() || end - cursor.at < 10) return false;
    const type = view.getUint16(cursor.at);
    const recordClass = view.getUint16(cursor.at + 2) & CLASS_MASK;
    const length = view.getUint16(cursor.at + 8);
    const data = cursor.at + 10;
    if (end - data < length) return false;
    cursor.at = data + length;
    if (recordClass !== CLASS_IN) continue;
    const name = asked ?? cursor.name.toString();
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
  /** The name last read, without its final dot and in lower case; empty for the root. */
  readonly name = NAME;

  constructor(
    readonly view: DataView,
    readonly start: number,
    readonly end: number,
  ) {}

  /** @returns false when the name is malformed. */
  readName(): boolean {
    const { view, start, end, name } = this;
    name.length = 0;
    let at = this.at;
    let lowest = at;
    let after = -1;
    let pointers = 0;
    for (;;) {
      if (at >= end) return false;
      const length = view.getUint8(at);
      if (length === 0) {
        this.at = after < 0 ? at + 1 : after;
        return true;
      }
      if ((length & 0xc0) === 0xc0) {
        if (end - at < 2) return false;
        const target = start + (view.getUint16(at) & 0x3fff);
        if (after < 0) after = at + 2;
        if (target >= lowest || ++pointers > MAX_POINTERS) return false;
        lowest = target;
        at = target;
        continue;
      }
      if ((length & 0xc0) !== 0 || end - at < 1 + length) return false;
      if (name.length > 0) name.push(DOT);
      pushLabel(name, view, at + 1, length);
      if (name.length > MAX_NAME_LENGTH) return false;
      at += 1 + length;
    }
  }
}

/** Adds a label in lower case; bytes that are no host name character stand as `\DDD` (RFC 1035 5.1). */
function pushLabel(name: ByteText, view: DataView, start: number, length: number): void {
  for (let i = start; i < start + length; i++) {
    const byte = view.getUint8(i);
    if (byte >= 0x41 && byte <= 0x5a) name.push(byte + 0x20);
    else if (byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH) name.push(byte);
    else {
      name.push(BACKSLASH);
      name.push(DIGIT_0 + ((byte / 100) | 0));
      name.push(DIGIT_0 + (((byte / 10) | 0) % 10));
      name.push(DIGIT_0 + (byte % 10));
    }
  }
}
