import type { Protocol } from "../../apps/index.js";
import type { FlowRecord } from "../../pipeline/index.js";
import { type RuleName, SEVERITIES, type Severity } from "../finding.js";
import type { Subject } from "../rule.js";

export const CLASSES = ["clearnet", "tor-suspected", "local"] as const;
export const DIRECTIONS = ["outbound", "inbound", "internal"] as const;
export const TUNNELS = ["ipip", "6in4", "gre"] as const;

/** What a rule says of a flow, by the policy. */
export interface Judgement {
  readonly rule: RuleName;
  readonly severity: Severity;
}

/** Whom the node talks to, by what stays the same from run to run. */
export interface Contact {
  readonly class: (typeof CLASSES)[number];
  readonly direction: (typeof DIRECTIONS)[number];
  readonly process: Program | null;
  /** What the capture calls the other end, in lower case; then there is no address. */
  readonly name: string | null;
  readonly address: string | null;
  /** Of whoever is asked: the other end's, for inbound flows the node's. */
  readonly port: number | null;
  readonly transport: string;
  readonly application: Protocol | null;
  readonly tunnel: (typeof TUNNELS)[number] | null;
}

export interface Program {
  readonly name: string;
  readonly unit: string | null;
  readonly container: string | null;
}

export interface Entry {
  readonly contact: Contact;
  /** What was found, at its worst. */
  readonly findings: Map<RuleName, Severity>;
  /** Names that DNS was asked for, in lower case. */
  readonly asked: Set<string>;
}

/** Links to relays and bridges; not what only goes to their addresses. */
export function isTor({ record, isClearnet }: Subject): boolean {
  return record.classification.flowClass === "tor" && !isClearnet;
}

/** Looks like a link of Tor's, and no document reaches its time to tell: relays are none of a baseline's affairs. */
export function mayBeRelay({ record: { classification } }: Subject): boolean {
  const isUnreached = classification.evidence.some(
    ({ kind }) => kind === "no-document" || kind === "consensus-out-of-reach",
  );
  return classification.flowClass === "tor-suspected" && isUnreached;
}

export function leavesMachine({ isClearnet, isLan }: Subject): boolean {
  return isClearnet || isLan;
}

export function isWorse(left: Severity, right: Severity): boolean {
  return SEVERITIES.indexOf(left) < SEVERITIES.indexOf(right);
}

export function contactOf({ record, direction, remote, isClearnet, facts }: Subject): Contact {
  const { flow, classification, names } = record;
  const isSuspected = classification.flowClass === "tor-suspected";
  // Names of DNS are the same in any letters, and some resolvers choose them by chance; tor makes its names up.
  const name = (isSuspected ? undefined : names[0]?.toLowerCase()) ?? null;
  return {
    class: isSuspected ? "tor-suspected" : isClearnet ? "clearnet" : "local",
    direction: direction === "inbound" || direction === "internal" ? direction : "outbound",
    process: programOf(record),
    name,
    address: name === null ? remote.address : null,
    port: (direction === "inbound" ? flow.responder.port : remote.port) ?? null,
    transport: flow.transport,
    application: facts?.protocol ?? null,
    tunnel: flow.tunnel?.kind ?? null,
  };
}

/** A session's scope and a container's number are others each time. */
function programOf({ process: match }: FlowRecord): Program | null {
  const process = match?.process;
  if (process === undefined) return null;
  const { name, unit, container } = process;
  return {
    name,
    unit: unit === undefined ? null : unit.endsWith(".scope") ? "scope" : unit,
    container: container === undefined ? null : /^[0-9a-f]{12}$/.test(container) ? "numbered" : container,
  };
}

export function questionsOf({ facts }: FlowRecord): string[] {
  if (facts?.protocol !== "dns") return [];
  return facts.disclosures.filter(({ kind }) => kind === "dns-question").map(({ value }) => value.toLowerCase());
}

export function keyOf(contact: Contact): string {
  const {
    class: flowClass,
    direction,
    process: program,
    name,
    address,
    port,
    transport,
    application,
    tunnel,
  } = contact;
  return JSON.stringify([
    ...[flowClass, direction, name, address, port, transport, application, tunnel],
    ...(program === null ? [] : [program.name, program.unit, program.container]),
  ]);
}
