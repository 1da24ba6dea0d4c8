import { describe, expect, it } from "vitest";
import { dnsOverTcp } from "../../../src/apps/dns/index.js";
import { ApplicationTracker } from "../../../src/apps/index.js";
import { TcpFlag } from "../../../src/decode/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import { ascii, concat, dns, dnsQuery, ethernet, ipv4, tcp, u16 } from "../../support/packet-builder.js";
import { captured, decode } from "../../support/packets.js";
import { detailsOf, disclosed, overTcp } from "../conversation.js";
import { ALIASED, a, framed } from "./messages.js";

const LONG = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example`;

describe("DNS over TCP", () => {
  it.each([Infinity, 7, 1])("tells who asked for what, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [dnsOverTcp],
      [
        [0, framed(dnsQuery("www.example.com"))],
        [1, framed(ALIASED)],
      ],
      size,
    );
    expect([facts?.protocol, facts?.by]).toEqual(["dns", "content"]);
    expect(detailsOf(facts)).toEqual({
      questions: ["www.example.com A"],
      recursionDesired: true,
      recursionAvailable: true,
      authoritative: false,
      responseCodes: ["NOERROR"],
    });
    expect(disclosed(facts)).toEqual([
      "dns-question: www.example.com",
      "dns-answer: www.example.com -> edge.example.net",
      "dns-answer: www.example.com -> 203.0.113.80",
      "dns-answer: www.example.com -> 203.0.113.81",
    ]);
  });

  it.each([Infinity, 50, 1])("reads messages that do not wait for each other, in segments of %d bytes", (size) => {
    const queries = ["a.example", "b.example", "c.example"].map((name) => framed(dnsQuery(name)));
    const facts = overTcp([dnsOverTcp], [[0, concat(...queries)]], size);
    expect(detailsOf(facts).questions).toEqual(["a.example A", "b.example A", "c.example A"]);
  });

  it.each([Infinity, 100, 1])("is known by a name longer than what is looked at, in segments of %d bytes", (size) => {
    expect(disclosed(overTcp([dnsOverTcp], [[0, framed(dnsQuery(LONG))]], size))).toEqual([`dns-question: ${LONG}`]);
  });

  it.each([Infinity, 1])("is known by a response, in segments of %d bytes", (size) => {
    const many = dns({
      response: true,
      questions: [{ name: "a.example" }],
      answers: Array.from({ length: 30 }, (_, i) => a("a.example", `203.0.113.${i}`)),
    });
    expect(overTcp([dnsOverTcp], [[1, framed(many)]], size)?.protocol).toBe("dns");
  });

  it("reads no further once the place in the stream is lost", () => {
    const query = framed(dnsQuery("a.example"));
    const facts = overTcp([dnsOverTcp], [[0, concat(query, [0, 3, 1, 2, 3], framed(dnsQuery("b.example")))]]);
    expect(disclosed(facts)).toEqual(["dns-question: a.example"]);
  });

  it.each([
    ["a root question", framed(dnsQuery("", 2))],
    ["a length that is too small", concat(u16(20), dnsQuery("www.example.com"))],
    ["a length that is too large", concat(u16(40), dnsQuery("www.example.com"), new Uint8Array(20))],
    ["a TLS ClientHello", concat([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], new Uint8Array(500).fill(7))],
    ["HTTP", ascii("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n")],
    ["SSH", ascii("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n")],
    ["zeros", new Uint8Array(300)],
    ["a length and zeros", concat(u16(200), new Uint8Array(300))],
    ["numbers", concat(u16(40), u16(1), u16(0), u16(1), u16(0), u16(0), u16(0), new Uint8Array(100).fill(1))],
  ])("is not %s", (_, bytes) => {
    for (const size of [Infinity, 1]) expect(overTcp([dnsOverTcp], [[0, bytes]], size)).toBeUndefined();
  });

  /** One segment, of which some bytes were captured. */
  function segment(payload: Uint8Array, kept: number, ports = { srcPort: 40_000, dstPort: 53 }) {
    const tracker = new ApplicationTracker({ streams: [dnsOverTcp], datagrams: [] });
    tracker.begin(0, IpProtocol.TCP, ports.srcPort, ports.dstPort);
    const frame = ethernet({}, ipv4({}, tcp({ ...ports, flags: TcpFlag.ACK }, payload)));
    const packet = captured(frame, {
      captured: frame.length - payload.length + kept,
      padding: { before: 0, after: new Uint8Array(300).fill(0x31) },
    });
    tracker.observe(0, 0, packet, decode(packet));
    return { facts: tracker.factsOf(0), names: tracker.names };
  }

  it("is read as far as the snaplen left it", () => {
    const message = framed(ALIASED);
    const { facts, names } = segment(message, message.length - 1);
    expect(disclosed(facts)).toEqual([
      "dns-question: www.example.com",
      "dns-answer: www.example.com -> edge.example.net",
      "dns-answer: www.example.com -> 203.0.113.80",
    ]);
    expect(names.namesOf("203.0.113.80", 1_800_000_000, 0)).toEqual(["www.example.com"]);
    expect(segment(message, 20).facts).toBeUndefined();
  });

  it("may ask for the root on its own port", () => {
    const query = framed(dnsQuery("", 2));
    expect(detailsOf(segment(query, query.length).facts).questions).toEqual([". NS"]);
    expect(segment(query, query.length, { srcPort: 40_000, dstPort: 54 }).facts).toBeUndefined();
  });
});
