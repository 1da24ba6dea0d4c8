import type { Dissection } from "./dissection.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";

const BOTTOM_OF_STACK = 0x100;

/** A stack of MPLS labels and what it carries, as far as that can be told. Source: RFC 3032 2. */
export function printMpls(d: Dissection, at: number, length: number): void {
  d.protocol = "mpls";
  const { out } = d;
  out.write("MPLS");
  let next = at;
  let left = length;
  let entry = 0;
  do {
    if (left < 4) {
      d.invalid();
      d.need(next, left);
      return;
    }
    entry = d.u32(next);
    out.write(
      ` (label ${entry >>> 12}, tc ${(entry >>> 9) & 7}${entry & BOTTOM_OF_STACK ? ", [S]" : ""}, ttl ${entry & 255})`,
    );
    next += 4;
    left -= 4;
  } while ((entry & BOTTOM_OF_STACK) === 0);
  const label = entry >>> 12;
  let version = label === 0 || label === 3 ? 4 : label === 2 ? 6 : 0;
  if (version === 0) {
    if (left < 1) return;
    const first = d.u8(next);
    if (first >= 0x45 && first <= 0x4f) version = 4;
    else if (first >> 4 === 6) version = 6;
  }
  if (version === 0) {
    d.unknownDump(next, left);
    return;
  }
  out.byte(0x20);
  if (version === 4) printIpv4(d, next, left);
  else printIpv6(d, next, left);
}
