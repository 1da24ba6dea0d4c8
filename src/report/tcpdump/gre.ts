import type { Dissection } from "./dissection.js";
import { etherTypeLabel } from "./ether-types.js";
import { printEthernet } from "./ethernet.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";
import { printMpls } from "./mpls.js";
import { printPpp } from "./ppp.js";

const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGMENT = 0x0080;

const TRANSPARENT_BRIDGING = 0x6558;
const PPP = 0x880b;

/**
 * Generic routing encapsulation. Source: RFC 2784, 2890; version 1 is PPTP's (RFC 2637 4.1). Source routing
 * (RFC 1701) is out of scope.
 *
 * @param length - Bytes by the IP header.
 */
export function printGre(d: Dissection, at: number, length: number): void {
  d.protocol = "gre";
  const { out } = d;
  if (!d.has(at, 2) || length < 2) {
    d.cut();
    return;
  }
  const flags = d.u16(at);
  const version = flags & 7;
  out.write(`GREv${version}`);
  if (version > 1) {
    out.write(" ERROR: unknown-version");
    return;
  }
  let next = at + 2;
  const end = at + length;
  const has = (count: number) => d.has(next, count) && next + count <= end;
  if (!has(2)) {
    d.cut();
    return;
  }
  const protocol = d.u16(next);
  next += 2;
  if (version === 0 && flags & (CHECKSUM | ROUTING)) {
    if (!has(2)) {
      d.cut();
      return;
    }
    next += 2;
    if (!has(2)) {
      d.cut();
      return;
    }
    out.write(`, off 0x${d.u16(next).toString(16)}`);
    next += 2;
  }
  if (flags & KEY) {
    if (!has(4)) {
      d.cut();
      return;
    }
    out.write(version === 0 ? `, key=0x${d.u32(next).toString(16)}` : `, call ${d.u32(next) & 0xffff}`);
    next += 4;
  }
  if (flags & SEQUENCE) {
    if (!has(4)) {
      d.cut();
      return;
    }
    out.write(`, seq ${d.u32(next)}`);
    next += 4;
  }
  if (version === 1) {
    if (flags & ACKNOWLEDGMENT) {
      if (!has(4)) {
        d.cut();
        return;
      }
      out.write(`, ack ${d.u32(next)}`);
      next += 4;
    }
    if ((flags & SEQUENCE) === 0) out.write(", no-payload");
    if (d.linkLevel)
      out.write(`, proto ${etherTypeLabel(protocol, "unknown")} (0x${protocol.toString(16).padStart(4, "0")})`);
    out.write(`, length ${length}`);
    if ((flags & SEQUENCE) === 0) return;
    out.write(": ");
    if (protocol === PPP) printPpp(d, next, end - next);
    else out.write(`gre-proto-0x${protocol.toString(16)}`);
    return;
  }
  if (d.linkLevel)
    out.write(`, proto ${etherTypeLabel(protocol, "unknown")} (0x${protocol.toString(16).padStart(4, "0")})`);
  out.write(`, length ${length}: `);
  const left = end - next;
  if (protocol === 0x0800) printIpv4(d, next, left);
  else if (protocol === 0x86dd) printIpv6(d, next, left);
  else if (protocol === 0x8847) printMpls(d, next, left);
  else if (protocol === TRANSPARENT_BRIDGING) printEthernet(d, next, left, d.end - next);
  else out.write(`gre-proto-0x${protocol.toString(16)}`);
}
