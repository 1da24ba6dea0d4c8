import { describe, expect, it } from "vitest";
import { LinkType } from "../../../src/base/index.js";
import {
  arp,
  chdlc,
  concat,
  ethernet,
  filler,
  hex,
  icmpEcho,
  ieee8023,
  ieee80211,
  ipv4,
  ipv6,
  loopLink,
  nflog,
  nullLink,
  ppp,
  pppoe,
  qinq,
  radiotap,
  sll,
  sll2,
  snap,
  TcpFlag,
  tcp,
  tcpOption,
  u16,
  udp,
  vlan,
  vlanTag,
} from "../../support/packet-builder.js";
import { compare, everyPrefix, frames, leekTexts } from "./oracle.js";

const ip4 = ipv4({}, tcp({ flags: TcpFlag.ACK | TcpFlag.PSH, options: tcpOption.timestamps(1, 2) }, filler(5)));
const ip6 = ipv6({}, udp({}, filler(5)));
const mpls = concat([0x00, 0x06, 0x40, 0x40], [0x00, 0x06, 0x41, 0x3f], ip4);

const arps = [
  arp(),
  arp({ operation: 2, targetMac: "02:00:00:00:00:02" }),
  arp({ targetMac: "02:00:00:00:00:09" }),
  ...[0, 3, 4, 8, 9, 11].map((operation) => arp({ operation })),
  concat(arp(), filler(18)),
  hex("0001 86dd 06 10 0001 00000000"),
  hex("0006 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202"),
  hex("0020 0800 08 04 0001 0200000000010203 c0000201 0000000000000000 c0000202"),
  hex("0001 0800 00 04 0001 c0000201 c0000202"),
  hex("0063 1234 06 04 0001 020000000001 c0000201 000000000000 c0000202"),
  hex("0001 0800 06 05 0001 020000000001 c000020100 000000000000 c000020200"),
];

const ethernetFrames = [
  ...arps.map((packet) => ethernet({ type: 0x0806 }, packet)),
  ethernet({ type: 0x8035 }, arps[0]!),
  ethernet({}, ip4),
  concat(ethernet({}, ip4), filler(20)),
  vlan(5, ip4),
  vlan(4095, ip6),
  qinq(100, 200, ip4),
  ethernet({ type: 0x8100 }, vlanTag({ id: 7, priority: 5, dei: true }, ip4)),
  ethernet({ type: 0x9100 }, vlanTag({ id: 7 }, ip4)),
  ethernet({ type: 0x9200 }, vlanTag({ id: 7 }, ip4)),
  ethernet({ type: 0x8100 }, vlanTag({ id: 7, type: 0x1234 }, filler(20))),
  ethernet({ type: 0x8100 }, vlanTag({ id: 7, type: 30 }, concat([0xaa, 0xaa, 3, 0, 0, 0, 8, 0], ip4))),
  ethernet({ type: 0x1234 }, filler(34)),
  ethernet({ type: 0x1234 }, filler(33)),
  ethernet({ type: 0x1234 }, new Uint8Array(0)),
  ethernet({ type: 0x88b5 }, filler(300)),
  ethernet({ type: 0x6003 + 1 }, filler(16)),
  ethernet({ type: 0x05dd }, filler(20)),
  ethernet({ type: 0x8847 }, mpls),
  ethernet({ type: 0x8847 }, concat([0x00, 0x00, 0x01, 0x40], ip4)),
  ethernet({ type: 0x8848 }, concat([0x00, 0x00, 0x21, 0x40], ip6)),
  ethernet({ type: 0x8847 }, concat([0x00, 0x06, 0x41, 0x40], filler(20))),
  ethernet({ type: 0x8847 }, concat([0x00, 0x06, 0x41, 0x40])),
  ethernet({ type: 0x8847 }, concat([0x00, 0x06, 0x40])),
  ethernet({ type: 0x8864 }, pppoe(ip4)),
  ethernet({ type: 0x8864 }, pppoe(ip6, { session: 0x1234 })),
  ethernet({ type: 0x8864 }, pppoe(filler(20), { protocol: 0x4321 })),
  ethernet({ type: 0x8863 }, hex("11 09 0000 000c 0101 0000 0103 0004 01020304")),
  ethernet({ type: 0x8863 }, hex("11 07 0000 0010 0102 0004 61626364 0104 0004 ff020304")),
  ethernet({ type: 0x8863 }, hex("11 a7 0001 0000")),
  ethernet({ type: 0x8863 }, hex("22 33 0001 0090 0000")),
  ethernet({ type: 0x8863 }, hex("11 09 0000")),
  ethernet({ type: 0x880b }, ppp(ip4)),
  ieee8023(snap(ip4)),
  ieee8023(snap(ip6, 0x86dd)),
  ieee8023(snap(arps[0]!, 0x0806)),
  ieee8023(snap(filler(12), 0x1234)),
  ieee8023(snap(filler(12), 0x1234, [0, 0, 0x0c])),
  ieee8023(snap(filler(12), 0x1234, [1, 2, 3])),
  ieee8023(concat([0x06, 0x06, 3], ip4)),
  ieee8023(hex("f4 f4 03 01020304")),
  ieee8023(hex("04 04 7f 01020304")),
  ieee8023(hex("04 05 7f 01020304")),
  ieee8023(hex("08 0c e3 01020304")),
  ieee8023(hex("08 0c af 81 01 00")),
  ieee8023(hex("08 0c af 81")),
  ieee8023(hex("08 0c bf 82 01 00")),
  ieee8023(hex("08 0c af")),
  ieee8023(hex("08 0c 01 05")),
  ieee8023(hex("08 0d 05 04 0102")),
  ieee8023(hex("08 0c 0d 04")),
  ieee8023(hex("08 08 02 05 0102")),
  ieee8023(hex("08 0c 04 05 0102")),
  ieee8023(hex("08 0c")),
  ieee8023(hex("08 0c 00")),
  concat(ieee8023(hex("f4 f4 03 01020304")), filler(30)),
];

const cooked = (build: (fields: object, payload: Uint8Array) => Uint8Array) => [
  ...[0, 1, 2, 3, 4, 5].map((packetType) => build({ packetType }, ip4)),
  build({ address: "", arphrd: 772 }, ip6),
  build({ address: "0102030405060708" }, ip4),
  build({ protocol: 0x0806 }, arps[0]!),
  build({ protocol: 0x8100 }, vlanTag({ id: 9 }, ip4)),
  build({ protocol: 0x8100 }, vlanTag({ id: 9, type: 40 }, snap(ip4))),
  build({ protocol: 0x8100 }, vlanTag({ id: 9, type: 0x1234 }, filler(9))),
  build({ protocol: 0x1234 }, filler(30)),
  build({ protocol: 0x0004 }, snap(ip4)),
  build({ protocol: 0x0004 }, hex("08 0c e3 01020304")),
  build({ protocol: 0x0004 }, hex("08 08 e3 01020304")),
  build({ protocol: 0x0003 }, filler(9)),
  build({ protocol: 0x8100 }, hex("0001")),
];

const samples: readonly (readonly [name: string, linkType: number, list: readonly Uint8Array[]])[] = [
  ["Ethernet", LinkType.EN10MB, ethernetFrames],
  ["Linux cooked", LinkType.LINUX_SLL, cooked(sll)],
  [
    "Linux cooked version 2",
    LinkType.LINUX_SLL2,
    cooked((fields, payload) => sll2({ interfaceIndex: 999_999, ...fields }, payload)),
  ],
  ["raw", LinkType.RAW, [ip4, ip6, hex("50 00 00 00")]],
  ["IPv4", LinkType.IPV4, [ip4]],
  ["IPv6", LinkType.IPV6, [ip6]],
  [
    "NULL",
    LinkType.NULL,
    [
      nullLink(ip4),
      nullLink(ip4, { bigEndian: true }),
      ...[24, 28, 30].flatMap((family) => [nullLink(ip6, { family }), nullLink(ip6, { family, bigEndian: true })]),
      nullLink(ip6, { family: 10 }),
      nullLink(filler(9), { family: 6 }),
    ],
  ],
  ["LOOP", LinkType.LOOP, [loopLink(ip4), loopLink(ip6, 24), loopLink(filler(9), 77)]],
  [
    "PPP",
    LinkType.PPP,
    [
      ppp(ip4),
      ppp(ip6),
      ppp(ip4, { addressControl: false }),
      ppp(ip4, { compressed: true }),
      ppp(ip6, { addressControl: false, compressed: true }),
      concat([0, 3], u16(0x21), ip4),
      concat([1, 3], u16(0x21), ip4),
      ppp(filler(20), { protocol: 0x4321 }),
      ppp(filler(20), { protocol: 0x00fd }),
      ppp(filler(20), { protocol: 0x0025 }),
      ppp(mpls, { protocol: 0x0281 }),
    ],
  ],
  [
    "PPP in HDLC",
    LinkType.PPP_SERIAL,
    [ppp(ip4), ppp(ip6), ppp(filler(20), { protocol: 0x4321 }), chdlc(ip4), hex("12345678")],
  ],
  ["PPPoE", LinkType.PPP_ETHER, [pppoe(ip4), pppoe(ip6)]],
  [
    "Cisco HDLC",
    104,
    [chdlc(ip4), chdlc(ip6), chdlc(mpls, 0x8847), chdlc(filler(9), 0x1234), concat([0x8f, 0], u16(0x0800), ip4)],
  ],
  [
    "NFLOG",
    LinkType.NFLOG,
    [
      nflog(ip4),
      nflog(ip6, { group: 5 }),
      nflog(filler(9), { family: 7 }),
      hex("02 01 0000 0800"),
      hex("02 00 0000 0200 0900"),
    ],
  ],
];

describe.each(samples)("%s frames", (_name, linkType, list) => {
  it("print as tcpdump prints them", () => {
    expect(compare(frames(...list), linkType)).toEqual([]);
  });

  it("print as tcpdump -e prints them", () => {
    expect(compare(frames(...list), linkType, { linkLevel: true }, ["-e"])).toEqual([]);
  });

  it("print as tcpdump -e -q prints them", () => {
    expect(compare(frames(...list), linkType, { linkLevel: true, quiet: true }, ["-e", "-q"])).toEqual([]);
  });

  it("print as tcpdump prints them when cut to any length", () => {
    expect(
      compare(
        list.flatMap((frame) => everyPrefix(frame.subarray(0, 110))),
        linkType,
      ),
    ).toEqual([]);
    const options = { linkLevel: true };
    expect(
      compare(
        list.flatMap((frame) => everyPrefix(frame.subarray(0, 110))),
        linkType,
        options,
        ["-e"],
      ),
    ).toEqual([]);
  });
});

describe("802.11 data frames", () => {
  const ieee80211Frames = [
    ieee80211({}, snap(ip4)),
    ieee80211({ flags: 2 }, snap(ip6)),
    ieee80211({ flags: 0, qos: true }, snap(arps[0]!, 0x0806)),
    ieee80211({ flags: 3, qos: true }, snap(ip4)),
    ...[0, 1, 2, 3].map((flags) => ieee80211({ flags }, hex("08 0c e3 01020304"))),
    ieee80211({ flags: 0x41 }, filler(30)),
    ieee80211({ subtype: 4 }, new Uint8Array(0)),
    ieee80211({ subtype: 12 }, new Uint8Array(0)),
  ];

  it("print as tcpdump prints them", () => {
    expect(compare(frames(...ieee80211Frames), LinkType.IEEE802_11)).toEqual([]);
  });

  it("print as tcpdump prints them when cut to any length", () => {
    expect(
      compare(
        ieee80211Frames.flatMap((frame) => everyPrefix(frame.subarray(0, 110))),
        LinkType.IEEE802_11,
      ),
    ).toEqual([]);
  });

  it("print the same inside radiotap, with and without a check sequence", () => {
    const plain = leekTexts(frames(...ieee80211Frames), LinkType.IEEE802_11);
    const radio = (flags?: number) =>
      ieee80211Frames.map((frame) => radiotap(flags === undefined ? frame : concat(frame, filler(4)), flags));
    expect(leekTexts(frames(...radio()), LinkType.IEEE802_11_RADIO)).toEqual(plain);
    expect(leekTexts(frames(...radio(0x10)), LinkType.IEEE802_11_RADIO)).toEqual(plain);
  });
});

describe("the interface column of SLL2", () => {
  it("shows the name that the caller gives an index, five wide", () => {
    const frame = sll2({ interfaceIndex: 1, packetType: 4 }, ipv4({}, icmpEcho(false, 1, 1)));
    // Index 1 is the loopback interface of every Linux machine, tcpdump's included.
    const interfaceName = (index: number) => (index === 1 ? "lo" : undefined);
    expect(compare(frames(frame), LinkType.LINUX_SLL2, { interfaceName })).toEqual([]);
  });
});
