import { CapturedPacket, LinkType } from "../base/index.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../decode/index.js";
import { formatAddress, formatEndpoint, formatIpAddress, IpProtocol, ipProtocolName } from "../net/index.js";
import type { FlowFacts } from "./flow-facts.js";
import { pingProgram } from "./ping-program.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "./protocol-reader.js";
import { SeenList } from "./seen-list.js";
import { discloseMac, ipv6At, MAC_BYTES } from "./wire-values.js";

/** Type, code, checksum. */
const HEADER_BYTES = 4;
/** With the four bytes that most messages have behind it. */
const LONG_HEADER_BYTES = 8;
const MAX_MESSAGES = 1024;
const MAX_QUOTED = 8;

/** What a message has behind its header. */
const Body = { Other: 0, Echo: 1, Quote: 2, Neighbours: 3 } as const;
type Body = (typeof Body)[keyof typeof Body];

interface MessageType {
  readonly name: string;
  readonly body: Body;
  /** Of neighbour discovery: where its options begin. */
  readonly optionsAt: number;
}

const named = (name: string, body: Body = Body.Other, optionsAt = 0): MessageType => ({ name, body, optionsAt });

/** IANA "ICMP Parameters"; RFC 792. */
const TYPES_4: Readonly<Record<number, MessageType>> = {
  0: named("echo-reply", Body.Echo),
  3: named("destination-unreachable", Body.Quote),
  4: named("source-quench", Body.Quote),
  5: named("redirect", Body.Quote),
  8: named("echo-request", Body.Echo),
  9: named("router-advertisement"),
  10: named("router-solicitation"),
  11: named("time-exceeded", Body.Quote),
  12: named("parameter-problem", Body.Quote),
  13: named("timestamp-request"),
  14: named("timestamp-reply"),
  17: named("address-mask-request"),
  18: named("address-mask-reply"),
};

const ROUTER_ADVERTISEMENT = 134;
/** IANA "ICMPv6 Parameters"; RFC 4443, RFC 4861 4, RFC 2710, RFC 3810. */
const TYPES_6: Readonly<Record<number, MessageType>> = {
  1: named("destination-unreachable", Body.Quote),
  2: named("packet-too-big", Body.Quote),
  3: named("time-exceeded", Body.Quote),
  4: named("parameter-problem", Body.Quote),
  128: named("echo-request", Body.Echo),
  129: named("echo-reply", Body.Echo),
  130: named("multicast-listener-query"),
  131: named("multicast-listener-report"),
  132: named("multicast-listener-done"),
  133: named("router-solicitation", Body.Neighbours, 8),
  [ROUTER_ADVERTISEMENT]: named("router-advertisement", Body.Neighbours, 16),
  135: named("neighbor-solicitation", Body.Neighbours, 24),
  136: named("neighbor-advertisement", Body.Neighbours, 24),
  137: named("redirect", Body.Neighbours, 40),
  143: named("multicast-listener-report-v2"),
};

const Option = { SourceLinkLayer: 1, TargetLinkLayer: 2, Prefix: 3, DnsServers: 25 } as const;

/**
 * ICMP and ICMPv6, by the IP protocol number. What they tell beside the types seen: the program that pings, by its
 * filling; the packets that errors quote; link-layer addresses and the network's prefixes in neighbour discovery.
 *
 * Source: RFC 792, RFC 4443, RFC 4861, RFC 8106 (DNS servers).
 */
export const icmp: DatagramProtocol = {
  protocol: "icmp",
  match: (_view: DataView, { protocol, ipVersion, payloadStart, payloadEnd }: PacketHeaders) =>
    protocol === (ipVersion === 4 ? IpProtocol.ICMP : IpProtocol.ICMPV6) && payloadEnd - payloadStart >= HEADER_BYTES,
  open: (context) => new IcmpReader(context),
};

class IcmpReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #types: SeenList<string>;
  readonly #quoted: SeenList<string>;
  readonly #prefixes: SeenList<string>;
  readonly #dnsServers: SeenList<string>;
  #knowsProgram = false;
  #left = MAX_MESSAGES;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#types = new SeenList(facts, "types");
    this.#quoted = new SeenList(facts, "quoted", MAX_QUOTED);
    this.#prefixes = new SeenList(facts, "prefixes");
    this.#dnsServers = new SeenList(facts, "dnsServers");
    facts.recognise("icmp", "content");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (icmp.match(view, headers)) this.#message(view, headers);
    return --this.#left > 0;
  }

  #message(view: DataView, { ipVersion, payloadStart: at, payloadEnd: end, payloadLength }: PacketHeaders): void {
    const number = view.getUint8(at);
    const type = (ipVersion === 4 ? TYPES_4 : TYPES_6)[number];
    this.#types.add(type?.name ?? `type-${number}`);
    if (type === undefined || end - at < LONG_HEADER_BYTES) return;
    const body = at + LONG_HEADER_BYTES;
    if (type.body === Body.Echo) this.#echo(view, body, end);
    else if (type.body === Body.Quote) this.#quote(view, body, end, at + payloadLength);
    else if (type.body === Body.Neighbours) {
      if (ipVersion === 6 && number === ROUTER_ADVERTISEMENT) this.#router(view, at);
      this.#neighbours(view, at + type.optionsAt, end);
    }
  }

  #echo(view: DataView, start: number, end: number): void {
    if (this.#knowsProgram) return;
    const program = pingProgram(view, start, end);
    if (program === undefined) return;
    this.#knowsProgram = true;
    this.#facts.disclose("software", program);
  }

  /** The beginning of the packet that an error is about: its addresses, and its ports if they are there. */
  #quote(view: DataView, start: number, end: number, wireEnd: number): void {
    if (this.#quoted.isFull) return;
    const packet = new CapturedPacket();
    packet.view = view;
    packet.start = start;
    packet.end = end;
    packet.originalLength = wireEnd - start;
    packet.linkType = LinkType.RAW;
    const inner = new PacketHeaders();
    if (decodePacket(packet, inner) !== DecodeStatus.Ok) return;
    const version = inner.ipVersion === 4 ? 4 : 6;
    const source = formatAddress(version, inner.srcA, inner.srcB, inner.srcC, inner.srcD);
    const destination = formatAddress(version, inner.dstA, inner.dstB, inner.dstC, inner.dstD);
    const from = formatEndpoint({ address: source, port: inner.srcPort === 0 ? undefined : inner.srcPort });
    const to = formatEndpoint({ address: destination, port: inner.dstPort === 0 ? undefined : inner.dstPort });
    this.#quoted.add(`${ipProtocolName(inner.protocol)} ${from} > ${to}`);
  }

  /** hop limit 1, flags 1, lifetime 2, from the fifth byte on. */
  #router(view: DataView, at: number): void {
    this.#facts.detail("routerLifetimeSeconds", view.getUint16(at + 6));
  }

  /** Options: type 1, length 1 in units of eight bytes, value. RFC 4861 4.6. */
  #neighbours(view: DataView, start: number, end: number): void {
    for (let at = start; end - at >= 8; ) {
      const length = view.getUint8(at + 1) * 8;
      if (length === 0 || length > end - at) return;
      this.#option(view, at, length);
      at += length;
    }
  }

  #option(view: DataView, at: number, length: number): void {
    switch (view.getUint8(at)) {
      case Option.SourceLinkLayer:
      case Option.TargetLinkLayer:
        if (length === 2 + MAC_BYTES) discloseMac(this.#facts, view, at + 2);
        break;
      case Option.Prefix:
        if (length === 32) this.#prefixes.add(`${formatIpAddress(ipv6At(view, at + 16))}/${view.getUint8(at + 2)}`);
        break;
      case Option.DnsServers:
        for (let server = at + 8; at + length - server >= 16; server += 16) {
          this.#dnsServers.add(formatIpAddress(ipv6At(view, server)));
        }
        break;
    }
  }
}
