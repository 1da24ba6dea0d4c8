import { DnsClass, DnsOpcode, isKnownType } from "./dns-codes.js";
import { DnsFlag, HEADER_BYTES, MESSAGE } from "./dns-message.js";
import { NAMES, NameStatus } from "./name-reader.js";

/** A root name, type and class. */
const MIN_QUESTION_BYTES = 5;
/** A root name, type, class, TTL and length of data. */
const MIN_RECORD_BYTES = 11;
/** The last response code of the header (RFC 2136 2.2); larger ones stand in EDNS. */
const MAX_RESPONSE_CODE = 10;
/** Not of a query. */
const FLAGS_OF_RESPONSES = DnsFlag.AUTHORITATIVE | DnsFlag.TRUNCATED | DnsFlag.RECURSION_AVAILABLE | 15;
/** IXFR says in a record which version it has (RFC 1995 3). */
const MAX_QUERY_AUTHORITIES = 1;
/** EDNS, and a signature. */
const MAX_QUERY_ADDITIONALS = 2;

/** Whether bytes are a DNS message. `Cut`: nothing contradicts it, but the first question goes on behind what is there. */
export const Verdict = { No: 0, Cut: 1, Yes: 2 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/**
 * Judges by header and first question, where something else speaks for DNS too.
 *
 * @param end - Just past the last byte that is there.
 * @param wireLength - Bytes of the message on the wire; there may be fewer.
 */
export function judgeBeginning(view: DataView, start: number, end: number, wireLength: number): Verdict {
  if (end - start < HEADER_BYTES || !hasPlausibleHeader(view, start, wireLength)) return Verdict.No;
  // Without a question there is little to see: all of it must be as it should.
  if (view.getUint16(start + 4) === 0) return isWellFormed(view, start, end, wireLength) ? Verdict.Yes : Verdict.No;
  const isCut = end - start < wireLength;
  const status = NAMES.read(view, start, end, start + HEADER_BYTES);
  if (status === NameStatus.Malformed) return Verdict.No;
  if (status === NameStatus.Cut || end - NAMES.after < 4) return isCut ? Verdict.Cut : Verdict.No;
  return view.getUint16(NAMES.after) !== 0 && isClass(view.getUint16(NAMES.after + 2)) ? Verdict.Yes : Verdict.No;
}

/**
 * Judges where nothing but the bytes speaks for DNS: one question as programs ask them, every record well-formed, and not
 * a byte too many. Other protocols do not pass: the counts alone are 64 bits.
 *
 * @param anyName - Whether names other than host names are taken, the root too.
 */
export function judgeStrictly(
  view: DataView,
  start: number,
  end: number,
  wireLength: number,
  anyName = false,
): Verdict {
  // First what is cheap, as this is asked of every flow.
  if (end - start < HEADER_BYTES || !hasStrictHeader(view, start)) return Verdict.No;
  const verdict = judgeBeginning(view, start, end, wireLength);
  if (verdict === Verdict.No || !(anyName || NAMES.isHostLike)) return Verdict.No;
  if (verdict === Verdict.Cut) return Verdict.Cut;
  const questionClass = view.getUint16(NAMES.after + 2);
  if (questionClass !== DnsClass.IN && questionClass !== DnsClass.CH) return Verdict.No;
  if (!isKnownType(view.getUint16(NAMES.after))) return Verdict.No;
  return isWellFormed(view, start, end, wireLength) ? Verdict.Yes : Verdict.No;
}

/**
 * Whether all questions and records are well-formed and nothing follows them, as far as the message was captured.
 * Leaves MESSAGE behind them.
 */
export function isWellFormed(view: DataView, start: number, end: number, wireLength: number): boolean {
  const message = MESSAGE;
  if (!message.begin(view, start, end)) return false;
  while (message.nextQuestion()) if (message.nameStatus() !== NameStatus.Ok) return false;
  while (message.nextRecord()) if (message.nameStatus() !== NameStatus.Ok) return false;
  if (!message.damaged) return message.at - start === wireLength;
  const isCut = end - start < wireLength;
  return isCut && message.at - start <= wireLength && message.nameStatus() !== NameStatus.Malformed;
}

/** Whether the counts of a header fit into the message. */
export function hasPlausibleCounts(view: DataView, start: number, wireLength: number): boolean {
  const questions = view.getUint16(start + 4);
  const records = view.getUint16(start + 6) + view.getUint16(start + 8) + view.getUint16(start + 10);
  // Nothing asked: a response to what could not be read, or a query that carries EDNS only (RFC 7873 5.4).
  if (questions === 0 && records === 0 && (view.getUint16(start + 2) & DnsFlag.RESPONSE) === 0) return false;
  return HEADER_BYTES + questions * MIN_QUESTION_BYTES + records * MIN_RECORD_BYTES <= wireLength;
}

function hasPlausibleHeader(view: DataView, start: number, wireLength: number): boolean {
  const flags = view.getUint16(start + 2);
  const opcode = (flags >> 11) & 15;
  if (opcode !== DnsOpcode.QUERY && opcode !== DnsOpcode.NOTIFY && opcode !== DnsOpcode.UPDATE) return false;
  if ((flags & DnsFlag.RESPONSE) === 0 && (flags & 15) !== 0) return false;
  return hasPlausibleCounts(view, start, wireLength);
}

function hasStrictHeader(view: DataView, start: number): boolean {
  if (view.getUint16(start + 4) !== 1) return false;
  const flags = view.getUint16(start + 2);
  if (((flags >> 11) & 15) !== DnsOpcode.QUERY || (flags & DnsFlag.Z) !== 0) return false;
  if ((flags & DnsFlag.RESPONSE) !== 0) return (flags & 15) <= MAX_RESPONSE_CODE;
  return (
    (flags & FLAGS_OF_RESPONSES) === 0 &&
    view.getUint16(start + 6) === 0 &&
    view.getUint16(start + 8) <= MAX_QUERY_AUTHORITIES &&
    view.getUint16(start + 10) <= MAX_QUERY_ADDITIONALS
  );
}

function isClass(value: number): boolean {
  return (
    value === DnsClass.IN ||
    value === DnsClass.ANY ||
    value === DnsClass.CH ||
    value === DnsClass.HS ||
    value === DnsClass.NONE
  );
}
