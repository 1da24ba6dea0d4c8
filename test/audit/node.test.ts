import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AuditedNode, formatCidr, parseCidr } from "../../src/audit/index.js";
import { contains } from "../../src/audit/node.js";
import { formatIpAddress, parseAddress } from "../../src/net/index.js";
import { dnsQuery, sll, sll2 } from "../support/packet-builder.js";
import { auditCapture, auditOf, codes, found, NODE, pcapngOf } from "./audited.js";
import { RELAY_IPV6 } from "./documents.js";
import { connection, datagram, torLink } from "./traffic.js";

const within = (range: string, address: string) => contains(parseCidr(range)!, parseAddress(address)!);
const nodeOf = (...texts: string[]) => new AuditedNode(texts.map((text) => parseCidr(text)!));
const dnsFrom = (src: string, dst: string) => datagram({ src, dst, dstPort: 53 }, dnsQuery("www.example.com"));

describe("a range of addresses", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["192.0.2.0/24", "192.0.2.0/24"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8::7", "2001:db8::7"],
    ["2001:db8::/33", "2001:db8::/33"],
    ["::/0", "::/0"],
  ])("is read and written: %s", (text, written) => {
    expect(formatCidr(parseCidr(text)!)).toBe(written);
  });

  it.each([
    "",
    "/",
    "192.0.2.7/33",
    "192.0.2.7/",
    "192.0.2.7/-1",
    "2001:db8::/129",
    "name",
    "192.0.2/24",
    "1.2.3.4/8/8",
  ])("is not: %s", (text) => expect(parseCidr(text)).toBeUndefined());

  it.each([
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.0/25", "192.0.2.128", false],
    // Whoever names a machine with its network's length means the network.
    ["192.0.2.7/24", "192.0.2.9", true],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["128.0.0.0/1", "127.255.255.255", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["2001:db8::/127", "2001:db8::1", true],
    ["2001:db8::/127", "2001:db8::2", false],
    ["::/0", "fe80::1", true],
    ["::/0", "192.0.2.7", false],
    ["0.0.0.0/0", "2001:db8::1", false],
  ])("%s has %s: %s", (range, address, expected) => expect(within(range, address)).toBe(expected));

  it("has an address just when their first bits are the same", () => {
    const word = fc.integer();
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.nat(128), fc.nat(127), ([a, b, c, d], prefixLength, flipped) => {
        const words = [a, b, c, d];
        words[flipped >> 5]! ^= 1 << (31 - (flipped & 31));
        const other = formatIpAddress({ version: 6, a: words[0]!, b: words[1]!, c: words[2]!, d: words[3]! });
        expect(contains({ version: 6, a, b, c, d, prefixLength }, parseAddress(other)!)).toBe(flipped >= prefixLength);
      }),
    );
  });
});

describe("the audited node", () => {
  it("is everybody where no address is named", async () => {
    const report = await auditOf([...torLink(), dnsFrom("192.168.1.77", "203.0.113.9")]);
    expect([found(report), report.node]).toEqual([["dns leak"], { addresses: [NODE, "192.168.1.77"], inferred: true }]);
  });

  it("is several machines where a network is named, between which there is a network", async () => {
    const node = ["192.168.1.0/24"];
    expect(found(await auditOf([...torLink(), dnsFrom("192.168.1.77", "203.0.113.9")], { node }))).toEqual([
      "dns leak",
    ]);
    expect(found(await auditOf([...torLink(), dnsFrom(NODE, "192.168.1.1")], { node }))).toEqual(["dns leak"]);
    const report = await auditOf([...torLink(), dnsFrom("192.168.2.77", "203.0.113.9")], { node });
    expect([report.verdict, report.coverage.otherFlows]).toEqual(["clean", 1]);
  });

  it("says nothing to others where it speaks with itself", async () => {
    for (const node of [[NODE], [NODE, "10.0.3.1"], ["192.168.1.0/24"]]) {
      expect((await auditOf([...torLink(), dnsFrom(NODE, NODE)], { node })).verdict).toBe("clean");
    }
    const own = await auditOf([...torLink(), dnsFrom(NODE, "10.0.3.1")], { node: [NODE, "10.0.3.1"] });
    expect(own.verdict).toBe("clean");
  });

  it("is found by each of its addresses, of both IP versions", async () => {
    const node = [NODE, "198.51.100.20", "2001:db8:50::/64"];
    for (const [src, dst] of [
      [NODE, "203.0.113.9"],
      ["198.51.100.20", "203.0.113.9"],
      ["2001:db8:50::77", "2001:db8:9::9"],
    ] as const) {
      const report = await auditOf([...torLink(), dnsFrom(src, dst)], { node });
      expect([found(report)[0], report.node]).toEqual(["dns leak", { addresses: node, inferred: false }]);
    }
    const link = torLink({ src: "2001:db8:50::77", dst: RELAY_IPV6 });
    expect((await auditOf(link, { node })).verdict).toBe("clean");
  });

  it("may have addresses that nobody named: of another IP version, or of another kind", async () => {
    for (const [src, dst] of [
      ["2001:db8:50::2", "2001:db8:9::9"],
      ["fe80::10", "fe80::1"],
      ["fd00::10", "fd00::1"],
      ["198.51.100.20", "203.0.113.9"],
    ] as const) {
      const report = await auditOf([...torLink(), dnsFrom(src, dst)], { node: [NODE] });
      expect([report.verdict, codes(report)]).toEqual(["inconclusive", ["addresses-unnamed"]]);
      const named = await auditOf([...torLink(), dnsFrom(src, dst)], { node: [NODE, src] });
      expect(named.verdict).toBe("leak");
    }
    // Of the same kind, it is somebody else's.
    const other = await auditOf([...torLink(), dnsFrom("fe80::77", "fe80::1")], { node: [NODE, "fe80::10"] });
    expect(other.verdict).toBe("clean");
  });

  it("may have another address of the same kind, as its network card tells", async () => {
    // The last number tells the machine: 10 is the node's.
    const own = ["2001:db8:50::10", NODE];
    for (const frame of [
      dnsFrom("2001:db8:50:0:1::10", "2001:db8:9::9"),
      dnsFrom("192.168.7.10", "203.0.113.9"),
      dnsFrom("192.168.7.10", "192.168.7.1"),
    ]) {
      for (const frames of [
        [...torLink(), frame],
        [frame, ...torLink()],
      ]) {
        const report = await auditOf(frames, { node: own });
        expect([report.verdict, codes(report)]).toEqual(["inconclusive", ["addresses-unnamed"]]);
      }
    }
    for (const src of ["2001:db8:50:0:1::77", "192.168.7.77"]) {
      const dst = src.includes(":") ? "2001:db8:9::9" : "203.0.113.9";
      expect((await auditOf([...torLink(), dnsFrom(src, dst)], { node: own })).verdict).toBe("clean");
    }
    // Whom it answers is no matter.
    const strangers = connection({ src: "203.0.113.9", dst: "192.168.7.10", dstPort: 22 }, [[0, "x"]]);
    expect(codes(await auditOf([...torLink(), ...strangers], { node: own }))).toEqual(["addresses-unnamed"]);
  });

  it("is told by its network card on Linux's cooked captures too", async () => {
    const cooked = (frame: Uint8Array, version: 1 | 2) => {
      const address = Buffer.from(frame.subarray(6, 12)).toString("hex");
      const packet = frame.subarray(14);
      return { frame: version === 1 ? sll({ address }, packet) : sll2({ address }, packet) };
    };
    for (const version of [1, 2] as const) {
      const linkType = version === 1 ? 113 : 276;
      const audit = (src: string) => {
        const frames = [...torLink(), dnsFrom(src, "203.0.113.9")].map((frame) => cooked(frame, version));
        return auditCapture(pcapngOf(frames, { linkType }), { node: [NODE] });
      };
      expect(codes(await audit("192.168.7.10"))).toEqual(["addresses-unnamed"]);
      expect((await audit("192.168.7.77")).verdict).toBe("clean");
    }
  });

  it("has unnamed addresses only where one of them could have leaked", async () => {
    const frames = connection({ src: "fd00::10", dst: "fd00::1", dstPort: 22 }, [[0, "SSH-2.0-x\r\n"]]);
    expect((await auditOf([...torLink(), ...frames], { node: [NODE] })).verdict).toBe("clean");
  });

  it("answers the same when it is asked again, and takes in new addresses", () => {
    const node = nodeOf("192.0.2.0/24");
    expect([node.has("192.0.2.1"), node.has("192.0.2.1"), node.has("198.51.100.1")]).toEqual([true, true, false]);
    node.extend([parseCidr("198.51.100.1")!]);
    expect(node.has("198.51.100.1")).toBe(true);
    expect(new AuditedNode(undefined).has("192.0.2.1")).toBeUndefined();
    expect([node.isSingle("198.51.100.1"), node.isSingle("192.0.2.1")]).toEqual([true, false]);
  });
});
