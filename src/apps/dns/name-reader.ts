import { ByteText } from "../byte-text.js";

/** RFC 1035 3.1: octets of a name, length bytes and the root's included. */
const MAX_NAME_OCTETS = 255;
/** Each octet may stand as `\DDD`. */
const MAX_TEXT_BYTES = MAX_NAME_OCTETS * 4;
const MAX_POINTERS = 32;
const HEADER_BYTES = 12;
const DOT = 0x2e;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;
const BACKSLASH = 0x5c;
const DIGIT_0 = 0x30;

/** What became of reading: `Cut` is well-formed as far as it was captured. */
export const NameStatus = { Malformed: 0, Cut: 1, Ok: 2 } as const;
export type NameStatus = (typeof NameStatus)[keyof typeof NameStatus];

/**
 * Reads domain names, following compression pointers (RFC 1035 4.1.4) backwards only, so that no loop is possible, and
 * for as many octets as a name may have, so that a name costs the same however it is written.
 */
export class NameReader {
  readonly #text = new ByteText(MAX_TEXT_BYTES);
  /** Offset behind the name last read; means something only if that was Ok. */
  after = 0;
  /** Whether the name last read, as far as it was there, has a label, and letters, digits, hyphens, underscores only. */
  isHostLike = false;

  /** The name last read without its final dot, other than printable ASCII as `\DDD`. Root: empty. */
  toString(): string {
    return this.#text.toString();
  }

  /**
   * @param start - Offset of the DNS header, to which pointers refer.
   * @param keepCase - Else the name is put into lower case: resolvers mix the case at random against forgers.
   */
  read(view: DataView, start: number, end: number, at: number, keepCase = false): NameStatus {
    const text = this.#text;
    text.length = 0;
    let hostLike = true;
    let here = at;
    let lowest = at;
    let after = -1;
    let pointers = 0;
    let octets = 1;
    let status: NameStatus = NameStatus.Cut;
    while (here < end) {
      const length = view.getUint8(here);
      if (length === 0) {
        this.after = after < 0 ? here + 1 : after;
        status = NameStatus.Ok;
        break;
      }
      if (length >= 0xc0) {
        if (end - here < 2) break;
        const target = start + (view.getUint16(here) & 0x3fff);
        if (after < 0) after = here + 2;
        if (target >= lowest || target < start + HEADER_BYTES || ++pointers > MAX_POINTERS) return NameStatus.Malformed;
        lowest = target;
        here = target;
        continue;
      }
      octets += 1 + length;
      if (length > 63 || octets > MAX_NAME_OCTETS) return NameStatus.Malformed;
      if (end - here < 1 + length) break;
      if (text.length > 0) text.push(DOT);
      if (!pushLabel(text, view, here + 1, length, keepCase)) hostLike = false;
      here += 1 + length;
    }
    this.isHostLike = hostLike && text.length > 0;
    return status;
  }
}

/** Names are read one after the other: one reader is enough. */
export const NAMES = new NameReader();

/**
 * Finds the end of a name without reading it.
 *
 * @returns The offset behind it; -1 where it is malformed or cut. What a pointer leads to is not looked at.
 */
export function skipName(view: DataView, end: number, at: number): number {
  const limit = Math.min(end, at + MAX_NAME_OCTETS);
  for (let here = at; here < limit; ) {
    const length = view.getUint8(here);
    if (length === 0) return here + 1;
    if (length >= 0xc0) return end - here < 2 ? -1 : here + 2;
    if (length > 63) return -1;
    here += 1 + length;
  }
  return -1;
}

/**
 * Adds a label. Bytes that are not printable stand as `\DDD` (RFC 1035 5.1), dots and backslashes too: a name is ASCII,
 * and its dots divide labels only.
 *
 * @returns Whether it consists of letters, digits, hyphens and underscores.
 */
function pushLabel(text: ByteText, view: DataView, start: number, length: number, keepCase: boolean): boolean {
  let hostLike = true;
  for (let i = start; i < start + length; i++) {
    const byte = view.getUint8(i);
    const lower = byte | 0x20;
    if (lower >= 0x61 && lower <= 0x7a) text.push(keepCase ? byte : lower);
    else if ((byte >= DIGIT_0 && byte <= DIGIT_0 + 9) || byte === HYPHEN || byte === UNDERSCORE) text.push(byte);
    else {
      hostLike = false;
      if (byte > 0x20 && byte < 0x7f && byte !== DOT && byte !== BACKSLASH) text.push(byte);
      else pushEscaped(text, byte);
    }
  }
  return hostLike;
}

function pushEscaped(text: ByteText, byte: number): void {
  text.push(BACKSLASH);
  text.push(DIGIT_0 + ((byte / 100) | 0));
  text.push(DIGIT_0 + (((byte / 10) | 0) % 10));
  text.push(DIGIT_0 + (byte % 10));
}

/**
 * A name as people wrote it, for services of mDNS: its `\DDD` turned back into UTF-8 (RFC 6763 4.1.1). A dot or backslash
 * within a label keeps a backslash (4.3).
 */
export function readableName(name: string): string {
  if (!name.includes("\\")) return name;
  const latin1 = name.replace(/\\(\d{3})/g, (_, digits: string) => {
    const byte = Number(digits);
    return byte === DOT || byte === BACKSLASH ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
  });
  return Buffer.from(latin1, "latin1").toString("utf8");
}
