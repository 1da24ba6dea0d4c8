import { formatIpAddress, type IpAddress, localRange } from "../net/index.js";
import type { DisclosureKind, FlowFacts } from "./flow-facts.js";

/** IANA hardware types whose addresses are MAC addresses of 48 bits: Ethernet, IEEE 802. */
const MAC_HARDWARE_TYPES = [1, 6];
export const MAC_BYTES = 6;
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** RFC 1035 3.1. */
const MAX_LABEL = 63;

// Whoever calls these has checked that the bytes are there: [at, at + length), or [start, end).

export function ipv4At(view: DataView, at: number): IpAddress {
  return { version: 4, a: 0, b: 0, c: 0, d: view.getInt32(at) };
}

/** An IPv4-mapped address (RFC 4291 2.5.5.2) as the IPv4 address that it stands for. */
export function ipv6At(view: DataView, at: number): IpAddress {
  const [a, b, c, d] = [view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12)];
  return a === 0 && b === 0 && c === 0xffff ? { version: 4, a: 0, b: 0, c: 0, d } : { version: 6, a, b, c, d };
}

/** Discloses how one side is seen from the internet; an address of a site or a link does not tell. */
export function disclosePublicAddress(facts: FlowFacts, address: IpAddress): void {
  const { version, a, b, c, d } = address;
  if (localRange(version, a, b, c, d) === undefined) facts.disclose("public-address", formatIpAddress(address));
}

/** A text in UTF-8 up to its first NUL, which some programs end it with. */
export function textAt(view: DataView, start: number, end: number): string {
  const text = Buffer.from(view.buffer, view.byteOffset + start, end - start).toString("utf8");
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

/**
 * A domain name of labels, without compression, as RFC 4702 2.3 and RFC 4704 4.2 have it: a name without the root at its
 * end is a partial one.
 *
 * @returns Without a final dot; undefined where a label is longer than it may be, or than what is there.
 */
export function wireNameAt(view: DataView, start: number, end: number): string | undefined {
  const labels: string[] = [];
  for (let at = start; at < end; ) {
    const length = view.getUint8(at);
    if (length === 0) break;
    if (length > MAX_LABEL || end - at < 1 + length) return undefined;
    labels.push(textAt(view, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels.join(".");
}

/** @param hardwareType - As of ARP and DHCP. */
export function isMac(hardwareType: number, bytes: number): boolean {
  return bytes === MAC_BYTES && MAC_HARDWARE_TYPES.includes(hardwareType);
}

/** Discloses a station's MAC address as `02:00:00:00:50:01`; those of groups and of nobody tell nothing. */
export function discloseMac(facts: FlowFacts, view: DataView, at: number): void {
  const isGroup = (view.getUint8(at) & 1) !== 0;
  if (isGroup || (view.getUint16(at) === 0 && view.getUint32(at + 2) === 0)) return;
  let text = "";
  for (let i = 0; i < MAC_BYTES; i++) text += (i === 0 ? "" : ":") + HEX_BYTES[view.getUint8(at + i)]!;
  facts.disclose("mac-address", text);
}

/** Discloses a text, unless it says nothing. */
export function discloseText(facts: FlowFacts, kind: DisclosureKind, text: string | undefined): void {
  if (text !== undefined && text !== "") facts.disclose(kind, text);
}
