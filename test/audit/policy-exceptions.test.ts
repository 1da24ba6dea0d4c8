import { describe, expect, it } from "vitest";
import { type Policy, PRESET_NAMES, parsePolicy, starterPolicy } from "../../src/audit/index.js";
import { ascii, dnsQuery } from "../support/packet-builder.js";
import { auditOf, found, NODE } from "./audited.js";
import { connection, datagram, type Said, tlsWords, torLink } from "./traffic.js";

/** What is found of frames after a link of Tor's, and what exceptions let pass. */
async function judged(policy: Policy, frames: readonly Uint8Array[]) {
  const report = await auditOf([...torLink(), ...frames], { node: [NODE, "127.0.0.0/8"], policy });
  return { found: found(report), allowed: report.exceptions.map(({ because, flows }) => `${because}: ${flows}`) };
}

const allowing = (conditions: string) => parsePolicy(`allow: [{ ${conditions}, because: it may }]`, "p.yaml");

describe("an exception", () => {
  // 203.0.113.9, from 10:01 on.
  const probe = (dstPort = 1500) => [datagram({ dstPort }, ascii("x"))];
  const page = connection({ dstPort: 443 }, tlsWords("www.example.org"));

  it.each([
    ["an address", "to: 203.0.113.9", "to: 203.0.113.10"],
    ["a network", "to: 203.0.113.8/31", "to: 203.0.113.10/31"],
    ["a network of the other IP version beside it", 'to: ["2001:db8::/32", 203.0.113.0/24]', 'to: ["2001:db8::/32"]'],
    ["a port", "port: 1500", "port: 1501"],
    ["the first of a range", "port: 1500-1600", "port: 1501-1600"],
    ["the last of a range", "port: 1400-1500", "port: 1400-1499"],
    ["one of many ports", "port: [1, 2-3, 1500]", "port: [1, 2-3, 1501]"],
    ["a transport", "protocol: [udp, icmp], port: 1500", "protocol: [tcp, icmp], port: 1500"],
    ["all of its conditions", "to: 203.0.113.9, port: 1500", "to: 203.0.113.9, port: 1501"],
    ["a time", "from: 2026-11-22 10:00, until: 2026-11-22 10:02", "from: 2026-11-22 10:02, until: 2026-11-22 10:03"],
    ["a time that is over", "port: 1500, until: 2026-11-22 10:02", "port: 1500, until: 2026-11-22 10:00"],
  ])("fits by %s, and not by another", async (_what, fits, misses) => {
    expect(await judged(await allowing(fits), probe())).toEqual({ found: [], allowed: ["it may: 1"] });
    expect(await judged(await allowing(misses), probe())).toEqual({ found: ["other-udp leak"], allowed: [] });
  });

  it.each([
    ["its name", "name: www.example.org", "name: example.org"],
    ["the end of its name", "name: .example.org", "name: .ample.org"],
    ["its name in other letters", "name: WWW.Example.ORG", "name: www.example.com"],
    ["what it speaks", "protocol: tls", "protocol: http"],
  ])("fits by %s, and not by another", async (_what, fits, misses) => {
    expect(await judged(await allowing(fits), page)).toEqual({ found: [], allowed: ["it may: 1"] });
    expect(await judged(await allowing(misses), page)).toEqual({ found: ["tls leak"], allowed: [] });
  });

  it("for a process fits nothing whose process is not known", async () => {
    expect(await judged(await allowing("process: curl"), page)).toEqual({ found: ["tls leak"], allowed: [] });
  });
});

describe("presets", () => {
  const request: Said[] = [
    [0, new Uint8Array([5, 1, 0])],
    [1, new Uint8Array([5, 0])],
    [0, new Uint8Array([5, 1, 0, 1, 203, 0, 113, 7, 0x20, 0x8d])],
    [1, new Uint8Array([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])],
  ];
  const preset = (name: (typeof PRESET_NAMES)[number]) => parsePolicy(starterPolicy(name), name);

  it("with clearnet peers let a proxy on the machine be asked for addresses; others tell of it", async () => {
    const frames = connection({ src: "127.0.0.1", dst: "127.0.0.1", dstPort: 9050 }, request);
    const { allow } = await preset("bitcoin-over-tor");
    const told = `${allow[0]!.because}: 1`;
    expect(await judged(await preset("bitcoin-over-tor"), frames)).toEqual({ found: [], allowed: [told] });
    expect((await judged(await preset("bitcoin-onion-only"), frames)).found).toEqual(["socks-address warning"]);
    expect((await judged(await preset("workstation"), frames)).found).toEqual(["socks-address warning"]);
    expect((await judged(await preset("relay"), frames)).found).toEqual(["socks-address note"]);
  });

  it.each(PRESET_NAMES)("%s lets no leak pass", async (name) => {
    const leaks = [
      datagram({ dstPort: 53, srcPort: 50_001 }, dnsQuery("example.com")),
      datagram({ dst: "192.168.1.1", dstPort: 53, srcPort: 50_002 }, dnsQuery("example.com")),
      datagram({ dstPort: 9, srcPort: 50_003 }, ascii("x")),
      ...connection({ dst: "203.0.113.7", dstPort: 9050, srcPort: 50_004 }, request),
      ...connection({ dstPort: 443, srcPort: 50_005 }, tlsWords("www.example.org")),
    ];
    const { found: kinds, allowed } = await judged(await preset(name), leaks);
    expect(kinds).toEqual(expect.arrayContaining(["dns leak", "other-udp leak", "other-tcp leak", "tls leak"]));
    expect(allowed).toEqual([]);
  });
});
