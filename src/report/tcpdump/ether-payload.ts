import { printArp } from "./arp.js";
import type { Dissection } from "./dissection.js";
import { printIpv4 } from "./ipv4.js";
import { printIpv6 } from "./ipv6.js";
import { printMpls } from "./mpls.js";
import { printPpp, printPppoe } from "./ppp.js";

/**
 * What follows an EtherType.
 *
 * @returns False for a type that is not known here, with nothing printed.
 */
export function printEtherType(d: Dissection, type: number, at: number, length: number, captured: number): boolean {
  switch (type) {
    case 0x0800:
      printIpv4(d, at, length);
      return true;
    case 0x86dd:
      printIpv6(d, at, length);
      return true;
    case 0x0806:
    case 0x8035:
      printArp(d, at, length, captured);
      return true;
    case 0x8847:
    case 0x8848:
      printMpls(d, at, length);
      return true;
    case 0x8863:
    case 0x8864:
    case 0x3c12:
    case 0x3c13:
      printPppoe(d, at, length);
      return true;
    case 0x880b:
      if (length > 0) {
        d.out.write(": ");
        printPpp(d, at, length);
      }
      return true;
    default:
      return false;
  }
}
