import { escapeText, LeekError } from "../base/index.js";
import type { Ipv4 } from "../net/index.js";

/** tor's own file has 9 MB. */
export const MAX_GEOIP_BYTES = 64 * 2 ** 20;

/**
 * Which country an IPv4 address is in, by tor's geoip file. Relays always have an IPv4 address, so geoip6 is not read.
 */
export class GeoIp {
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  /** Two letters, as the file writes them, in 16 bits. */
  readonly #country: Uint16Array;

  /** Use `parseGeoIp`. */
  constructor(low: Uint32Array, high: Uint32Array, country: Uint16Array) {
    this.#low = low;
    this.#high = high;
    this.#country = country;
  }

  get length(): number {
    return this.#low.length;
  }

  /** Two upper-case letters (ISO 3166-1, or codes of the file's own such as "EU"), or undefined. */
  country(address: Ipv4): string | undefined {
    const asked = address >>> 0;
    let low = 0;
    let high = this.#low.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#low[middle]! <= asked) low = middle + 1;
      else high = middle;
    }
    if (low === 0 || this.#high[low - 1]! < asked) return undefined;
    const code = this.#country[low - 1]!;
    return String.fromCharCode(code >>> 8, code & 255);
  }
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const COMMA = 44;
const HASH = 35;

/**
 * Reads tor's geoip file: lines of INTIPLOW,INTIPHIGH,CC with addresses as numbers, in order and without overlap, and
 * comments.
 *
 * Source: tor's src/lib/geoip, geoip_parse_entry(); the file's own header.
 *
 * @param source - Names the file in errors.
 * @throws {LeekError} LEEK_GEOIP_MALFORMED, quoting the line.
 */
export function parseGeoIp(bytes: Uint8Array, source: string): GeoIp {
  if (bytes.length > MAX_GEOIP_BYTES) throw malformed(source, 0, `it is larger than ${MAX_GEOIP_BYTES} bytes`);
  // The shortest line, "0,1,DE", has seven bytes with its end.
  const capacity = Math.ceil((bytes.length + 1) / 7);
  const low = new Uint32Array(capacity);
  const high = new Uint32Array(capacity);
  const country = new Uint16Array(capacity);
  let length = 0;
  let number = 0;
  let before = -1;
  for (let start = 0; start < bytes.length; ) {
    number++;
    const newline = bytes.indexOf(NEWLINE, start);
    const lineEnd = newline < 0 ? bytes.length : newline;
    const end = lineEnd > start && bytes[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (end > start && bytes[start] !== HASH) {
      const first = bytes.subarray(start, end).indexOf(COMMA) + start;
      const second = bytes.subarray(first + 1, end).indexOf(COMMA) + first + 1;
      const from = readNumber(bytes, start, first);
      const to = readNumber(bytes, first + 1, second);
      const a = bytes[end - 2]!;
      const b = bytes[end - 1]!;
      const isRange = first > start && second > first && end - second === 3 && isCode(a) && isCode(b);
      if (!isRange || !(from <= to && to < 2 ** 32)) {
        const line = Buffer.from(bytes.subarray(start, Math.min(end, start + 80))).toString("latin1");
        throw malformed(source, number, `"${escapeText(line)}" is no INTIPLOW,INTIPHIGH,CC`);
      }
      if (from <= before) throw malformed(source, number, "its ranges are not in order");
      before = to;
      low[length] = from;
      high[length] = to;
      country[length] = (upper(a) << 8) | upper(b);
      length++;
    }
    start = lineEnd + 1;
  }
  return new GeoIp(low.slice(0, length), high.slice(0, length), country.slice(0, length));
}

/** NaN for what is no decimal number of one to ten digits. */
function readNumber(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 10) return Number.NaN;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Letters, digits (A1, A2 were proxies and satellites) and "??" for what is not known. */
function isCode(byte: number): boolean {
  return (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || byte === 63;
}

function upper(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

function malformed(source: string, lineNumber: number, problem: string): LeekError {
  const where = lineNumber === 0 ? "" : ` (line ${lineNumber})`;
  return new LeekError(
    "LEEK_GEOIP_MALFORMED",
    "bad-data",
    `Cannot read geoip file ${escapeText(source)}: ${problem}${where}.`,
    { hint: "Give tor's own file for IPv4 addresses: /usr/share/tor/geoip of Debian's package tor-geoipdb." },
  );
}
