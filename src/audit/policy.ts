import type { Protocol } from "../apps/index.js";
import { parseAddress } from "../net/index.js";
import type { FlowRecord } from "../pipeline/index.js";
import type { RuleName, Severity } from "./finding.js";
import { type Cidr, contains } from "./node.js";
import type { Role, Subject } from "./rule.js";

/** Ports from `first` to `last`, 1 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Flows that are allowed to go around Tor, and why. All that is given must fit. */
export interface AllowedFlow {
  readonly because: string;
  /** Of the remote end. */
  readonly addresses: readonly Cidr[];
  readonly ports: readonly PortRange[];
  /** `tcp`, `udp`, ... or what the flow speaks: `dns`, `ntp`, ... */
  readonly protocols: readonly string[];
  /** Host names: one of the flow's names is one of these, or below one that begins with a dot. */
  readonly names: readonly string[];
  /** Names of processes, systemd units or containers; fits only where leek knows the process. */
  readonly processes: readonly string[];
  /** The flow begins in this time; seconds since 1970-01-01 UTC. */
  readonly from: number | undefined;
  readonly until: number | undefined;
}

/** What is expected of a node, beside the rules. */
export interface Policy {
  /** What it is called in reports: a file or a preset; undefined for the defaults. */
  readonly name: string | undefined;
  readonly nodes: readonly Cidr[];
  readonly role: Role;
  /** Bridge lines, see parseBridge. */
  readonly bridges: readonly string[];
  /** DirAuthority lines, see parseAuthority. */
  readonly authorities: readonly string[];
  readonly allow: readonly AllowedFlow[];
  readonly severities: ReadonlyMap<RuleName, Severity>;
  /** Whether traffic over Tor must be seen. */
  readonly expectTor: boolean;
  /** What the node's own flows, and what it asks its proxy for, must speak to be expected at all; empty: anything. */
  readonly expectedApplications: readonly Protocol[];
  readonly minDurationSeconds: number | undefined;
  /** Within which a leak after the end of Tor's links is a fail-open. */
  readonly failOpenSeconds: number;
}

export const DEFAULT_POLICY: Policy = {
  name: undefined,
  nodes: [],
  role: "client",
  bridges: [],
  authorities: [],
  allow: [],
  severities: new Map(),
  expectTor: true,
  expectedApplications: [],
  minDurationSeconds: undefined,
  failOpenSeconds: 30,
};

/** Whether an exception is made for this flow. */
export function isAllowed(allowed: AllowedFlow, { record, remote }: Subject): boolean {
  const { addresses, ports, protocols, names, processes, from, until } = allowed;
  const { flow, facts } = record;
  if (addresses.length > 0) {
    const address = parseAddress(remote.address);
    if (address === undefined || !addresses.some((range) => contains(range, address))) return false;
  }
  if (ports.length > 0 && !ports.some((range) => hasPort(range, remote.port))) return false;
  if (protocols.length > 0 && !protocols.includes(flow.transport)) {
    if (facts?.protocol === undefined || !protocols.includes(facts.protocol)) return false;
  }
  if (names.length > 0 && !record.names.some((name) => names.some((pattern) => fitsName(pattern, name)))) return false;
  if (processes.length > 0 && !processesOf(record).some((name) => processes.includes(name))) return false;
  if (from !== undefined && flow.first.seconds < from) return false;
  return until === undefined || flow.first.seconds <= until;
}

function hasPort({ first, last }: PortRange, port: number | undefined): boolean {
  return port !== undefined && first <= port && port <= last;
}

function fitsName(pattern: string, name: string): boolean {
  const [wanted, told] = [pattern.toLowerCase(), name.toLowerCase()];
  return wanted.startsWith(".") ? told.endsWith(wanted) || told === wanted.slice(1) : told === wanted;
}

function processesOf({ process: match }: FlowRecord): string[] {
  const holder = match?.process;
  return [holder?.name, holder?.unit, holder?.container].filter((name) => name !== undefined);
}
