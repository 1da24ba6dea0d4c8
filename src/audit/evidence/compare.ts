import { type FractionDigits, formatIsoTime } from "../../base/index.js";
import type { Moment } from "../../flows/index.js";
import { isBefore } from "../../pipeline/index.js";
import type { RuleName, Severity } from "../finding.js";
import type { Verdict } from "../verdict.js";
import type { Claim, Claims } from "./claims.js";
import { type DerivedFlow, endsOf } from "./derived-flows.js";
import { needsProof } from "./finding-flows.js";
import type { Manifest, ManifestFinding } from "./manifest.js";

/** What verification can say of a folder, or of one finding in it. */
export type VerificationState = "verified" | "not-verified" | "cannot-tell";

/** What packets of this evidence cannot show, whatever they say. Codes are stable. */
export type Unchecked = "rules" | "other-flows" | "programs" | "sums";

/** A leak or warning, held against the packets. */
export interface ComparedFinding {
  /** Place among the findings of `findings.json`, from 0. */
  readonly finding: number;
  readonly rule: RuleName;
  readonly severity: Severity;
  readonly state: VerificationState;
}

/** What the packets say of the claims. */
export interface Comparison {
  readonly findings: readonly ComparedFinding[];
  /** Undefined unless a leak came out again: packets of findings prove no other verdict. */
  readonly verdict: "leak" | undefined;
  /** The packets do not show what is claimed; each a sentence for people. */
  readonly differences: readonly string[];
  /** The packets cannot show it, for not all of them are there; likewise. */
  readonly unknown: readonly string[];
  readonly unchecked: readonly Unchecked[];
}

/**
 * Rules that look at other flows too, which are not in the evidence: Tor's links, and DNS answers that name a server. Their
 * flows must be found by some rule all the same.
 */
const NEEDS_OTHER_FLOWS: ReadonlySet<RuleName> = new Set(["fail-open", "start-up", "update-server", "canary"]);
/**
 * What a flow is called without what the rule may have gone by: of a peer that says nothing, the program, and DNS answers of
 * other flows.
 */
const WITHOUT_OTHERS: ReadonlyMap<RuleName, RuleName> = new Map([["bitcoin-p2p", "other-tcp"]]);

/**
 * Holds the claims against what the packets gave: each flow must be there; packets, bytes and times must agree; and each must be
 * found by the same rule or, where the payload is gone, not go to a relay's OR port.
 */
export function compareFindings(
  manifest: Manifest,
  claims: Claims,
  derived: ReadonlyMap<number, DerivedFlow>,
): Comparison {
  const differences = [...verdictFaults(manifest.verdict, claims)];
  const unknown: string[] = [];
  const findings: ComparedFinding[] = [];
  if (!claims.findings.some(({ severity }) => needsProof(severity))) {
    unknown.push("No leak and no warning is claimed, and packets prove nothing else: no verdict is confirmed by this.");
  }
  const isWhole = manifest.leftOut.packets === 0 && manifest.leftOut.flows === 0;
  for (const [index, claim] of claims.findings.entries()) {
    const { rule, severity } = claim;
    if (!needsProof(severity)) continue;
    const listed = manifest.findings.find(({ finding }) => finding === index);
    const flows = flowsOf(listed, derived);
    const faults = [...faultsOf(claim, listed, flows, manifest.redacted, isWhole)].map((it) => `${rule}: ${it}`);
    // Left out or false: the packets do not tell which.
    (isWhole ? differences : unknown).push(...faults);
    const toRelays = manifest.redacted ? flows.filter(({ flowClass }) => flowClass === "tor").length : 0;
    if (toRelays > 0)
      unknown.push(`${rule}: ${toRelays} of its flows go to relays; only payload tells that they are not Tor's.`);
    const state = stateOf(isWhole && faults.length > 0, faults.length > 0 || toRelays > 0);
    findings.push({ finding: index, rule, severity, state });
  }
  const isLeak = findings.some(({ severity, state }) => severity === "leak" && state === "verified");
  const unchecked = uncheckedOf(manifest, claims, isWhole);
  return { findings, verdict: isLeak ? "leak" : undefined, differences, unknown, unchecked };
}

/** What speaks against it outweighs what is missing. */
export function stateOf(differs: boolean, isUnknown: boolean): VerificationState {
  if (differs) return "not-verified";
  return isUnknown ? "cannot-tell" : "verified";
}

/** A leak makes the verdict, and nothing else makes that one. */
function* verdictFaults(verdict: Verdict, claims: Claims): Generator<string> {
  if (claims.verdict !== verdict) {
    yield `The verdict is ${verdict} in manifest.json, and ${claims.verdict} in findings.json.`;
  }
  const leaks = claims.findings.filter(({ severity }) => severity === "leak").length;
  if (verdict === "leak" && leaks === 0) yield "The verdict is leak, and there is none among the findings.";
  if (verdict !== "leak" && leaks > 0) yield `The verdict is ${verdict}, and there are leaks among the findings.`;
}

function uncheckedOf({ redacted }: Manifest, { findings }: Claims, isWhole: boolean): Unchecked[] {
  const proven = findings.filter(({ severity }) => needsProof(severity));
  const unchecked: Unchecked[] = [];
  if (redacted) unchecked.push("rules");
  else if (proven.some(({ rule }) => NEEDS_OTHER_FLOWS.has(rule))) unchecked.push("other-flows");
  if (proven.some(({ hasProgram }) => hasProgram)) unchecked.push("programs");
  if (!isWhole) unchecked.push("sums");
  return unchecked;
}

function flowsOf(
  listed: ManifestFinding | undefined,
  derived: ReadonlyMap<number, DerivedFlow>,
): readonly DerivedFlow[] {
  return [...new Set(listed?.flows)].flatMap((firstPacket) => derived.get(firstPacket) ?? []);
}

function* faultsOf(
  claim: Claim,
  listed: ManifestFinding | undefined,
  flows: readonly DerivedFlow[],
  redacted: boolean,
  isWhole: boolean,
): Generator<string> {
  if (listed === undefined || listed.rule !== claim.rule || listed.severity !== claim.severity) {
    yield "the manifest lists no flows for it.";
    return;
  }
  if (flows.length < listed.flows.length) yield `${listed.flows.length - flows.length} of its flows are not there.`;
  if (!redacted) {
    const others = flows.filter((flow) => !isFoundAgain(flow, claim)).length;
    if (others > 0) yield `${others} of its flows are not found by this rule.`;
  }
  const ends = new Set(flows.map((flow) => flow.ends));
  const missing = claim.flows.filter((flow) => !ends.has(endsOf(flow))).length;
  if (missing > 0) yield `${missing} of the flows that it names are not among them.`;
  // With packets left out, sums say nothing.
  if (!isWhole) return;
  yield* sumFaults(claim, flows);
}

function isFoundAgain({ severities }: DerivedFlow, { rule, severity }: Claim): boolean {
  if (NEEDS_OTHER_FLOWS.has(rule)) return severities.size > 0;
  const plain = WITHOUT_OTHERS.get(rule);
  return severities.get(rule) === severity || (plain !== undefined && severities.has(plain));
}

function* sumFaults(claim: Claim, flows: readonly DerivedFlow[]): Generator<string> {
  if (flows.length !== claim.flowCount) yield `it claims ${claim.flowCount} flows, and there are ${flows.length}.`;
  const packets = flows.reduce((sum, flow) => sum + flow.packets, 0);
  if (packets !== claim.packets) yield `it claims ${claim.packets} packets, and there are ${packets}.`;
  const bytes = flows.reduce((sum, flow) => sum + flow.bytes, 0);
  if (bytes !== claim.bytes) yield `it claims ${claim.bytes} bytes, and there are ${bytes}.`;
  const [any] = flows;
  if (any === undefined) return;
  const first = flows.reduce((least, flow) => (isBefore(flow.first, least) ? flow.first : least), any.first);
  const last = flows.reduce((most, flow) => (isBefore(most, flow.last) ? flow.last : most), any.last);
  if (!isSameTime(first, claim.first) || !isSameTime(last, claim.last)) yield "its times are others.";
}

/** The capture's time stamps may have had fewer digits than the evidence's. */
function isSameTime({ seconds, nanoseconds }: Moment, text: string): boolean {
  const written = (digits: FractionDigits) => formatIsoTime(seconds, nanoseconds, digits);
  return written(6) === text || written(9) === text;
}
