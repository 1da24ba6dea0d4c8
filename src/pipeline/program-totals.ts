import type { FlowClass } from "../classify/index.js";
import type { HostProcess, ProcessMatch } from "../host/index.js";
import type { FlowRecord } from "./flow-record.js";

/** What one program of this machine sent and received. */
export interface ProgramTotal {
  /** Of all its processes, the one seen first; undefined for flows whose process is not known. */
  readonly process: HostProcess | undefined;
  readonly confidence: ProcessMatch["confidence"];
  readonly classes: Map<FlowClass, ProgramTraffic>;
  bytes: number;
}

/** A program's traffic of one class. */
export interface ProgramTraffic {
  bytes: number;
  flows: number;
}

/** Distinct programs kept; a machine that starts more while leek captures is not being looked at by people. */
const MAX_PROGRAMS = 1_024;

/** Adds up ended flows by program, for those whose process was looked for. */
export class ProgramTotals {
  readonly #byKey = new Map<string, ProgramTotal>();

  add({ flow, classification, process: match }: FlowRecord): void {
    if (match === undefined) return;
    const { process: holder, confidence } = match;
    const key =
      holder === undefined
        ? ""
        : `${confidence} ${holder.uid} ${holder.unit ?? ""} ${holder.container ?? ""} ${holder.name}`;
    let total = this.#byKey.get(key);
    if (total === undefined) {
      if (this.#byKey.size >= MAX_PROGRAMS) return;
      total = { process: holder, confidence, classes: new Map(), bytes: 0 };
      this.#byKey.set(key, total);
    }
    const bytes = flow.bytes.originator + flow.bytes.responder;
    const traffic = total.classes.get(classification.flowClass) ?? { bytes: 0, flows: 0 };
    traffic.bytes += bytes;
    traffic.flows++;
    total.bytes += bytes;
    total.classes.set(classification.flowClass, traffic);
  }

  /** All programs, those with most bytes first, and what belongs to nobody known last. */
  all(): ProgramTotal[] {
    const known = (total: ProgramTotal) => (total.process === undefined ? 0 : 1);
    return [...this.#byKey.values()].sort((left, right) => known(right) - known(left) || right.bytes - left.bytes);
  }
}
