import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FindingFlows,
  findingKey,
  type Manifest,
  manifestText,
  PacketNumbers,
  readClaims,
  readManifest,
} from "../../../src/audit/evidence/index.js";
import type { RuleName } from "../../../src/audit/index.js";
import type { HostProcess } from "../../../src/host/index.js";

const DIGEST = { bytes: 1, sha256: "0".repeat(64) };
const MANIFEST: Manifest = {
  schema: "leek/evidence@1",
  leek: "0.1.0",
  redacted: false,
  verdict: "leak",
  options: {
    nodes: null,
    role: "client",
    severities: {},
    trustUnverified: false,
    expectBootstrap: false,
    headersOnly: false,
    drops: null,
    filter: null,
    count: null,
    bridges: 0,
  },
  captures: [{ name: "node.pcap", ...DIGEST }],
  consensuses: [],
  certificates: [],
  policy: null,
  files: { "packets.pcapng": { ...DIGEST, packets: 1 }, "findings.json": DIGEST },
  findings: [{ finding: 0, rule: "dns", severity: "leak", flows: [1] }],
  packets: [[1, 17, 1]],
  leftOut: { packets: 0, bytes: 0, flows: 0 },
};

describe("a manifest", () => {
  it("reads back as it was written, with its own digest", () => {
    const read = readManifest(manifestText(MANIFEST));
    expect(read).toMatchObject({ manifest: MANIFEST, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it("with any character changed, left out or added is not believed", () => {
    const text = manifestText(MANIFEST);
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === "0" ? "1" : "0";
      for (const changed of [text.slice(0, at) + other + text.slice(at + 1), text.slice(0, at) + text.slice(at + 1)]) {
        expect(typeof readManifest(changed), `at ${at}`).toBe("string");
      }
    }
    expect(readManifest(`${text} `)).toBe("changed");
  });

  it("of another shape is not believed, though its digest fits", () => {
    const changes: object[] = [
      { leek: 7 },
      { verdict: "fine" },
      { options: null },
      { options: { ...MANIFEST.options, role: "king" } },
      { options: { ...MANIFEST.options, nodes: [7] } },
      { captures: "all" },
      { files: {} },
      { findings: [{ finding: -1, rule: "dns", severity: "leak", flows: [1] }] },
      { findings: [{ finding: 0, rule: "dns", severity: "leak", flows: ["1"] }] },
      { policy: 7 },
      { leftOut: [] },
    ];
    for (const change of changes) {
      const forged = manifestText({ ...MANIFEST, ...change } as Manifest);
      expect(readManifest(forged), JSON.stringify(change)).toBe("other-schema");
    }
  });

  it("and findings of any text are refused, not thrown at", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof readManifest(text)).toBe("string");
        expect(readClaims(text)).toBeUndefined();
      }),
    );
    expect(readClaims('{"schema":"leek/audit@1","verdict":"leak","findings":[]}')).toBeDefined();
    expect(readClaims('{"schema":"leek/audit@1","verdict":"fine","findings":[]}')).toBeUndefined();
    expect(readClaims('{"schema":"leek/audit@1","verdict":"leak","findings":[{"rule":"dns"}]}')).toBeUndefined();
  });
});

describe("numbers of packets", () => {
  it("are kept in runs", () => {
    const numbers = new PacketNumbers();
    expect([4, 5, 6, 9, 11, 12].map((captured) => numbers.add(captured))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(numbers.runs).toEqual([
      [1, 4, 3],
      [4, 9, 1],
      [5, 11, 2],
    ]);
  });
});

describe("flows of findings", () => {
  const record = (firstPacket: number, program?: string) =>
    ({
      firstPacket,
      flow: { originator: { address: "192.0.2.1" }, responder: { address: "192.0.2.2" } },
      process: program === undefined ? undefined : { process: { name: program } },
    }) as Parameters<FindingFlows["add"]>[0];
  const key = (rule: RuleName, title: string, program?: string) =>
    findingKey({
      rule,
      severity: "leak",
      title,
      process: program === undefined ? undefined : ({ name: program } as HostProcess),
    });

  it("are those of leaks and warnings, and one may be of several", () => {
    const flows = new FindingFlows();
    flows.add(record(1), "dns", "leak", "A");
    flows.add(record(1), "ipv6", "leak", "B");
    flows.add(record(9), "dns", "leak", "A");
    flows.add(record(5), "lan-announcement", "note", "C");
    expect(flows.keysOf(1)).toEqual([key("dns", "A"), key("ipv6", "B")]);
    expect(flows.keysOf(5)).toBeUndefined();
    expect(flows.firstPacketsOf(key("dns", "A"))).toEqual([1, 9]);
  });

  it("of different programs are of different findings, as in a live audit's report", () => {
    const flows = new FindingFlows();
    flows.add(record(1, "curl"), "dns", "leak", "A");
    flows.add(record(2, "dig"), "dns", "leak", "A");
    flows.add(record(3), "dns", "leak", "A");
    expect(flows.firstPacketsOf(key("dns", "A", "curl"))).toEqual([1]);
    expect(flows.firstPacketsOf(key("dns", "A", "dig"))).toEqual([2]);
    expect(flows.firstPacketsOf(key("dns", "A"))).toEqual([3]);
  });

  it("that are too many are counted", () => {
    const flows = new FindingFlows();
    for (let i = 1; i <= 200_002; i++) flows.add(record(i), "dns", "leak", "A");
    expect(flows.leftOut).toBe(2);
    expect(flows.firstPacketsOf(key("dns", "A"))).toHaveLength(200_000);
  });
});
