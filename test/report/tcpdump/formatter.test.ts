import { describe, expect, it } from "vitest";
import { LinkType } from "../../../src/base/index.js";
import { formatPacketText, LineBuffer, TcpdumpFormatter } from "../../../src/report/tcpdump/index.js";
import { ethernet, filler, ipv4, ipv6, TcpFlag, tcp, u32, udp } from "../../support/packet-builder.js";
import { compare, frames, leekTexts, packetOf } from "./oracle.js";
import { isExplained } from "./out-of-scope.js";

const { ACK, PSH } = TcpFlag;

function segment(port: number, seq: number, src = "192.0.2.1"): Uint8Array {
  return ethernet(
    {},
    ipv4({ src }, tcp({ srcPort: port, dstPort: 60_000, seq, ack: 500, flags: ACK | PSH }, filler(10))),
  );
}

describe("relative sequence numbers", () => {
  it("are kept for every connection of many", () => {
    const ports = Array.from({ length: 5000 }, (_, i) => 1024 + i);
    const list = [1000, 1010, 1020].flatMap((seq) => ports.map((port) => segment(port, seq)));
    const found = compare(frames(...list), LinkType.EN10MB, {}, [], Number.POSITIVE_INFINITY);
    expect(found.filter((difference) => !isExplained(difference))).toEqual([]);
  });

  it("start over for a connection that was forgotten for newer ones", () => {
    const options = { time: "none", maxConversations: 10 } as const;
    const others = Array.from({ length: 20 }, (_, i) => segment(2000 + i, 1000));
    const [first, ...rest] = leekTexts(
      frames(segment(1024, 1000), ...others, segment(1024, 1010)),
      LinkType.EN10MB,
      options,
    );
    expect(first).toContain("seq 1000:1010, ack 500");
    expect(rest.at(-1)).toContain("seq 1010:1020, ack 500");
  });

  it("stay for a connection that is used, however many newer ones come", () => {
    const options = { time: "none", maxConversations: 10 } as const;
    const list = Array.from({ length: 40 }, (_, i) => [segment(1024, 1000 + i * 10), segment(2000 + i, 1000)]).flat();
    const texts = leekTexts(frames(...list), LinkType.EN10MB, options).filter((text) => text.includes(".1024 >"));
    expect(texts.slice(1).map((text) => /seq (\d+):/.exec(text)?.[1])).toEqual(
      Array.from({ length: 39 }, (_, i) => String((i + 1) * 10)),
    );
  });

  it.each([
    ["IPv4", (tcpSegment: ReturnType<typeof tcp>) => ipv4({}, tcpSegment), "192.0.2.1", "198.51.100.7"],
    ["IPv6", (tcpSegment: ReturnType<typeof tcp>) => ipv6({}, tcpSegment), "2001:db8::1", "2001:db8:1::2"],
  ] as const)("of a single stored packet follow from the seeded connection (%s)", (_version, packet, src, dst) => {
    const formatter = new TcpdumpFormatter({ time: "none" });
    const ends = [
      { address: src, port: 36_300, sequence: 4_294_967_000 },
      { address: dst, port: 443, sequence: 7000 },
    ] as const;
    formatter.seedConversation(ends[0], ends[1]);
    const out = new LineBuffer();
    const frame = ethernet({}, packet(tcp({ seq: 5, ack: 7001, flags: ACK | PSH }, filler(20))));
    formatter.format(packetOf({ bytes: frame }, LinkType.EN10MB), out);
    expect(out.toString()).toContain("Flags [P.], seq 301:321, ack 1,");
  });
});

describe("LineBuffer", () => {
  it("grows as needed and keeps what was written", () => {
    const out = new LineBuffer(1);
    const formatter = new TcpdumpFormatter({ time: "none" });
    const packet = packetOf({ bytes: segment(1024, 1) }, LinkType.EN10MB);
    for (let i = 0; i < 100; i++) {
      formatter.format(packet, out);
      out.byte(0x0a);
    }
    const lines = out.toString().split("\n");
    expect(lines).toHaveLength(101);
    expect(new Set(lines.slice(1, 100)).size).toBe(1);
  });

  it.each([0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999_999, 100_000_000, 4_294_967_295])(
    "writes %i in decimal",
    (n) => {
      const out = new LineBuffer(1);
      out.decimal(n);
      expect(out.toString()).toBe(String(n));
    },
  );

  it.each([
    [0, 1, "0"],
    [0x1234, 4, "1234"],
    [0x12, 4, "0012"],
    [0xffff_ffff, 1, "ffffffff"],
    [0xffff_ffff, 10, "00ffffffff"],
  ])("writes %i in hex with at least %i digits", (n, width, text) => {
    const out = new LineBuffer(1);
    out.hex(n, width);
    expect(out.toString()).toBe(text);
  });
});

describe("formatPacketText", () => {
  it("names a link type that it does not print", () => {
    expect(formatPacketText(packetOf({ bytes: filler(20) }, 189), { time: "none" })).toBe(
      "[link type USB_LINUX is not printed]",
    );
  });

  it("shows the time zero for a packet without time, as tcpdump does", () => {
    const packet = packetOf({ bytes: ethernet({}, ipv4({}, udp())) }, LinkType.EN10MB);
    packet.hasTime = false;
    expect(formatPacketText(packet)).toBe("00:00:00.000000 IP 192.0.2.1.40000 > 198.51.100.7.9: UDP, length 0");
  });

  it("says of a packet without bytes only that", () => {
    expect(compare([{ bytes: new Uint8Array(0), originalLength: 60 }], LinkType.EN10MB)).toEqual([]);
    expect(compare([{ bytes: new Uint8Array(0) }], LinkType.EN10MB)).toEqual([]);
    expect(compare([{ bytes: Uint8Array.from(u32(1)), originalLength: 300_000 }], LinkType.EN10MB)).toEqual([]);
  });
});
