import type { Dissection } from "./dissection.js";

const NAMES: Readonly<Record<number, string>> = {
  1: "destination unreachable",
  2: "packet too big",
  3: "time exceeded in-transit",
  4: "parameter problem",
  128: "echo request",
  129: "echo reply",
  130: "multicast listener query",
  131: "multicast listener report",
  132: "multicast listener done",
  133: "router solicitation",
  134: "router advertisement",
  135: "neighbor solicitation",
  136: "neighbor advertisement",
  137: "redirect",
  138: "router renumbering",
  139: "who-are-you request",
  140: "who-are-you reply",
  141: "inverse neighbor solicitation",
  142: "inverse neighbor advertisement",
  143: "multicast listener report v2",
  144: "ha discovery request",
  145: "ha discovery reply",
  146: "mobile router solicitation",
  147: "mobile router advertisement",
  155: "RPL",
  200: "mtrace response",
  201: "mtrace message",
};

/** tcpdump has a space of its own in the second. */
const UNREACHABLE = [
  "unreachable route",
  " unreachable prohibited",
  "beyond scope",
  "unreachable address",
  "unreachable port",
] as const;

const PARAMETER_PROBLEMS = ["erroneous", "next header", "option", "incomplete header chain"] as const;

const RPL_MESSAGES = [
  "DODAG Information Solicitation",
  "DODAG Information Object",
  "Destination Advertisement Object",
  "Destination Advertisement Object Ack",
] as const;

// Offsets in the packet that an error quotes, which begins 8 bytes into the message.
const QUOTED = 8;
const QUOTED_SRC = QUOTED + 8;
const QUOTED_DST = QUOTED + 24;

/**
 * An ICMPv6 message. Source: RFC 4443, 4861, 2710, 3810; the text is that of tcpdump's print-icmp6.c. What router
 * renumbering (138) and node information (139, 140) say is out of scope.
 *
 * @param length - Bytes of the message by the IP header.
 */
export function printIcmp6(d: Dissection, at: number, length: number): void {
  d.protocol = "icmp6";
  const { out } = d;
  if (length === 0) {
    out.write("ICMP6, length 0");
    d.invalid();
    return;
  }
  const type = d.u8(at);
  out.write(`ICMP6, ${NAMES[type] ?? `unknown icmp6 type (${type})`}`);
  const code = d.u8(at + 1);
  if (NAMES[type] === undefined || type === 200 || type === 201) {
    out.write(`, length ${length}`);
    d.hexRows(at, length);
    return;
  }
  if (type === 1 && code >= UNREACHABLE.length) {
    out.write(`, unknown unreach code (${code})`);
    d.hexRows(at, length);
    return;
  }
  if (printBody(d, at, length, type, code)) out.write(`, length ${length}`);
  else d.cut();
}

/** @returns False when the message is cut. */
function printBody(d: Dissection, at: number, length: number, type: number, code: number): boolean {
  const { out } = d;
  switch (type) {
    case 1:
      return printUnreachable(d, at, code);
    case 2:
      out.write(`, mtu ${d.u32(at + 4)}`);
      return true;
    case 3:
      if (code === 0) {
        // tcpdump makes the whole phrase only once it has the address.
        d.need(at + QUOTED_DST, 16);
        out.write(" for ");
        d.ipv6(at + QUOTED_DST);
      } else {
        out.write(code === 1 ? " (reassembly)" : `, unknown code (${code})`);
      }
      return true;
    case 4:
      if (!d.has(at + QUOTED_DST, 16)) return false;
      out.write(
        PARAMETER_PROBLEMS[code] === undefined
          ? `, code-#${code}`
          : `, ${PARAMETER_PROBLEMS[code]} - octet ${d.u32(at + 4)}`,
      );
      return true;
    case 128:
    case 129:
      out.write(`, id ${d.u16(at + 4)}, seq ${d.u16(at + 6)}`);
      return true;
    case 130:
      if (length === 24) printListener(d, at);
      else if (length >= 28) printListenerQuery(d, at, length);
      else out.write(` unknown-version (len ${length}) `);
      return true;
    case 131:
    case 132:
      printListener(d, at);
      return true;
    case 135:
      d.need(at + 8, 16);
      out.write(", who has ");
      d.ipv6(at + 8);
      return true;
    case 136:
      d.need(at + 8, 16);
      out.write(", tgt is ");
      d.ipv6(at + 8);
      return true;
    case 137:
      d.need(at + 24, 16);
      out.write(", ");
      d.ipv6(at + 24);
      out.write(" to ");
      d.ipv6(at + 8);
      return true;
    case 143:
      if (length < 8) out.write(` [invalid len ${length}]`);
      else out.write(`, ${d.u16(at + 6)} group record(s)`);
      return true;
    case 144:
    case 146:
      out.write(
        `, id 0x${d
          .u16(at + 4)
          .toString(16)
          .padStart(4, "0")}`,
      );
      return true;
    case 155:
      printRpl(d, code);
      return true;
    default:
      return true;
  }
}

function printUnreachable(d: Dissection, at: number, code: number): boolean {
  const { out } = d;
  out.write(`, ${UNREACHABLE[code]}`);
  if (code === 4) {
    const upper = quotedTransport(d, at + QUOTED);
    if (upper === undefined) return false;
    const port = d.u16(upper.at + 2);
    out.write(", ");
    d.ipv6(at + QUOTED_DST);
    out.write(upper.protocol === 6 ? ` tcp port ${port}` : ` udp port ${port}`);
    return true;
  }
  d.need(at + QUOTED_DST, 16);
  out.byte(0x20);
  d.ipv6(at + QUOTED_DST);
  if (code === 2) {
    out.write(", source address ");
    d.ipv6(at + QUOTED_SRC);
  }
  return true;
}

/** The TCP or UDP header of a quoted IPv6 packet, behind its extension headers. */
function quotedTransport(d: Dissection, ip: number): { at: number; protocol: number } | undefined {
  if (!d.has(ip + 6, 1)) return undefined;
  let protocol = d.u8(ip + 6);
  let at = ip;
  let headerLength = 40;
  while (at < d.end) {
    at += headerLength;
    switch (protocol) {
      case 6:
      case 17:
        return d.has(at + 2, 2) ? { at, protocol } : undefined;
      case 0:
      case 43:
      case 60:
        if (!d.has(at + 1, 1)) return undefined;
        protocol = d.u8(at);
        headerLength = (d.u8(at + 1) + 1) << 3;
        break;
      case 44:
        if (!d.has(at + 2, 2) || (d.u16(at + 2) & 0xfff8) !== 0) return undefined;
        protocol = d.u8(at);
        headerLength = 8;
        break;
      case 51:
        if (!d.has(at + 1, 1)) return undefined;
        protocol = d.u8(at);
        headerLength = (d.u8(at + 1) + 2) << 2;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Multicast listener discovery, version 1 (RFC 2710 3). */
function printListener(d: Dissection, at: number): void {
  if (!d.has(at, 24)) return;
  d.out.write(`max resp delay: ${d.u16(at + 4)} addr: `);
  d.ipv6(at + 8);
}

/** Version 2 (RFC 3810 5.1). */
function printListenerQuery(d: Dissection, at: number, length: number): void {
  const { out } = d;
  out.write(" v2");
  d.u16(at + 4);
  d.need(at + 8, 16);
  out.write(" [gaddr ");
  d.ipv6(at + 8);
  const sources = d.u16(at + 26);
  if (sources > 0) {
    out.write(length < 28 + sources * 16 ? " [invalid number of sources]" : `, ${sources} source(s)`);
  }
  out.byte(0x5d);
}

function printRpl(d: Dissection, code: number): void {
  if (code & 0x80) {
    d.out.write(", (SEC) [worktodo]");
    return;
  }
  d.out.write(`, (CLR)${RPL_MESSAGES[code] ?? `RPL message, unknown code ${code}`}`);
}
