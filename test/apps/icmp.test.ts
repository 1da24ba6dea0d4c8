import { describe, expect, it } from "vitest";
import { icmp } from "../../src/apps/icmp.js";
import { ntp } from "../../src/apps/ntp.js";
import { stun } from "../../src/apps/stun.js";
import {
  ascii,
  concat,
  ethernet,
  filler,
  fragmentHeader,
  hex,
  icmpEcho,
  icmp as icmpMessage,
  icmpv6,
  ipv4,
  ipv6,
  ipv6Bytes,
  type Segment,
  tcp,
  u16,
  u32,
  udp,
} from "../support/packet-builder.js";
import { detailsOf, disclosed } from "./conversation.js";
import { datagram, inIpv4, overFrames } from "./lan/frames.js";

const ALL = [icmp, ntp, stun];
const inIpv6 = (segment: Segment) => ethernet({}, ipv6({ src: "fe80::2", dst: "fe80::1" }, segment));
const read = (...frames: readonly Uint8Array[]) => overFrames(ALL, frames);
const MAC = "02:00:5e:00:53:01";

/** Seconds and microseconds in a byte order, and what a 64-bit iputils counts behind them. */
const linux = (bytes = 56, microseconds = "d8240000 00000000") =>
  concat(hex("b98d036b 00000000"), hex(microseconds), filler(bytes).subarray(16));
const windows = ascii("abcdefghijklmnopqrstuvwabcdefghi");

describe("icmp", () => {
  it("lists the types that it saw, each once", () => {
    const frames = [
      icmpEcho(false, 1, 1),
      icmpEcho(true, 1, 1),
      icmpEcho(false, 1, 2),
      icmpMessage(13),
      icmpMessage(99),
    ];
    const facts = read(...frames.map(inIpv4));
    expect([facts?.protocol, facts?.by]).toEqual(["icmp", "content"]);
    expect(detailsOf(facts)).toEqual({ types: ["echo-request", "echo-reply", "timestamp-request", "type-99"] });
    expect(disclosed(facts)).toEqual([]);
  });

  it("does not list more than it keeps", () => {
    const frames = Array.from({ length: 256 }, (_, type) => inIpv4(icmpMessage(type)));
    expect(detailsOf(read(...frames)).types).toHaveLength(16);
  });

  it.each([
    ["iputils ping", linux()],
    ["iputils ping", linux(1400)],
    ["iputils ping", linux(56, "00000000 000024d8")],
    ["Windows ping", windows],
    ["Windows ping", ascii("abcdefghijklmnopqrstuvw".repeat(60))],
  ])("takes %s for whom it is, by request or reply", (program, data) => {
    expect(disclosed(read(inIpv4(icmpEcho(false, 7, 1, data))))).toEqual([`software: ${program}`]);
    expect(disclosed(read(inIpv6(icmpv6(129, 0, [0, 7, 0, 1], data))))).toEqual([`software: ${program}`]);
  });

  it.each([
    ["a count from the start", filler(56)],
    ["the count of BSD, behind eight bytes", concat(hex("69a1b2c3 000024d8"), filler(56).subarray(8))],
    ["the count of GNU inetutils", concat(hex("b98d036b 00000000 d8240000 00000000"), filler(40))],
    ["too many microseconds", linux(56, "40420f00 00000000")],
    ["too few bytes to tell", linux(24)],
    ["too few letters to tell", windows.subarray(0, 23)],
    ["the whole alphabet", ascii("abcdefghijklmnopqrstuvwxyzabcdef")],
    ["zeros", new Uint8Array(56)],
    ["nothing", new Uint8Array(0)],
  ])("makes no guess of %s", (_, data) => {
    expect(disclosed(read(inIpv4(icmpEcho(false, 7, 1, data))))).toEqual([]);
  });

  it("quotes what an error is about, ports where they are there", () => {
    const udpPacket = ipv4(
      { src: "192.168.50.2", dst: "198.51.100.7" },
      udp({ srcPort: 50_000, dstPort: 53 }, filler(40)),
    );
    const tcpPacket = ipv4(
      { src: "192.168.50.2", dst: "198.51.100.7" },
      tcp({ srcPort: 50_001, dstPort: 443 }, filler(40)),
    );
    const errors = [
      icmpMessage(3, 3, u32(0), udpPacket),
      // As little as RFC 792 asks for.
      icmpMessage(11, 0, u32(0), tcpPacket.subarray(0, 28)),
      icmpMessage(3, 1, u32(0), tcpPacket.subarray(0, 22)),
      icmpMessage(3, 1, u32(0), tcpPacket.subarray(0, 12)),
      icmpMessage(3, 1, u32(0), concat([0x99], filler(40))),
    ];
    const facts = read(...errors.map(inIpv4));
    expect(detailsOf(facts)).toEqual({
      types: ["destination-unreachable", "time-exceeded"],
      quoted: [
        "udp 192.168.50.2:50000 > 198.51.100.7:53",
        "tcp 192.168.50.2:50001 > 198.51.100.7:443",
        "tcp 192.168.50.2 > 198.51.100.7",
      ],
    });
    expect(disclosed(facts)).toEqual([]);
    const inner = ipv6({ src: "2001:db8:50::2", dst: "2001:db8::7" }, udp({ srcPort: 50_000, dstPort: 53 }));
    expect(detailsOf(read(inIpv6(icmpv6(1, 4, [0, 0, 0, 0], inner)))).quoted).toEqual([
      "udp [2001:db8:50::2]:50000 > [2001:db8::7]:53",
    ]);
  });

  it("keeps few quotes", () => {
    const errors = Array.from({ length: 20 }, (_, i) =>
      inIpv4(icmpMessage(3, 3, u32(0), ipv4({}, udp({ srcPort: 50_000 + i })))),
    );
    expect(detailsOf(read(...errors)).quoted).toHaveLength(8);
  });

  it("tells link-layer addresses of neighbours, and what a router announces", () => {
    const solicitation = icmpv6(135, 0, u32(0), concat(ipv6Bytes("fe80::1"), [1, 1], hex(MAC)));
    const advertisement = icmpv6(136, 0, [0x60, 0, 0, 0], concat(ipv6Bytes("fe80::1"), [2, 1], hex("02005e005302")));
    expect(disclosed(read(inIpv6(solicitation), inIpv6(advertisement)))).toEqual([
      `mac-address: ${MAC}`,
      "mac-address: 02:00:5e:00:53:02",
    ]);
    const router = icmpv6(
      134,
      0,
      [64, 0, ...u16(1800)],
      concat(
        u32(0),
        u32(0),
        [1, 1],
        hex(MAC),
        [3, 4, 64, 0xc0],
        u32(86_400),
        u32(14_400),
        u32(0),
        ipv6Bytes("2001:db8:50::"),
        [25, 5, 0, 0],
        u32(1200),
        ipv6Bytes("2001:db8:50::53"),
        ipv6Bytes("fe80::53"),
      ),
    );
    expect(detailsOf(read(inIpv6(router)))).toEqual({
      types: ["router-advertisement"],
      routerLifetimeSeconds: 1800,
      prefixes: ["2001:db8:50::/64"],
      dnsServers: ["2001:db8:50::53", "fe80::53"],
    });
  });

  it("stops at an option without length, or longer than what is left", () => {
    const neighbour = (...options: readonly number[]) =>
      icmpv6(135, 0, u32(0), concat(ipv6Bytes("fe80::1"), options, [1, 1], hex(MAC)));
    expect(disclosed(read(inIpv6(neighbour(1, 0, 0, 0, 0, 0, 0, 0))))).toEqual([]);
    expect(disclosed(read(inIpv6(neighbour(5, 9, 0, 0, 0, 0, 0, 0))))).toEqual([]);
    expect(disclosed(read(inIpv6(neighbour(5, 1, 0, 0, 0, 0, 5, 220))))).toEqual([`mac-address: ${MAC}`]);
  });

  it.each([
    ["UDP", datagram(1, 2, concat([8, 0], filler(60)))],
    ["a later fragment", ethernet({}, ipv6({ extensions: [fragmentHeader({ offset: 1480 })] }, icmpEcho(false, 1, 1)))],
    ["ICMPv6 in IPv4", inIpv4(icmpv6(128))],
    ["ICMP in IPv6", inIpv6(icmpMessage(8))],
    ["half a header", ethernet({}, ipv4({ protocol: 1 }, Uint8Array.of(8, 0, 1)))],
  ])("is not %s", (_, frame) => {
    expect(overFrames([icmp], [frame])).toBeUndefined();
  });
});
