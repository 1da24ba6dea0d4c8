import type { Disclosure } from "../apps/index.js";
import type { Moment } from "../flows/index.js";
import type { HostProcess } from "../host/index.js";
import { formatEndpoint } from "../net/index.js";
import { type FlowRecord, isBefore } from "../pipeline/index.js";
import { type Finding, type FindingFlow, SEVERITIES, type Severity } from "./finding.js";
import type { Hit, Rule } from "./rule.js";

/** Kept of one finding; the counts go on. */
const MAX_FLOWS = 100;
const MAX_DISCLOSED = 100;
const MAX_PROOF = 64;
/** Different findings: rules times programs. Later programs count with those that are not known. */
const MAX_FINDINGS = 4_096;

interface Kept {
  readonly id: string;
  readonly rule: Rule;
  readonly severity: Severity;
  readonly title: string;
  readonly remedy: string;
  readonly process: HostProcess | undefined;
  readonly disclosed: Map<string, Pick<Disclosure, "kind" | "value">>;
  readonly flows: Map<string, FindingFlow>;
  readonly proof: Set<number>;
  flowCount: number;
  packets: number;
  bytes: number;
  first: Moment;
  last: Moment;
}

/** Joins what rules say of single flows to findings: one for each rule, severity and program. Memory is bounded. */
export class Findings {
  readonly #byKey = new Map<string, Kept>();

  add(rule: Rule, hit: Hit, severity: Severity, record: FlowRecord): void {
    const kept = this.#kept(rule, hit, severity, record);
    const { flow, facts } = record;
    kept.flowCount++;
    kept.packets += flow.packets.originator + flow.packets.responder;
    kept.bytes += flow.bytes.originator + flow.bytes.responder;
    if (isBefore(flow.first, kept.first)) kept.first = flow.first;
    if (isBefore(kept.last, flow.last)) kept.last = flow.last;
    const key = `${flow.transport} ${flow.originator.address} ${formatEndpoint(flow.responder)}`;
    if (kept.flows.size < MAX_FLOWS && !kept.flows.has(key)) {
      const { transport, originator, responder } = flow;
      kept.flows.set(key, { transport, originator, responder });
    }
    const proof = [record.firstPacket];
    for (const { kind, value, packet } of facts?.disclosures ?? []) {
      if (rule.discloses !== undefined && !rule.discloses.includes(kind)) continue;
      const told = `${kind} ${value}`;
      if (kept.disclosed.has(told) || kept.disclosed.size >= MAX_DISCLOSED) continue;
      kept.disclosed.set(told, { kind, value });
      proof.push(packet);
    }
    for (const number of proof) if (kept.proof.size < MAX_PROOF) kept.proof.add(number);
  }

  /** Leaks first, then by time. */
  all(): Finding[] {
    return [...this.#byKey.values()]
      .map(({ rule, disclosed, flows, proof, ...rest }) => ({
        ...rest,
        rule: rule.name,
        disclosed: [...disclosed.values()],
        flows: [...flows.values()],
        proof: [...proof].sort((x, y) => x - y),
      }))
      .sort(
        (x, y) =>
          SEVERITIES.indexOf(x.severity) - SEVERITIES.indexOf(y.severity) ||
          (isBefore(x.first, y.first) ? -1 : isBefore(y.first, x.first) ? 1 : x.id < y.id ? -1 : 1),
      );
  }

  #kept(rule: Rule, hit: Hit, severity: Severity, { flow, process: match }: FlowRecord): Kept {
    const program = this.#byKey.size < MAX_FINDINGS ? match?.process : undefined;
    const name = hit.variant === undefined ? rule.name : `${rule.name}:${hit.variant}`;
    const id = program === undefined ? name : `${name}/${program.unit ?? program.container ?? program.name}`;
    const title = hit.title ?? rule.title;
    const key = `${id} ${severity} ${title}`;
    let kept = this.#byKey.get(key);
    if (kept === undefined) {
      kept = {
        id,
        rule,
        severity,
        title,
        remedy: hit.remedy ?? rule.remedy,
        process: program,
        disclosed: new Map(),
        flows: new Map(),
        proof: new Set(),
        flowCount: 0,
        packets: 0,
        bytes: 0,
        first: flow.first,
        last: flow.last,
      };
      this.#byKey.set(key, kept);
    }
    return kept;
  }
}
