import type { Dissection } from "./dissection.js";
import { printEtherType } from "./ether-payload.js";
import { etherTypeText, MAX_LENGTH_FIELD } from "./ether-types.js";
import { type FrameAddresses, printLlc } from "./llc.js";

const HEADER_BYTES = 14;

/** `vlan 5, p 0, DEI` of a tag. */
export function tagText(tag: number): string {
  return `vlan ${tag & 0xfff}, p ${tag >> 13}${tag & 0x1000 ? ", DEI" : ""}`;
}

function isVlanTag(type: number): boolean {
  return type === 0x8100 || type === 0x88a8 || type === 0x9100 || type === 0x9200;
}

/**
 * An Ethernet frame. Source: IEEE 802.3, 802.1Q. MACsec and switch vendors' tags are out of scope.
 *
 * @param length - Bytes on the wire.
 * @param captured - Bytes captured.
 */
export function printEthernet(d: Dissection, at: number, length: number, captured: number): void {
  d.protocol = "ether";
  const { out } = d;
  if (length < captured) {
    out.write(`[length ${length} < caplen ${captured}]`);
    d.invalid();
    return;
  }
  if (captured < HEADER_BYTES) {
    d.cut();
    return;
  }
  const addresses = { src: at + 6, dst: at };
  if (d.linkLevel) printFrameAddresses(d, addresses);
  let type = d.u16(at + 12);
  let next = at + HEADER_BYTES;
  let left = length - HEADER_BYTES;
  let capturedLeft = captured - HEADER_BYTES;
  let printedLength = false;
  while (isVlanTag(type)) {
    if (capturedLeft < 4 || left < 4) {
      d.protocol = "vlan";
      d.cut();
      return;
    }
    if (d.linkLevel) {
      out.write(
        `${etherTypeText(type, d.quiet)}${printedLength ? ", " : `, length ${length}: `}${tagText(d.u16(next))}, `,
      );
      printedLength = true;
    }
    type = d.u16(next + 2);
    next += 4;
    left -= 4;
    capturedLeft -= 4;
  }
  if (type <= MAX_LENGTH_FIELD) {
    // The frame's padding lies behind what the length field counts.
    left = Math.min(left, type);
    capturedLeft = Math.min(capturedLeft, left);
    d.limit(next, left);
    if (d.linkLevel) out.write(printedLength ? "802.3" : `802.3, length ${left}: `);
    if (!printLlc(d, next, left, capturedLeft, addresses)) d.unknownDump(next, capturedLeft);
    return;
  }
  if (d.linkLevel) out.write(`${etherTypeText(type, d.quiet)}${printedLength ? ", " : `, length ${length}: `}`);
  if (!printEtherType(d, type, next, left, capturedLeft)) {
    if (!d.linkLevel) {
      printFrameAddresses(d, addresses);
      out.write(`${etherTypeText(type, d.quiet)}, length ${length}: `);
    }
    d.unknownDump(next, capturedLeft);
  }
}

function printFrameAddresses(d: Dissection, addresses: FrameAddresses): void {
  d.mac(addresses.src);
  d.out.write(" > ");
  d.mac(addresses.dst);
  d.out.write(", ");
}
