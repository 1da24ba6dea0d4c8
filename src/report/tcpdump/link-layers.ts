import { type CapturedPacket, LinkType, linkTypeName } from "../../base/index.js";
import type { Dissection } from "./dissection.js";
import { printEtherType } from "./ether-payload.js";
import { etherTypeLabel, etherTypeText, MAX_LENGTH_FIELD } from "./ether-types.js";
import { printEthernet, tagText } from "./ethernet.js";
import { printIeee80211, printRadiotap } from "./ieee80211.js";
import { printIp } from "./ip-protocol.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";
import { printLlc } from "./llc.js";
import { printMpls } from "./mpls.js";
import { printPpp, printPppHdlc, printPppoe } from "./ppp.js";

/** Cisco HDLC, which base/ has no name for since leek does not decode it into flows. */
const C_HDLC = 104;

const PACKET_TYPES = ["In", "B", "M", "P", "Out"] as const;
const VLAN = 0x8100;
/** In cooked headers, protocols that are no EtherTypes: raw 802.3 (Novell) and 802.2. */
const COOKED_8022 = 0x0004;
const COOKED_NAMES: Readonly<Record<number, string>> = { 1: "802.3", 4: "802.2" };

const SLL_BYTES = 16;
const SLL2_BYTES = 20;
const FAMILY_BYTES = 4;
const NFLOG_PAYLOAD = 9;

const PPP_ADDRESS = 0xff;
const CISCO_UNICAST = 0x0f;
const CISCO_BROADCAST = 0x8f;

/** Address families of BSD systems, as tcpdump names them. */
const FAMILIES: Readonly<Record<number, string>> = {
  2: "IPv4",
  6: "NS",
  7: "ISO",
  16: "Appletalk",
  23: "IPX",
  24: "IPv6",
  28: "IPv6",
  30: "IPv6",
};

/** A frame by the link type of its interface. A link type that is not known here is named instead. */
export function printFrame(d: Dissection, packet: CapturedPacket): void {
  const at = packet.start;
  const captured = packet.end - packet.start;
  const length = packet.originalLength;
  switch (packet.linkType) {
    case LinkType.EN10MB:
      printEthernet(d, at, length, captured);
      return;
    case LinkType.LINUX_SLL:
      printSll(d, at, length, captured);
      return;
    case LinkType.LINUX_SLL2:
      printSll2(d, at, length, captured);
      return;
    case LinkType.RAW:
    case LinkType.RAW_DLT:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      d.protocol = "raw";
      if (d.linkLevel) d.out.write("ip: ");
      printIp(d, at, length);
      return;
    case LinkType.NULL:
    case LinkType.LOOP:
      printNull(d, at, length, captured);
      return;
    case LinkType.PPP:
      d.protocol = "ppp";
      captured < 4 ? d.cut() : printPpp(d, at, length);
      return;
    case LinkType.PPP_SERIAL:
      printSerial(d, at, length, captured);
      return;
    case LinkType.PPP_ETHER:
      printPppoe(d, at, length);
      return;
    case C_HDLC:
      printCiscoHdlc(d, at, length);
      return;
    case LinkType.NFLOG:
      printNflog(d, at, length, captured);
      return;
    case LinkType.IEEE802_11:
      printIeee80211(d, at, length);
      return;
    case LinkType.IEEE802_11_RADIO:
      printRadiotap(d, at, length);
      return;
    default:
      d.out.write(`[link type ${linkTypeName(packet.linkType)} is not printed]`);
  }
}

/** Linux cooked capture. Source: draft-ietf-opsawg-pcaplinktype, LINKTYPE_LINUX_SLL. */
function printSll(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "sll";
  d.need(at, SLL_BYTES);
  const header = (shownLength: number) => {
    d.protocol = "sll";
    d.out.write(`${(PACKET_TYPES[d.u16(at)] ?? "?").padStart(3)} `);
    printCookedHeader(d, d.u16(at + 4), at + 6, d.u16(at + 14), shownLength);
  };
  if (d.linkLevel) header(length);
  printCookedPayload(d, d.u16(at + 14), at + SLL_BYTES, length, length - SLL_BYTES, captured - SLL_BYTES, header);
}

/** Its second version, with the interface. */
function printSll2(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "sll2";
  d.need(at, SLL2_BYTES);
  const index = d.u32(at + 4);
  d.out.write(`${(d.interfaceName(index) ?? "?").padEnd(5)} ${(PACKET_TYPES[d.u8(at + 10)] ?? "?").padEnd(3)} `);
  const header = (shownLength: number) => {
    d.protocol = "sll2";
    d.out.write(`ifindex ${index} `);
    printCookedHeader(d, d.u8(at + 11), at + 12, d.u16(at), shownLength);
  };
  if (d.linkLevel) header(length);
  printCookedPayload(d, d.u16(at), at + SLL2_BYTES, length, length - SLL2_BYTES, captured - SLL2_BYTES, header);
}

function printCookedHeader(d: Dissection, addressLength: number, address: number, type: number, length: number): void {
  if (addressLength === 6) {
    d.mac(address);
    d.out.byte(0x20);
  }
  if (d.quiet) return;
  if (type <= MAX_LENGTH_FIELD) {
    d.out.write(COOKED_NAMES[type] ?? `ethertype Unknown (0x${type.toString(16).padStart(4, "0")})`);
  } else {
    d.out.write(etherTypeText(type, false));
  }
  d.out.write(`, length ${length}: `);
}

/**
 * @param wholeLength - The frame's bytes on the wire.
 * @param length - The same without the cooked header.
 * @param header - Prints the header's fields, for a payload of unknown type when it was not asked for before.
 */
function printCookedPayload(
  d: Dissection,
  protocol: number,
  at: number,
  wholeLength: number,
  length: number,
  captured: number,
  header: (shownLength: number) => void,
): void {
  let type = protocol;
  let next = at;
  let left = length;
  let capturedLeft = captured;
  while (type === VLAN) {
    if (capturedLeft < 4) {
      d.protocol = "vlan";
      d.cut();
      return;
    }
    if (d.linkLevel) d.out.write(`${tagText(d.u16(next))}, `);
    type = d.u16(next + 2);
    if (type <= MAX_LENGTH_FIELD) type = COOKED_8022;
    if (!d.quiet) d.out.write(`ethertype ${etherTypeLabel(type, "Unknown")}, `);
    next += 4;
    left -= 4;
    capturedLeft -= 4;
  }
  if (type <= MAX_LENGTH_FIELD) {
    if (type !== COOKED_8022 || !printLlc(d, next, left, capturedLeft, undefined)) d.unknownDump(next, capturedLeft);
  } else if (!printEtherType(d, type, next, left, capturedLeft)) {
    // tcpdump leaves tags out of this length.
    if (!d.linkLevel) header(wholeLength - (length - left));
    d.unknownDump(next, capturedLeft);
  }
}

/** The address family in either byte order, since the writer's is unknown. */
function printNull(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "null";
  d.need(at, FAMILY_BYTES);
  let family = d.view.getUint32(at, true);
  if (family > 0xffff) family = d.u32(at);
  const header = () => {
    const name = FAMILIES[family];
    d.out.write(d.quiet ? (name ?? `Unknown AF ${family}`) : `AF ${name ?? "Unknown"} (${family})`);
    d.out.write(`, length ${length}: `);
  };
  if (d.linkLevel) header();
  const payload = at + FAMILY_BYTES;
  if (family === 2) {
    printIpv4(d, payload, length - FAMILY_BYTES);
    return;
  }
  if (FAMILIES[family] === "IPv6") {
    printIpv6(d, payload, length - FAMILY_BYTES);
    return;
  }
  if (!d.linkLevel) header();
  d.unknownDump(payload, captured - FAMILY_BYTES);
}

/** PPP or Cisco HDLC, told apart by the first byte. */
function printSerial(d: Dissection, at: number, length: number, captured: number): void {
  const first = captured < 2 ? PPP_ADDRESS : d.u8(at);
  if (first === CISCO_UNICAST || first === CISCO_BROADCAST) {
    printCiscoHdlc(d, at, length);
  } else if (first === PPP_ADDRESS || captured < 4) {
    printPppHdlc(d, at, length, captured);
  } else {
    const hex = (offset: number) =>
      d
        .u8(at + offset)
        .toString(16)
        .padStart(2, "0");
    if (d.linkLevel) d.out.write(`${hex(0)} ${hex(1)} ${length} `);
    // tcpdump names the two bytes behind address and control.
    d.out.write(`unknown addr ${hex(2)}; ctrl ${hex(3)}`);
  }
}

function printCiscoHdlc(d: Dissection, at: number, length: number): void {
  d.protocol = "chdlc";
  if (length < 4) {
    d.cut();
    return;
  }
  const type = d.u16(at + 2);
  if (d.linkLevel) {
    const cast = d.u8(at);
    const name =
      cast === CISCO_UNICAST
        ? "unicast"
        : cast === CISCO_BROADCAST
          ? "bcast"
          : `0x${cast.toString(16).padStart(2, "0")}`;
    d.out.write(`${name}, ${etherTypeText(type, false)}, length ${length}: `);
  }
  if (type === 0x0800) printIpv4(d, at + 4, length - 4);
  else if (type === 0x86dd) printIpv6(d, at + 4, length - 4);
  else if (type === 0x8847 || type === 0x8848) printMpls(d, at + 4, length - 4);
  else if (!d.linkLevel) d.out.write(`unknown CHDLC protocol (0x${type.toString(16).padStart(4, "0")})`);
}

/** Records of type, length and value, of which one is the packet. tcpdump reads them as little-endian on our machines. */
function printNflog(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "nflog";
  const { out } = d;
  if (captured < 4) {
    d.cut();
    return;
  }
  const version = d.u8(at + 1);
  if (version !== 0) {
    out.write(`version ${version} (unknown)`);
    return;
  }
  const family = d.u8(at);
  const name = family === 2 ? "IPv4" : family === 10 ? "IPv6" : undefined;
  const header = (shownLength: number) => {
    out.write(`version ${version}, resource ID ${d.u16(at + 2)}, `);
    if (d.quiet) out.write(name ?? `Unknown NFLOG (0x${family.toString(16).padStart(2, "0")})`);
    else out.write(`family ${name ?? "Unknown"} (${family})`);
    out.write(`, length ${shownLength}: `);
  };
  if (d.linkLevel) header(length);
  let next = at + 4;
  const end = at + length;
  while (next < end) {
    if (!d.has(next, 4)) {
      d.cut();
      return;
    }
    const size = (d.view.getUint16(next, true) + 3) & ~3;
    if (size < 4 || !d.has(next, size)) {
      d.cut();
      return;
    }
    if (d.view.getUint16(next + 2, true) === NFLOG_PAYLOAD) {
      next += 4;
      break;
    }
    next += size;
  }
  const left = end - next;
  if (name === "IPv4") {
    printIpv4(d, next, left);
    return;
  }
  if (name === "IPv6") {
    printIpv6(d, next, left);
    return;
  }
  if (!d.linkLevel) header(left + 4);
  d.unknownDump(next, d.end - next);
}
