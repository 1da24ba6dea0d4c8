import type { CapturedPacket } from "../../base/index.js";
import type { FlowClass } from "../../classify/index.js";
import type { Flow, Moment } from "../../flows/index.js";
import { formatEndpoint } from "../../net/index.js";
import { Analysis, type FlowRecord } from "../../pipeline/index.js";
import type { RelayDirectory } from "../../relays/index.js";
import type { RuleName, Severity } from "../finding.js";
import { LeakAudit } from "../leak-audit.js";
import { AuditedNode, parseCidr } from "../node.js";
import { PacketWatch } from "../packet-watch.js";
import { DEFAULT_POLICY, type Policy } from "../policy.js";
import type { ManifestOptions } from "./manifest.js";

/** What came out for a flow of the evidence. */
export interface DerivedFlow {
  readonly flowClass: FlowClass;
  readonly severities: ReadonlyMap<RuleName, Severity>;
  readonly ends: string;
  readonly packets: number;
  readonly bytes: number;
  readonly first: Moment;
  readonly last: Moment;
}

/** Flows kept at most: as many as evidence is ever made from. */
const MAX_FLOWS = 200_000;

/**
 * Judges the packets of evidence once more, by the same rules. Exceptions of the policy need not be known: what they let pass
 * is not in the evidence. Nor does the time count at which Tor was up: its links are not in it either.
 */
export class Derivation {
  readonly #analysis: Analysis;
  readonly #watch: PacketWatch;
  readonly #audit: LeakAudit;
  readonly #flows = new Map<number, DerivedFlow>();
  readonly #severities = new Map<number, Map<RuleName, Severity>>();

  constructor(options: ManifestOptions, directory: RelayDirectory) {
    const node = new AuditedNode(options.nodes?.flatMap((text) => parseCidr(text) ?? []));
    this.#audit = new LeakAudit(
      {
        policy: policyOf(options),
        node,
        expectBootstrap: false,
        trustUnverified: true,
        loss: { stated: 0 },
        canaries: [],
        isFiltered: true,
        onFinding: ({ firstPacket }, rule, severity) => this.#found(firstPacket, rule, severity),
      },
      () => this.#watch,
    );
    this.#analysis = new Analysis({
      directory,
      headersOnly: options.headersOnly,
      onFlow: (record) => this.#ended(record),
    });
    this.#watch = new PacketWatch(this.#analysis, node);
  }

  packet(packet: CapturedPacket): void {
    this.#watch.packet(packet, this.#analysis.observe(packet));
  }

  /** By the number of its first packet. */
  finish(): ReadonlyMap<number, DerivedFlow> {
    this.#analysis.finish([]);
    return this.#flows;
  }

  #ended(record: FlowRecord): void {
    if (this.#flows.size >= MAX_FLOWS) return;
    const { flow, firstPacket, classification } = record;
    const severities = new Map<RuleName, Severity>();
    this.#severities.set(firstPacket, severities);
    this.#audit.flow(record);
    this.#severities.delete(firstPacket);
    this.#flows.set(firstPacket, {
      flowClass: classification.flowClass,
      severities,
      ends: endsOf(flow),
      packets: flow.packets.originator + flow.packets.responder,
      bytes: flow.bytes.originator + flow.bytes.responder,
      first: flow.first,
      last: flow.last,
    });
  }

  #found(firstPacket: number, rule: RuleName, severity: Severity): void {
    this.#severities.get(firstPacket)?.set(rule, severity);
  }
}

/** Tells flows apart by their ends. */
export function endsOf({ transport, originator, responder }: Pick<Flow, "transport" | "originator" | "responder">) {
  return `${transport} ${formatEndpoint(originator)} ${formatEndpoint(responder)}`;
}

function policyOf({ role, severities }: ManifestOptions): Policy {
  const entries = Object.entries(severities) as [RuleName, Severity][];
  // At an exit only the program tells what is the machine's own, and packets do not tell the program. What is in the
  // evidence was told to be its own.
  return { ...DEFAULT_POLICY, role: role === "exit" ? "relay" : role, severities: new Map(entries) };
}
