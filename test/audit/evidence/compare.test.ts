import { describe, expect, it } from "vitest";
import { type Claim, compareFindings, type DerivedFlow, type Manifest } from "../../../src/audit/evidence/index.js";
import type { RuleName, Verdict } from "../../../src/audit/index.js";

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
  hasProgram: false,
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
  const verdict = claim.severity === "leak" ? "leak" : "inconclusive";
  const manifest = {
    redacted: more.redacted ?? false,
    verdict,
    leftOut: { packets: more.leftOut ?? 0, bytes: 0, flows: 0 },
    findings: [{ finding: 0, rule: claim.rule, severity: claim.severity, flows: [1] }],
  } as unknown as Manifest;
  const { findings, differences, unknown } = compareFindings(
    manifest,
    { verdict, findings: [claim] },
    new Map([[1, { ...FLOW, ...more.flow }]]),
  );
  const verified = findings.filter(({ state }) => state === "verified").length;
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

  it("of a peer that says nothing may go by its program or by DNS, and is any TCP connection without", () => {
    const found = (rule: RuleName) => ({ severities: new Map([[rule, "leak" as const]]) });
    const claim = { rule: "bitcoin-p2p" } as const;
    expect(compare({ claim, flow: found("bitcoin-p2p") })).toEqual(SAME);
    expect(compare({ claim, flow: found("other-tcp") })).toEqual(SAME);
    expect(compare({ claim, flow: found("http") }).differences).toBe(1);
    expect(compare({ claim: { rule: "http" }, flow: found("other-tcp") }).differences).toBe(1);
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
      verdict: "leak",
      leftOut: { packets: 0, bytes: 0, flows: 0 },
      findings: [],
    } as unknown as Manifest;
    expect(compareFindings(manifest, { verdict: "leak", findings: [CLAIM] }, new Map()).differences).toHaveLength(1);
    const twice = { ...manifest, findings: [{ finding: 0, rule: "dns", severity: "leak", flows: [1, 1] }] } as Manifest;
    const claim = { ...CLAIM, flowCount: 2, packets: 4, bytes: 400 };
    const { differences } = compareFindings(twice, { verdict: "leak", findings: [claim] }, new Map([[1, FLOW]]));
    expect(differences.length).toBeGreaterThan(0);
  });
});

describe("a claimed verdict", () => {
  const WARNING: Claim = { ...CLAIM, severity: "warning" };
  const compareVerdict = (claimed: Verdict, written: Verdict, claim: Claim) => {
    const manifest = {
      redacted: false,
      verdict: claimed,
      leftOut: { packets: 0, bytes: 0, flows: 0 },
      findings: [{ finding: 0, rule: claim.rule, severity: claim.severity, flows: [1] }],
    } as unknown as Manifest;
    const flow: DerivedFlow = { ...FLOW, severities: new Map([["dns", claim.severity]]) };
    return compareFindings(manifest, { verdict: written, findings: [claim] }, new Map([[1, flow]]));
  };

  it("is derived again from a leak that the packets show, and from nothing else", () => {
    expect(compareVerdict("leak", "leak", CLAIM)).toMatchObject({ verdict: "leak", differences: [] });
    expect(compareVerdict("leak", "leak", { ...CLAIM, packets: 3 }).verdict).toBeUndefined();
    expect(compareVerdict("inconclusive", "inconclusive", WARNING)).toMatchObject({
      verdict: undefined,
      differences: [],
    });
  });

  it("must be that of both files, and leak exactly when there is a leak", () => {
    for (const [claimed, written, claim] of [
      ["clean", "leak", CLAIM],
      ["clean", "clean", CLAIM],
      ["leak", "leak", WARNING],
      ["clean", "inconclusive", WARNING],
    ] as const) {
      expect(compareVerdict(claimed, written, claim).differences.length, `${claimed} ${written}`).toBeGreaterThan(0);
    }
  });
});
