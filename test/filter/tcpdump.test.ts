import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapturedPacket, LeekError, LinkType, linkTypeName } from "../../src/base/index.js";
import { compileFilter } from "../../src/filter/index.js";
import { type ByteOrder, buildPcap } from "../support/capture-builder.js";
import {
  arp,
  authenticationHeader,
  ethernet,
  filler,
  fragmentHeader,
  icmp,
  icmpEcho,
  icmpv6,
  ieee8023,
  ieee80211,
  ipv4,
  ipv6,
  loopLink,
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

const EXPRESSIONS = [
  "",
  "ip",
  "ip6",
  "arp",
  "tcp",
  "udp",
  "icmp",
  "icmp6",
  "not ip",
  "tcp port 9001",
  "port 53",
  "not port 53",
  "src port 9001 or dst port 9001",
  "tcp dst port 443 or 9001",
  "portrange 9000-9010",
  "udp src portrange 40000-50000",
  "port domain",
  "host 192.0.2.1",
  "src host 192.0.2.1 and not dst host 198.51.100.7",
  "host 2001:db8::1",
  "not host 2001:db8::1",
  "net 198.51.100.0/24",
  "src net 10.0.0.0/8 or ip6 net 2001:db8:1::/48",
  "net 192.0.2.0 mask 255.255.255.0",
  "less 80",
  "greater 200",
  "len > 100 and len <= 1000",
  "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
  "tcp[tcpflags] = tcp-syn",
  "icmp[icmptype] = icmp-echo",
  "icmp6[icmp6type] = icmp6-neighborsolicit",
  "ip[0] & 0xf != 5",
  "ip[6:2] & 0x1fff != 0",
  "ip proto 47",
  "ip proto \\udp",
  "ip6 proto 44",
  "ip protochain 6",
  "ip6 protochain 6",
  "ip6 protochain 58 or tcp port 9001",
  "ip multicast",
  "ip6 multicast",
  "tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
  "ip[2:2] / 4 * 4 + ip[8] % 7 - 3 > 40",
  "ip[1] << 3 ^ ip[8] >> 1 != 32",
  "-ip[8] < 5",
  // Of some link types only: elsewhere both must refuse.
  "vlan",
  "vlan 5",
  "vlan and tcp port 9001",
  "vlan 5 and vlan 6 and ip",
  "pppoes and tcp",
  "ether host 02:00:00:00:00:01",
  "ether broadcast",
  "ether multicast",
  "ether proto \\arp",
  "ether[12:2] = 0x0800",
  "link[0] = 2",
  "inbound",
  "outbound and tcp",
  "ifindex 2",
  "llc",
  "type data",
  "wlan addr1 02:00:00:00:00:0a",
  // Of none.
  "ip and (",
  "port nosuchservice",
  "ip proto nosuchprotocol",
  "host 192.0.2.999",
];

/** Network-layer packets of every kind that the expressions tell apart. */
const IP_PACKETS: readonly Uint8Array[] = [
  ipv4({}, tcp({ dstPort: 9001, flags: TcpFlag.SYN })),
  ipv4({ src: "198.51.100.7", dst: "192.0.2.1" }, tcp({ srcPort: 9001, flags: TcpFlag.SYN | TcpFlag.ACK })),
  ipv4({ src: "10.1.2.3", dst: "203.0.113.9" }, tcp({}, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"))),
  ipv4({ options: filler(8) }, tcp({ dstPort: 9001, flags: TcpFlag.FIN | TcpFlag.ACK }, filler(300))),
  ipv4({ moreFragments: true }, udp({ dstPort: 53 }, filler(64))),
  ipv4({ fragmentOffset: 72, protocol: 17 }, filler(64)),
  ipv4({ src: "10.255.0.1", dst: "224.0.0.251" }, udp({ srcPort: 45000, dstPort: 53 }, filler(30))),
  ipv4({ dst: "255.255.255.255" }, udp({ srcPort: 68, dstPort: 67 })),
  ipv4({}, udp({ srcPort: 9005, dstPort: 9005 }, filler(1200))),
  ipv4({}, icmpEcho(false, 1, 1)),
  ipv4({}, icmp(3, 3)),
  ipv4({ protocol: 47 }, filler(24)),
  ipv4({ ttl: 255, tos: 0xb8 }, tcp({ dstPort: 80 })),
  ipv6({}, tcp({ dstPort: 9001 })),
  ipv6({ src: "2001:db8:1::2", dst: "ff02::fb" }, udp({ srcPort: 53, dstPort: 53 }, filler(20))),
  ipv6({ extensions: [optionsHeader(0), routingHeader(0, ["2001:db8::9"])] }, tcp({ dstPort: 9001 })),
  ipv6({ extensions: [optionsHeader(60), authenticationHeader()] }, tcp({ dstPort: 9001 })),
  ipv6({ extensions: [fragmentHeader({ more: true })] }, udp({ dstPort: 53 }, filler(40))),
  ipv6({ extensions: [optionsHeader(0)] }, icmpv6(143)),
  ipv6({}, icmpv6(135, 0, [0, 0, 0, 0], filler(16))),
  ipv6({ src: "fe80::1", dst: "ff02::1" }, icmpv6(134)),
];
const IPV4_PACKETS = IP_PACKETS.filter((packet) => packet[0]! >> 4 === 4);
const IPV6_PACKETS = IP_PACKETS.filter((packet) => packet[0]! >> 4 === 6);

const IN_ETHERNET: readonly Uint8Array[] = [
  ...IP_PACKETS.map((packet) => ethernet({}, packet)),
  ...IP_PACKETS.slice(0, 4).map((packet) => vlan(5, packet)),
  ...IP_PACKETS.slice(12, 15).map((packet) => qinq(5, 6, packet)),
  ...IP_PACKETS.slice(0, 14).map((packet) => ethernet({ type: 0x8864 }, pppoe(packet))),
  ethernet({ type: 0x0806, dst: "ff:ff:ff:ff:ff:ff" }, arp({})),
  ethernet({ dst: "01:00:5e:00:00:fb" }, IP_PACKETS[6]!),
  ieee8023(Uint8Array.of(0x42, 0x42, 3, 0, 0, 0, 0)),
  ieee8023(snap(IP_PACKETS[0]!)),
];

interface Case {
  readonly linkType: number;
  readonly packets: readonly Uint8Array[];
  readonly byteOrder?: ByteOrder;
}

const CASES: readonly Case[] = [
  { linkType: LinkType.EN10MB, packets: IN_ETHERNET },
  { linkType: LinkType.RAW, packets: IP_PACKETS },
  { linkType: LinkType.RAW_DLT, packets: IP_PACKETS },
  { linkType: LinkType.IPV4, packets: IPV4_PACKETS },
  { linkType: LinkType.IPV6, packets: IPV6_PACKETS },
  {
    linkType: LinkType.LINUX_SLL,
    packets: [...IP_PACKETS.map((packet, i) => sll({ packetType: i % 5 }, packet)), sll({ protocol: 0x0806 }, arp({}))],
  },
  {
    linkType: LinkType.LINUX_SLL2,
    packets: [
      ...IP_PACKETS.map((packet, i) => sll2({ packetType: i % 5, interfaceIndex: i % 3 }, packet)),
      sll2({ protocol: 0x0806 }, arp({})),
    ],
  },
  { linkType: LinkType.NULL, packets: IP_PACKETS.map((packet) => nullLink(packet)) },
  {
    linkType: LinkType.NULL,
    packets: IP_PACKETS.map((packet) => nullLink(packet, { family: packet[0]! >> 4 === 4 ? 2 : 24, bigEndian: true })),
    byteOrder: "big",
  },
  { linkType: LinkType.LOOP, packets: IP_PACKETS.map((packet) => loopLink(packet)) },
  { linkType: LinkType.PPP, packets: IP_PACKETS.map((packet) => ppp(packet)) },
  { linkType: LinkType.PPP_SERIAL, packets: IP_PACKETS.map((packet) => ppp(packet)) },
  { linkType: LinkType.PPP_ETHER, packets: IP_PACKETS.map((packet) => pppoe(packet)) },
  { linkType: LinkType.IEEE802_11, packets: IP_PACKETS.map((packet, i) => ieee80211({ flags: i & 3 }, snap(packet))) },
  {
    linkType: LinkType.IEEE802_11_RADIO,
    packets: IP_PACKETS.map((packet, i) =>
      radiotap(ieee80211({ qos: i % 2 === 0 }, snap(packet)), i % 3 ? 0 : undefined),
    ),
  },
  { linkType: LinkType.NFLOG, packets: IP_PACKETS },
];

/** Each packet whole, and cut to several lengths: a filter must not see beyond the captured bytes. */
function recordsOf(packets: readonly Uint8Array[]): { seconds: number; bytes: Uint8Array; originalLength: number }[] {
  return packets
    .flatMap((bytes) =>
      [bytes, ...[13, 33, 40, 57].map((length) => bytes.subarray(0, length))].map((cut) => ({ bytes, cut })),
    )
    .map(({ bytes, cut }, index) => ({ seconds: index, bytes: cut, originalLength: bytes.length }));
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "leek-filter-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Indices of the packets that tcpdump lets pass, or its message. */
function tcpdumpMatches(file: string, expression: string): number[] | string {
  // -O is off and the netmask unknown to both; -w - writes nothing but what matched.
  const { status, stdout, stderr } = spawnSync("tcpdump", ["-r", file, "-w", "-", "--", expression]);
  if (status !== 0) return stderr.toString();
  const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  const little = view.getUint8(0) === 0xd4;
  const indices: number[] = [];
  for (let at = 24; at + 16 <= view.byteLength; at += 16 + view.getUint32(at + 8, little)) {
    indices.push(view.getUint32(at, little));
  }
  return indices;
}

/** The same by leek's filter, with all packets one after another in one buffer; or the error's code. */
function leekMatches(linkType: number, records: ReturnType<typeof recordsOf>, expression: string): number[] | string {
  const packet = new CapturedPacket();
  packet.bytes = Buffer.concat(records.map((record) => record.bytes));
  packet.view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.length);
  packet.linkType = linkType;
  const indices: number[] = [];
  try {
    const filter = compileFilter(expression);
    for (const record of records) {
      packet.start = packet.end;
      packet.end += record.bytes.length;
      packet.originalLength = record.originalLength;
      if (filter.matches(packet)) indices.push(record.seconds);
    }
    return indices;
  } catch (error) {
    if (error instanceof LeekError) return error.code;
    throw error;
  }
}

describe("a filter lets pass exactly the packets that tcpdump lets pass", () => {
  it.each(CASES.map((one) => [linkTypeName(one.linkType), one.linkType, one.byteOrder ?? "little", one] as const))(
    "on %s (%i, %s-endian)",
    (_name, linkType, byteOrder, { packets }) => {
      const records = recordsOf(packets);
      const file = join(directory, `${linkType}-${byteOrder}.pcap`);
      writeFileSync(file, buildPcap({ linkType, byteOrder }, records));
      let matching = 0;
      for (const expression of EXPRESSIONS) {
        const expected = tcpdumpMatches(file, expression);
        const actual = leekMatches(linkType, records, expression);
        const where = `${expression}: ${typeof expected === "string" ? expected : ""}`;
        if (typeof expected !== "string") expect(actual, where).toEqual(expected);
        else if (expected.includes("rejects all packets") && (linkType === LinkType.IPV4 || linkType === LinkType.IPV6))
          expect(actual, where).toEqual([]);
        else expect(actual, where).toMatch(/^LEEK_FILTER_(SYNTAX|LINK_TYPE)$/);
        if (typeof expected !== "string" && expected.length > 0 && expected.length < records.length) matching++;
      }
      // So that the packets keep telling the expressions apart.
      if (linkType !== LinkType.NFLOG) expect(matching).toBeGreaterThan(15);
    },
  );

  it("refuses `ip broadcast`, for which tcpdump assumes a netmask of 0: no capture says what it was", () => {
    expect(leekMatches(LinkType.EN10MB, recordsOf(IN_ETHERNET), "ip broadcast")).toBe("LEEK_FILTER_SYNTAX");
  });

  it("knows the tcpdump that it is compared with", () => {
    expect(execFileSync("tcpdump", ["--version"], { encoding: "utf8" })).toContain("libpcap version");
  });
});
