import type { Dissection } from "./dissection.js";
import { printMptcp } from "./mptcp.js";

const NAMES: Readonly<Record<number, string>> = {
  0: "eol",
  1: "nop",
  2: "mss",
  3: "wscale",
  4: "sackOK",
  5: "sack",
  6: "echo",
  7: "echoreply",
  8: "TS",
  11: "cc",
  12: "ccnew",
  // tcpdump names CC.ECHO with an empty string.
  13: "",
  19: "md5",
  20: "scps",
  28: "uto",
  29: "tcp-ao",
  30: "mptcp",
  34: "tfo",
  254: "exp",
};

const MD5_BYTES = 16;

/** What the options need to know of their segment. */
export interface OptionContext {
  readonly flags: number;
  /** The number by which SACK blocks are printed relative; 0 where numbers are absolute. */
  readonly sackBase: number;
  /** Offset just past the TCP header; with `payloadLength`, where the segment ends on the wire. */
  readonly payloadStart: number;
  readonly payloadLength: number;
}

/** How one option's data was read: the length its kind should have, or that the line ends here. */
const BAD = -1;
const SHORT = -2;

/**
 * The list of TCP options with its brackets. Source: RFC 9293 3.1 and the RFC of each option.
 *
 * @returns False when the line ends here: `[bad opt]` or a cut was printed instead of the closing bracket.
 */
export function printTcpOptions(d: Dissection, start: number, length: number, context: OptionContext): boolean {
  const { out } = d;
  out.write(", options [");
  let at = start;
  let left = length;
  let first = true;
  while (left > 0) {
    if (!first) out.byte(0x2c);
    const kind = d.u8(at++);
    left--;
    let optionLength = 1;
    if (kind > 1) {
      optionLength = d.u8(at++);
      if (optionLength < 2 || optionLength > left + 1) return bad(d, first);
      left--;
    }
    out.write(NAMES[kind] ?? `unknown-${kind}`);
    const dataLength = printOption(d, kind, at, optionLength, left, context);
    if (dataLength === BAD) return bad(d, first);
    if (dataLength === SHORT) {
      d.cut();
      if (!first) out.byte(0x3e);
      return false;
    }
    at += dataLength;
    left -= dataLength;
    if (dataLength + (kind > 1 ? 2 : 1) !== optionLength) out.write(`[len ${optionLength}]`);
    first = false;
    if (kind === 0) break;
  }
  out.byte(0x5d);
  return true;
}

function bad(d: Dissection, first: boolean): false {
  d.out.write(first ? "[bad opt]" : "[bad opt]]");
  return false;
}

/** Whether `count` data bytes lie within the options (else BAD) and were captured (else SHORT). */
function check(d: Dissection, at: number, count: number, left: number): number {
  if (count > left) return BAD;
  return d.has(at, count) ? count : SHORT;
}

/** @returns The number of data bytes that this kind has, BAD or SHORT. */
function printOption(
  d: Dissection,
  kind: number,
  at: number,
  optionLength: number,
  left: number,
  context: OptionContext,
): number {
  const { out } = d;
  const rest = optionLength - 2;
  switch (kind) {
    case 0:
    case 1:
    case 4:
      return 0;
    case 2: {
      const size = check(d, at, 2, left);
      if (size >= 0) out.write(` ${d.u16(at)}`);
      return size;
    }
    case 3: {
      const size = check(d, at, 1, left);
      if (size >= 0) out.write(` ${d.u8(at)}`);
      return size;
    }
    case 5:
      return printSack(d, at, rest, left, context.sackBase);
    case 6:
    case 7:
    case 11:
    case 12:
    case 13: {
      const size = check(d, at, 4, left);
      if (size >= 0) out.write(` ${d.u32(at)}`);
      return size;
    }
    case 8: {
      const size = check(d, at, 8, left);
      if (size >= 0) out.write(` val ${d.u32(at)} ecr ${d.u32(at + 4)}`);
      return size;
    }
    case 19: {
      const size = check(d, at, MD5_BYTES, left);
      if (size < 0) return size;
      const cut = context.payloadStart + context.payloadLength > d.end;
      out.write(cut ? " snaplen too short, " : " shared secret not supplied with -M, ");
      out.write("can't check - ");
      d.hexBytes(at, MD5_BYTES);
      return size;
    }
    case 20: {
      const size = check(d, at, 2, left);
      if (size < 0) return size;
      out.write(" cap ");
      out.hexByte(d.u8(at));
      out.write(` id ${d.u8(at + 1)}`);
      return size;
    }
    case 28: {
      const size = check(d, at, 2, left);
      if (size < 0) return size;
      const value = d.u16(at);
      // The lowest bit is the granularity: minutes, printed in seconds (RFC 5482 3.1).
      out.write(` 0x${value.toString(16)} ${value & 1 ? (value >> 1) * 60 : value >> 1}`);
      return size;
    }
    case 29:
      return printAuthentication(d, at, rest, left);
    case 30: {
      const size = check(d, at, rest, left);
      if (size < 0) return size;
      // The option's own end, so that nothing of what follows is read.
      const { end } = d;
      d.limit(at, rest);
      const good = printMptcp(d, at - 2, optionLength, context.flags);
      d.end = end;
      return good ? size : BAD;
    }
    case 34: {
      const size = check(d, at, rest, left);
      if (size < 0) return size;
      out.byte(0x20);
      printFastOpen(d, at, rest);
      return size;
    }
    case 254: {
      const size = check(d, at, rest, left);
      if (size < 0) return size;
      if (rest < 2) return BAD;
      const magic = d.u16(at);
      out.byte(0x2d);
      // RFC 7413 A, in the experimental encoding of RFC 6994.
      if (magic === 0xf989) {
        out.write("tfo");
        printFastOpen(d, at + 2, rest - 2);
      } else {
        out.hex(magic, 4);
      }
      return size;
    }
    default:
      if (rest > 0) out.write(" 0x");
      for (let i = 0; i < rest; i++) {
        const size = check(d, at, i + 1, left);
        if (size < 0) return size;
        out.hexByte(d.u8(at + i));
      }
      return rest;
  }
}

function printSack(d: Dissection, at: number, rest: number, left: number, base: number): number {
  const { out } = d;
  if (rest % 8 !== 0) {
    out.write(" invalid sack");
    return rest;
  }
  out.write(` ${rest / 8} `);
  for (let i = 0; i < rest; i += 8) {
    const size = check(d, at, i + 8, left);
    if (size < 0) return size;
    out.write(`{${(d.u32(at + i) - base) >>> 0}:${(d.u32(at + i + 4) - base) >>> 0}}`);
  }
  return rest;
}

/** TCP-AO (RFC 5925 2.2). */
function printAuthentication(d: Dissection, at: number, rest: number, left: number): number {
  const { out } = d;
  if (rest < 2) {
    d.invalid();
    return rest;
  }
  let size = check(d, at, 1, left);
  if (size < 0) return size;
  out.write(` keyid ${d.u8(at)}`);
  size = check(d, at, 2, left);
  if (size < 0) return size;
  out.write(` rnextkeyid ${d.u8(at + 1)}`);
  if (rest > 2) out.write(" mac 0x");
  for (let i = 2; i < rest; i++) {
    size = check(d, at, i + 1, left);
    if (size < 0) return size;
    out.hexByte(d.u8(at + i));
  }
  return rest;
}

/** A Fast Open cookie (RFC 7413 4.1.1). */
function printFastOpen(d: Dissection, at: number, length: number): void {
  if (length === 0) {
    d.out.write(" cookiereq");
  } else if (length % 2 !== 0 || length < 4 || length > 16) {
    d.invalid();
  } else {
    d.out.write(" cookie ");
    d.hexBytes(at, length);
  }
}
