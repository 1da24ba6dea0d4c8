import { formatAddress, formatIpv4 } from "../../net/index.js";
import type { Dissection } from "./dissection.js";
import { NO_NAME, printName } from "./dns-name.js";

const OPTION_NAMES: Readonly<Record<number, string>> = {
  1: "LLQ",
  2: "UL",
  3: "NSID",
  5: "DAU",
  6: "DHU",
  7: "N3U",
  8: "ECS",
  9: "EXPIRE",
  10: "COOKIE",
  11: "KEEPALIVE",
  12: "PADDING",
  13: "CHAIN",
  14: "KEY-TAG",
  16: "CLIENT-TAG",
  17: "SERVER-TAG",
};

const SIGNING_ALGORITHMS: Readonly<Record<number, string>> = {
  0: "DELETE",
  1: "RSAMD5",
  2: "DH",
  3: "DS",
  5: "RSASHA1",
  6: "DSA-NSEC3-SHA1",
  7: "RSASHA1-NSEC3-SHA1",
  8: "RSASHA256",
  10: "RSASHA512",
  12: "ECC-GOST",
  13: "ECDSAP256SHA256",
  14: "ECDSAP384SHA384",
  15: "ED25519",
  16: "ED448",
  252: "INDIRECT",
  253: "PRIVATEDNS",
  254: "PRIVATEOID",
};
const DS_ALGORITHMS: Readonly<Record<number, string>> = {
  1: "SHA-1",
  2: "SHA-256",
  3: "GOST_R_34.11-94",
  4: "SHA-384",
};
const NSEC3_ALGORITHMS: Readonly<Record<number, string>> = { 1: "SHA-1" };

/**
 * One EDNS option of an OPT record (RFC 6891 6.1.2).
 *
 * @returns The offset just past it, or NO_NAME when it is cut short.
 */
export function printEdnsOption(d: Dissection, at: number): number {
  const { out } = d;
  if (!d.has(at, 2)) return NO_NAME;
  const code = d.u16(at);
  out.write(OPTION_NAMES[code] ?? `Opt${code}`);
  if (!d.has(at + 2, 2)) return NO_NAME;
  const length = d.u16(at + 2);
  const data = at + 4;
  if (!d.has(data, length)) return NO_NAME;
  if (length > 0) {
    out.byte(0x20);
    printData(d, code, data, length);
  }
  return data + length;
}

function printData(d: Dissection, code: number, at: number, length: number): void {
  const { out } = d;
  switch (OPTION_NAMES[code]) {
    case "ECS":
      printClientSubnet(d, at, length);
      return;
    case "COOKIE":
      if (length < 8 || (length > 8 && length < 16) || length > 40) {
        d.invalid();
        return;
      }
      d.hexBytes(at, 8);
      if (length > 8) out.byte(0x20);
      d.hexBytes(at + 8, length - 8);
      return;
    case "KEEPALIVE":
      if (length !== 2) {
        d.invalid();
        return;
      }
      // In units of 100 ms (RFC 7828 3.1).
      out.write(`${(d.u16(at) / 10).toFixed(1)} sec`);
      return;
    case "EXPIRE":
      if (length !== 4) {
        d.invalid();
        return;
      }
      out.write(`${d.u32(at)} sec`);
      return;
    case "PADDING":
      out.write(`(${length})`);
      return;
    case "KEY-TAG":
      if (length % 2 !== 0) {
        d.invalid();
        return;
      }
      for (let i = 0; i < length; i += 2) out.write(`${i > 0 ? " " : ""}${d.u16(at + i)}`);
      return;
    case "DAU":
      printAlgorithms(d, at, length, SIGNING_ALGORITHMS);
      return;
    case "DHU":
      printAlgorithms(d, at, length, DS_ALGORITHMS);
      return;
    case "N3U":
      printAlgorithms(d, at, length, NSEC3_ALGORITHMS);
      return;
    case "CHAIN":
      // tcpdump counts pointers from the option's end; so does this.
      printName(d, at, at + length);
      return;
    default:
      d.hexBytes(at, length);
      return;
  }
}

function printAlgorithms(d: Dissection, at: number, length: number, names: Readonly<Record<number, string>>): void {
  for (let i = 0; i < length; i++) {
    const algorithm = d.u8(at + i);
    d.out.write(`${i > 0 ? " " : ""}${names[algorithm] ?? `Alg_${algorithm}`}`);
  }
}

/** EDNS client subnet (RFC 7871 6). */
function printClientSubnet(d: Dissection, at: number, length: number): void {
  if (length < 4) {
    d.invalid();
    return;
  }
  const family = d.u16(at);
  const source = d.u8(at + 2);
  const scope = d.u8(at + 3);
  const bits = family === 1 ? 32 : family === 2 ? 128 : 0;
  const given = length - 4;
  if (bits === 0 || given > bits / 8 || source > bits || scope > bits || Math.ceil(source / 8) !== given) {
    d.invalid();
    return;
  }
  const words = [0, 0, 0, 0];
  for (let i = 0; i < given; i++) words[i >> 2]! |= d.u8(at + 4 + i) << (24 - (i & 3) * 8);
  const [a, b, c, last] = words;
  d.out.write(`${bits === 32 ? formatIpv4(a!) : formatAddress(6, a!, b!, c!, last!)}/${source}/${scope}`);
}
