import { CUT, type Dissection } from "./dissection.js";

const SYN = 2;
const ACK = 16;

const SUBTYPES = ["capable", "join", "dss", "add-addr", "rem-addr", "prio", "fail", "fast-close"] as const;
const ADDRESS_ECHO: Readonly<Record<number, string>> = { 6: "v0-ip6", 4: "v0-ip4", 1: "v1-echo", 0: "v1" };

/**
 * One Multipath TCP option. Source: RFC 6824 3, as tcpdump's print-mptcp.c reads it.
 *
 * @param at - Offset of the option's kind byte; `length` bytes of it are captured.
 * @returns False when the option is malformed, after what could be said of it.
 */
export function printMptcp(d: Dissection, at: number, length: number, flags: number): boolean {
  d.protocol = "mptcp";
  if (length < 3) return false;
  const { out } = d;
  const subtype = d.u8(at + 2) >> 4;
  out.write(` ${length} ${SUBTYPES[subtype] ?? "unknown"}`);
  switch (SUBTYPES[subtype]) {
    case "capable":
      return capable(d, at, length, flags);
    case "join":
      return join(d, at, length, flags);
    case "dss":
      return dataSequence(d, at, length, flags);
    case "add-addr":
      return addAddress(d, at, length);
    case "rem-addr":
      if (length < 4) return false;
      out.write(" id");
      for (let i = 3; i < length; i++) out.write(` ${d.u8(at + i)}`);
      return true;
    case "prio":
      if (length !== 3 && length !== 4) return false;
      out.write(d.u8(at + 2) & 1 ? " backup" : " non-backup");
      if (length === 4) out.write(` id ${d.u8(at + 3)}`);
      return true;
    case "fail":
      if (length !== 12) return false;
      out.write(` seq ${d.u64(at + 4)}`);
      return true;
    case "fast-close":
      if (length !== 12) return false;
      out.write(` key 0x${d.u64(at + 4).toString(16)}`);
      return true;
    default:
      return true;
  }
}

function capable(d: Dissection, at: number, length: number, flags: number): boolean {
  const onSyn = (length === 12 || length === 4) && (flags & SYN) !== 0;
  const onAck = (length === 20 || length === 22) && (flags & (SYN | ACK)) === ACK;
  if (!onSyn && !onAck) return false;
  const version = d.u8(at + 2) & 15;
  if (version > 1) {
    d.out.write(` Unknown Version (${version})`);
    return true;
  }
  d.out.write(` v${version}`);
  if (d.u8(at + 3) & 0x80) d.out.write(" csum");
  if (length >= 12) {
    d.out.write(` {0x${d.u64(at + 4).toString(16)}`);
    if (length >= 20) d.out.write(`,0x${d.u64(at + 12).toString(16)}`);
    d.out.write("}");
  }
  return true;
}

function join(d: Dissection, at: number, length: number, flags: number): boolean {
  const onSyn = length === 12 && (flags & SYN) !== 0;
  const onSynAck = length === 16 && (flags & (SYN | ACK)) === (SYN | ACK);
  const onAck = length === 24 && (flags & ACK) !== 0;
  if (!onSyn && !onSynAck && !onAck) return false;
  const { out } = d;
  if (length !== 24) {
    if (d.u8(at + 2) & 1) out.write(" backup");
    out.write(` id ${d.u8(at + 3)}`);
  }
  if (length === 12) out.write(` token 0x${d.u32(at + 4).toString(16)} nonce 0x${d.u32(at + 8).toString(16)}`);
  else if (length === 16) out.write(` hmac 0x${d.u64(at + 4).toString(16)} nonce 0x${d.u32(at + 12).toString(16)}`);
  else {
    out.write(" hmac 0x");
    d.hexBytes(at + 4, 20);
  }
  return true;
}

function dataSequence(d: Dissection, at: number, length: number, flags: number): boolean {
  if (length < 4 || (flags & SYN) !== 0) return false;
  const { out } = d;
  const bits = d.u8(at + 3);
  if (bits & 0x10) out.write(" fin");
  const end = at + length;
  let next = at + 4;
  if (bits & 0x01) {
    out.write(" ack ");
    const size = bits & 0x02 ? 8 : 4;
    if (end - next < size) return false;
    out.write(String(size === 8 ? d.u64(next) : d.u32(next)));
    next += size;
  }
  if (bits & 0x04) {
    out.write(" seq ");
    const size = bits & 0x08 ? 8 : 4;
    if (end - next < size) return false;
    out.write(String(size === 8 ? d.u64(next) : d.u32(next)));
    next += size;
    if (end - next < 4) return false;
    out.write(` subseq ${d.u32(next)}`);
    next += 4;
    if (end - next < 2) return false;
    out.write(` len ${d.u16(next)}`);
    next += 2;
    if (end - next >= 2) {
      out.write(` csum 0x${d.u16(next).toString(16)}`);
      next += 2;
    }
  }
  return next === end;
}

function addAddress(d: Dissection, at: number, length: number): boolean {
  const addressBytes = [8, 10, 16, 18].includes(length) ? 4 : [20, 22, 28, 30].includes(length) ? 16 : 0;
  if (addressBytes === 0) return false;
  if (at + length > d.end) throw CUT;
  const { out } = d;
  out.write(` ${ADDRESS_ECHO[d.u8(at + 2) & 15] ?? "[bad version/echo]"} id ${d.u8(at + 3)} `);
  let next = at + 4;
  if (addressBytes === 4) d.ipv4(next);
  else d.ipv6(next);
  next += addressBytes;
  if ((at + length - next) % 8 === 2) {
    out.write(`:${d.u16(next)}`);
    next += 2;
  }
  if (at + length - next === 8) out.write(` hmac 0x${d.u64(next).toString(16)}`);
  return true;
}
