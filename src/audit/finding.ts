import type { Disclosure } from "../apps/index.js";
import type { Moment } from "../flows/index.js";
import type { HostProcess } from "../host/index.js";
import type { Endpoint } from "../net/index.js";

/** `leak` decides the verdict; a `warning` may be one, and a `note` is worth knowing. */
export const SEVERITIES = ["leak", "warning", "note"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Stable: scripts, policies and baselines name them. docs/audit.md says what each one finds. */
export const RULE_NAMES = [
  "dns",
  "dns-onion-name",
  "dns-encrypted",
  "dns-seed",
  "bitcoin-p2p",
  "electrum",
  "lightning",
  "monero-p2p",
  "bittorrent",
  "update-server",
  "http",
  "tls",
  "quic",
  "ntp",
  "icmp",
  "stun",
  "ssh",
  "mail",
  "port-mapping",
  "lan-proxy",
  "lan-announcement",
  "tunnel",
  "relay-other-port",
  "directory-port",
  "tor-unlisted",
  "other-tcp",
  "other-udp",
  "other-ip",
  "ipv6",
  "inbound",
  "fail-open",
  "start-up",
  "socks-address",
  "unexpected-application",
  "new-contact",
  "canary",
] as const;
export type RuleName = (typeof RULE_NAMES)[number];

/** Flows of a finding with the same ends, but for the originator's port. */
export interface FindingFlow {
  readonly transport: string;
  readonly originator: Endpoint;
  readonly responder: Endpoint;
}

/** Something that goes around Tor, or may. */
export interface Finding {
  /**
   * `RULE`, `RULE:VARIANT` where a rule tells several kinds apart, with `/PROGRAM` behind it where that is known; the same in
   * each run on the same packets.
   */
  readonly id: string;
  readonly rule: RuleName;
  readonly severity: Severity;
  /** One sentence. */
  readonly title: string;
  /** What was told to whom, beside the addresses; values as on the wire. */
  readonly disclosed: readonly Pick<Disclosure, "kind" | "value">[];
  /** Those seen first; at most MAX_FLOWS. */
  readonly flows: readonly FindingFlow[];
  /** All of them. */
  readonly flowCount: number;
  readonly packets: number;
  /** Wire lengths of whole frames. */
  readonly bytes: number;
  readonly first: Moment;
  readonly last: Moment;
  readonly process: HostProcess | undefined;
  /** Numbers of packets that prove it; at most MAX_PROOF. */
  readonly proof: readonly number[];
  readonly remedy: string;
}
