import type { Dissection } from "./dissection.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";
import { printMpls } from "./mpls.js";

const PROTOCOLS: Readonly<Record<number, string>> = {
  33: "IP",
  35: "OSI",
  37: "NS",
  39: "DECNET",
  41: "APPLE",
  43: "IPX",
  45: "VJC IP",
  47: "VJNC IP",
  49: "BRPDU",
  51: "STII",
  53: "VINES",
  641: "MPLS",
  643: "MPLS",
  253: "Compressed",
  61: "MLPPP",
  87: "IP6",
  513: "HELLO",
  561: "LUXCOM",
  563: "SNS",
  32801: "IPCP",
  32803: "OSICP",
  32805: "NSCP",
  32807: "DECNETCP",
  32809: "APPLECP",
  32811: "IPXCP",
  32819: "STIICP",
  32821: "VINESCP",
  32855: "IP6CP",
  33409: "MPLSCP",
  49185: "LCP",
  49187: "PAP",
  49189: "LQM",
  49699: "CHAP",
  49703: "EAP",
  49191: "SPAP",
  49443: "Old-SPAP",
  49195: "BACP",
  49197: "BAP",
  49213: "MLPPP-CP",
  33021: "CCP",
};

/** Address and control of RFC 1662 3.1, and what pppd writes there to tell directions apart. */
const ADDRESS_CONTROL = 0xff03;
const PPPD_IN = 0x0003;
const PPPD_OUT = 0x0103;

const PPPOE_HEADER_BYTES = 6;
const PPPOE_CODES: Readonly<Record<number, string>> = {
  0: "",
  9: "PADI",
  7: "PADO",
  25: "PADR",
  101: "PADS",
  167: "PADT",
};
const PADI = 0x09;

const PPPOE_TAGS: Readonly<Record<number, string>> = {
  0: "EOL",
  257: "Service-Name",
  258: "AC-Name",
  259: "Host-Uniq",
  260: "AC-Cookie",
  261: "Vendor-Specific",
  272: "Relay-Session-ID",
  288: "PPP-Max-Payload",
  513: "Service-Name-Error",
  514: "AC-System-Error",
  515: "Generic-Error",
};
/** Characters of a tag's text that tcpdump shows. */
const MAX_TAG_TEXT = 79;

/** A PPP frame. Source: RFC 1661, 1662. Control protocols (LCP, IPCP, PAP, ...) are out of scope. */
export function printPpp(d: Dissection, at: number, length: number): void {
  d.protocol = "ppp";
  const { out } = d;
  if (length < 2) {
    d.cut();
    return;
  }
  let next = at;
  let left = length;
  const header = d.u16(at);
  if (header === ADDRESS_CONTROL || header === PPPD_IN || header === PPPD_OUT) {
    if (d.linkLevel && header !== ADDRESS_CONTROL) out.write(header === PPPD_IN ? "In  " : "Out ");
    next += 2;
    left -= 2;
  }
  if (left < 2) {
    d.cut();
    return;
  }
  // An odd first byte is a protocol number compressed to one byte (RFC 1661 6.5).
  const compressed = d.u8(next) % 2 === 1;
  const protocol = compressed ? d.u8(next) : d.u16(next);
  next += compressed ? 1 : 2;
  left -= compressed ? 1 : 2;
  if (d.linkLevel) {
    const name = PROTOCOLS[protocol];
    out.write(`${name ?? "unknown"} (0x${protocol.toString(16).padStart(4, "0")}), length ${length}`);
    if (name === undefined) return;
    out.write(": ");
  }
  printPppPayload(d, protocol, next, left);
}

/** PPP in HDLC-like framing, which always has address, control and a protocol of two bytes. */
export function printPppHdlc(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "ppp_hdlc";
  if (captured < 4) {
    d.cut();
    return;
  }
  if (d.linkLevel)
    d.out.write(
      `ff ${d
        .u8(at + 1)
        .toString(16)
        .padStart(2, "0")} ${length} `,
    );
  const protocol = d.u16(at + 2);
  d.out.write(`${PROTOCOLS[protocol] ?? unknownProtocol(protocol)}: `);
  printPppPayload(d, protocol, at + 4, length - 4);
}

function unknownProtocol(protocol: number): string {
  return `unknown PPP protocol (0x${protocol.toString(16).padStart(4, "0")})`;
}

function printPppPayload(d: Dissection, protocol: number, at: number, length: number): void {
  switch (protocol) {
    case 0x0021:
    case 0x002f:
    case 0x0800:
      printIpv4(d, at, length);
      return;
    case 0x0057:
    case 0x86dd:
      printIpv6(d, at, length);
      return;
    case 0x0281:
    case 0x0283:
      printMpls(d, at, length);
      return;
    case 0x00fd:
      d.out.write("compressed PPP data");
      return;
    default:
      d.out.write(`${PROTOCOLS[protocol] ?? unknownProtocol(protocol)} `);
      d.hexRows(at, length);
  }
}

/** PPPoE discovery and session frames. Source: RFC 2516. */
export function printPppoe(d: Dissection, at: number, length: number): void {
  d.protocol = "pppoe";
  const { out } = d;
  if (length < PPPOE_HEADER_BYTES) {
    out.write(` (length ${length} < ${PPPOE_HEADER_BYTES})`);
    d.invalid();
    return;
  }
  d.need(at, PPPOE_HEADER_BYTES);
  const version = d.u8(at) >> 4;
  const type = d.u8(at) & 15;
  const code = d.u8(at + 1);
  const session = d.u16(at + 2);
  let payloadLength = d.u16(at + 4);
  if (version !== 1) out.write(` [ver ${version}]`);
  if (type !== 1) out.write(` [type ${type}]`);
  out.write(`PPPoE ${PPPOE_CODES[code] ?? `PAD-${code.toString(16)}`}`);
  if (code === PADI && payloadLength > 1484 - PPPOE_HEADER_BYTES) out.write(` [len ${payloadLength}!]`);
  const available = length - PPPOE_HEADER_BYTES;
  if (payloadLength > available) {
    out.write(` [len ${payloadLength} > ${available}!]`);
    payloadLength = available;
  }
  if (session !== 0) out.write(` [ses 0x${session.toString(16)}]`);
  const payload = at + PPPOE_HEADER_BYTES;
  if (code !== 0) {
    printPppoeTags(d, payload, payload + payloadLength);
    return;
  }
  out.byte(0x20);
  printPpp(d, payload, payloadLength);
}

function printPppoeTags(d: Dissection, start: number, end: number): void {
  const { out } = d;
  let tag = -1;
  for (let at = start; tag !== 0 && at < end; ) {
    tag = d.u16(at);
    const length = d.u16(at + 2);
    at += 4;
    const name = PPPOE_TAGS[tag] ?? `TAG-0x${tag.toString(16)}`;
    if (length === 0) {
      out.write(` [${name}]`);
      continue;
    }
    d.need(at, length);
    let text = "";
    let printable = 0;
    for (let i = 0; i < Math.min(length, MAX_TAG_TEXT); i++) {
      const c = d.u8(at + i);
      const isPrintable = c >= 0x20 && c < 0x7f;
      text += isPrintable ? String.fromCharCode(c) : ".";
      if (isPrintable) printable++;
    }
    if (printable > text.length - printable) {
      out.write(` [${name} "${text}"]`);
    } else {
      out.write(` [${name} 0x`);
      for (let i = 0; i < length; i++)
        out.write(
          d
            .u8(at + i)
            .toString(16)
            .toUpperCase()
            .padStart(2, "0"),
        );
      out.byte(0x5d);
    }
    at += length;
  }
}
