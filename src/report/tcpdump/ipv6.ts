import type { Dissection } from "./dissection.js";

const HEADER_BYTES = 40;
const JUMBO_PAYLOAD = 0xc2;
/** Jumbo payloads are for what does not fit into 16 bits (RFC 2675 2). */
const JUMBO_MINIMUM = 65_536;

/** What hop-by-hop options say that changes how the packet is read. */
interface HopByHop {
  /** The header's length, or -1 when it is malformed. */
  readonly size: number;
  /** 0 without a valid jumbo option. */
  readonly jumboLength: number;
}

/**
 * An IPv6 packet with its extension headers. Source: RFC 8200 3 and 4.
 *
 * @param length - Bytes that the layer below has for it.
 */
export function printIpv6(d: Dissection, at: number, length: number): void {
  d.protocol = "ip6";
  const { out } = d;
  d.need(at, HEADER_BYTES);
  if (length < HEADER_BYTES) {
    out.write(`truncated-ip6 ${length}`);
    return;
  }
  if (!d.linkLevel) out.write("IP6 ");
  const version = d.bytes[at]! >> 4;
  if (version !== 6) {
    out.write(`version error: ${version} != 6`);
    return;
  }
  const outerEnd = d.end;
  let payloadLength = d.u16(at + 4);
  // A length of 0 stands for a jumbo payload, to be found among the options, or for no payload.
  const isZero = payloadLength === 0;
  let left = HEADER_BYTES + (isZero ? length : payloadLength);
  if (!isZero && length < left) out.write(`truncated-ip6 - ${left - length} bytes missing!`);
  d.limit(at, left);

  let next = at;
  let advance = HEADER_BYTES;
  let protocol = d.bytes[at + 6]!;
  let headers = 0;
  let sawHopByHop = false;
  let isJumbo = false;
  let fragmented = false;
  while (next < d.end) {
    if (left < advance) {
      d.cut();
      return;
    }
    next += advance;
    left -= advance;
    if (headers === 0 && protocol !== 6 && protocol !== 17) {
      d.ipv6(at + 8);
      out.write(" > ");
      d.ipv6(at + 24);
      out.write(": ");
    }
    switch (protocol) {
      case 0: {
        if (sawHopByHop) {
          out.write("[The Hop-by-Hop Options header was already found]");
          d.invalid();
          return;
        }
        if (headers > 0) {
          out.write("[The Hop-by-Hop Options header don't follow the IPv6 header]");
          d.invalid();
          return;
        }
        const options = printHopByHop(d, next, isZero);
        if (isZero && options.jumboLength === 0) {
          out.write("[No valid Jumbo Payload Hop-by-Hop option found]");
          d.invalid();
          return;
        }
        if (options.size < 0) return;
        if (options.jumboLength > 0) {
          isJumbo = true;
          payloadLength = options.jumboLength;
        }
        advance = options.size;
        sawHopByHop = true;
        break;
      }
      case 43:
        advance = printRouting(d, next);
        if (advance < 0) return;
        break;
      case 44:
        printFragment(d, at, next);
        advance = 8;
        if ((d.u16(next + 2) & 0xfff8) !== 0 || d.end <= next + advance) return;
        fragmented = true;
        break;
      case 60:
        d.protocol = "dstopt";
        advance = (d.u8(next + 1) + 1) << 3;
        if (!d.has(next, advance)) {
          d.cut();
          return;
        }
        out.write("DSTOPT ");
        break;
      default:
        if (isJumbo) {
          const whole = payloadLength + HEADER_BYTES;
          if (whole < next - at) {
            d.cut();
            return;
          }
          if (length < whole) out.write(`truncated-ip6 - ${whole - length} bytes missing!`);
          d.end = Math.min(outerEnd, at + whole);
          left = whole - (next - at);
        } else if (isZero) {
          if (headers > 0) {
            d.cut();
            return;
          }
          d.end = Math.min(outerEnd, at + HEADER_BYTES);
          left = 0;
        }
        d.printIpPayload(d, next, left, 6, fragmented, protocol, at);
        return;
    }
    protocol = d.u8(next);
    headers++;
    d.protocol = "ip6";
  }
}

/** RFC 8200 4.3, RFC 2711 for router alert, RFC 2675 for jumbo payload. */
function printHopByHop(d: Dissection, at: number, mayBeJumbo: boolean): HopByHop {
  const { out } = d;
  d.protocol = "hbhopt";
  const size = (d.u8(at + 1) + 1) << 3;
  const malformed = { size: -1, jumboLength: 0 };
  if (!d.has(at, size)) {
    d.cut();
    return malformed;
  }
  out.write("HBH ");
  let jumboLength = 0;
  let sawJumbo = false;
  let optionLength = 0;
  for (let next = at + 2; next < at + size; next += optionLength) {
    const left = at + size - next;
    const type = d.u8(next);
    if (type === 0) {
      optionLength = 1;
      continue;
    }
    optionLength = left > 1 ? d.u8(next + 1) + 2 : left + 1;
    let complaint: string | undefined;
    if (optionLength > left) complaint = "";
    else if (type === 5) complaint = lengthComplaint("rtalert", left, optionLength, 4);
    else if (type === JUMBO_PAYLOAD) complaint = lengthComplaint("jumbo", left, optionLength, 6);
    else if (type === 201) complaint = homeAddressComplaint(left, optionLength);
    if (complaint !== undefined) {
      out.write(complaint);
      d.cut();
      return { size: -1, jumboLength };
    }
    if (type === JUMBO_PAYLOAD && !sawJumbo) {
      sawJumbo = true;
      const value = d.u32(next + 2);
      if (mayBeJumbo && value >= JUMBO_MINIMUM) jumboLength = value;
    }
  }
  return { size, jumboLength };
}

function lengthComplaint(name: string, left: number, optionLength: number, expected: number): string | undefined {
  if (left < expected) return `(${name}: trunc)`;
  return optionLength === expected ? undefined : `(${name}: invalid len ${optionLength - 2})`;
}

function homeAddressComplaint(left: number, optionLength: number): string | undefined {
  if (left < 18) return "(homeaddr: trunc)";
  return optionLength < 18 ? `(homeaddr: invalid len ${optionLength - 2})` : undefined;
}

/** RFC 8200 4.4, 5095, 6275, 8754. Returns the header's length, or -1 when it cannot be read. */
function printRouting(d: Dissection, at: number): number {
  d.need(at, 1);
  d.protocol = "rt6";
  const { out } = d;
  out.write("RT6");
  const words = d.u8(at + 1);
  out.write(` (len=${words}`);
  const type = d.u8(at + 2);
  out.write(`, type=${type}`);
  if (type === 0) out.write(" [Deprecated]");
  out.write(`, segleft=${d.u8(at + 3)}`);
  if (type === 0 || type === 2) {
    const reserved = d.u32(at + 4);
    if (reserved !== 0) out.write(`, rsv=0x${reserved.toString(16)}`);
  } else if (type === 4) {
    out.write(`, last-entry=${d.u8(at + 4)}`);
    const flags = d.u8(at + 5);
    if (flags !== 0) out.write(`, flags=0x${flags.toString(16)}`);
    out.write(`, tag=${d.u16(at + 6).toString(16)}`);
  } else {
    out.write(" (unknown type)");
    d.invalid();
    return -1;
  }
  if (words % 2 === 1) {
    out.write(` (invalid length ${words})`);
    d.invalid();
    return -1;
  }
  for (let i = 0; i < words / 2; i++) {
    d.need(at + 8 + i * 16, 16);
    out.write(`, [${i}]`);
    d.ipv6(at + 8 + i * 16);
  }
  out.write(") ");
  return (words + 1) << 3;
}

/** RFC 8200 4.5: offset and length of the fragment's data. */
function printFragment(d: Dissection, ip: number, at: number): void {
  d.protocol = "frag6";
  const { out } = d;
  const field = d.u16(at + 2);
  const dataLength = HEADER_BYTES + d.u16(ip + 4) - (at - ip) - 8;
  // A payload length that ends before this header wraps around in tcpdump's 64-bit size.
  const text = dataLength < 0 ? String(BigInt.asUintN(64, BigInt(dataLength))) : String(dataLength);
  out.write(`frag (${field & 0xfff8}|${text})`);
  if ((field & 0xfff8) === 0) out.byte(0x20);
}
