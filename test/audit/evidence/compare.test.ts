import { describe, expect, it } from "vitest";
import { type Claim, compareFindings, type DerivedFlow, type Manifest } from "../../../src/audit/evidence/index.js";

const TIME = { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
const FLOW: DerivedFlow = {
  flowClass: "clearnet",
  severities: new Map([["dns", "leak"]]),
  ends: "udp 192.0.2.1:5353 192.0.2.53:53",
  packets: 2,
  bytes: 200,
  first: TIME,
  last: TIME,
};
const CLAIM: Claim = {
  rule: "dns",
  severity: "leak",
  flowCount: 1,
  packets: 2,
  bytes: 200,
  first: "2023-11-14T22:13:20.123456Z",
  last: "2023-11-14T22:13:20.123456789Z",
  flows: [
    {
      transport: "udp",
      originator: { address: "192.0.2.1", port: 5353 },
      responder: { address: "192.0.2.53", port: 53 },
    },
  ],
};

function compare(
  more: { flow?: Partial<DerivedFlow>; claim?: Partial<Claim>; redacted?: boolean; leftOut?: number } = {},
) {
  const claim = { ...CLAIM, ...more.claim };
  const manifest = {
    redacted: more.redacted ?? false,
    leftOut: { packets: more.leftOut ?? 0, bytes: 0, flows: 0 },
    findings: [{ finding: 0, rule: claim.rule, severity: claim.severity, flows: [1] }],
  } as unknown as Manifest;
  const { differences, unknown, verified } = compareFindings(
    manifest,
    [claim],
    new Map([[1, { ...FLOW, ...more.flow }]]),
  );
  return { verified, differences: differences.length, unknown: unknown.length };
}

const SAME = { verified: 1, differences: 0, unknown: 0 };

describe("a claim", () => {
  it("that the packets show is verified, with times of either precision", () => {
    expect(compare()).toEqual(SAME);
  });

  it.each([
    { flowCount: 2 },
    { packets: 3 },
    { bytes: 199 },
    { first: "2023-11-14T22:13:20.123455Z" },
    { rule: "http" as const },
    { severity: "warning" as const },
    { flows: [{ ...CLAIM.flows[0]!, transport: "tcp" }] },
  ])("with other figures than the packets' is not: %j", (claim) => {
    expect(compare({ claim })).toMatchObject({ verified: 0, unknown: 0 });
    expect(compare({ claim }).differences).toBeGreaterThan(0);
  });

  it("of a rule that looks at other flows needs some rule to find its flow", () => {
    for (const rule of ["fail-open", "start-up", "update-server"] as const) {
      expect(compare({ claim: { rule } })).toEqual(SAME);
      expect(compare({ claim: { rule }, flow: { severities: new Map() } }).differences).toBe(1);
    }
  });

  it("of redacted packets needs no rule, but flows that do not go to relays", () => {
    expect(compare({ redacted: true, flow: { severities: new Map() } })).toEqual(SAME);
    expect(compare({ redacted: true, flow: { flowClass: "tor" } })).toEqual({
      verified: 0,
      differences: 0,
      unknown: 1,
    });
    expect(compare({ redacted: true, claim: { packets: 3 } }).differences).toBe(1);
  });

  it("of which packets were left out may be true where they do not show it", () => {
    expect(compare({ leftOut: 1, claim: { packets: 9, bytes: 900, flowCount: 2 } })).toEqual(SAME);
    expect(compare({ leftOut: 1, flow: { severities: new Map() } })).toEqual({
      verified: 0,
      differences: 0,
      unknown: 1,
    });
  });

  it("that is a note needs no packets, and where there is no other, nothing is verified", () => {
    expect(compare({ claim: { severity: "note", packets: 99 } })).toEqual({ verified: 0, differences: 0, unknown: 1 });
  });

  it("without flows in the manifest, or with one twice, is not believed", () => {
    const manifest = {
      redacted: false,
      leftOut: { packets: 0, bytes: 0, flows: 0 },
      findings: [],
    } as unknown as Manifest;
    expect(compareFindings(manifest, [CLAIM], new Map()).differences).toHaveLength(1);
    const twice = { ...manifest, findings: [{ finding: 0, rule: "dns", severity: "leak", flows: [1, 1] }] } as Manifest;
    const claim = { ...CLAIM, flowCount: 2, packets: 4, bytes: 400 };
    expect(compareFindings(twice, [claim], new Map([[1, FLOW]])).differences.length).toBeGreaterThan(0);
  });
});
