import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinkType } from "../../src/base/index.js";
import { DecodeStatus, decodePacket, Fragment, NoEtherType, PacketHeaders } from "../../src/decode/index.js";
import {
  arp,
  ascii,
  authenticationHeader,
  concat,
  ethernet,
  fragmentHeader,
  gre,
  icmpEcho,
  ieee8023,
  ieee80211,
  ipip,
  ipv4,
  ipv6,
  loopLink,
  nflog,
  nullLink,
  optionsHeader,
  ppp,
  pppoe,
  qinq,
  radiotap,
  routingHeader,
  sll,
  sll2,
  snap,
  TcpFlag,
  tcp,
  udp,
  vlan,
} from "../support/packet-builder.js";
import { captured, decode, summary } from "../support/packets.js";

const segment = tcp({ srcPort: 36300, dstPort: 443, seq: 7, ack: 9, flags: TcpFlag.ACK | TcpFlag.PSH }, ascii("hello"));
const v4 = ipv4({}, segment);
const v6 = ipv6({}, segment);
const V4 = "192.0.2.1:36300 > 198.51.100.7:443 6";
const V6 = "2001:db8::1:36300 > 2001:db8:1::2:443 6";

const FRAMES: readonly [name: string, linkType: number, frame: Uint8Array, expected: string][] = [
  ["Ethernet", LinkType.EN10MB, ethernet({}, v4), V4],
  ["Ethernet with IPv6", LinkType.EN10MB, ethernet({}, v6), V6],
  ["VLAN", LinkType.EN10MB, vlan(5, v4), V4],
  ["QinQ", LinkType.EN10MB, qinq(5, 6, v6), V6],
  ["MPLS", LinkType.EN10MB, ethernet({ type: 0x8847 }, concat([0, 6, 0x41, 64], v4)), V4],
  ["LLC/SNAP", LinkType.EN10MB, ieee8023(snap(v4)), V4],
  ["PPPoE in Ethernet", LinkType.EN10MB, ethernet({ type: 0x8864 }, pppoe(v4)), V4],
  ["PPPoE", LinkType.PPP_ETHER, pppoe(v6), V6],
  ["NULL, little-endian", LinkType.NULL, nullLink(v4), V4],
  ["NULL, big-endian", LinkType.NULL, nullLink(v6, { bigEndian: true }), V6],
  ["NULL with Linux's IPv6 family", LinkType.NULL, nullLink(v6, { family: 10 }), V6],
  ["LOOP", LinkType.LOOP, loopLink(v4), V4],
  ["RAW", LinkType.RAW, v4, V4],
  ["RAW with IPv6", LinkType.RAW, v6, V6],
  ["RAW as DLT 12", LinkType.RAW_DLT, v6, V6],
  ["IPV4", LinkType.IPV4, v4, V4],
  ["IPV6", LinkType.IPV6, v6, V6],
  ["SLL", LinkType.LINUX_SLL, sll({}, v4), V4],
  ["SLL2", LinkType.LINUX_SLL2, sll2({}, v6), V6],
  ["PPP", LinkType.PPP, ppp(v4), V4],
  ["PPP, compressed", LinkType.PPP, ppp(v6, { addressControl: false, compressed: true }), V6],
  ["PPP_SERIAL", LinkType.PPP_SERIAL, ppp(v4), V4],
  ["802.11", LinkType.IEEE802_11, ieee80211({}, snap(v4)), V4],
  ["802.11 QoS between access points", LinkType.IEEE802_11, ieee80211({ qos: true, flags: 3 }, snap(v6)), V6],
  ["radiotap", LinkType.IEEE802_11_RADIO, radiotap(ieee80211({}, snap(v4))), V4],
  ["radiotap with FCS", LinkType.IEEE802_11_RADIO, radiotap(concat(ieee80211({}, snap(v4)), [1, 2, 3, 4]), 0x10), V4],
  ["NFLOG", LinkType.NFLOG, nflog(v4), V4],
  ["NFLOG, big-endian", LinkType.NFLOG, nflog(v6, { bigEndian: true }), V6],
];

describe("decodePacket", () => {
  it.each(FRAMES)("reads addresses, ports and payload behind %s", (_name, linkType, frame, expected) => {
    const headers = decode(captured(frame, { linkType }));
    expect(headers.status).toBe(DecodeStatus.Ok);
    expect(summary(headers)).toBe(expected);
    expect(headers.payloadLength).toBe(5);
    expect(headers.payloadEnd - headers.payloadStart).toBe(5);
    expect([headers.tcpSeq, headers.tcpAck, headers.tcpFlags]).toEqual([7, 9, 0x18]);
  });

  it("trusts the IP length, not Ethernet's padding", () => {
    const frame = concat(ethernet({}, ipv4({}, tcp())), new Uint8Array(6).fill(0xee));
    expect(decode(captured(frame)).payloadLength).toBe(0);
  });

  it("takes the frame's length where segmentation offload left the IP length 0", () => {
    const headers = decode(captured(ethernet({}, ipv4({ totalLength: 0 }, segment))));
    expect(headers.payloadLength).toBe(5);
  });

  it("skips IPv4 options and IPv6 extension headers", () => {
    const withOptions = ipv4({ options: Uint8Array.of(1, 1, 1, 0) }, segment);
    expect(summary(decode(captured(ethernet({}, withOptions))))).toBe(V4);
    const extensions = [optionsHeader(0), routingHeader(0, ["2001:db8::9"]), authenticationHeader(), optionsHeader(60)];
    const headers = decode(captured(ethernet({}, ipv6({ extensions }, segment))));
    expect(summary(headers)).toBe(V6);
    expect(headers.payloadLength).toBe(5);
  });

  it("gives up on an endless chain of extension headers", () => {
    const extensions = Array.from({ length: 12 }, () => optionsHeader(60));
    expect(decode(captured(ethernet({}, ipv6({ extensions }, segment)))).status).toBe(DecodeStatus.Malformed);
  });

  it("reads ports from the first fragment only", () => {
    const first = decode(captured(ethernet({}, ipv4({ id: 77, moreFragments: true }, udp({ dstPort: 53 })))));
    expect([first.fragment, first.fragmentId, first.dstPort]).toEqual([Fragment.First, 77, 53]);
    const later = decode(
      captured(ethernet({}, ipv4({ id: 77, fragmentOffset: 1480, protocol: 17 }, ascii("x".repeat(40))))),
    );
    expect([later.fragment, later.fragmentId, later.srcPort, later.dstPort]).toEqual([Fragment.Later, 77, 0, 0]);
    const six = ipv6({ extensions: [fragmentHeader({ offset: 8, id: 78 })], protocol: 17 }, ascii("y".repeat(16)));
    expect([decode(captured(ethernet({}, six))).fragment, decode(captured(ethernet({}, six))).fragmentId]).toEqual([
      Fragment.Later,
      78,
    ]);
  });

  it("takes an atomic IPv6 fragment for a whole datagram", () => {
    const frame = ethernet({}, ipv6({ extensions: [fragmentHeader({ id: 5 })] }, segment));
    expect(decode(captured(frame)).fragment).toBe(Fragment.None);
  });

  it.each([
    ["IP-in-IP", 4, ipv4({ src: "203.0.113.1", dst: "203.0.113.2" }, ipip(v4)), V4],
    ["6in4", 41, ipv4({ src: "203.0.113.1", dst: "203.0.113.2" }, ipip(v6)), V6],
    ["GRE with key", 47, ipv4({ src: "203.0.113.1", dst: "203.0.113.2" }, gre(v4, { key: 9 })), V4],
    [
      "GRE with Ethernet inside",
      47,
      ipv4({ src: "203.0.113.1", dst: "203.0.113.2" }, gre(ethernet({}, v4), { protocol: 0x6558 })),
      V4,
    ],
  ])("looks through %s and keeps the outer addresses", (_name, protocol, packet, expected) => {
    const headers = decode(captured(ethernet({}, packet)));
    expect(summary(headers)).toBe(expected);
    expect(headers.tunnel).toBe(protocol);
    expect([headers.outerVersion, headers.outerSrcD >>> 0, headers.outerDstD >>> 0]).toEqual([
      4, 0xcb007101, 0xcb007102,
    ]);
  });

  it("looks through one tunnel only", () => {
    const headers = decode(captured(ethernet({}, ipv4({}, ipip(ipv4({ src: "203.0.113.8" }, ipip(v4)))))));
    expect(summary(headers)).toBe("203.0.113.8:0 > 198.51.100.7:0 4");
  });

  it("lets a tunnel packet stand for itself when what is inside cannot be read", () => {
    const headers = decode(captured(ethernet({}, ipv4({ protocol: 4 }, ascii("nothing of IP")))));
    expect([headers.status, headers.tunnel, summary(headers)]).toEqual([
      DecodeStatus.Ok,
      0,
      "192.0.2.1:0 > 198.51.100.7:0 4",
    ]);
  });

  it("tells frames without IP by what they carry", () => {
    expect(decode(captured(ethernet({ type: 0x0806 }, arp()))).etherType).toBe(0x0806);
    const length = decode(captured(ieee8023(Uint8Array.of(0x42, 0x42, 3, 0, 0))));
    expect([length.status, length.etherType]).toEqual([DecodeStatus.NonIp, NoEtherType.LLC]);
    const protectedFrame = captured(ieee80211({ flags: 0x41 }, snap(v4)), { linkType: LinkType.IEEE802_11 });
    expect(decode(protectedFrame).status).toBe(DecodeStatus.Encrypted);
    expect(decode(captured(v4, { linkType: 195 })).status).toBe(DecodeStatus.Unsupported);
  });

  it("takes what hides IP in PPP for no control traffic", () => {
    const statusOf = (protocol: number) => decode(captured(ppp(v4, { protocol }), { linkType: LinkType.PPP })).status;
    // LCP, IPCP, CCP, CDP.
    for (const control of [0xc021, 0x8021, 0x80fd, 0x4003]) expect(statusOf(control)).toBe(DecodeStatus.NonIp);
    for (const encrypted of [0x0053, 0x0055]) expect(statusOf(encrypted)).toBe(DecodeStatus.Encrypted);
    // Compressed datagrams and headers, fragments of a bundle, bridged frames.
    for (const hidden of [0x00fd, 0x00fb, 0x002d, 0x002f, 0x0061, 0x003d, 0x0031, 0x2065]) {
      expect(statusOf(hidden)).toBe(DecodeStatus.Unsupported);
    }
    expect(decode(captured(ethernet({ type: 0x8864 }, pppoe(v4, { protocol: 0x0053 })))).status).toBe(
      DecodeStatus.Encrypted,
    );
  });

  it("keeps addresses and ports of a packet whose TCP header the snaplen cut", () => {
    const headers = decode(captured(ethernet({}, v4), { captured: 14 + 20 + 8 }));
    expect([headers.status, headers.transportStatus, summary(headers)]).toEqual([
      DecodeStatus.Ok,
      DecodeStatus.Truncated,
      V4,
    ]);
  });

  it("gives the payload's length on the wire where the snaplen cut it", () => {
    const headers = decode(captured(ethernet({}, v4), { captured: 14 + 20 + 20 + 2 }));
    expect([headers.payloadLength, headers.payloadEnd - headers.payloadStart]).toEqual([5, 2]);
  });

  const LAW_FRAMES = [
    ...FRAMES.map(([, linkType, frame]) => ({ linkType, frame })),
    { linkType: LinkType.EN10MB, frame: ethernet({}, ipv4({}, icmpEcho(false, 1, 2))) },
    { linkType: LinkType.EN10MB, frame: ethernet({}, ipv4({}, gre(v6, { key: 1, sequence: 2, checksum: true }))) },
    { linkType: LinkType.EN10MB, frame: ethernet({}, ipv6({ extensions: [optionsHeader(0)] }, segment)) },
  ];

  it("decodes every prefix of every frame to the same result whatever bytes lie around it", () => {
    for (const { linkType, frame } of LAW_FRAMES) {
      for (let length = 0; length <= frame.length; length++) {
        const alone = decode(captured(frame, { linkType, captured: length }));
        for (const fill of [0x00, 0xff, 0x45]) {
          const padding = { before: 3, after: new Uint8Array(80).fill(fill) };
          const among = decode(captured(frame, { linkType, captured: length, padding }));
          expect({ ...visible(among, 3) }).toEqual({ ...visible(alone, 0) });
        }
      }
    }
  });

  it("never throws and never points outside the packet, on random and mutated bytes of every link type", () => {
    const linkTypes = Object.values(LinkType);
    const mutated = fc
      .record({
        index: fc.nat(LAW_FRAMES.length - 1),
        changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        cut: fc.nat(),
      })
      .map(({ index, changes, cut }) => {
        const { linkType, frame } = LAW_FRAMES[index]!;
        const copy = frame.slice(0, frame.length - (cut % 3 === 0 ? cut % frame.length : 0));
        for (const [at, value] of changes) if (copy.length > 0) copy[at % copy.length] = value;
        return { linkType, frame: copy };
      });
    const random = fc.record({ linkType: fc.constantFrom(...linkTypes), frame: fc.uint8Array({ maxLength: 200 }) });
    const headers = new PacketHeaders();
    fc.assert(
      fc.property(fc.oneof(mutated, random), ({ linkType, frame }) => {
        const packet = captured(frame, { linkType });
        if (decodePacket(packet, headers) !== DecodeStatus.Ok) return;
        expect(headers.payloadStart).toBeGreaterThanOrEqual(packet.start);
        expect(headers.payloadEnd).toBeLessThanOrEqual(packet.end);
        expect(headers.payloadStart).toBeLessThanOrEqual(headers.payloadEnd);
        expect(headers.payloadLength).toBeGreaterThanOrEqual(0);
        expect([4, 6]).toContain(headers.ipVersion);
      }),
      { numRuns: 5000 },
    );
  });
});

/** The fields that mean something for this packet's status, offsets counted from the packet's start. */
function visible(h: PacketHeaders, start: number): object {
  if (h.status !== DecodeStatus.Ok) return { status: h.status };
  const { fragment, fragmentId, tunnel, transportStatus, tcpFlags, tcpSeq, tcpAck, payloadLength } = h;
  const tcpFields = h.protocol === 6 && transportStatus === DecodeStatus.Ok ? { tcpFlags, tcpSeq, tcpAck } : {};
  return {
    summary: summary(h),
    fragment,
    fragmentId: fragment === Fragment.None ? 0 : fragmentId,
    tunnel,
    transportStatus,
    ...tcpFields,
    payload: [h.payloadStart - start, h.payloadEnd - start, payloadLength],
  };
}
