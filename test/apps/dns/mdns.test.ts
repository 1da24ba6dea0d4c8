import { describe, expect, it } from "vitest";
import {
  concat,
  dnsName,
  dnsPointer,
  dnsQuery,
  dnsReply,
  ipv4Bytes,
  ipv6Bytes,
  u16,
} from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { type Path, recognised, tshark, understand } from "./datagrams.js";
import { question, rawMessage, record, serviceName } from "./messages.js";

const GROUP: Path = { src: "192.168.1.5", srcPort: 5353, dst: "224.0.0.251", dstPort: 5353 };
const GROUP_6: Path = { src: "fe80::5", srcPort: 5353, dst: "ff02::fb", dstPort: 5353 };
const FLUSH = 0x8001;
const HOST = dnsName("Alices-MacBook.local");
const SERVICE = serviceName("Alice’s Laptop. 2nd", "_ipp._tcp.local");

// As Bonjour announces a service: PTR, SRV, A, AAAA.
const ANNOUNCEMENT = rawMessage(
  0x8400,
  [],
  [
    [
      record(dnsName("_services._dns-sd._udp.local"), 12, dnsName("_ipp._tcp.local")),
      record(dnsName("_ipp._tcp.local"), 12, SERVICE),
      record(SERVICE, 33, concat(u16(0), u16(0), u16(631), HOST), FLUSH),
    ],
    [],
    [
      record(HOST, 1, Uint8Array.from(ipv4Bytes("192.168.1.5")), FLUSH),
      record(HOST, 28, Uint8Array.from(ipv6Bytes("fe80::5")), FLUSH),
      record(dnsName("5.1.168.192.in-addr.arpa"), 12, HOST, FLUSH),
    ],
  ],
);

describe("mDNS", () => {
  it.each([GROUP, GROUP_6])("tells what machines and their services are called, to $dst", (path) => {
    const { facts } = understand(path, [{ payload: ANNOUNCEMENT }]);
    expect([facts?.protocol, facts?.by]).toEqual(["mdns", "content"]);
    expect(disclosed(facts)).toEqual([
      "service-name: _ipp._tcp.local",
      "service-name: Alice’s Laptop\\. 2nd._ipp._tcp.local",
      "host-name: Alices-MacBook.local",
      "dns-answer: Alices-MacBook.local -> 192.168.1.5",
      "dns-answer: Alices-MacBook.local -> fe80::5",
    ]);
    expect(tshark(path, ANNOUNCEMENT, "dns.ptr.domain_name", "dns.srv.target", "dns.a", "dns.aaaa")).toEqual([
      "_ipp._tcp.local,Alice’s Laptop. 2nd._ipp._tcp.local,Alices-MacBook.local",
      "Alices-MacBook.local",
      "192.168.1.5",
      "fe80::5",
    ]);
  });

  it("tells what is asked for, but not what the asker knows of others", () => {
    const query = rawMessage(
      0,
      [question("_googlecast._tcp.local", 12, 0x8001), question("Printer.local", 28)],
      [[record(dnsName("_googlecast._tcp.local"), 12, serviceName("TV", "_googlecast._tcp.local"))], [], []],
    );
    const { facts, names } = understand(GROUP, [{ payload: query }]);
    expect(detailsOf(facts)).toEqual({ questions: ["_googlecast._tcp.local PTR", "Printer.local AAAA"] });
    expect(disclosed(facts)).toEqual(["dns-question: _googlecast._tcp.local", "dns-question: Printer.local"]);
    expect(names.knowsName("printer.local")).toBe(true);
  });

  it("tells the name that a machine wants, from its probe", () => {
    const probe = rawMessage(
      0,
      [question("bob.local", 255, 0x8001)],
      [[], [record(dnsPointer(12), 1, Uint8Array.from(ipv4Bytes("192.168.1.6")))], []],
    );
    expect(disclosed(understand(GROUP, [{ payload: probe }]).facts)).toEqual([
      "dns-question: bob.local",
      "host-name: bob.local",
      "dns-answer: bob.local -> 192.168.1.6",
    ]);
  });

  it("teaches the names of addresses", () => {
    const reply = rawMessage(0x8400, [], [[record(HOST, 1, Uint8Array.from(ipv4Bytes("192.168.1.5")), FLUSH)], [], []]);
    const { names } = understand(GROUP, [{ payload: reply }]);
    expect(names.namesOf("192.168.1.5", 1_800_000_000, 0)).toEqual(["alices-macbook.local"]);
  });

  it("is an answer to one asker alone too, and a question to one machine", () => {
    const unicast = { src: "192.168.1.5", srcPort: 5353, dst: "192.168.1.9", dstPort: 41_000 };
    expect(recognised(unicast, ANNOUNCEMENT)).toBe("mdns by content");
    expect(recognised({ ...unicast, srcPort: 41_000, dstPort: 5353 }, dnsQuery("bob.local"))).toBe("mdns by content");
    expect(recognised({ ...GROUP, srcPort: 41_000 }, dnsQuery("5.1.168.192.in-addr.arpa", 12))).toBe("mdns by content");
  });

  it("is not a resolver on the same port, such as Tor's DNSPort", () => {
    const resolver = { src: "127.0.0.1", srcPort: 41_000, dst: "127.0.0.1", dstPort: 5353 };
    expect(recognised(resolver, dnsQuery("www.example.com"))).toBe("dns by content");
    expect(recognised({ ...resolver, srcPort: 5353, dstPort: 41_000 }, dnsReply("a.example", ["203.0.113.9"]))).toBe(
      "dns by content",
    );
    // The name ends in the word, not in the label.
    expect(recognised(resolver, dnsQuery("notlocal"))).toBe("dns by content");
  });

  it("is not what breaks its rules, nor anything on other ports", () => {
    for (const other of [
      new Uint8Array(12),
      new Uint8Array(200),
      new Uint8Array(200).fill(0xff),
      concat(ANNOUNCEMENT, [0]),
      ANNOUNCEMENT.slice(0, -1),
      rawMessage(0x8403, [], [[record(HOST, 1, Uint8Array.of(1, 2, 3, 4))], [], []]),
      rawMessage(0x2000, [question("bob.local", 1)], [[], [], []]),
    ]) {
      expect(recognised(GROUP, other)).toBeUndefined();
    }
    expect(recognised({ ...GROUP, srcPort: 5354, dstPort: 5354 }, ANNOUNCEMENT)).toBeUndefined();
  });

  it("is read as far as the snaplen left it", () => {
    const { facts } = understand(GROUP, [{ payload: ANNOUNCEMENT, kept: 120 }]);
    expect(disclosed(facts)).toEqual(["service-name: _ipp._tcp.local"]);
  });

  it("keeps names of machines however much is asked", () => {
    const asked = Array.from({ length: 100 }, (_, i) => ({ payload: dnsQuery(`n${i}.local`) }));
    const { facts } = understand(GROUP, [...asked, { payload: ANNOUNCEMENT }]);
    expect(disclosed(facts)).toContain("host-name: Alices-MacBook.local");
    expect(disclosed(facts).filter((it) => it.startsWith("dns-question"))).toHaveLength(16);
    const told = Array.from({ length: 100 }, (_, i) => ({
      payload: rawMessage(0x8400, [], [[record(dnsName(`n${i}.local`), 1, Uint8Array.of(10, 0, 0, i))], [], []]),
    }));
    const { facts: others, names } = understand(GROUP, told);
    expect(disclosed(others).filter((it) => it.startsWith("host-name"))).toHaveLength(30);
    expect(names.namesOf("10.0.0.99", 1_800_000_000, 0)).toEqual(["n99.local"]);
  });
});
