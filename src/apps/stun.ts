import type { PacketHeaders } from "../decode/index.js";
import { formatEndpoint, formatIpAddress, type IpAddress } from "../net/index.js";
import type { FlowFacts } from "./flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "./protocol-reader.js";
import { SeenList } from "./seen-list.js";
import { disclosePublicAddress, discloseText, textAt } from "./wire-values.js";

const HEADER_BYTES = 20;
const LENGTH = 2;
const COOKIE = 4;
const MAGIC_COOKIE = 0x2112a442;
/** RFC 7983 3: what shares the port begins with a greater byte. */
const MAX_FIRST_BYTE = 3;
/** Where a message without the cookie is believed (RFC 3489). */
const CLASSIC_PORT = 3478;
const CLASSIC_TYPES = [0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112];
const CLASSIC_MAX_ATTRIBUTE = 0x000b;
const FIRST_OPTIONAL_ATTRIBUTE = 0x8000;
const MAX_DATAGRAMS = 128;

/** Two bits of the type; RFC 8489 5. */
const CLASSES = ["request", "indication", "response", "error"];
/** RFC 8489 18.2, RFC 3489 11.1, RFC 8656 17, RFC 6062 6.1. */
const METHODS: Readonly<Record<number, string>> = {
  1: "binding",
  2: "shared-secret",
  3: "allocate",
  4: "refresh",
  6: "send",
  7: "data",
  8: "create-permission",
  9: "channel-bind",
  10: "connect",
  11: "connection-bind",
  12: "connection-attempt",
};

const Attribute = {
  MappedAddress: 0x0001,
  UserName: 0x0006,
  XorPeerAddress: 0x0012,
  Realm: 0x0014,
  XorRelayedAddress: 0x0016,
  XorMappedAddress: 0x0020,
  Priority: 0x0024,
  UseCandidate: 0x0025,
  /** Of drafts of RFC 5389. */
  OldXorMappedAddress: 0x8020,
  Software: 0x8022,
  IceControlled: 0x8029,
  IceControlling: 0x802a,
  /** Of libwebrtc alone; IANA: "GOOG-NETWORK-INFO". */
  GoogleNetworkInfo: 0xc057,
} as const;

/**
 * STUN and TURN, by the magic cookie and a length that is the datagram's. Without the cookie (RFC 3489) on its port only,
 * by a known type and attributes that fill the message.
 *
 * Source: RFC 8489 5 and 14, RFC 8656 (TURN), RFC 8445 16.1 (ICE).
 */
export const stun: DatagramProtocol = {
  protocol: "stun",
  match(view: DataView, headers: PacketHeaders): boolean {
    const { payloadStart: at, payloadEnd, payloadLength, srcPort, dstPort } = headers;
    if (payloadEnd - at < HEADER_BYTES || view.getUint8(at) > MAX_FIRST_BYTE) return false;
    if (payloadLength % 4 !== 0 || view.getUint16(at + LENGTH) !== payloadLength - HEADER_BYTES) return false;
    if (hasCookie(view, at)) return true;
    return (srcPort === CLASSIC_PORT || dstPort === CLASSIC_PORT) && isClassic(view, headers);
  },
  open: (context) => new StunReader(context),
};

function hasCookie(view: DataView, at: number): boolean {
  return view.getUint32(at + COOKIE) === MAGIC_COOKIE;
}

function isClassic(view: DataView, { payloadStart, payloadEnd, payloadLength }: PacketHeaders): boolean {
  if (!CLASSIC_TYPES.includes(view.getUint16(payloadStart))) return false;
  const wireEnd = payloadStart + payloadLength;
  let at = payloadStart + HEADER_BYTES;
  while (payloadEnd - at >= 4) {
    const type = view.getUint16(at);
    if (type === 0 || (type > CLASSIC_MAX_ATTRIBUTE && type < FIRST_OPTIONAL_ATTRIBUTE)) return false;
    at += 4 + view.getUint16(at + 2);
  }
  return payloadEnd < wireEnd ? at <= wireEnd : at === wireEnd;
}

class StunReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #messages: SeenList<string>;
  #ice = false;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#messages = new SeenList(facts, "messages");
    facts.recognise("stun", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (stun.match(view, headers)) this.#message(view, headers.payloadStart, headers.payloadEnd);
    else if (isDtls(view, headers)) {
      this.#facts.detail("dtls", true);
      // ICE alone may be any program's that makes calls.
      if (this.#ice) this.#facts.detail("webrtc", true);
    }
    return --this.#left > 0;
  }

  #message(view: DataView, start: number, end: number): void {
    if (hasCookie(view, start) && this.#facts.by !== "content") this.#facts.recognise("stun", "content");
    this.#messages.add(messageName(view.getUint16(start)));
    for (let at = start + HEADER_BYTES; end - at >= 4; ) {
      const value = at + 4;
      const valueEnd = value + view.getUint16(at + 2);
      if (valueEnd > end) return;
      this.#attribute(view, start, view.getUint16(at), value, valueEnd);
      // Padded to four bytes.
      at = valueEnd + (-(valueEnd - value) & 3);
    }
  }

  #attribute(view: DataView, message: number, type: number, start: number, end: number): void {
    const facts = this.#facts;
    switch (type) {
      case Attribute.Software:
        discloseText(facts, "software", textAt(view, start, end));
        break;
      case Attribute.UserName:
        facts.detail("userName", true);
        break;
      case Attribute.Realm:
        facts.detail("realm", textAt(view, start, end));
        break;
      case Attribute.MappedAddress:
        this.#mapped(addressAt(view, start, end, undefined));
        break;
      case Attribute.XorMappedAddress:
      case Attribute.OldXorMappedAddress:
        this.#mapped(addressAt(view, start, end, message));
        break;
      case Attribute.XorRelayedAddress: {
        const relayed = addressAt(view, start, end, message);
        if (relayed !== undefined) facts.detail("relayedAddress", endpointText(relayed));
        break;
      }
      case Attribute.XorPeerAddress: {
        const peer = addressAt(view, start, end, message);
        if (peer !== undefined) facts.disclose("peer-address", endpointText(peer));
        break;
      }
      case Attribute.Priority:
      case Attribute.UseCandidate:
      case Attribute.IceControlled:
      case Attribute.IceControlling:
        this.#ice = true;
        facts.detail("ice", true);
        break;
      case Attribute.GoogleNetworkInfo:
        facts.detail("webrtc", true);
        break;
    }
  }

  /** How the other side sees the one that asked. */
  #mapped(mapped: TransportAddress | undefined): void {
    if (mapped === undefined) return;
    this.#facts.detail("mappedAddress", endpointText(mapped));
    disclosePublicAddress(this.#facts, mapped.address);
  }
}

/** DTLS shares the port of WebRTC: a record's content type (RFC 7983), and version 1.0 or 1.2. */
function isDtls(view: DataView, { payloadStart: at, payloadEnd }: PacketHeaders): boolean {
  if (payloadEnd - at < 13) return false;
  const type = view.getUint8(at);
  const version = view.getUint16(at + 1);
  return type >= 20 && type <= 25 && (version === 0xfeff || version === 0xfefd);
}

/** `binding request`. The two bits of the class stand among those of the method. */
function messageName(type: number): string {
  const messageClass = CLASSES[((type >> 7) & 2) | ((type >> 4) & 1)]!;
  const method = ((type >> 2) & 0xf80) | ((type >> 1) & 0x70) | (type & 0xf);
  return `${METHODS[method] ?? `method-${method}`} ${messageClass}`;
}

interface TransportAddress {
  readonly address: IpAddress;
  readonly port: number;
}

function endpointText({ address, port }: TransportAddress): string {
  return formatEndpoint({ address: formatIpAddress(address), port });
}

/**
 * An address attribute: zero 1, family 1, port 2, address 4 or 16. The message's first words cover it where it is an "XOR"
 * one: RFC 8489 14.2.
 *
 * @param message - Where the message begins, whose cookie and transaction id cover the value; undefined for a plain one.
 * @returns undefined where family and length disagree.
 */
function addressAt(
  view: DataView,
  start: number,
  end: number,
  message: number | undefined,
): TransportAddress | undefined {
  if (end - start < 8) return undefined;
  const family = view.getUint8(start + 1);
  const mask = (offset: number) => (message === undefined ? 0 : view.getInt32(message + COOKIE + offset));
  const word = (offset: number) => view.getInt32(start + 4 + offset) ^ mask(offset);
  const port = view.getUint16(start + 2) ^ (mask(0) >>> 16);
  if (family === 1 && end - start === 8) return { address: { version: 4, a: 0, b: 0, c: 0, d: word(0) }, port };
  if (family !== 2 || end - start !== 20) return undefined;
  return { address: { version: 6, a: word(0), b: word(4), c: word(8), d: word(12) }, port };
}
