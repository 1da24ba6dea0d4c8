import type { PacketHeaders } from "../../decode/index.js";
import { formatIpAddress } from "../../net/index.js";
import type { FlowFacts } from "../flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { SeenList } from "../seen-list.js";
import { discloseMac, discloseText, ipv4At, isMac, textAt, wireNameAt } from "../wire-values.js";
import { discloseDuid } from "./duid.js";

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const REQUEST = 1;
const REPLY = 2;
const MAX_HARDWARE_ADDRESS = 16;
const MAX_HOPS = 16;
/** Greatest hardware type in use (IANA: 37, HFI). */
const MAX_HARDWARE_TYPE = 37;
const MAX_DATAGRAMS = 64;

// Offsets within the message, RFC 2131 2.
const HARDWARE_TYPE = 1;
const HARDWARE_LENGTH = 2;
const HOPS = 3;
const YOUR_ADDRESS = 16;
const HARDWARE_ADDRESS = 28;
const SERVER_NAME = 44;
const FILE = 108;
const COOKIE = 236;
const OPTIONS = 240;
/** 99.130.83.99 */
const MAGIC_COOKIE = 0x63825363;

const Option = {
  Pad: 0,
  HostName: 12,
  RequestedAddress: 50,
  Overload: 52,
  MessageType: 53,
  ServerIdentifier: 54,
  VendorClass: 60,
  ClientIdentifier: 61,
  FullName: 81,
  End: 255,
} as const;

/** Client identifiers of RFC 4361: an IAID of 4 bytes and a DUID follow. */
const NODE_IDENTIFIER = 255;
/** Flag E of option 81: the name is in labels, RFC 4702 2.1. */
const IS_WIRE_NAME = 0x04;

/** By number, from 1; IANA "DHCP Message Type 53 Values". */
const MESSAGE_TYPES = [
  "discover",
  "offer",
  "request",
  "decline",
  "ack",
  "nak",
  "release",
  "inform",
  "force-renew",
  "lease-query",
  "lease-unassigned",
  "lease-unknown",
  "lease-active",
];

/**
 * DHCP, by its magic cookie; where the snaplen cut that off, by its ports and the beginning of an Ethernet message.
 *
 * Source: RFC 2131, RFC 2132, RFC 4361 (client identifiers), RFC 4702 (option 81).
 */
export const dhcp: DatagramProtocol = {
  protocol: "dhcp",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength, srcPort, dstPort }: PacketHeaders): boolean {
    const length = payloadEnd - at;
    if (length < SERVER_NAME || payloadLength < OPTIONS) return false;
    const operation = view.getUint8(at);
    if (operation !== REQUEST && operation !== REPLY) return false;
    const hardwareType = view.getUint8(at + HARDWARE_TYPE);
    const hardwareLength = view.getUint8(at + HARDWARE_LENGTH);
    if (hardwareType < 1 || hardwareType > MAX_HARDWARE_TYPE || hardwareLength > MAX_HARDWARE_ADDRESS) return false;
    if (view.getUint8(at + HOPS) > MAX_HOPS) return false;
    if (length >= OPTIONS) return view.getUint32(at + COOKIE) === MAGIC_COOKIE;
    return isDhcpPort(srcPort) && isDhcpPort(dstPort) && isMac(hardwareType, hardwareLength);
  },
  open: (context) => new DhcpReader(context),
};

function isDhcpPort(port: number): boolean {
  return port === SERVER_PORT || port === CLIENT_PORT;
}

class DhcpReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #messageTypes: SeenList<string>;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#messageTypes = new SeenList(facts, "messageTypes");
    facts.recognise("dhcp", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (dhcp.match(view, headers)) this.#message(view, headers.payloadStart, headers.payloadEnd);
    return --this.#left > 0;
  }

  #message(view: DataView, start: number, end: number): void {
    const facts = this.#facts;
    if (isMac(view.getUint8(start + HARDWARE_TYPE), view.getUint8(start + HARDWARE_LENGTH))) {
      discloseMac(facts, view, start + HARDWARE_ADDRESS);
    }
    const isRequest = view.getUint8(start) === REQUEST;
    if (!isRequest && view.getUint32(start + YOUR_ADDRESS) !== 0) {
      facts.detail("assignedAddress", formatIpAddress(ipv4At(view, start + YOUR_ADDRESS)));
    }
    if (end - start < OPTIONS) return;
    if (facts.by !== "content") facts.recognise("dhcp", "content");
    const overload = this.#options(view, start + OPTIONS, end, isRequest);
    // Options may go on in fields that are not needed otherwise, in this order: RFC 2131 4.1.
    if ((overload & 1) !== 0) this.#options(view, start + FILE, start + COOKIE, isRequest);
    if ((overload & 2) !== 0) this.#options(view, start + SERVER_NAME, start + FILE, isRequest);
  }

  /** @returns The value of the overload option; 0 without one. */
  #options(view: DataView, start: number, end: number, isRequest: boolean): number {
    let overload = 0;
    for (let at = start; at < end; ) {
      const code = view.getUint8(at);
      if (code === Option.End) break;
      if (code === Option.Pad) {
        at++;
        continue;
      }
      if (end - at < 2) break;
      const value = at + 2;
      const valueEnd = value + view.getUint8(at + 1);
      if (valueEnd > end) break;
      if (code === Option.Overload && valueEnd - value === 1) overload = view.getUint8(value);
      else this.#option(view, code, value, valueEnd, isRequest);
      at = valueEnd;
    }
    return overload;
  }

  #option(view: DataView, code: number, start: number, end: number, isRequest: boolean): void {
    const facts = this.#facts;
    const length = end - start;
    switch (code) {
      case Option.MessageType: {
        const type = length === 1 ? MESSAGE_TYPES[view.getUint8(start) - 1] : undefined;
        if (type !== undefined) this.#messageTypes.add(type);
        break;
      }
      case Option.HostName:
        discloseText(facts, "host-name", textAt(view, start, end));
        break;
      case Option.FullName:
        discloseText(facts, "host-name", fullNameAt(view, start, end));
        break;
      case Option.RequestedAddress:
        if (length === 4) facts.detail("requestedAddress", formatIpAddress(ipv4At(view, start)));
        break;
      case Option.ServerIdentifier:
        if (length === 4) facts.detail("serverIdentifier", formatIpAddress(ipv4At(view, start)));
        break;
      case Option.VendorClass:
        // A server sends back what it was told.
        if (isRequest) discloseText(facts, "software", textAt(view, start, end));
        break;
      case Option.ClientIdentifier:
        this.#clientIdentifier(view, start, end);
        break;
    }
  }

  /** Of a kind that has a link-layer address, or that nothing is known of: RFC 2132 9.14, RFC 4361 6.1. */
  #clientIdentifier(view: DataView, start: number, end: number): void {
    if (end - start < 2) return;
    const facts = this.#facts;
    facts.detail("clientIdentifier", true);
    const type = view.getUint8(start);
    if (type === NODE_IDENTIFIER) discloseDuid(facts, view, start + 5, end);
    else if (isMac(type, end - start - 1)) discloseMac(facts, view, start + 1);
  }
}

/** The name of option 81, after flags and two bytes that mean nothing any more. */
function fullNameAt(view: DataView, start: number, end: number): string | undefined {
  const name = start + 3;
  if (name >= end) return undefined;
  return (view.getUint8(start) & IS_WIRE_NAME) !== 0 ? wireNameAt(view, name, end) : textAt(view, name, end);
}
