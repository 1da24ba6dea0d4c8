import type { FlowRecord } from "../../pipeline/index.js";
import type { Finding, RuleName, Severity } from "../finding.js";

/** Flows remembered at most, some hundred bytes each; a finding has been proven by then. */
const MAX_FLOWS = 200_000;

/** What tells findings of one audit apart: of a live audit, the program too. No part of it has a NUL. */
export function findingKey({
  rule,
  severity,
  title,
  process,
}: Pick<Finding, "rule" | "severity" | "title" | "process">): string {
  const program = process?.unit ?? process?.container ?? process?.name ?? "";
  return [rule, severity, title, program].join("\0");
}

/** Of a note nobody asks for proof. */
export function needsProof(severity: Severity): boolean {
  return severity !== "note";
}

/** Which flows the findings of an audit are made of: all of them, known by the numbers of their first packets. */
export class FindingFlows {
  /** By first packet: keys of findings. */
  readonly #keys = new Map<number, string[]>();
  /** By key: first packets. */
  readonly #firstPackets = new Map<string, number[]>();
  /** Their ends, and those of tunnels around them. */
  readonly addresses = new Set<string>();
  /** Flows that were not remembered. */
  leftOut = 0;

  /** A flow is found to be a part of a finding; see AuditOptions.onFinding. */
  readonly add = (record: FlowRecord, rule: RuleName, severity: Severity, title: string): void => {
    if (!needsProof(severity)) return;
    const { firstPacket, flow } = record;
    const key = findingKey({ rule, severity, title, process: record.process?.process });
    const known = this.#keys.get(firstPacket);
    if (known?.includes(key)) return;
    if (known === undefined && this.#keys.size >= MAX_FLOWS) {
      this.leftOut++;
      return;
    }
    if (known === undefined) this.#keys.set(firstPacket, [key]);
    else known.push(key);
    const firstPackets = this.#firstPackets.get(key);
    if (firstPackets === undefined) this.#firstPackets.set(key, [firstPacket]);
    else firstPackets.push(firstPacket);
    this.addresses.add(flow.originator.address).add(flow.responder.address);
    if (flow.tunnel !== undefined) this.addresses.add(flow.tunnel.source).add(flow.tunnel.destination);
  };

  /** Keys of the findings of the flow that began with this packet; undefined when it is of none. */
  keysOf(firstPacket: number): readonly string[] | undefined {
    return this.#keys.get(firstPacket);
  }

  /** First packets of a finding's flows, in their order. */
  firstPacketsOf(key: string): number[] {
    return (this.#firstPackets.get(key) ?? []).toSorted((x, y) => x - y);
  }
}
