import type { Dissection } from "./dissection.js";
import { printDomain } from "./dns.js";
import { printPorts } from "./tcp.js";

const UDP = 17;
const HEADER_BYTES = 8;
const DNS_PORT = 53;
const MDNS_PORT = 5353;

/**
 * A UDP datagram. Source: RFC 768, RFC 2675 4 for jumbograms.
 *
 * @param length - Bytes of the datagram by the IP header.
 * @param ip - Offset of the IP header around it.
 * @param fragmented - Whether more fragments follow, so that the UDP length may exceed `length`.
 */
export function printUdp(d: Dissection, at: number, length: number, ip: number, fragmented: boolean): void {
  d.protocol = "udp";
  const { out, view } = d;
  const isIpv6 = d.bytes[ip]! >> 4 === 6;
  if (!d.has(at, 4)) {
    if (d.bytes[ip + (isIpv6 ? 6 : 9)] === UDP) {
      if (isIpv6) d.ipv6(ip + 8);
      else d.ipv4(ip + 12);
      out.write(" > ");
      if (isIpv6) d.ipv6(ip + 24);
      else d.ipv4(ip + 16);
      out.write(": ");
    }
    d.cut();
    return;
  }
  const srcPort = view.getUint16(at);
  const dstPort = view.getUint16(at + 2);
  printPorts(d, ip, isIpv6, UDP, srcPort, dstPort);
  if (length < HEADER_BYTES) {
    out.write(`truncated-udp ${length}`);
    return;
  }
  if (!d.has(at, 6)) {
    d.cut();
    return;
  }
  let datagramLength = view.getUint16(at + 4);
  if (datagramLength === 0 && length > 65_535) datagramLength = length;
  if (datagramLength < HEADER_BYTES) {
    out.write(`truncated-udplength ${datagramLength}`);
    return;
  }
  datagramLength -= HEADER_BYTES;
  const payloadLength = Math.min(length - HEADER_BYTES, datagramLength);
  if (!d.has(at, HEADER_BYTES)) {
    d.cut();
    return;
  }
  const payload = at + HEADER_BYTES;
  if (!d.quiet && (srcPort === DNS_PORT || dstPort === DNS_PORT)) {
    printDomain(d, payload, payloadLength, "udp");
  } else if (!d.quiet && (srcPort === MDNS_PORT || dstPort === MDNS_PORT)) {
    printDomain(d, payload, payloadLength, "mdns");
  } else if (datagramLength > payloadLength && !fragmented) {
    out.write(`UDP, bad length ${datagramLength} > ${payloadLength}`);
  } else {
    out.write("UDP, length ");
    out.decimal(datagramLength);
  }
}
