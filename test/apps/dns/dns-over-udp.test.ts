import { describe, expect, it } from "vitest";
import { clientSubnet } from "../../../src/apps/dns/edns.js";
import { concat, dns, dnsName, dnsPointer, dnsQuery, dnsReply, u16, u32 } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { recognised, tshark, understand } from "./datagrams.js";
import { ALIASED, a, opt, question, rawMessage, record } from "./messages.js";

const ODD = { srcPort: 40_000, dstPort: 9053 };
const ONION = `${"leek".repeat(14)}.onion`;

describe("DNS over UDP", () => {
  it("tells who asked for what, and what came back", () => {
    const { facts, names } = understand({}, [
      { payload: dnsQuery("www.Example.com") },
      { side: 1, payload: ALIASED },
      { payload: dnsQuery("9.113.0.203.in-addr.arpa", 12) },
      {
        side: 1,
        payload: dns({ response: true, rcode: 3, questions: [{ name: "9.113.0.203.in-addr.arpa", type: 12 }] }),
      },
    ]);
    expect([facts?.protocol, facts?.by]).toEqual(["dns", "content"]);
    expect(detailsOf(facts)).toEqual({
      questions: ["www.example.com A", "9.113.0.203.in-addr.arpa PTR"],
      recursionDesired: true,
      recursionAvailable: true,
      authoritative: false,
      responseCodes: ["NOERROR", "NXDOMAIN"],
    });
    expect(disclosed(facts)).toEqual([
      "dns-question: www.example.com",
      "dns-answer: www.example.com -> edge.example.net",
      "dns-answer: www.example.com -> 203.0.113.80",
      "dns-answer: www.example.com -> 203.0.113.81",
      "dns-question: 9.113.0.203.in-addr.arpa",
    ]);
    expect(facts?.disclosures.map(({ packet }) => packet)).toEqual([1, 2, 2, 2, 3]);
    expect(names.namesOf("203.0.113.81", 1_700_000_000, 0)).toEqual([]);
    expect(names.namesOf("203.0.113.81", 1_700_000_001, 0)).toEqual(["www.example.com"]);
    expect(names.knowsName("9.113.0.203.in-addr.arpa")).toBe(true);
  });

  it("is known on any port by messages that can be nothing else", () => {
    for (const message of [
      dnsQuery("www.example.com"),
      dnsQuery("_acme-challenge.example.com", 16),
      dns({ questions: [{ name: "a.example" }], additionals: [opt()] }),
      dns({ questions: [{ name: "version.bind", type: 16, class: 3 }] }),
      ALIASED,
      dnsReply("a.example", ["203.0.113.9", "2001:db8::9"]),
      dns({ response: true, rcode: 2, questions: [{ name: "a.example" }] }),
    ]) {
      expect(recognised(ODD, message)).toBe("dns by content");
    }
  });

  it("is not known on odd ports by what may be anything", () => {
    const query = dnsQuery("www.example.com");
    for (const message of [
      concat(query, [0]),
      query.slice(0, -1),
      dnsQuery(""),
      dnsQuery("two words.example"),
      dnsQuery("a.example", 4711),
      dns({ questions: [{ name: "a.example", class: 2 }] }),
      dns({ questions: [{ name: "a.example" }, { name: "b.example" }] }),
      dns({ opcode: 5, questions: [{ name: "a.example", type: 6 }] }),
      dns({ recursionAvailable: true, questions: [{ name: "a.example" }] }),
      dns({ rcode: 1, questions: [{ name: "a.example" }] }),
      dns({ response: true, rcode: 11, questions: [{ name: "a.example" }] }),
      dns({ response: true, questions: [{ name: "a.example" }], counts: [1, 1, 0, 0] }),
      new Uint8Array(12),
      new Uint8Array(64),
    ]) {
      expect(recognised(ODD, message)).toBeUndefined();
    }
  });

  it("is known on port 53 by what looks like it, and by content as soon as there is proof", () => {
    const path = { dstPort: 53 };
    expect(recognised(path, dnsQuery("", 2))).toBe("dns by content");
    expect(recognised(path, dnsQuery("two words.example"))).toBe("dns by content");
    const unusual = dnsQuery("a.example", 4711);
    expect(recognised(path, unusual)).toBe("dns by port");
    expect(recognised(path, dns({ opcode: 5, questions: [{ name: "a.example", type: 6 }] }))).toBe("dns by port");
    const { facts } = understand(path, [{ payload: unusual }, { payload: dnsQuery("b.example") }]);
    expect(facts?.by).toBe("content");
    expect(detailsOf(facts).questions).toEqual(["a.example TYPE4711", "b.example A"]);
    expect(recognised({ srcPort: 53, dstPort: 40_000 }, ALIASED)).toBe("dns by content");
    // A response to what nobody could read.
    expect(recognised({ srcPort: 53, dstPort: 40_000 }, rawMessage(0x8001, [], [[], [], []]))).toBe("dns by port");
  });

  it("is not known on port 53 by other protocols", () => {
    const wireguard = concat([1, 0, 0, 0], u32(0x12345678), new Uint8Array(140).fill(0xa5));
    const openvpn = concat([0x38], new Uint8Array(8).fill(0x5c), [0], u32(0));
    const rtp = concat([0x80, 0x60], u16(7), u32(160), u32(0xdeadbeef), new Uint8Array(160).fill(0xd5));
    const quic = concat([0xc3, 0, 0, 0, 1, 8], new Uint8Array(1200).fill(0x77));
    const ntp = concat([0x23, 0, 6, 0xec], new Uint8Array(44));
    const zeros = new Uint8Array(100);
    for (const other of [wireguard, openvpn, rtp, quic, ntp, zeros, new Uint8Array(11).fill(1)]) {
      expect(recognised({ dstPort: 53 }, other)).toBeUndefined();
      expect(recognised(ODD, other)).toBeUndefined();
    }
  });

  it("is read as far as the snaplen left it", () => {
    const query = dnsQuery("www.example.com");
    // On an odd port the question must be whole.
    expect(recognised(ODD, query, query.length - 1)).toBeUndefined();
    expect(recognised(ODD, ALIASED, 40)).toBe("dns by content");
    for (const kept of [20, query.length - 4, query.length - 1])
      expect(recognised({}, query, kept)).toBe("dns by port");
    // What is there must hold.
    const broken = ALIASED.slice();
    broken.set([0xc0, 0xff], query.length);
    expect(recognised(ODD, broken, query.length + 6)).toBeUndefined();
    const beyond = rawMessage(
      0x8000,
      [question("a.example", 1)],
      [[record(dnsPointer(12), 16, new Uint8Array(100))], [], []],
    );
    expect(recognised(ODD, beyond, 60)).toBe("dns by content");
    beyond.set(u16(101), 37);
    expect(recognised(ODD, beyond, 60)).toBeUndefined();
    const { facts, names } = understand({}, [
      { payload: query, kept: 20 },
      { side: 1, payload: ALIASED, kept: 100 },
    ]);
    expect(disclosed(facts)).toEqual([
      "dns-question: www.example.com",
      "dns-answer: www.example.com -> edge.example.net",
    ]);
    expect(names.knowsName("www.example.com")).toBe(true);
  });

  it("tells names of onion services, behind search domains too", () => {
    const { facts } = understand(
      {},
      [ONION, `www.${ONION}`, `${ONION}.lan`, "onion", "my.onion.example.com", "notonion"].map((name) => ({
        payload: dnsQuery(name),
      })),
    );
    expect(disclosed(facts).filter((it) => it.startsWith("onion"))).toEqual([
      `onion-name: ${ONION}`,
      `onion-name: www.${ONION}`,
      `onion-name: ${ONION}.lan`,
    ]);
    expect(disclosed(facts)).toContain(`dns-question: ${ONION}`);
  });

  it("tells an onion name after many other questions", () => {
    const sent = Array.from({ length: 300 }, (_, i) => ({ payload: dnsReply(`n${i}.example`, ["203.0.113.9"]) }));
    const { facts, names } = understand({}, [...sent, { payload: dnsQuery(ONION) }]);
    expect(disclosed(facts)).toContain(`onion-name: ${ONION}`);
    expect(disclosed(facts).filter((it) => it.startsWith("dns-question"))).toHaveLength(40);
    expect(disclosed(facts).filter((it) => it.startsWith("dns-answer"))).toHaveLength(16);
    expect(facts!.more).toBeGreaterThan(0);
    // What is not kept as a fact is known as a name all the same.
    expect(names.knowsName("n299.example")).toBe(true);
  });

  it("goes on learning names for as long as a resolver's flow lasts", () => {
    const sent = Array.from({ length: 500 }, (_, i) => [
      { payload: dnsQuery(`n${i}.example`) },
      { side: 1 as const, payload: dnsReply(`n${i}.example`, [`203.0.${i >> 8}.${i & 255}`]) },
    ]).flat();
    const { names } = understand({}, sent);
    expect(names.namesOf("203.0.1.243", 1_700_001_000, 0)).toEqual(["n499.example"]);
  });

  it("asks once, in whatever case the resolver mixed", () => {
    const { facts } = understand({}, [
      { payload: dnsQuery("wWw.eXample.COM") },
      { side: 1, payload: dnsReply("wWw.eXample.COM", ["203.0.113.9"]) },
      { payload: dnsQuery("WWW.exAmple.com") },
    ]);
    expect(disclosed(facts)).toEqual(["dns-question: www.example.com", "dns-answer: www.example.com -> 203.0.113.9"]);
  });

  it("gives the records of a zone their own names", () => {
    const zone = dns({
      response: true,
      questions: [{ name: "example.com", type: 252 }],
      answers: [a("one.example.com", "203.0.113.1"), a("two.example.com", "203.0.113.2")],
    });
    const { facts, names } = understand({}, [{ side: 1, payload: zone }]);
    expect(disclosed(facts)).toContain("dns-answer: two.example.com -> 203.0.113.2");
    expect(names.namesOf("203.0.113.1", 1_800_000_000, 0)).toEqual(["one.example.com"]);
  });

  it.each([
    [[0, 1, 24, 0, 198, 51, 100], "198.51.100.0/24"],
    [[0, 1, 0, 0], "0.0.0.0/0"],
    [[0, 2, 56, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 1, 2], "2001:db8:1:200::/56"],
    [[0, 1, 33, 0, 1, 2, 3, 4, 5], undefined],
    [[0, 1, 24, 0, 198, 51], undefined],
    [[0, 3, 8, 0, 1], undefined],
    [[0, 1, 24], undefined],
  ])("reads the client's network %j as %s", (data, subnet) => {
    const payload = dns({ questions: [{ name: "a.example" }], additionals: [opt([12, [0, 0]], [8, data])] });
    expect(detailsOf(understand({}, [{ payload }]).facts).clientSubnet).toBe(subnet);
    if (subnet === undefined) return;
    const [address, prefix] = subnet.split("/");
    const fields = ["dns.opt.client.addr4", "dns.opt.client.addr6", "dns.opt.client.netmask"];
    expect(tshark({}, payload, ...fields).filter((it) => it !== "")).toEqual([address, prefix]);
  });

  it("reads no option of EDNS further than its data", () => {
    // The option's length reaches into the record behind.
    const behind = opt([12, [0, 1, 8, 0, 9, 9, 9]]);
    for (const length of [7, 11, 0xffff]) {
      const data = concat(u16(8), u16(length), [0, 1, 8, 0]);
      const payload = dns({ questions: [{ name: "a.example" }], additionals: [{ ...opt(), data }, behind] });
      expect(detailsOf(understand({}, [{ payload }]).facts)).not.toHaveProperty("clientSubnet");
    }
    for (const length of [0, 1, 2, 3]) {
      const alone = new DataView(concat(u16(8), u16(length), new Uint8Array(length)).buffer);
      expect(clientSubnet(alone, 0, alone.byteLength)).toBeUndefined();
    }
  });

  it("tells that there is a cookie", () => {
    const payload = dns({ questions: [{ name: "a.example" }], additionals: [opt([10, [1, 2, 3, 4, 5, 6, 7, 8]])] });
    expect(detailsOf(understand({}, [{ payload }]).facts)).toMatchObject({ cookie: true });
    expect(detailsOf(understand({}, [{ payload: dnsQuery("a.example") }]).facts)).not.toHaveProperty("cookie");
  });

  it("takes no address for a name that does not own it", () => {
    // Authority and additional sections give the addresses of servers; a record of another class is none.
    const message = dns({
      response: true,
      questions: [{ name: "a.example" }],
      answers: [{ ...a("a.example", "203.0.113.1"), class: 3 }],
      authorities: [{ name: "example", type: 2, data: dnsName("ns.example") }],
      additionals: [a("ns.example", "203.0.113.53")],
    });
    const { facts, names } = understand({}, [{ side: 1, payload: message }]);
    expect(disclosed(facts)).toEqual(["dns-question: a.example"]);
    expect(names.namesOf("203.0.113.53", 1_800_000_000, 0)).toEqual([]);
  });

  it("reads nothing from a datagram in between that is none", () => {
    const { facts } = understand({}, [
      { payload: dnsQuery("a.example") },
      { payload: new Uint8Array(40).fill(0xff) },
      {
        payload: rawMessage(
          0x8000,
          [question("b.example", 1)],
          [[record(Uint8Array.of(0xc0, 0x40), 1, Uint8Array.of(1, 2, 3, 4))], [], []],
        ),
      },
    ]);
    expect(disclosed(facts)).toEqual([
      "dns-question: a.example",
      "dns-question: b.example",
      "dns-answer: b.example -> 1.2.3.4",
    ]);
  });
});
