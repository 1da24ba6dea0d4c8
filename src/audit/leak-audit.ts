import { formatIsoSeconds } from "../base/index.js";
import type { FlowClass } from "../classify/index.js";
import { parseAddress } from "../net/index.js";
import { type AnalysisResult, type FlowRecord, isBefore } from "../pipeline/index.js";
import type { Baseline } from "./baseline/baseline.js";
import type { BaselineRecorder } from "./baseline/baseline-recorder.js";
import { type Canary, isCanary, makeCanary, plantCanaries } from "./canary.js";
import { type AuditCoverage, findReasons, type LossKnowledge } from "./coverage.js";
import { type ExceptionUse, ExceptionUses } from "./exceptions.js";
import { FailOpenWatch, failOpen } from "./fail-open.js";
import type { Finding, RuleName, Severity } from "./finding.js";
import { Findings } from "./findings.js";
import { HardwareAddresses } from "./hardware-addresses.js";
import { newContact, newContactHit } from "./new-contact.js";
import type { AuditedNode } from "./node.js";
import type { PacketWatch } from "./packet-watch.js";
import { isAllowed, type Policy } from "./policy.js";
import type { Hit, Role, Rule, Subject } from "./rule.js";
import { ipv6 } from "./rules/rest.js";
import { FURTHER_RULES, MAIN_RULES } from "./rules.js";
import { startUp } from "./start-up.js";
import { localKindOf, localSideOf, subjectOf } from "./subject.js";
import { isUnexpected, unexpectedApplication } from "./unexpected-application.js";
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
  /** Of a live audit: interfaces with a default route that are not captured. */
  readonly otherWaysOut?: readonly string[] | undefined;
  /** Told of each flow of each finding: a finding itself keeps a few of them only. */
  readonly onFinding?: ((record: FlowRecord, rule: RuleName, severity: Severity, title: string) => void) | undefined;
  /** What was found in a former run, and is no news now. */
  readonly baseline?: Baseline | undefined;
  /** Takes down what this run finds, for a later one. */
  readonly recorder?: BaselineRecorder | undefined;
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
  #lanProxies = 0;
  #torFlows = 0;
  /** Of the node's flows that are not Tor's. */
  #cutPackets = 0;
  readonly #canariesFound = new Set<Canary>();
  /** Flows that left the machine, or might have. */
  #outside = 0;
  #unnamed = 0;
  readonly #hardware = new HardwareAddresses();

  /** @param watch - Of the same packets; asked when flows end. */
  constructor(options: AuditOptions, watch: () => PacketWatch) {
    this.#options = options;
    this.#watch = watch;
  }

  /** A flow has ended. */
  flow(record: FlowRecord): void {
    const { node, policy } = this.#options;
    const watch = this.#watch();
    const subject = subjectOf(record, node, policy.role, watch);
    const { flowClass } = record.classification;
    const isTor = flowClass === "tor" && !subject.isClearnet;
    if (flowClass !== "tor" && subject.direction !== "foreign") this.#cutPackets += watch.cutPacketsOf(record.flow.row);
    if (node.ranges === undefined) this.#infer(record, flowClass);
    if (subject.direction === "foreign") {
      this.#otherHosts++;
      if (!mayLeak(subject)) return;
      if (!node.hasOfKind(record.flow.ipVersion, localKindOf(record))) this.#unnamed++;
      else this.#hardware.otherLeak(watch.hardwareOf(record.flow.row, localSideOf(record)));
      return;
    }
    const canary = this.#options.canaries.find((it) => isCanary(record, it));
    if (canary !== undefined) {
      if (this.#isFound(subject)) this.#canariesFound.add(canary);
      return;
    }
    for (const side of ["originator", "responder"] as const) {
      if (node.has(record.flow[side].address)) this.#hardware.own(watch.hardwareOf(record.flow.row, side));
    }
    this.#audited++;
    if (isTor) {
      this.#torFlows++;
      this.#failOpen.torLink(record);
    }
    if (isTor || subject.isClearnet || subject.isLan) this.#outside++;
    this.#judge(subject);
  }

  /** All flows have ended. */
  finish(analysis: AnalysisResult): AuditReport {
    const { policy, node } = this.#options;
    for (const { record, torEnded } of this.#failOpen.found(policy.failOpenSeconds, analysis.last?.seconds ?? 0)) {
      const title = `${failOpen.title} The last link was heard of at ${formatIsoSeconds(torEnded.seconds)}.`;
      this.#add(failOpen, { title, variant: formatIsoSeconds(torEnded.seconds) }, record);
      this.#options.recorder?.forget(subjectOf(record, node, policy.role));
    }
    const watch = this.#watch();
    const { reasons, coverage } = findReasons({
      ...this.#options,
      analysis,
      loss: this.#options.loss,
      upstream: watch.loss,
      cutPackets: this.#cutPackets,
      audited: this.#audited,
      otherHosts: this.#otherHosts,
      unjudged: this.#unjudged,
      unlisted: this.#unlisted,
      lanProxies: this.#lanProxies,
      unnamed: this.#unnamed + this.#hardware.ownLeaks(),
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
    const { policy, recorder, baseline } = this.#options;
    const hits = hitsOf(subject);
    if (isUnexpected(subject, policy.expectedApplications)) hits.push({ rule: unexpectedApplication, hit: {} });
    const isUnknown = subject.isUnjudged && !hits.some(({ rule }) => MAIN_RULES.includes(rule));
    if (hits.length === 0 && !isUnknown) {
      this.#meet(subject);
      return;
    }
    const allowed = policy.allow.find((it) => isAllowed(it, subject));
    if (allowed !== undefined) {
      this.#meet(subject);
      this.#exceptions.add(allowed, subject);
      // Whoever lets names be asked for did not mean those that DNS has no answer to.
      for (const { rule, hit } of hits) if (rule.name === "dns-onion-name") this.#add(rule, hit, subject.record);
      return;
    }
    if (this.#isExpectedOfRole(subject)) return;
    if (isUnknown) this.#unjudged++;
    if (subject.record.classification.flowClass === "tor-suspected") this.#unlisted++;
    if (hits.some(({ rule }) => rule.name === "lan-proxy")) this.#lanProxies++;
    const told = this.#isStartUp(subject) ? hits.map((match) => this.#asStartUp(match)) : hits;
    if (!isUnknown) {
      const judgements = told.map(({ rule, hit }) => ({ rule: rule.name, severity: this.#severity(rule, hit) }));
      recorder?.add(subject, judgements);
      const known = baseline?.knownAs(subject, judgements);
      if (known !== undefined) {
        this.#exceptions.add(known, subject);
        return;
      }
    }
    for (const { rule, hit } of told) this.#add(rule, hit, subject.record);
    const isLeak = hits.some(({ rule, hit }) => this.#severity(rule, hit) === "leak");
    if (isLeak && subject.direction !== "inbound") this.#failOpen.leak(subject.record);
  }

  /** A flow of which no rule has anything to say, or may not. */
  #meet(subject: Subject): void {
    const { recorder, baseline } = this.#options;
    recorder?.add(subject, []);
    if (baseline?.isNewContact(subject)) this.#add(newContact, newContactHit(subject), subject.record);
  }

  /** What an exit sends for others looks like a leak; whose it is only a process can tell. */
  #isExpectedOfRole({ record, isClearnet, isLan, direction, facts }: Subject): boolean {
    if (this.#options.policy.role !== "exit" || direction === "inbound") return false;
    if (!isClearnet && !(isLan && facts?.protocol === "dns")) return false;
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
    return torUpSince === undefined || isBefore(record.flow.first, torUpSince);
  }

  #asStartUp({ rule, hit }: Match): Match {
    const title = `${startUp.title} ${hit.title ?? rule.title}`;
    return { rule: startUp, hit: { severity: this.#severity(rule, hit), title, variant: rule.name } };
  }

  #add(rule: Rule, hit: Hit, record: FlowRecord): void {
    const severity = this.#severity(rule, hit);
    this.#findings.add(rule, hit, severity, record);
    this.#options.onFinding?.(record, rule.name, severity, hit.title ?? rule.title);
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
  // What is no leak over IPv4 is none over IPv6.
  const isLeak = main !== undefined && (main.hit.severity ?? main.rule.severity) === "leak";
  const further = FURTHER_RULES.filter((rule) => rule !== ipv6 || isLeak).map((rule) => ({
    rule,
    hit: rule.match(subject),
  }));
  return [main, ...further].filter((it): it is Match => it?.hit !== undefined);
}

/** Whether a flow would be a leak if it were the node's; by its rules' own severities. */
function mayLeak(subject: Subject): boolean {
  return subject.isClearnet || hitsOf(subject).some(({ rule, hit }) => (hit.severity ?? rule.severity) === "leak");
}

function firstMatch(rules: readonly Rule[], subject: Subject): Match | undefined {
  for (const rule of rules) {
    const hit = rule.match(subject);
    if (hit !== undefined) return { rule, hit };
  }
  return undefined;
}
