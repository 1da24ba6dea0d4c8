import type { Dissection } from "./dissection.js";
import { etherTypeLabel } from "./ether-types.js";

const HEADER_BYTES = 8;

const HARDWARE: Readonly<Record<number, string>> = {
  1: "Ethernet",
  6: "TokenRing",
  7: "ArcNet",
  15: "FrameRelay",
  23: "Strip",
  24: "IEEE 1394",
  19: "ATM",
  32: "InfiniBand",
};

const OPERATIONS: Readonly<Record<number, string>> = {
  1: "Request",
  2: "Reply",
  3: "Reverse Request",
  4: "Reverse Reply",
  8: "Inverse Request",
  9: "Inverse Reply",
  10: "NACK Reply",
};

const IPV4 = 0x0800;
const TRAILERS = 0x1000;

/**
 * An ARP or reverse ARP packet. Source: RFC 826, 903, 2390. ATM's and Frame Relay's forms are out of scope.
 *
 * @param length - Bytes that the link layer has for it on the wire.
 * @param captured - The same, as far as captured.
 */
export function printArp(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "arp";
  const { out } = d;
  d.need(at, HEADER_BYTES);
  const hardware = d.u16(at);
  const protocol = d.u16(at + 2);
  const hardwareLength = d.u8(at + 4);
  const protocolLength = d.u8(at + 5);
  const operation = d.u16(at + 6);
  const senderHardware = at + HEADER_BYTES;
  const senderProtocol = senderHardware + hardwareLength;
  const targetHardware = senderProtocol + protocolLength;
  const targetProtocol = targetHardware + hardwareLength;
  d.need(targetProtocol, protocolLength);
  if (!d.linkLevel) out.write("ARP, ");
  if ((protocol !== IPV4 && protocol !== TRAILERS) || protocolLength !== 4 || hardwareLength === 0) {
    const hardwareName = HARDWARE[hardware] ?? `Unknown Hardware (${hardware})`;
    const unknown = `Unknown Protocol (0x${protocol.toString(16).padStart(4, "0")})`;
    out.write(`${hardwareName} (len ${hardwareLength}), ${etherTypeLabel(protocol, unknown)} (len ${protocolLength})`);
    out.write(`, length ${length}`);
    return;
  }
  out.write(`${OPERATIONS[operation] ?? `Unknown (${operation})`} `);
  switch (operation) {
    case 1:
      out.write("who-has ");
      d.ipv4(targetProtocol);
      if (isNonZero(d, targetHardware, hardwareLength)) {
        out.write(" (");
        d.hexColons(targetHardware, hardwareLength);
        out.byte(0x29);
      }
      out.write(" tell ");
      d.ipv4(senderProtocol);
      break;
    case 2:
      d.ipv4(senderProtocol);
      out.write(" is-at ");
      d.hexColons(senderHardware, hardwareLength);
      break;
    case 3:
    case 8:
      out.write("who-is ");
      d.hexColons(targetHardware, hardwareLength);
      out.write(" tell ");
      d.hexColons(senderHardware, hardwareLength);
      break;
    case 4:
      d.hexColons(targetHardware, hardwareLength);
      out.write(" at ");
      d.ipv4(targetProtocol);
      break;
    case 9:
      d.hexColons(senderHardware, hardwareLength);
      out.write(" at ");
      d.ipv4(senderProtocol);
      break;
    default:
      d.hexDump(at, captured);
      return;
  }
  out.write(`, length ${length}`);
}

function isNonZero(d: Dissection, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (d.u8(at + i) !== 0) return true;
  return false;
}
