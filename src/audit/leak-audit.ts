import { formatIsoSeconds } from "../base/index.js";
import type { FlowClass } from "../classify/index.js";
import { parseAddress } from "../net/index.js";
import type { AnalysisResult, FlowRecord } from "../pipeline/index.js";
import { type Canary, isCanary, makeCanary, plantCanaries } from "./canary.js";
import { type AuditCoverage, findReasons, type LossKnowledge } from "./coverage.js";
import { type ExceptionUse, ExceptionUses } from "./exceptions.js";
import { FailOpenWatch, failOpen } from "./fail-open.js";
import type { Finding, Severity } from "./finding.js";
import { Findings } from "./findings.js";
import type { AuditedNode } from "./node.js";
import type { PacketWatch } from "./packet-watch.js";
import { isAllowed, type Policy } from "./policy.js";
import type { Hit, Role, Rule, Subject } from "./rule.js";
import { FURTHER_RULES, MAIN_RULES } from "./rules.js";
import { startUp } from "./start-up.js";
import { subjectOf } from "./subject.js";
import type { Reason, Verdict } from "./verdict.js";

export interface AuditOptions {
  readonly policy: Policy;
  /** Undefined where the node's addresses are not known: everybody's traffic is audited then. */
  readonly node: AuditedNode;
  /** The capture has the start of the system: what leaks before Tor is up is judged by a rule of its own. */
  readonly expectBootstrap: boolean;
  /** Relay documents count whose signatures were not verified. */
  readonly trustUnverified: boolean;
  /** What is known of lost packets, beside what the capture says. */
  readonly loss: LossKnowledge;
  /** Those that were sent past Tor to see whether they are found; each must be. */
  readonly canaries: readonly Canary[];
  /** Only a part of the packets was looked at. */
  readonly isFiltered: boolean;
}

/** What an audit found. */
export interface AuditReport {
  readonly verdict: Verdict;
  readonly reasons: readonly Reason[];
  readonly node: { readonly addresses: readonly string[]; readonly inferred: boolean };
  readonly role: Role;
  readonly policy: Policy;
  readonly findings: readonly Finding[];
  readonly exceptions: readonly ExceptionUse[];
  readonly coverage: AuditCoverage;
  readonly analysis: AnalysisResult;
}

/** Of a node whose addresses are not known. */
const SAMPLE_ADDRESSES = { 4: "192.168.0.2", 6: "fd00::2" } as const;

/** Addresses of a node that is not known by name, told in the report. */
const MAX_INFERRED = 64;

/**
 * Judges flows by rules, and the capture by what could have escaped notice. Takes flows as they end, so memory is
 * bounded by findings.
 */
export class LeakAudit {
  readonly #options: AuditOptions;
  readonly #findings = new Findings();
  readonly #exceptions = new ExceptionUses();
  readonly #failOpen = new FailOpenWatch();
  readonly #inferred = new Set<string>();
  readonly #watch: () => PacketWatch;
  #audited = 0;
  #otherHosts = 0;
  #unjudged = 0;
  #unlisted = 0;
  #torFlows = 0;
  readonly #canariesFound = new Set<Canary>();
  /** Flows that left the machine, or might have. */
  #outside = 0;
  #unnamed = 0;

  /** @param watch - Of the same packets; asked when flows end. */
  constructor(options: AuditOptions, watch: () => PacketWatch) {
    this.#options = options;
    this.#watch = watch;
  }

  /** A flow has ended. */
  flow(record: FlowRecord): void {
    const { node, policy } = this.#options;
    const subject = subjectOf(record, node, policy.role);
    const { flowClass } = record.classification;
    if (node.ranges === undefined) this.#infer(record, flowClass);
    if (subject.direction === "foreign") {
      this.#otherHosts++;
      if (subject.isClearnet && !node.knows(record.flow.ipVersion)) this.#unnamed++;
      return;
    }
    const canary = this.#options.canaries.find((it) => isCanary(record, it));
    if (canary !== undefined) {
      if (this.#isFound(subject)) this.#canariesFound.add(canary);
      return;
    }
    this.#audited++;
    if (flowClass === "tor") {
      this.#torFlows++;
      this.#failOpen.torLink(record);
    }
    if (flowClass === "tor" || subject.isClearnet || subject.isLan) this.#outside++;
    this.#judge(subject);
  }

  /** All flows have ended. */
  finish(analysis: AnalysisResult): AuditReport {
    const { policy, node } = this.#options;
    for (const { record, torEnded } of this.#failOpen.found(policy.failOpenSeconds, analysis.last?.seconds ?? 0)) {
      const title = `${failOpen.title} The last link was heard of at ${formatIsoSeconds(torEnded.seconds)}.`;
      this.#add(failOpen, { title }, record);
    }
    const watch = this.#watch();
    const { reasons, coverage } = findReasons({
      ...this.#options,
      analysis,
      loss: this.#options.loss,
      upstream: watch.loss,
      cutPackets: watch.cutPackets,
      audited: this.#audited,
      otherHosts: this.#otherHosts,
      unjudged: this.#unjudged,
      unlisted: this.#unlisted,
      unnamed: this.#unnamed,
      torFlows: this.#torFlows,
      outside: this.#outside,
      canariesMissed: [...this.#missedCanaries(), ...this.#missedPlants(analysis)],
    });
    const findings = this.#findings.all();
    const isLeak = findings.some(({ severity }) => severity === "leak");
    return {
      verdict: isLeak ? "leak" : reasons.length > 0 ? "inconclusive" : "clean",
      reasons,
      node:
        node.ranges === undefined
          ? { addresses: [...this.#inferred], inferred: true }
          : { addresses: node.names, inferred: false },
      role: policy.role,
      policy,
      findings,
      exceptions: this.#exceptions.all(),
      coverage,
      analysis,
    };
  }

  /** Whether a flow would be found to be a leak, and told. */
  #isFound(subject: Subject): boolean {
    if (this.#options.policy.allow.some((it) => isAllowed(it, subject))) return false;
    return hitsOf(subject).some(({ rule, hit }) => this.#severity(rule, hit) === "leak");
  }

  #missedCanaries(): string[] {
    const { canaries } = this.#options;
    const missed = canaries.length - this.#canariesFound.size;
    return missed === 0 ? [] : [`${missed} of ${canaries.length} that were sent.`];
  }

  /** A document with false relays, or a policy that lets everything pass, is found in each audit, without a packet sent. */
  #missedPlants({ directory, first, last }: AnalysisResult): string[] {
    const { node, policy } = this.#options;
    // What an exit sends belongs to nobody who could be named.
    if (first === undefined || last === undefined || policy.role === "exit") return [];
    const sources = ([4, 6] as const).flatMap((version) => {
      const own = node.ranges === undefined ? parseAddress(SAMPLE_ADDRESSES[version]) : node.addressOf(version);
      return own === undefined ? [] : [own];
    });
    const canaries = sources.map((source, i) => makeCanary(source, i));
    const found = [first, last].map((at) =>
      plantCanaries(directory, canaries, at).filter((record) => this.#isFound(subjectOf(record, node, policy.role))),
    );
    return found.every((records) => records.length === canaries.length)
      ? []
      : ["One that was planted into the analysis."];
  }

  #judge(subject: Subject): void {
    const { policy } = this.#options;
    const hits = hitsOf(subject);
    if (hits.length === 0) {
      if (subject.isUnjudged) this.#unjudged++;
      return;
    }
    const allowed = policy.allow.find((it) => isAllowed(it, subject));
    if (allowed !== undefined) {
      this.#exceptions.add(allowed, subject);
      return;
    }
    if (this.#isExpectedOfRole(subject)) return;
    if (subject.record.classification.flowClass === "tor-suspected") this.#unlisted++;
    for (const { rule, hit } of hits) {
      if (this.#isStartUp(subject))
        this.#add(startUp, { title: `${startUp.title} ${hit.title ?? rule.title}` }, subject.record);
      else this.#add(rule, hit, subject.record);
      const severity = this.#severity(rule, hit);
      if (severity === "leak" && subject.direction !== "inbound") this.#failOpen.leak(subject.record);
    }
  }

  /** What an exit sends for others looks like a leak; whose it is only a process can tell. */
  #isExpectedOfRole({ record, isClearnet, direction }: Subject): boolean {
    if (this.#options.policy.role !== "exit" || !isClearnet || direction === "inbound") return false;
    const name = record.process?.process?.name;
    if (name === undefined) {
      this.#unjudged++;
      return true;
    }
    return name === "tor";
  }

  #isStartUp({ record, isClearnet, isLan }: Subject): boolean {
    if (!this.#options.expectBootstrap || !(isClearnet || isLan)) return false;
    const { torUpSince } = this.#watch();
    const { first } = record.flow;
    return (
      torUpSince === undefined ||
      first.seconds < torUpSince.seconds ||
      (first.seconds === torUpSince.seconds && first.nanoseconds < torUpSince.nanoseconds)
    );
  }

  #add(rule: Rule, hit: Hit, record: FlowRecord): void {
    this.#findings.add(rule, hit, this.#severity(rule, hit), record);
  }

  #severity(rule: Rule, hit: Hit): Severity {
    return this.#options.policy.severities.get(rule.name) ?? hit.severity ?? rule.severity;
  }

  /** Private addresses are the site's own; whoever has links of Tor's is the node. */
  #infer({ flow }: FlowRecord, flowClass: FlowClass): void {
    if (this.#inferred.size >= MAX_INFERRED) return;
    const isOwn = flow.originatorRange === "private" || flow.originatorRange === "unique-local" || flowClass === "tor";
    if (isOwn) this.#inferred.add(flow.originator.address);
  }
}

interface Match {
  readonly rule: Rule;
  readonly hit: Hit;
}

function hitsOf(subject: Subject): Match[] {
  const main = firstMatch(MAIN_RULES, subject);
  const further = FURTHER_RULES.map((rule) => ({ rule, hit: rule.match(subject) }));
  return [main, ...further].filter((it): it is Match => it?.hit !== undefined);
}

function firstMatch(rules: readonly Rule[], subject: Subject): Match | undefined {
  for (const rule of rules) {
    const hit = rule.match(subject);
    if (hit !== undefined) return { rule, hit };
  }
  return undefined;
}
