import type { DisclosureKind, FlowFacts } from "../apps/index.js";
import type { FlowRecord } from "../pipeline/index.js";
import type { TorExit } from "../relays/index.js";
import type { RuleName, Severity } from "./finding.js";

/** What the audited machine is to Tor. */
export const ROLES = ["client", "bridge", "relay", "exit"] as const;
export type Role = (typeof ROLES)[number];

/** Which way a flow goes, as the audited node sees it. */
export type Direction =
  /** The node asked for it. */
  | "outbound"
  /** Somebody else did. */
  | "inbound"
  /** Both ends are the node's. */
  | "internal"
  /** No end is. */
  | "foreign";

/** A flow as the rules see it. */
export interface Subject {
  readonly record: FlowRecord;
  readonly direction: Direction;
  readonly role: Role;
  /** Not the node's end. */
  readonly remote: { readonly address: string; readonly port: number | undefined };
  /** It leaves the site, and not by Tor. */
  readonly isClearnet: boolean;
  /** It leaves the machine, but not the link or site: other machines there can read it. */
  readonly isLan: boolean;
  /** Nobody was served: all that the node said were refusals, of what somebody else began. */
  readonly isRefused: boolean;
  /** Nothing says whether its remote end is a relay: no document reaches its start. */
  readonly isUnjudged: boolean;
  /** Of what comes in: the relay at its address by which Tor's traffic leaves. */
  readonly exit: TorExit | undefined;
  readonly facts: FlowFacts | undefined;
}

/** What a rule says of a flow. */
export interface Hit {
  /** Tells findings of one rule apart: stands behind its name in their ids. */
  readonly variant?: string;
  /** In place of the rule's. */
  readonly severity?: Severity;
  readonly title?: string;
  readonly remedy?: string;
}

/** One kind of leak. */
export interface Rule {
  readonly name: RuleName;
  readonly severity: Severity;
  /** One sentence. */
  readonly title: string;
  /** What stops it: options by name. */
  readonly remedy: string;
  /** Kinds of facts that belong to the finding; all of the flow's when left out. */
  readonly discloses?: readonly DisclosureKind[];
  /**
   * Whether this flow is such a leak.
   *
   * @returns undefined when it is not.
   */
  match(subject: Subject): Hit | undefined;
}

const HIT: Hit = {};

/** For rules that a condition decides. */
export function hitIf(condition: boolean): Hit | undefined {
  return condition ? HIT : undefined;
}
