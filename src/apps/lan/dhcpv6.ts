import type { PacketHeaders } from "../../decode/index.js";
import type { FlowFacts } from "../flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { SeenList } from "../seen-list.js";
import { discloseMac, discloseText, isMac, textAt, wireNameAt } from "../wire-values.js";
import { discloseDuid } from "./duid.js";

const CLIENT_PORT = 546;
const SERVER_PORT = 547;
/** Type, transaction id. */
const HEADER_BYTES = 4;
/** Type, hop count, link address, peer address. */
const RELAY_HEADER_BYTES = 34;
/** RFC 8415 7.6, HOP_COUNT_LIMIT: relayed messages within one another. */
const MAX_HOPS = 8;
const MAX_DATAGRAMS = 64;

const RELAY_FORWARD = 12;
const RELAY_REPLY = 13;
/** By number, from 1; RFC 8415 7.3. */
const MESSAGE_TYPES = [
  "solicit",
  "advertise",
  "request",
  "confirm",
  "renew",
  "rebind",
  "reply",
  "release",
  "decline",
  "reconfigure",
  "information-request",
  "relay-forward",
  "relay-reply",
];

const Option = {
  ClientIdentifier: 1,
  ServerIdentifier: 2,
  RelayMessage: 9,
  VendorClass: 16,
  FullName: 39,
  ClientLinkLayer: 79,
} as const;

/**
 * DHCPv6, by its ports, a known type and options that fill the message.
 *
 * Source: RFC 8415, RFC 4704 (names), RFC 6939 (link-layer addresses of clients).
 */
export const dhcpv6: DatagramProtocol = {
  protocol: "dhcpv6",
  match(view: DataView, { payloadStart, payloadEnd, payloadLength, srcPort, dstPort }: PacketHeaders): boolean {
    if (!isDhcpv6Port(srcPort) && !isDhcpv6Port(dstPort)) return false;
    const start = optionsStart(view, payloadStart, payloadEnd);
    if (start < 0) return false;
    // Each has an identifier of somebody, or another message within: at least one option.
    const wireEnd = payloadStart + payloadLength;
    let at = start;
    while (payloadEnd - at >= 4) at += 4 + view.getUint16(at + 2);
    return at > start && (payloadEnd < wireEnd ? at <= wireEnd : at === wireEnd);
  },
  open: (context) => new Dhcpv6Reader(context),
};

function isDhcpv6Port(port: number): boolean {
  return port === CLIENT_PORT || port === SERVER_PORT;
}

/** Where the options of a message begin; -1 where it is none. */
function optionsStart(view: DataView, start: number, end: number): number {
  if (end - start < HEADER_BYTES) return -1;
  const type = view.getUint8(start);
  if (MESSAGE_TYPES[type - 1] === undefined) return -1;
  const at = start + (type === RELAY_FORWARD || type === RELAY_REPLY ? RELAY_HEADER_BYTES : HEADER_BYTES);
  return at <= end ? at : -1;
}

class Dhcpv6Reader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #messageTypes: SeenList<string>;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#messageTypes = new SeenList(facts, "messageTypes");
    facts.recognise("dhcpv6", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (dhcpv6.match(view, headers)) this.#message(view, headers.payloadStart, headers.payloadEnd, 0);
    return --this.#left > 0;
  }

  #message(view: DataView, start: number, end: number, hops: number): void {
    let at = optionsStart(view, start, end);
    if (at < 0) return;
    this.#messageTypes.add(MESSAGE_TYPES[view.getUint8(start) - 1]!);
    while (end - at >= 4) {
      const code = view.getUint16(at);
      const value = at + 4;
      const valueEnd = value + view.getUint16(at + 2);
      // What the snaplen cut, of a message within as well.
      if (valueEnd > end && code !== Option.RelayMessage) return;
      if (code === Option.RelayMessage && hops < MAX_HOPS) {
        this.#message(view, value, Math.min(valueEnd, end), hops + 1);
      } else this.#option(view, code, value, valueEnd);
      at = valueEnd;
    }
  }

  #option(view: DataView, code: number, start: number, end: number): void {
    const facts = this.#facts;
    switch (code) {
      case Option.ClientIdentifier:
        facts.detail("clientIdentifier", true);
        discloseDuid(facts, view, start, end);
        break;
      case Option.ServerIdentifier:
        discloseDuid(facts, view, start, end);
        break;
      case Option.FullName:
        // After a byte of flags.
        if (end - start > 1) discloseText(facts, "host-name", wireNameAt(view, start + 1, end));
        break;
      case Option.VendorClass:
        this.#vendorClass(view, start, end);
        break;
      case Option.ClientLinkLayer:
        if (end - start >= 2 && isMac(view.getUint16(start), end - start - 2)) discloseMac(facts, view, start + 2);
        break;
    }
  }

  /** An enterprise number of 4 bytes, then texts that each have their length before them. */
  #vendorClass(view: DataView, start: number, end: number): void {
    for (let at = start + 4; end - at >= 2; ) {
      const text = at + 2;
      const textEnd = text + view.getUint16(at);
      if (textEnd > end) return;
      discloseText(this.#facts, "software", textAt(view, text, textEnd));
      at = textEnd;
    }
  }
}
