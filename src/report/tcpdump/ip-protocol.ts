import { CUT, type Dissection } from "./dissection.js";
import { printGre } from "./gre.js";
import { printIcmp } from "./icmp.js";
import { printIcmp6 } from "./icmp6.js";
import { printIgmp } from "./igmp.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";
import { printTcp } from "./tcp.js";
import { printUdp } from "./udp.js";

const AUTHENTICATION_HEADER = 51;

/** What an IP packet carries, by its protocol number; an IpPayloadPrinter. */
export function printIpPayload(
  d: Dissection,
  at: number,
  length: number,
  version: 4 | 6,
  fragmented: boolean,
  protocol: number,
  ip: number,
): void {
  const { out } = d;
  let next = at;
  let left = length;
  let number = protocol;
  while (number === AUTHENTICATION_HEADER) {
    if (!d.has(next, 1)) {
      d.protocol = "ah";
      d.cut();
      return;
    }
    number = d.u8(next);
    const size = printAuthenticationHeader(d, next);
    next += size;
    left = (left - size) >>> 0;
  }
  switch (number) {
    case 1:
      if (version === 4) printIcmp(d, next, left);
      else printWrongVersion(d, "ICMP", 4);
      break;
    case 2:
      if (version === 4) printIgmp(d, next, left);
      else printWrongVersion(d, "IGMP", 4);
      break;
    case 4:
      printIpv4(d, next, left);
      break;
    case 6:
      printTcp(d, next, left, ip);
      break;
    case 17:
      printUdp(d, next, left, ip, fragmented);
      break;
    case 41:
      printIpv6(d, next, left);
      break;
    case 47:
      printGre(d, next, left);
      break;
    case 50:
      printEncryptedPayload(d, next, left);
      break;
    case 58:
      if (version === 6) printIcmp6(d, next, left);
      else printWrongVersion(d, "ICMPv6", 6);
      break;
    case 59:
      out.write("no next header");
      break;
    case 77:
      out.write(` nd ${left}`);
      break;
    default:
      out.write(` ip-proto-${number} ${left}`);
  }
}

function printWrongVersion(d: Dissection, name: string, version: 4 | 6): void {
  d.out.write(`[${name} requires IPv${version}]`);
  d.invalid();
}

/** RFC 4302 2. Returns the header's length. */
function printAuthenticationHeader(d: Dissection, at: number): number {
  d.protocol = "ah";
  const { out } = d;
  out.write("AH");
  const size = (d.u8(at + 1) + 2) * 4;
  out.byte(0x28);
  const reserved = d.u16(at + 2);
  if (reserved !== 0) out.write(`reserved=0x${reserved.toString(16)}[MustBeZero],`);
  out.write(
    `spi=0x${d
      .u32(at + 4)
      .toString(16)
      .padStart(8, "0")},`,
  );
  out.write(`seq=0x${d.u32(at + 8).toString(16)},icv=0x`);
  d.hexBytes(at + 12, size - 12);
  out.write("): ");
  return size;
}

/** RFC 4303 2; what is encrypted stays so. */
function printEncryptedPayload(d: Dissection, at: number, length: number): void {
  d.protocol = "esp";
  if (at + 8 >= d.end) {
    d.cut();
    return;
  }
  d.out.write(
    `ESP(spi=0x${d.u32(at).toString(16).padStart(8, "0")},seq=0x${d.u32(at + 4).toString(16)}), length ${length}`,
  );
}

/** IPv4 or IPv6 by the first nibble, for links that do not say which. */
export function printIp(d: Dissection, at: number, length: number): void {
  d.protocol = "ipn";
  if (length < 1) {
    d.out.write(`truncated-ip ${length}`);
    return;
  }
  if (at >= d.end) throw CUT;
  const version = d.bytes[at]! >> 4;
  if (version === 4) printIpv4(d, at, length);
  else if (version === 6) printIpv6(d, at, length);
  else d.out.write(`unknown ip ${version}`);
}
