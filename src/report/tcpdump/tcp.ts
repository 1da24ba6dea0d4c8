import type { Conversations } from "./conversations.js";
import { CUT, type Dissection } from "./dissection.js";
import { printDomain } from "./dns.js";
import { printTcpOptions } from "./tcp-options.js";

const TCP = 6;
const HEADER_BYTES = 20;
const DNS_PORT = 53;

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;
const URG = 32;

const FLAG_LETTERS = "FSRP.UEW";

/** What stands between the brackets of `Flags [...]`. */
export function flagText(flags: number): string {
  let text = "";
  for (let bit = 0; bit < 8; bit++) if (flags & (1 << bit)) text += FLAG_LETTERS[bit];
  return text === "" ? "none" : text;
}

/**
 * Fills the key of the table with a segment's connection. The end with the lower port stands first; with equal ports,
 * the lower address.
 *
 * @returns True when the segment goes from the second end to the first.
 */
export function setConnectionKey(
  table: Conversations,
  view: DataView,
  src: number,
  dst: number,
  srcPort: number,
  dstPort: number,
): boolean {
  const { key } = table;
  const words = (key.length - 1) >> 1;
  let reversed = srcPort > dstPort;
  if (srcPort === dstPort) {
    for (let i = 0; i < words; i++) {
      const difference = view.getUint32(src + i * 4) - view.getUint32(dst + i * 4);
      if (difference !== 0) {
        reversed = difference > 0;
        break;
      }
    }
  }
  const first = reversed ? dst : src;
  const second = reversed ? src : dst;
  for (let i = 0; i < words; i++) {
    key[i] = view.getInt32(first + i * 4);
    key[words + i] = view.getInt32(second + i * 4);
  }
  key[words * 2] = reversed ? (dstPort << 16) | srcPort : (srcPort << 16) | dstPort;
  return reversed;
}

/**
 * A TCP segment. Source: RFC 9293 3.1; the text is that of tcpdump's print-tcp.c.
 *
 * @param at - Offset of the TCP header.
 * @param length - Bytes of the segment by the IP header.
 * @param ip - Offset of the IP header around it.
 */
export function printTcp(d: Dissection, at: number, length: number, ip: number): void {
  d.protocol = "tcp";
  const { out, view } = d;
  const isIpv6 = d.bytes[ip]! >> 4 === 6;
  if (!d.has(at, 4)) {
    printAddress(d, ip, isIpv6, false);
    out.write(" > ");
    printAddress(d, ip, isIpv6, true);
    out.byte(0x3a);
    d.cut();
    return;
  }
  const srcPort = view.getUint16(at);
  const dstPort = view.getUint16(at + 2);
  printPorts(d, ip, isIpv6, TCP, srcPort, dstPort);
  if (!d.has(at, HEADER_BYTES)) {
    d.cut();
    return;
  }
  const headerLength = (view.getUint8(at + 12) >> 4) * 4;
  if (headerLength < HEADER_BYTES) {
    out.write(` tcp ${(length - headerLength) >>> 0} [bad hdr length ${headerLength} - too short, < ${HEADER_BYTES}]`);
    return;
  }
  if (d.quiet) {
    out.write(`tcp ${(length - headerLength) >>> 0}`);
    if (headerLength > length) out.write(` [bad hdr length ${headerLength} - too long, > ${length}]`);
    return;
  }
  let sequence = view.getUint32(at + 4);
  let acknowledgment = view.getUint32(at + 8);
  const flags = view.getUint8(at + 13);
  out.write(`Flags [${flagText(flags)}]`);

  let sackBase = 0;
  if (flags & ACK) {
    const table = isIpv6 ? d.conversations6 : d.conversations4;
    const src = ip + (isIpv6 ? 8 : 12);
    const reversed = setConnectionKey(table, view, src, src + (isIpv6 ? 16 : 4), srcPort, dstPort);
    let row = table.find();
    if (row < 0 || flags & SYN) {
      if (row < 0) row = table.add(0, 0);
      table.bases[row * 2] = reversed ? acknowledgment - 1 : sequence;
      table.bases[row * 2 + 1] = reversed ? sequence : acknowledgment - 1;
    } else {
      const own = table.bases[row * 2 + (reversed ? 1 : 0)]!;
      const other = table.bases[row * 2 + (reversed ? 0 : 1)]!;
      sequence = (sequence - own) >>> 0;
      acknowledgment = (acknowledgment - other) >>> 0;
    }
    sackBase = table.bases[row * 2 + (reversed ? 0 : 1)]!;
  }
  if (headerLength > length) {
    out.write(` [bad hdr length ${headerLength} - too long, > ${length}]`);
    return;
  }
  const payloadLength = length - headerLength;
  if (payloadLength > 0 || flags & (SYN | FIN | RST)) {
    out.write(", seq ");
    out.decimal(sequence);
    if (payloadLength > 0) {
      out.byte(0x3a);
      out.decimal((sequence + payloadLength) >>> 0);
    }
  }
  if (flags & ACK) {
    out.write(", ack ");
    out.decimal(acknowledgment);
  }
  out.write(", win ");
  out.decimal(view.getUint16(at + 14));
  if (flags & URG) out.write(`, urg ${view.getUint16(at + 18)}`);
  const payloadStart = at + headerLength;
  if (headerLength > HEADER_BYTES) {
    const context = { flags, sackBase, payloadStart, payloadLength };
    if (!printTcpOptions(d, at + HEADER_BYTES, headerLength - HEADER_BYTES, context)) return;
  }
  out.write(", length ");
  out.decimal(payloadLength);
  if (payloadLength === 0) return;
  // Options may end before the header does, so a cut between the two shows only here.
  if (!d.has(at, headerLength)) {
    out.write(` [remaining caplen(${d.end - at}) < header length(${headerLength})]`);
    throw CUT;
  }
  if (srcPort === DNS_PORT || dstPort === DNS_PORT) printDomain(d, payloadStart, payloadLength, "tcp");
}

function printAddress(d: Dissection, ip: number, isIpv6: boolean, destination: boolean): void {
  if (isIpv6) d.ipv6(ip + (destination ? 24 : 8));
  else d.ipv4(ip + (destination ? 16 : 12));
}

/**
 * `a.port > b.port: `; the ports alone where an extension header made the IP printer write the addresses already.
 *
 * @param protocol - The transport's number, to see whether it follows the IP header directly.
 */
export function printPorts(
  d: Dissection,
  ip: number,
  isIpv6: boolean,
  protocol: number,
  srcPort: number,
  dstPort: number,
): void {
  const { out } = d;
  const withAddresses = d.bytes[ip + (isIpv6 ? 6 : 9)] === protocol;
  if (withAddresses) {
    printAddress(d, ip, isIpv6, false);
    out.byte(0x2e);
  }
  out.decimal(srcPort);
  out.write(" > ");
  if (withAddresses) {
    printAddress(d, ip, isIpv6, true);
    out.byte(0x2e);
  }
  out.decimal(dstPort);
  out.write(": ");
}
