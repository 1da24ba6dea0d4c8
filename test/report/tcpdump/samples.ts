import {
  ascii,
  authenticationHeader,
  concat,
  dns,
  dnsName,
  dnsPointer,
  dnsQuery,
  dnsReply,
  type ExtensionHeader,
  ethernet,
  filler,
  fragmentHeader,
  gre,
  hex,
  icmp,
  icmpEcho,
  icmpv6,
  ipip,
  ipv4,
  ipv4Bytes,
  ipv6,
  ipv6Bytes,
  optionsHeader,
  routingHeader,
  type Segment,
  TcpFlag,
  tcp,
  tcpOption,
  u16,
  u32,
  udp,
} from "../../support/packet-builder.js";

const { SYN, ACK, PSH, FIN, RST, URG, ECE, CWR } = TcpFlag;

/** The same transport message in both IP versions. */
function both(segment: Segment): Uint8Array[] {
  return [ipv4({}, segment), ipv6({}, segment)];
}

const o = tcpOption;

/** Lists of TCP options: each known kind right and wrong, and the mixtures of real stacks. */
export const optionLists: readonly Uint8Array[] = [
  concat(o.mss(1460), o.sackPermitted, o.timestamps(111, 0), o.nop, o.windowScale(7)),
  concat(o.nop, o.nop, o.timestamps(3087919981, 802303366)),
  concat(o.nop, o.nop, o.timestamps(1, 2), o.nop, o.nop, o.sack([1500, 2000])),
  concat(o.nop, o.nop, o.sack([1500, 2000], [3000, 4000], [5000, 6000])),
  concat(o.mss(1460), o.end),
  concat(o.end, hex("01 02 03")),
  hex("02 03 05 01"),
  hex("02 06 05 b4 01 01"),
  hex("02 04 05"),
  hex("02 00 01 01"),
  hex("02 ff 01 01"),
  hex("02"),
  hex("01 02"),
  hex("03 03 07"),
  hex("03 04 07 00"),
  hex("04 02"),
  hex("04 03 00 01"),
  hex("05 02 01 01"),
  hex("05 05 01 02 03 01 01 01"),
  hex("05 0a 00 00 05 dc 00 00 07 d0"),
  o.raw(6, hex("01020304")),
  o.raw(7, hex("01020304")),
  o.raw(11, hex("01020304")),
  o.raw(12, hex("ff020304")),
  o.raw(13, hex("01020304")),
  o.raw(13, hex("0102")),
  o.raw(8, hex("0102030405")),
  o.raw(8, hex("01020304050607080910")),
  o.raw(19, filler(16)),
  o.raw(19, filler(10)),
  o.raw(20, hex("0102")),
  o.raw(20, hex("01020304")),
  o.raw(27, hex("0102030405060708")),
  o.raw(28, hex("8005")),
  o.raw(28, hex("0005")),
  o.raw(28, hex("0006")),
  o.raw(29, hex("01")),
  o.raw(29, hex("")),
  o.raw(29, hex("0102")),
  o.raw(29, concat(hex("0102"), filler(12))),
  o.raw(34, hex("")),
  o.raw(34, hex("0102030405060708")),
  o.raw(34, hex("010203")),
  o.raw(34, hex("0102")),
  o.raw(34, filler(18)),
  o.raw(254, hex("f989")),
  o.raw(254, hex("f989 0102030405060708")),
  o.raw(254, hex("f989 010203")),
  o.raw(254, hex("1234 5678")),
  o.raw(254, hex("12")),
  o.raw(253, hex("1234 5678")),
  o.raw(200, hex("0102")),
  o.raw(200, hex("")),
  // Multipath TCP: capable, join, dss, add-addr, rem-addr, prio, fail, fast-close, unknown, in right and wrong sizes.
  ...[1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30].flatMap((length) =>
    [0x00, 0x01, 0x02, 0x11, 0x20, 0x30, 0x31, 0x34, 0x36, 0x40, 0x51, 0x50, 0x60, 0x70, 0x80, 0xf0].map((subtype) =>
      o.raw(30, concat([subtype, 0x81], filler(40)).subarray(0, length)),
    ),
  ),
  ...[0x00, 0x01, 0x03, 0x04, 0x05, 0x07, 0x0c, 0x0d, 0x0f, 0x1f, 0x10].flatMap((bits) =>
    [2, 6, 10, 12, 14, 16, 18, 20, 22, 24, 26].map((length) =>
      o.raw(30, concat([0x20, bits], filler(40)).subarray(0, length)),
    ),
  ),
];

const allFlags = Array.from({ length: 256 }, (_, flags) => flags);

export const tcpPackets: readonly Uint8Array[] = [
  ...allFlags.flatMap((flags) =>
    both(tcp({ flags, seq: 5000 + flags, ack: 9000 + flags, urgent: flags }, filler(flags & 3))),
  ),
  ...optionLists.flatMap((options) =>
    [ACK, SYN, SYN | ACK].map((flags) => ipv4({}, tcp({ flags, options, seq: 1000, ack: 500 }, filler(5)))),
  ),
  ...optionLists.map((options) =>
    ipv6({}, tcp({ flags: ACK | PSH, options, srcPort: 443, dstPort: 36300 }, filler(5))),
  ),
  // A whole connection, and one that begins in the middle.
  ipv4({}, tcp({ srcPort: 50000, dstPort: 80, seq: 1000, flags: SYN })),
  ipv4(
    { src: "198.51.100.7", dst: "192.0.2.1" },
    tcp({ srcPort: 80, dstPort: 50000, seq: 9000, ack: 1001, flags: SYN | ACK }),
  ),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 80, seq: 1001, ack: 9001 })),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 9001, seq: 777, ack: 888, flags: ACK | PSH }, filler(10))),
  ipv4(
    { src: "198.51.100.7", dst: "192.0.2.1" },
    tcp({ srcPort: 9001, dstPort: 50000, seq: 800, ack: 787 }, filler(10)),
  ),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 9001, seq: 500, ack: 600, flags: RST | ACK })),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 9001, seq: 500, flags: RST })),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 9001, seq: 0xffffffff, ack: 0xffffffff, window: 65535, flags: FIN | ACK })),
  ipv4({}, tcp({ srcPort: 50000, dstPort: 9001, flags: ACK | URG | ECE | CWR, urgent: 9 })),
  // Equal ports: the lower address comes first.
  ipv4({}, tcp({ srcPort: 7000, dstPort: 7000, seq: 100, ack: 200 })),
  ipv4({ src: "198.51.100.7", dst: "192.0.2.1" }, tcp({ srcPort: 7000, dstPort: 7000, seq: 205, ack: 103 }, filler(3))),
  ipv6({}, tcp({ srcPort: 7000, dstPort: 7000, seq: 100, ack: 200 })),
  ipv6(
    { src: "2001:db8:1::2", dst: "2001:db8::1" },
    tcp({ srcPort: 7000, dstPort: 7000, seq: 205, ack: 103 }, filler(3)),
  ),
  // Damaged headers.
  ...[0, 1, 4, 6, 10, 15].flatMap((dataOffset) => both(tcp({ dataOffset }, filler(7)))),
  ...[20, 25, 39, 41, 60, 90].map((totalLength) => ipv4({ totalLength }, tcp({}, filler(20)))),
];

export const udpPackets: readonly Uint8Array[] = [
  ...both(udp({}, filler(0))),
  ...both(udp({}, filler(3))),
  ...both(udp({ length: 200 }, filler(3))),
  ...both(udp({ length: 4 }, filler(3))),
  ...both(udp({ length: 9 }, filler(3))),
  ...both(udp({ length: 0 }, filler(3))),
  ipv4({ totalLength: 24 }, udp({}, filler(3))),
  ipv4({ moreFragments: true }, udp({ length: 1500 }, filler(600))),
  ipv4({ fragmentOffset: 1480, protocol: 17 }, filler(20)),
];

const record = (type: number, data: Uint8Array, extra: { class?: number; name?: string } = {}) => ({
  name: extra.name ?? "example.com",
  type,
  data,
  ...(extra.class === undefined ? {} : { class: extra.class }),
});

const edns = (options: Uint8Array, ttl = 0) => ({ name: "", type: 41, class: 1232, ttl, data: options });
const ednsOption = (code: number, data: Uint8Array) => concat(u16(code), u16(data.length), data);

export const dnsMessages: readonly Uint8Array[] = [
  dnsQuery("seed.bitcoin.example.com"),
  dnsQuery("", 2),
  ...Array.from({ length: 60 }, (_, type) => dnsQuery("a.example", type)),
  ...[99, 100, 101, 102, 103, 104, 249, 250, 251, 252, 253, 254, 255, 256, 257, 65535].map((type) =>
    dnsQuery("a.example", type),
  ),
  ...[1, 3, 4, 255, 7, 0x8001].map((dnsClass) => dns({ questions: [{ name: "a.b", class: dnsClass }] })),
  ...Array.from({ length: 16 }, (_, opcode) => dns({ opcode, questions: [{ name: "a.b" }] })),
  ...Array.from({ length: 16 }, (_, rcode) => dns({ response: true, rcode, questions: [{ name: "a.b" }] })),
  ...Array.from({ length: 16 }, (_, opcode) => dns({ response: true, opcode, questions: [{ name: "a.b" }] })),
  dns({ recursionDesired: false, checkingDisabled: true, questions: [{ name: "a.b" }] }),
  dns({
    authoritative: true,
    authenticData: true,
    truncated: true,
    recursionAvailable: true,
    questions: [{ name: "a.b" }],
  }),
  dns({
    response: true,
    authoritative: true,
    authenticData: true,
    truncated: true,
    recursionAvailable: true,
    questions: [{ name: "a.b" }],
  }),
  dns({ questions: [{ name: "a.b" }, { name: "c.d", type: 28 }] }),
  dns({ questions: [] }),
  dns({ response: true, questions: [] }),
  dns({ response: true, questions: [{ name: "a.b" }, { name: "c.d" }], answers: [record(1, hex("01020304"))] }),
  dns({ questions: [{ name: "a.b" }], counts: [3, 1, 2, 4] }),
  dns({ opcode: 1, questions: [{ name: "a.b" }], counts: [1, 0, 0, 0] }),
  dns({ opcode: 1, counts: [0, 1, 0, 0] }),
  dns({ response: true, questions: [{ name: "a.b" }], counts: [1, 3, 0, 0], answers: [record(1, hex("01020304"))] }),
  dnsReply("example.com", ["203.0.113.9", "203.0.113.10"]),
  ...[
    record(28, Uint8Array.from(ipv6Bytes("2001:db8::53"))),
    record(28, hex("0102")),
    record(1, hex("0102")),
    record(1, hex("0102030405")),
    record(2, dnsName("ns.example.com")),
    record(5, dnsName("www.example.com")),
    record(5, dnsPointer(12)),
    record(5, concat([3], ascii("www"), dnsPointer(12))),
    record(5, dnsPointer(0x3f)),
    record(5, dnsPointer(0x1f)),
    record(12, dnsName("host.example.com")),
    record(39, dnsName("d.example.com")),
    record(6, concat(dnsName("ns.a"), dnsName("root.a"), filler(20))),
    record(15, concat(u16(10), dnsName("mail.example.com"))),
    record(15, hex("00")),
    record(16, concat([5], ascii("hello"), [3], ascii("a\tb"), [0])),
    record(16, concat([50], ascii("hello"))),
    record(33, concat(u16(1), u16(2), u16(443), dnsName("srv.example.com"))),
    record(33, hex("0001")),
    record(38, concat([0], Uint8Array.from(ipv6Bytes("2001:db8::53")))),
    record(38, concat([64], filler(8), dnsName("p.example"))),
    record(38, concat([128], dnsName("p.example"))),
    record(38, hex("ff")),
    record(256, concat(u16(1), u16(2), ascii("https://example.com/"))),
    record(256, hex("0001")),
    record(104, ascii("one long string")),
    record(250, concat(dnsName("key"), filler(30))),
    record(65, filler(10)),
    record(46, filler(30)),
    record(1, hex("01020304"), { class: 3 }),
    record(1, hex("01020304"), { class: 0x8001 }),
    record(16, concat([4], hex("00 7f 80 ff"))),
  ].map((answer) =>
    dns({ response: true, recursionAvailable: true, questions: [{ name: "example.com" }], answers: [answer] }),
  ),
  dns({ response: true, rcode: 3, questions: [{ name: "a.b" }], additionals: [edns(hex(""), 0x01000000)] }),
  dns({ response: true, rcode: 7, questions: [{ name: "a.b" }], additionals: [edns(hex(""), 0x01000000)] }),
  dns({ response: true, rcode: 7, questions: [{ name: "a.b" }], additionals: [edns(hex(""), 0xff000000)] }),
  dns({ questions: [{ name: "a.b" }], additionals: [edns(hex(""), 0x8000)] }),
  // An OPT record among the answers, where tcpdump tells its options.
  ...[
    hex(""),
    ednsOption(3, ascii("id")),
    ednsOption(5, hex("00 01 02 03 05 06 07 08 0a 0c 0d 0e 0f 10 fc fd fe 63")),
    ednsOption(6, hex("01 02 03 04 05")),
    ednsOption(7, hex("01 02")),
    ednsOption(8, hex("0001 18 00 c00002")),
    ednsOption(8, hex("0002 38 00 20010db8000000")),
    ednsOption(8, hex("0003 18 00 c00002")),
    ednsOption(8, hex("0001 40 00 c00002")),
    ednsOption(8, hex("0001")),
    ednsOption(9, hex("00000e10")),
    ednsOption(9, hex("00")),
    ednsOption(10, filler(8)),
    ednsOption(10, filler(16)),
    ednsOption(10, filler(9)),
    ednsOption(11, hex("0019")),
    ednsOption(11, hex("00190a")),
    ednsOption(12, filler(7)),
    ednsOption(13, dnsName("a.b")),
    ednsOption(14, hex("0001 0002")),
    ednsOption(14, hex("0001 00")),
    ednsOption(1, hex("01")),
    ednsOption(2, hex("02")),
    ednsOption(16, hex("0001")),
    ednsOption(17, hex("0001")),
    ednsOption(4242, hex("0001")),
    concat(ednsOption(10, filler(8)), ednsOption(12, filler(2))),
    hex("000a 00ff 01"),
    hex("00"),
  ].map((options) => dns({ response: true, questions: [{ name: "a.b" }], answers: [edns(options, 0x8000)] })),
  // Names that loop, run on, use old label types or hold what is no text.
  ...[
    hex("c0 0c"),
    hex("c0 0d"),
    hex("03 61 62 63 c0 0c"),
    hex("c0 00"),
    hex("ff ff"),
    hex("80 01 00"),
    hex("41 08 ab 00"),
    hex("41 0c ab cd 00"),
    hex("41 03 e0 00"),
    hex("41 00 00"),
    hex("42 08 ab 00"),
    hex("3f 61 62"),
    hex("04 00 1f 7f 80 00"),
    concat(...Array.from({ length: 20 }, () => concat([20], ascii("abcdefghijklmnopqrst"))), [0]),
  ].flatMap((name) => [
    concat(dns({ counts: [1, 0, 0, 0] }), name, u16(1), u16(1)),
    concat(
      dns({ response: true, counts: [1, 1, 0, 0] }),
      dnsName("a.b"),
      u16(1),
      u16(1),
      dnsName("a.b"),
      u16(5),
      u16(1),
      u32(1),
      u16(name.length),
      name,
    ),
  ]),
  ...Array.from({ length: 13 }, (_, length) => filler(length)),
];

export const dnsPackets: readonly Uint8Array[] = dnsMessages.flatMap((message) => [
  ipv4({}, udp({ dstPort: 53 }, message)),
  ipv6({}, udp({ srcPort: 53, dstPort: 40000 }, message)),
  ipv4({ dst: "224.0.0.251" }, udp({ srcPort: 5353, dstPort: 5353 }, message)),
  ipv4({}, tcp({ dstPort: 53, flags: ACK | PSH }, concat(u16(message.length), message))),
]);

const quoted4 = ipv4({ src: "192.0.2.1", dst: "203.0.113.5" }, udp({ dstPort: 6000 }, filler(8)));
const quoted4Tcp = ipv4({ src: "192.0.2.1", dst: "203.0.113.5" }, tcp({ dstPort: 6000 }));
const quoted4Other = ipv4({ src: "192.0.2.1", dst: "203.0.113.5", protocol: 132, options: filler(8) }, filler(8));
const quoted6 = ipv6({}, udp({ dstPort: 6000 }, filler(8)));
const quoted6Tcp = ipv6({}, tcp({ dstPort: 6000 }));

export const icmpPackets: readonly Uint8Array[] = [
  ipv4({}, icmpEcho(false, 7, 1)),
  ipv4({}, icmpEcho(true, 7, 65535)),
  ...Array.from({ length: 20 }, (_, code) => ipv4({}, icmp(3, code, u32(code & 1 ? 1400 : 0), quoted4))),
  ipv4({}, icmp(3, 3, u32(0), quoted4Tcp)),
  ipv4({}, icmp(3, 3, u32(0), quoted4Other)),
  ...Array.from({ length: 6 }, (_, code) => ipv4({}, icmp(5, code, ipv4Bytes("192.0.2.254"), quoted4))),
  ...[0, 1, 2].map((code) => ipv4({}, icmp(11, code, u32(0), quoted4))),
  ...[0, 1, 2].map((code) => ipv4({}, icmp(12, code, u32(0x14000000), quoted4))),
  ...Array.from({ length: 45 }, (_, type) => ipv4({}, icmp(type, 0, filler(4) as unknown as number[], filler(40)))),
  ipv4({}, icmp(9, 0, [2, 2, ...u16(30)], concat(filler(16)))),
  ipv4({}, icmp(9, 0, [2, 2, ...u16(1830)], concat(filler(16)))),
  ipv4({}, icmp(9, 0, [40, 2, ...u16(9000)], concat(new Uint8Array(320).fill(255)))),
  ipv4({}, icmp(9, 0, [2, 3, ...u16(9000)], filler(16))),
  ipv4({}, icmp(14, 0, u32(0x00010002), concat(u32(36000123), u32(0xffffffff), u32(5)))),
  ipv4({}, icmp(13, 0, u32(0x00010002), filler(12))),
  ipv4({}, icmp(18, 0, u32(0x00010002), u32Array(0xffffff00))),
  ipv4({}, icmpv6(128)),
  ipv6({}, icmp(8)),
];

function u32Array(value: number): Uint8Array {
  return Uint8Array.from(u32(value));
}

/** Router renumbering and node information are out of scope. */
const outOfScopeIcmp6 = new Set([138, 139, 140]);

export const icmp6Packets: readonly Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, type) => type)
    .filter((type) => !outOfScopeIcmp6.has(type))
    .flatMap((type) => [0, 1, 130].map((code) => ipv6({}, icmpv6(type, code, [1, 2, 3, 4], filler(48))))),
  ...Array.from({ length: 8 }, (_, code) => ipv6({}, icmpv6(1, code, u32(0), quoted6))),
  ipv6({}, icmpv6(1, 4, u32(0), quoted6Tcp)),
  ipv6(
    {},
    icmpv6(1, 4, u32(0), ipv6({ extensions: [optionsHeader(0), routingHeader(0, ["::1"]), fragmentHeader()] }, udp())),
  ),
  ipv6({}, icmpv6(1, 4, u32(0), ipv6({ extensions: [authenticationHeader()] }, udp()))),
  ipv6({}, icmpv6(1, 4, u32(0), ipv6({ extensions: [fragmentHeader({ offset: 8 })] }, udp()))),
  ipv6({}, icmpv6(1, 4, u32(0), ipv6({ protocol: 132 }, filler(20)))),
  ipv6({}, icmpv6(2, 0, u32(1280), quoted6)),
  ...[0, 1, 2].map((code) => ipv6({}, icmpv6(3, code, u32(0), quoted6))),
  ...[0, 1, 2, 3, 4].map((code) => ipv6({}, icmpv6(4, code, u32(40), quoted6))),
  ipv6({}, icmpv6(130, 0, u32(1000 << 16), Uint8Array.from(ipv6Bytes("ff02::1:2")))),
  ipv6({}, icmpv6(130, 0, u32(1000 << 16), concat(ipv6Bytes("ff02::1:2"), hex("02 7d 0000")))),
  ipv6(
    {},
    icmpv6(130, 0, u32(1000 << 16), concat(ipv6Bytes("ff02::1:2"), hex("02 7d 0001"), ipv6Bytes("2001:db8::9"))),
  ),
  ipv6({}, icmpv6(130, 0, u32(1000 << 16), concat(ipv6Bytes("ff02::1:2"), hex("02 7d 0009")))),
  ipv6({}, icmpv6(130, 0, u32(1000 << 16), filler(18))),
  ipv6({}, icmpv6(143, 0, u32(1), concat(hex("04 00 0000"), ipv6Bytes("ff02::1:2")))),
  ipv6({}, icmpv6(135, 0, u32(0), concat(ipv6Bytes("2001:db8::9"), hex("01 01 020000000001")))),
  ipv6({}, icmpv6(136, 0, u32(0xe0000000), concat(ipv6Bytes("2001:db8::9"), hex("02 01 020000000001")))),
  ipv6({}, icmpv6(137, 0, u32(0), concat(ipv6Bytes("2001:db8::9"), ipv6Bytes("2001:db8::a")))),
  ipv6({ protocol: 58 }, new Uint8Array(0)),
];

const igmpMessage = (text: string) => ipv4({ dst: "224.0.0.1", protocol: 2 }, hex(text));

export const igmpPackets: readonly Uint8Array[] = [
  "11 64 0000 00000000",
  "11 00 0000 00000000",
  "11 14 0000 e0000001",
  "11 64 0000 e0000001 02 7d",
  "11 64 0000 00000000 02 7d 0000",
  "11 64 0000 e0000001 02 7d 0001 c0000201",
  "11 ff 0000 e0000001 02 7d 0005 c0000201",
  "11 19 0000 e0000001 02 7d 0000",
  "11 8f 0000 e0000001 02 7d 0000",
  "11 64 0000 00000000 02 7d 0000 00",
  "12 00 0000 e0000001",
  "12 00 0000 e0000001 00",
  "16 00 0000 e0000001",
  "17 00 0000 e0000001",
  "22 00 0000 0000 0001 04000000 e00000fb",
  "22 00 0000 0000 0001 04000000",
  "1f 00 0000 e0000001 c0000201 c0000202 e0000003 10 000007",
  "1e 00 0000 e0000001 c0000201 c0000202 c0000203 10 000007",
  "1e 00 0000 e0000001",
  "13 00 0000",
  "99 00 0000 00000000",
].map(igmpMessage);

const extensionChains: readonly (readonly ExtensionHeader[])[] = [
  [optionsHeader(0)],
  [optionsHeader(60)],
  [optionsHeader(0), optionsHeader(60)],
  [optionsHeader(0), optionsHeader(0)],
  [optionsHeader(60), optionsHeader(0)],
  [optionsHeader(0, hex("05 02 0000"))],
  [optionsHeader(0, hex("05 03 000000"))],
  [optionsHeader(0, hex("c2 04 00010000"))],
  [optionsHeader(0, hex("c2 03 000100"))],
  [optionsHeader(0, hex("c9 10 20010db8000000000000000000000001"))],
  [optionsHeader(0, hex("c9 02 2001"))],
  [optionsHeader(0, hex("1e 02 2001"))],
  [optionsHeader(0, hex("1e ff 2001"))],
  [optionsHeader(0, hex("00 00 00 00 00 05"))],
  [optionsHeader(60, hex("1e ff 2001"))],
  [routingHeader(0, ["2001:db8::5", "2001:db8::6"])],
  [routingHeader(2, ["2001:db8::5"])],
  [routingHeader(4, ["2001:db8::5"])],
  [routingHeader(3, ["2001:db8::5"])],
  [{ protocol: 43, bytes: hex("01 00 01 00000001 0102030405060708") }],
  [{ protocol: 43, bytes: hex("02 00 01 00000001 01020304050607080102030405060708") }],
  [{ protocol: 43, bytes: hex("02 04 01 00 01 1234 01020304050607080102030405060708") }],
  [fragmentHeader({ more: true })],
  [fragmentHeader()],
  [fragmentHeader({ offset: 48 })],
  [optionsHeader(0), fragmentHeader({ offset: 48, more: true })],
  [authenticationHeader()],
  [optionsHeader(0), routingHeader(0, ["2001:db8::5"]), optionsHeader(60), fragmentHeader({ more: true })],
];

export const extensionPackets: readonly Uint8Array[] = extensionChains.flatMap((extensions) => [
  ipv6({ extensions }, udp({}, filler(3))),
  ipv6({ extensions }, tcp({ flags: ACK | PSH }, filler(3))),
  ipv6({ extensions }, icmpv6(128, 0, u32(1))),
  ipv6({ extensions }, new Uint8Array(0)),
  ipv6({ extensions, payloadLength: 0 }, udp({}, filler(3))),
  ipv6({ extensions, payloadLength: 4 }, udp({}, filler(3))),
]);

const inner4 = ipv4(
  { src: "10.0.0.1", dst: "10.0.0.2" },
  tcp({ srcPort: 9, dstPort: 10, flags: ACK | PSH }, filler(4)),
);
const inner6 = ipv6({ src: "fd00::1", dst: "fd00::2" }, udp({ srcPort: 9, dstPort: 10 }, filler(4)));

export const tunnelPackets: readonly Uint8Array[] = [
  ...[inner4, inner6].flatMap((inner) => [
    ...both(ipip(inner)),
    ...both(gre(inner)),
    ...both(gre(inner, { key: 9 })),
    ...both(gre(inner, { key: 9, sequence: 7, checksum: true })),
    ipv4({}, ipip(ipv4({}, ipip(inner)))),
  ]),
  ipv4({}, gre(ethernet({}, inner4), { protocol: 0x6558 })),
  ipv4({}, gre(filler(9), { protocol: 0x1234 })),
  ipv4({}, gre(concat(u32(0x0006_4140), inner4), { protocol: 0x8847 })),
  ...[
    "2001 880b 0011 0009 ff03 0021",
    "3001 880b 0011 0009 00000005 ff03 0021",
    "3081 880b 0011 0009 00000005 00000006 21",
    "1001 1234 00000005",
    "0002 0800",
    "0001 880b",
  ].map((header) => ipv4({ protocol: 47 }, concat(hex(header), inner4))),
];

/** Protocols that tcpdump decodes by printers that leek has not. */
const outOfScopeProtocols = new Set([8, 9, 33, 46, 55, 88, 89, 103, 108, 112, 113, 132, 143]);
const inScopeProtocols = Array.from({ length: 256 }, (_, protocol) => protocol).filter(
  (protocol) => !outOfScopeProtocols.has(protocol) && ![0, 43, 44, 60, 62, 135].includes(protocol),
);

export const ipPackets: readonly Uint8Array[] = [
  ...inScopeProtocols.flatMap((protocol) => [ipv4({ protocol }, filler(40)), ipv6({ protocol }, filler(40))]),
  ...[0, 43, 44, 60].map((protocol) => ipv4({ protocol }, filler(40))),
  ...[0, 1, 19, 20, 21, 27, 28, 29, 100].map((totalLength) => ipv4({ totalLength }, udp({}, filler(1)))),
  ...[0, 1, 4, 6, 8, 15].map((ihl) => ipv4({ ihl }, udp({}, filler(20)))),
  ...[0, 5, 6, 15].map((version) => ipv4({ version }, udp({}, filler(20)))),
  ...[4, 8, 40].map((length) => ipv4({ options: filler(length) }, udp({}, filler(20)))),
  ipv4({ dontFragment: true, moreFragments: true }, tcp({}, filler(20))),
  ...[8, 1480].flatMap((fragmentOffset) =>
    [6, 17, 1, 253].map((protocol) => ipv4({ fragmentOffset, protocol }, filler(20))),
  ),
  ...[0, 1, 7, 8, 9, 100].map((payloadLength) => ipv6({ payloadLength }, udp({}, filler(1)))),
  ...["::", "::1", "::ffff:192.0.2.1", "::192.0.2.1", "2001:db8:0:1:0:0:0:1", "1:0:0:2:0:0:0:3", "1:2:3:4:5:6:7:0"].map(
    (src) => ipv6({ src }, udp({}, filler(1))),
  ),
  ipv4({ protocol: 51 }, concat(hex("11 04 0000 00000001 00000002"), filler(12), udp({}, filler(3)).bytes)),
  ipv4({ protocol: 51 }, concat(hex("06 04 0001 00000001 00000002"), filler(12), tcp({}, filler(3)).bytes)),
  ipv4({ protocol: 51 }, hex("11")),
  ipv4({ protocol: 51 }, hex("11 ff 0000 00000001 00000002")),
  ipv4({ protocol: 50 }, filler(8)),
  ipv4({ protocol: 50 }, filler(9)),
];

/** Everything above, by name. */
export const packetGroups: Readonly<Record<string, readonly Uint8Array[]>> = {
  tcp: tcpPackets,
  udp: udpPackets,
  dns: dnsPackets,
  icmp: icmpPackets,
  icmp6: icmp6Packets,
  igmp: igmpPackets,
  extensions: extensionPackets,
  tunnels: tunnelPackets,
  ip: ipPackets,
};
