import type { Protocol } from "../apps/index.js";
import type { CapturedPacket } from "../base/index.js";
import { type FlowTable, type Moment, SIZE_BUCKETS, sizeBucket } from "../flows/index.js";
import { DisclosedTotals } from "./disclosed-totals.js";
import type { FlowRecord } from "./flow-record.js";

/** What one class adds up to. Sums of parts: two of them can be merged by adding. */
export class ClassTotals {
  packets = 0;
  /** Wire lengths of whole frames. */
  bytes = 0;
  flows = 0;
  first: Moment | undefined;
  last: Moment | undefined;
  /** Packets by size, see SIZE_BUCKET_BOUNDS. */
  readonly sizes = new Float64Array(SIZE_BUCKETS);
  /** Flows by transport. */
  readonly transports = new Map<string, number>();
  /** Flows by what they speak; "unknown" where leek recognised nothing. */
  readonly applications = new Map<Protocol | "unknown", number>();
  readonly disclosed = new DisclosedTotals();

  addFlow(record: FlowRecord, table: FlowTable): void {
    const { flow } = record;
    this.packets += flow.packets.originator + flow.packets.responder;
    this.bytes += flow.bytes.originator + flow.bytes.responder;
    this.flows++;
    count(this.transports, flow.transport, 1);
    const { facts } = record;
    count(this.applications, facts?.protocol ?? "unknown", 1);
    if (facts !== undefined && facts.disclosures.length > 0) this.disclosed.add(facts);
    table.addSizes(flow.row, this.sizes);
    this.#extend(flow.first);
    this.#extend(flow.last);
  }

  addPacket(packet: CapturedPacket): void {
    this.packets++;
    this.bytes += packet.originalLength;
    this.sizes[sizeBucket(packet.originalLength)]! += 1;
    this.#extend({ seconds: packet.seconds, nanoseconds: packet.nanoseconds });
  }

  add(other: ClassTotals): void {
    this.packets += other.packets;
    this.bytes += other.bytes;
    this.flows += other.flows;
    for (let i = 0; i < this.sizes.length; i++) this.sizes[i]! += other.sizes[i]!;
    for (const [transport, flows] of other.transports) count(this.transports, transport, flows);
    for (const [application, flows] of other.applications) count(this.applications, application, flows);
    this.disclosed.merge(other.disclosed);
    if (other.first !== undefined) this.#extend(other.first);
    if (other.last !== undefined) this.#extend(other.last);
  }

  #extend(moment: Moment): void {
    if (this.first === undefined || isBefore(moment, this.first)) this.first = moment;
    if (this.last === undefined || isBefore(this.last, moment)) this.last = moment;
  }
}

export function isBefore(left: Moment, right: Moment): boolean {
  return left.seconds < right.seconds || (left.seconds === right.seconds && left.nanoseconds < right.nanoseconds);
}

function count<Key>(counts: Map<Key, number>, key: Key, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
