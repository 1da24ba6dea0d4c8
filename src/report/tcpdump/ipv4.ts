import { CUT, type Dissection } from "./dissection.js";

const HEADER_BYTES = 20;

/** Protocols that print addresses with ports themselves, among them SCTP and DCCP, which are out of scope otherwise. */
function printsOwnAddresses(protocol: number): boolean {
  return protocol === 6 || protocol === 17;
}

/**
 * An IPv4 packet. Source: RFC 791 3.1.
 *
 * @param length - Bytes that the layer below has for it, which may be more or less than its own length field says.
 */
export function printIpv4(d: Dissection, at: number, length: number): void {
  d.protocol = "ip";
  const { out } = d;
  const version = d.u8(at) >> 4;
  if (version !== 4) {
    out.write(version === 6 ? "IP6, wrong link-layer encapsulation" : `IP${version}`);
    d.invalid();
    return;
  }
  if (!d.linkLevel) out.write("IP ");
  d.need(at, HEADER_BYTES);
  if (length < HEADER_BYTES) {
    out.write(`truncated-ip ${length}`);
    return;
  }
  const headerLength = (d.bytes[at]! & 15) * 4;
  if (headerLength < HEADER_BYTES) {
    out.write(`bad-hlen ${headerLength}`);
    return;
  }
  const totalLength = d.u16(at + 2);
  if (length < totalLength) out.write(`truncated-ip - ${totalLength - length} bytes missing! `);
  if (totalLength < headerLength) {
    out.write(`bad-len ${totalLength}`);
    return;
  }
  d.limit(at, totalLength);
  const payloadLength = totalLength - headerLength;
  const fragment = d.u16(at + 6);
  const protocol = d.u8(at + 9);
  if ((fragment & 0x1fff) !== 0) {
    printAddresses(d, at);
    out.write(`: ip-proto-${protocol}`);
    return;
  }
  if (!printsOwnAddresses(protocol)) {
    printAddresses(d, at);
    out.write(": ");
  }
  if (!d.has(at, headerLength)) {
    out.write(` [remaining caplen(${d.end - at}) < header length(${headerLength})]`);
    throw CUT;
  }
  d.printIpPayload(d, at + headerLength, payloadLength, 4, (fragment & 0x2000) !== 0, protocol, at);
}

function printAddresses(d: Dissection, at: number): void {
  d.ipv4(at + 12);
  d.out.write(" > ");
  d.ipv4(at + 16);
}
