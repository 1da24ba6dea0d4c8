import type { Dissection } from "./dissection.js";

/** Returned instead of an offset where the name is cut short or malformed. */
export const NO_NAME = -1;

/** Characters of a name after which tcpdump stops printing it. */
const MAX_NAME = 255;

// The two top bits of a length byte (RFC 1035 4.1.4, RFC 2673 for the extended labels that never came into use).
const TYPE_MASK = 0xc0;
const POINTER = 0xc0;
const EXTENDED = 0x40;
const BIT_LABEL = 0x01;

/** Bytes of a bit label's count and string (RFC 2673 3). */
function bitLabelBytes(count: number): number {
  return Math.ceil((count === 0 ? 256 : count) / 8) + 1;
}

/** @returns The offset just past the name at `at`, without following pointers; or NO_NAME. */
export function skipName(d: Dissection, at: number): number {
  let next = at;
  for (;;) {
    if (!d.has(next, 1)) return NO_NAME;
    const length = d.bytes[next++]!;
    if (length === 0) return next;
    const type = length & TYPE_MASK;
    if (type === POINTER) return next + 1;
    if (type === 0) {
      next += length;
    } else if (type === EXTENDED && (length & ~TYPE_MASK) === BIT_LABEL && d.has(next, 1)) {
      next += bitLabelBytes(d.bytes[next]!);
    } else {
      return NO_NAME;
    }
  }
}

/** What follows a length byte at `at`, in bytes; NO_NAME, with a word on why, when it is of no known type. */
function labelBytes(d: Dissection, at: number): number {
  if (!d.has(at, 1)) return NO_NAME;
  const length = d.bytes[at]!;
  const type = length & TYPE_MASK;
  if (type === 0 || type === POINTER) return length;
  if (type !== EXTENDED) {
    d.out.write("<BAD LABEL TYPE>");
    return NO_NAME;
  }
  const extendedType = length & ~TYPE_MASK;
  if (extendedType !== BIT_LABEL) {
    d.out.write(`<ELT ${extendedType}>`);
    return NO_NAME;
  }
  return d.has(at + 1, 1) ? bitLabelBytes(d.bytes[at + 1]!) : NO_NAME;
}

/** @returns False when fewer than `count` bytes were captured; those that were are written. */
export function printCharacters(d: Dissection, at: number, count: number): boolean {
  const last = Math.min(at + count, d.end);
  for (let i = at; i < last; i++) d.character(d.bytes[i]!);
  return at + count <= d.end;
}

function printBitLabel(d: Dissection, at: number): boolean {
  if (!d.has(at, 1)) return false;
  const { out } = d;
  const count = d.bytes[at] === 0 ? 256 : d.bytes[at]!;
  out.write("\\[x");
  let next = at + 1;
  let left = count;
  for (; left > 7; left -= 8) out.hexByte(d.u8(next++));
  if (left > 4) out.hexByte(d.u8(next) & (0xff << (8 - left)) & 0xff);
  else if (left > 0) out.hex((d.u8(next) >> 4) & 15 & (15 << (4 - left)));
  out.write(`/${count}]`);
  return true;
}

/**
 * A domain name with its final dot. Pointers must go backwards, which also ends every loop.
 *
 * @param message - Offset that compression pointers count from.
 * @returns The offset just past the name where it stands, or NO_NAME.
 */
export function printName(d: Dissection, at: number, message: number): number {
  const { out } = d;
  let label = labelBytes(d, at);
  if (label === NO_NAME) return NO_NAME;
  let next = at;
  let nearest = (at - message) >>> 0;
  let length = d.bytes[next++]!;
  let after = (length & TYPE_MASK) === POINTER ? NO_NAME : next + label;
  let followed = false;
  if (length === 0) {
    out.byte(0x2e);
    return after;
  }
  let printed = 0;
  while (length !== 0 && next < d.end) {
    const type = length & TYPE_MASK;
    if (type === POINTER) {
      if (!followed) {
        after = next + 1;
        followed = true;
      }
      const offset = ((length << 8) | d.bytes[next]!) & 0x3fff;
      if (offset >= nearest) {
        out.write("<BAD PTR>");
        return NO_NAME;
      }
      nearest = offset;
      next = message + offset;
      if (!d.has(next, 1)) return NO_NAME;
      length = d.bytes[next]!;
      label = labelBytes(d, next);
      if (label === NO_NAME) return NO_NAME;
      next++;
      continue;
    }
    if (type === EXTENDED) {
      if (!printBitLabel(d, next)) return NO_NAME;
    } else {
      if (printed < MAX_NAME && !printCharacters(d, next, Math.min(label, MAX_NAME - printed))) return NO_NAME;
      printed += label;
    }
    next += label;
    if (printed <= MAX_NAME) out.byte(0x2e);
    printed++;
    label = labelBytes(d, next);
    if (label === NO_NAME) return NO_NAME;
    length = d.bytes[next++]!;
    if (!followed) after += label + 1;
  }
  if (printed > MAX_NAME) out.write("<DOMAIN NAME TOO LONG>");
  return after;
}
