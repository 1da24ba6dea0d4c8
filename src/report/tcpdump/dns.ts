import { formatAddress } from "../../net/index.js";
import type { Dissection } from "./dissection.js";
import { printEdnsOption } from "./dns-edns.js";
import { NO_NAME, printCharacters, printName, skipName } from "./dns-name.js";

const HEADER_BYTES = 12;

const OPCODES = [
  "",
  " inv_q",
  " stat",
  " op3",
  " notify",
  " update",
  " op6",
  " op7",
  " op8",
  " updateA",
  " updateD",
  " updateDA",
  " updateM",
  " updateMA",
  " zoneInit",
  " zoneRef",
] as const;

/** Two of them lack the space in tcpdump as well. */
const RCODES = [
  "",
  " FormErr",
  " ServFail",
  " NXDomain",
  " NotImp",
  " Refused",
  " YXDomain",
  " YXRRSet",
  " NXRRSet",
  " NotAuth",
  " NotZone",
  " Resp11",
  " Resp12",
  " Resp13",
  " Resp14",
  " NoChange",
  " BadVers",
  "Resp17",
  " Resp18",
  " Resp19",
  " Resp20",
  "Resp21",
  " Resp22",
  " BadCookie",
] as const;

const TYPES: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  3: "MD",
  4: "MF",
  5: "CNAME",
  6: "SOA",
  7: "MB",
  8: "MG",
  9: "MR",
  10: "NULL",
  11: "WKS",
  12: "PTR",
  13: "HINFO",
  14: "MINFO",
  15: "MX",
  16: "TXT",
  17: "RP",
  18: "AFSDB",
  19: "X25",
  20: "ISDN",
  21: "RT",
  22: "NSAP",
  23: "NSAP_PTR",
  24: "SIG",
  25: "KEY",
  26: "PX",
  27: "GPOS",
  28: "AAAA",
  29: "LOC",
  30: "NXT",
  31: "EID",
  32: "NIMLOC",
  33: "SRV",
  34: "ATMA",
  35: "NAPTR",
  36: "KX",
  37: "CERT",
  38: "A6",
  39: "DNAME",
  40: "SINK",
  41: "OPT",
  42: "APL",
  43: "DS",
  44: "SSHFP",
  45: "IPSECKEY",
  46: "RRSIG",
  47: "NSEC",
  48: "DNSKEY",
  99: "SPF",
  100: "UINFO",
  101: "UID",
  102: "GID",
  103: "UNSPEC",
  104: "UNSPECA",
  249: "TKEY",
  250: "TSIG",
  251: "IXFR",
  252: "AXFR",
  253: "MAILB",
  254: "MAILA",
  255: "ANY",
  256: "URI",
};
const OPT = 41;

const CLASSES: Readonly<Record<number, string>> = { 1: "IN", 3: "CHAOS", 4: "HS", 255: "ANY" };
const CLASS_IN = 1;
/** In multicast DNS, the top bit of a class asks for unicast, or says that the cache is to be flushed (RFC 6762). */
const MDNS_BIT = 0x8000;

const INVERSE_QUERY = 1;

/**
 * A DNS message. Source: RFC 1035 4; RFC 6762 for multicast DNS.
 *
 * @param start - Offset of the message, or of its length field over TCP.
 * @param size - Bytes of the transport's payload.
 */
export function printDomain(d: Dissection, start: number, size: number, over: "udp" | "tcp" | "mdns"): void {
  d.protocol = "domain";
  const { out } = d;
  let message = start;
  let length = size;
  if (over === "tcp") {
    if (length < 2) {
      out.write(` [DNS over TCP: length ${length} < 2]`);
      d.invalid();
      return;
    }
    length -= 2;
    const prefix = d.u16(message);
    if (prefix !== length) {
      out.write(` [prefix length(${prefix}) != length(${length})]`);
      d.invalid();
      return;
    }
    message += 2;
    out.byte(0x20);
  }
  if (length < HEADER_BYTES) {
    out.write(`domain [length ${length} < ${HEADER_BYTES}]`);
    d.invalid();
    return;
  }
  if (!d.has(message, HEADER_BYTES)) {
    d.cut();
    return;
  }
  const flags = d.u16(message + 2);
  const good =
    flags & 0x8000 ? printResponse(d, message, flags, over === "mdns") : printQuery(d, message, over === "mdns");
  if (good) out.write(` (${length})`);
  else d.cut();
}

function printResponse(d: Dissection, message: number, flags: number, isMdns: boolean): boolean {
  const { out } = d;
  const questions = d.u16(message + 4);
  const answers = d.u16(message + 6);
  const authorities = d.u16(message + 8);
  const additionals = d.u16(message + 10);
  const rcode = (flags & 15) | extendedRcode(d, message, questions, answers + authorities, additionals);
  out.write(`${d.u16(message)}${OPCODES[(flags >> 11) & 15]}${RCODES[rcode] ?? ` Resp${rcode & 0xfff}`}`);
  if (flags & 0x0400) out.byte(0x2a);
  if ((flags & 0x0080) === 0) out.byte(0x2d);
  if (flags & 0x0200) out.byte(0x7c);
  if (flags & 0x0020) out.byte(0x24);
  if (questions !== 1) out.write(` [${questions}q]`);
  let at = message + HEADER_BYTES;
  for (let i = 0; i < questions; i++) {
    if (i > 0) out.byte(0x2c);
    at = skipName(d, at);
    if (at === NO_NAME) return false;
    at += 4;
  }
  out.write(` ${answers}/${authorities}/${additionals}`);
  let left = answers;
  while (left > 0) {
    if (left < answers) {
      if (at >= d.end) return false;
      out.byte(0x2c);
    }
    at = printRecord(d, at, message, isMdns);
    if (at === NO_NAME) return false;
    left--;
  }
  return true;
}

/** The upper bits of the response code, which stand in the OPT record (RFC 6891 6.1.3); 0 where none is found. */
function extendedRcode(
  d: Dissection,
  message: number,
  questions: number,
  records: number,
  additionals: number,
): number {
  let at = message + HEADER_BYTES;
  for (let i = 0; i < questions; i++) {
    at = skipName(d, at);
    if (at === NO_NAME) return 0;
    at += 4;
    if (at >= d.end) return 0;
  }
  for (let i = 0; i < records + additionals; i++) {
    at = skipName(d, at);
    if (at === NO_NAME || (i >= records && !d.has(at, 2))) return 0;
    if (i >= records && d.u16(at) === OPT) return d.has(at + 4, 1) ? d.u8(at + 4) << 4 : 0;
    if (i >= records && !d.has(at + 4, 1)) return 0;
    at += 8;
    if (!d.has(at, 2)) return 0;
    at += 2 + d.u16(at);
    if (at >= d.end) return 0;
  }
  return 0;
}

function printQuery(d: Dissection, message: number, isMdns: boolean): boolean {
  const { out } = d;
  const flags = d.u16(message + 2);
  let questions = d.u16(message + 4);
  const answers = d.u16(message + 6);
  const authorities = d.u16(message + 8);
  const additionals = d.u16(message + 10);
  const opcode = (flags >> 11) & 15;
  out.write(`${d.u16(message)}${OPCODES[opcode]}`);
  if (flags & 0x0100) out.byte(0x2b);
  if (flags & 0x0010) out.byte(0x25);
  // Bits that mean nothing in a query.
  if (flags & 0x06cf) out.write(` [b2&3=0x${flags.toString(16)}]`);
  if (opcode === INVERSE_QUERY) {
    if (questions > 0) out.write(` [${questions}q]`);
    if (answers !== 1) out.write(` [${answers}a]`);
  } else {
    if (answers > 0) out.write(` [${answers}a]`);
    if (questions !== 1) out.write(` [${questions}q]`);
  }
  if (authorities > 0) out.write(` [${authorities}n]`);
  if (additionals > 0) out.write(` [${additionals}au]`);
  let at = message + HEADER_BYTES;
  for (let first = true; questions > 0; first = false, questions--) {
    if (!first && at >= d.end) return false;
    at = printQuestion(d, at, message, isMdns);
    if (at === NO_NAME) return false;
  }
  return true;
}

function printQuestion(d: Dissection, at: number, message: number, isMdns: boolean): number {
  const { out } = d;
  const afterName = skipName(d, at);
  if (afterName === NO_NAME || !d.has(afterName, 4)) return NO_NAME;
  printTypeWord(d, d.u16(afterName));
  const classField = d.u16(afterName + 2);
  printClass(d, isMdns ? classField & ~MDNS_BIT : classField);
  if (isMdns) out.write(classField & MDNS_BIT ? " (QU)" : " (QM)");
  out.write("? ");
  const after = printName(d, at, message);
  return after === NO_NAME ? NO_NAME : after + 4;
}

function printTypeWord(d: Dissection, type: number): void {
  d.out.write(` ${TYPES[type] ?? `Type${type}`}`);
}

function printClass(d: Dissection, value: number): void {
  if (value !== CLASS_IN) d.out.write(` ${CLASSES[value] ?? `(Class ${value})`}`);
}

/** @returns The offset just past the record; `d.end` when too little of it was captured; or NO_NAME. */
function printRecord(d: Dissection, start: number, message: number, isMdns: boolean): number {
  const { out } = d;
  const at = skipName(d, start);
  if (at === NO_NAME || !d.has(at, 10)) return d.end;
  const type = d.u16(at);
  const classField = d.u16(at + 2);
  const recordClass = isMdns ? classField & ~MDNS_BIT : classField;
  if (type !== OPT) printClass(d, recordClass);
  if (isMdns && classField & MDNS_BIT) out.write(" (Cache flush)");
  const length = d.u16(at + 8);
  const data = at + 10;
  const after = data + length;
  printTypeWord(d, type);
  if (after > d.end) return NO_NAME;
  if (type === OPT) {
    out.write(` UDPsize=${recordClass}`);
    // The DO bit is the top one of the TTL's second half (RFC 6891 6.1.3).
    if (d.u16(at + 6) & 0x8000) out.write(" DO");
    return printEdnsOptions(d, data, after) ? after : NO_NAME;
  }
  return printRecordData(d, type, data, length, message) ? after : NO_NAME;
}

function printEdnsOptions(d: Dissection, start: number, end: number): boolean {
  if (start >= end) return true;
  d.out.write(" [");
  for (let at = start; at < end; ) {
    at = printEdnsOption(d, at);
    if (at === NO_NAME) return false;
    if (at < end) d.out.byte(0x2c);
  }
  d.out.byte(0x5d);
  return true;
}

/** @returns False when the data is cut short or malformed. */
function printRecordData(d: Dissection, type: number, at: number, length: number, message: number): boolean {
  const { out } = d;
  switch (TYPES[type]) {
    case "A":
      if (!d.has(at, 4)) return false;
      out.byte(0x20);
      d.ipv4(at);
      return true;
    case "AAAA":
      if (!d.has(at, 16)) return false;
      out.byte(0x20);
      d.ipv6(at);
      return true;
    case "NS":
    case "CNAME":
    case "PTR":
    case "DNAME":
      out.byte(0x20);
      return printName(d, at, message) !== NO_NAME;
    case "MX":
      out.byte(0x20);
      if (!d.has(at, 2) || printName(d, at + 2, message) === NO_NAME) return false;
      out.write(` ${d.u16(at)}`);
      return true;
    case "SRV":
      out.byte(0x20);
      if (!d.has(at, 6) || printName(d, at + 6, message) === NO_NAME) return false;
      out.write(`:${d.u16(at + 4)} ${d.u16(at)} ${d.u16(at + 2)}`);
      return true;
    case "TXT":
      for (let next = at; next < at + length; ) {
        out.write(' "');
        if (!d.has(next, 1)) return false;
        const characters = d.u8(next);
        if (!printCharacters(d, next + 1, characters)) return false;
        out.byte(0x22);
        next += 1 + characters;
      }
      return true;
    case "A6":
      return printA6(d, at, message);
    case "URI":
      out.write(` ${d.u16(at)} ${d.u16(at + 2)} `);
      // In tcpdump a length below 4 wraps around, so that all the rest of the packet is shown.
      return printCharacters(d, at + 4, length < 4 ? 0xffff_ffff : length - 4);
    case "UNSPECA":
      return printCharacters(d, at, length);
    default:
      return true;
  }
}

/** The experimental A6 record (RFC 2874 3.1): prefix length, address suffix, prefix name. */
function printA6(d: Dissection, at: number, message: number): boolean {
  const { out } = d;
  if (!d.has(at, 1)) return false;
  const prefixBits = d.u8(at);
  if (prefixBits > 128) {
    out.write(` ${prefixBits}(bad plen)`);
    return true;
  }
  const skipped = prefixBits >> 3;
  if (prefixBits < 128) {
    d.need(at + 1, 16 - skipped);
    const words = [0, 0, 0, 0];
    for (let i = skipped; i < 16; i++) words[i >> 2]! |= d.bytes[at + 1 + i - skipped]! << (24 - (i & 3) * 8);
    const [a, b, c, last] = words;
    out.write(` ${prefixBits} ${formatAddress(6, a!, b!, c!, last!)}`);
  }
  if (prefixBits > 0) {
    out.byte(0x20);
    return printName(d, at + 1 + 16 - skipped, message) !== NO_NAME;
  }
  return true;
}
