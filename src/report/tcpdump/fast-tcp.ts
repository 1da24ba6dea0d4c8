import { type CapturedPacket, LinkType } from "../../base/index.js";
import type { Conversations } from "./conversations.js";
import type { Dissection } from "./dissection.js";
import { type AsciiText, asciiText, putAscii, putDecimal } from "./line-buffer.js";
import { flagText, printPorts, setConnectionKey } from "./tcp.js";
import { printTcpOptions } from "./tcp-options.js";

const SYN = 2;
const ACK = 16;
const URG = 32;
const SYN_FIN_RST = 7;
const DNS_PORT = 53;

/** Room for all that is written without asking: two numbers of text, numbers of ten digits, the longest prefix. */
const ROOM = 512;

/** `nop, nop, timestamp of 10 bytes`, how almost every segment's options begin and end. */
const TIMESTAMP_OPTIONS = 0x0101080a;

const FLAGS: readonly AsciiText[] = Array.from({ length: 256 }, (_, flags) => asciiText(`Flags [${flagText(flags)}]`));

const SEQ = asciiText(", seq ");
const ACK_TEXT = asciiText(", ack ");
const WIN = asciiText(", win ");
const LENGTH = asciiText(", length ");
const TIMESTAMP = asciiText(", options [nop,nop,TS val ");
const ECHO = asciiText(" ecr ");

function put(view: DataView, at: number, text: AsciiText): number {
  return putAscii(view, at, text.view, 0, text.length);
}

/**
 * Prints the commonest frames without the general printers: a TCP segment with ACK in an unfragmented, undamaged IPv4
 * or IPv6 packet without options or extension headers, right behind the link layer. The text is the same, which a
 * property test holds.
 *
 * @returns False, with nothing printed, for every other frame.
 */
export function printFastTcp(d: Dissection, packet: CapturedPacket): boolean {
  const { bytes, view, start, end } = packet;
  let ip = start;
  switch (packet.linkType) {
    case LinkType.EN10MB:
      ip += 14;
      break;
    case LinkType.LINUX_SLL:
      ip += 16;
      break;
    case LinkType.RAW:
      break;
    default:
      return false;
  }
  if (end - ip < 40) return false;
  const version = bytes[ip]! >> 4;
  if (packet.linkType !== LinkType.RAW) {
    const type = view.getUint16(ip - 2);
    if (version === 4 ? type !== 0x0800 : type !== 0x86dd) return false;
    // Radiotap behind a cooked header has a protocol field of its own meaning.
    if (packet.linkType === LinkType.LINUX_SLL && view.getUint16(start + 2) === 803) return false;
  }
  const length = packet.originalLength - (ip - start);
  let tcp: number;
  let segmentLength: number;
  if (version === 4) {
    const totalLength = view.getUint16(ip + 2);
    if (bytes[ip] !== 0x45 || bytes[ip + 9] !== 6 || totalLength > length || totalLength < 40) return false;
    if ((view.getUint16(ip + 6) & 0x3fff) !== 0) return false;
    tcp = ip + 20;
    segmentLength = totalLength - 20;
  } else if (version === 6) {
    segmentLength = view.getUint16(ip + 4);
    if (bytes[ip + 6] !== 6 || segmentLength < 20 || segmentLength + 40 > length) return false;
    tcp = ip + 40;
  } else {
    return false;
  }
  if (end - tcp < 20) return false;
  const headerLength = (bytes[tcp + 12]! >> 4) * 4;
  const flags = bytes[tcp + 13]!;
  if (headerLength < 20 || headerLength > segmentLength || tcp + headerLength > end || (flags & ACK) === 0)
    return false;
  const srcPort = view.getUint16(tcp);
  const dstPort = view.getUint16(tcp + 2);
  const payloadLength = segmentLength - headerLength;
  if (payloadLength > 0 && (srcPort === DNS_PORT || dstPort === DNS_PORT)) return false;

  const isIpv6 = version === 6;
  const table = isIpv6 ? d.conversations6 : d.conversations4;
  const src = isIpv6 ? ip + 8 : ip + 12;
  const reversed = setConnectionKey(table, view, src, isIpv6 ? src + 16 : src + 4, srcPort, dstPort);
  let row = table.find();
  let sequence = view.getUint32(tcp + 4);
  let acknowledgment = view.getUint32(tcp + 8);
  const own = reversed ? 1 : 0;
  if (row < 0 || flags & SYN) {
    if (row < 0) row = table.add(0, 0);
    table.bases[row * 2 + own] = sequence;
    table.bases[row * 2 + 1 - own] = acknowledgment - 1;
  } else {
    sequence = (sequence - table.bases[row * 2 + own]!) >>> 0;
    acknowledgment = (acknowledgment - table.bases[row * 2 + 1 - own]!) >>> 0;
  }

  const { out } = d;
  out.reserve(ROOM);
  printPrefix(d, table, row, own, ip, isIpv6, srcPort, dstPort);
  const text = out.view;
  let at = put(text, out.length, FLAGS[flags]!);
  if (payloadLength > 0 || flags & SYN_FIN_RST) {
    at = putDecimal(text, put(text, at, SEQ), sequence);
    if (payloadLength > 0) {
      text.setInt8(at++, 0x3a);
      at = putDecimal(text, at, (sequence + payloadLength) >>> 0);
    }
  }
  at = putDecimal(text, put(text, at, ACK_TEXT), acknowledgment);
  at = putDecimal(text, put(text, at, WIN), view.getUint16(tcp + 14));
  if (headerLength === 32 && (flags & URG) === 0 && view.getUint32(tcp + 20) === TIMESTAMP_OPTIONS) {
    at = putDecimal(text, put(text, at, TIMESTAMP), view.getUint32(tcp + 24));
    at = putDecimal(text, put(text, at, ECHO), view.getUint32(tcp + 28));
    text.setInt8(at++, 0x5d);
  } else {
    out.length = at;
    if (flags & URG) out.write(`, urg ${view.getUint16(tcp + 18)}`);
    if (
      headerLength > 20 &&
      !printOptions(d, packet, tcp, headerLength, flags, table.bases[row * 2 + 1 - own]!, payloadLength)
    ) {
      return true;
    }
    out.reserve(ROOM);
    at = out.length;
  }
  out.length = putDecimal(out.view, put(out.view, at, LENGTH), payloadLength);
  return true;
}

/** `IP 192.0.2.1.443 > 198.51.100.7.36300: `, rendered once for each direction of a connection. */
function printPrefix(
  d: Dissection,
  table: Conversations,
  row: number,
  direction: number,
  ip: number,
  isIpv6: boolean,
  srcPort: number,
  dstPort: number,
): void {
  const { out } = d;
  const keeps = table.keepsPrefix(row);
  const index = row * 2 + direction;
  const place = index * table.prefixBytes;
  const known = keeps ? table.prefixLengths[index]! : 0;
  if (known > 0) {
    out.length = putAscii(out.view, out.length, table.prefixView, place, known);
    return;
  }
  const start = out.length;
  out.write(isIpv6 ? "IP6 " : "IP ");
  printPorts(d, ip, isIpv6, 6, srcPort, dstPort);
  if (!keeps) return;
  table.prefixes.set(out.bytes.subarray(start, out.length), place);
  table.prefixLengths[index] = out.length - start;
}

/** Options of other forms, by the general printer, within the IP packet's own end. */
function printOptions(
  d: Dissection,
  packet: CapturedPacket,
  tcp: number,
  headerLength: number,
  flags: number,
  sackBase: number,
  payloadLength: number,
): boolean {
  d.protocol = "tcp";
  d.end = Math.min(packet.end, tcp + headerLength + payloadLength);
  const context = { flags, sackBase, payloadStart: tcp + headerLength, payloadLength };
  return printTcpOptions(d, tcp + 20, headerLength - 20, context);
}
