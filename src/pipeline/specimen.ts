import { CapturedPacket } from "../base/index.js";
import { FLOW_CLASSES, type FlowClass } from "../classify/index.js";
import { type PacketHeaders, TcpFlag } from "../decode/index.js";
import type { FlowTable } from "../flows/index.js";
import { IpProtocol } from "../net/index.js";
import type { FlowRecord } from "./flow-record.js";

/** Enough for every header and the beginning of a payload. */
const KEPT_BYTES = 512;
/** TLS 1.3 adds 22 bytes to a record; Tor's cells are of 514 bytes (tor-spec 3). */
const TLS_RECORD_OVERHEAD = 22;
const TOR_CELL_BYTES = 514;

/** One packet kept as the example of its class, with the sequence numbers from which its connection counts. */
export interface Specimen {
  readonly packet: CapturedPacket;
  /** The flow it belongs to. Rows are reused, so its serial and not its row. */
  readonly serial: number;
  readonly sequenceBase: { readonly sender: number; readonly receiver: number } | undefined;
  readonly fromOriginator: boolean;
}

/**
 * Keeps the most telling packet with payload of each class: best a TCP push of the originator with relative sequence
 * numbers.
 */
export class SpecimenKeeper {
  readonly #kept = new Map<FlowClass, Specimen>();
  readonly #records = new Map<number, FlowRecord>();
  readonly #scores = new Map<FlowClass, number>(FLOW_CLASSES.map((name) => [name, -1]));
  #offers = 0;
  /** False once every further offer would be turned down, or enough were looked at: checked for every packet. */
  open = true;

  offer(flowClass: FlowClass, packet: CapturedPacket, headers: PacketHeaders, table: FlowTable, row: number): void {
    if (flowClass === "local") return;
    if (++this.#offers === MAX_OFFERS) this.open = false;
    if (this.#scores.get(flowClass) === BEST_SCORE) return;
    const sequenceBase = table.sequenceBase(row);
    const fromOriginator = table.fromOriginator(row);
    const relative = sequenceBase !== undefined && !table.isNew;
    const score = tellingScore(headers, flowClass, relative) + (relative && fromOriginator ? 1 : 0);
    if (score <= this.#scores.get(flowClass)!) return;
    this.#scores.set(flowClass, score);
    this.#kept.set(flowClass, { packet: keepPacket(packet), serial: table.serial(row), sequenceBase, fromOriginator });
    if (this.open) this.open = CONTRAST.some((name) => this.#scores.get(name)! < BEST_SCORE);
  }

  /** A live flow turned out to be of another class: its packet is an example of that one, and none of the old one. */
  move(serial: number, from: FlowClass, to: FlowClass): void {
    const specimen = this.#kept.get(from);
    if (from === to || specimen?.serial !== serial) return;
    const score = this.#scores.get(from)!;
    this.#kept.delete(from);
    this.#scores.set(from, -1);
    this.open = this.#offers < MAX_OFFERS;
    if (score <= this.#scores.get(to)!) return;
    this.#scores.set(to, score);
    this.#kept.set(to, specimen);
  }

  /** Remembers the record of a flow whose packet is kept. */
  endFlow(record: FlowRecord): void {
    if (this.#kept.get(record.classification.flowClass)?.serial === record.flow.serial) {
      this.#records.set(record.flow.serial, record);
    }
  }

  finished(): Map<FlowClass, { specimen: Specimen; record: FlowRecord }> {
    const finished = new Map<FlowClass, { specimen: Specimen; record: FlowRecord }>();
    for (const [flowClass, specimen] of this.#kept) {
      const record = this.#records.get(specimen.serial);
      if (record !== undefined) finished.set(flowClass, { specimen, record });
    }
    return finished;
  }
}

const TYPICAL_SCORE = 3;
const BEST_SCORE = TYPICAL_SCORE + 1;
const CONTRAST: readonly FlowClass[] = ["clearnet", "tor"];
/** Beyond it only the first payloads of flows are offered, so that a capture of one class alone costs no more. */
const MAX_OFFERS = 50_000;

function tellingScore(headers: PacketHeaders, flowClass: FlowClass, relative: boolean): number {
  if (headers.protocol !== IpProtocol.TCP) return 0;
  if (!relative) return 1;
  const cells = (headers.payloadLength - TLS_RECORD_OVERHEAD) % TOR_CELL_BYTES === 0;
  const typical = (headers.tcpFlags & TcpFlag.PSH) !== 0 && (flowClass === "clearnet" || cells);
  return typical ? TYPICAL_SCORE : 2;
}

/** Copies a packet's first bytes out of its source's buffer. */
function keepPacket(packet: CapturedPacket): CapturedPacket {
  const copy = new CapturedPacket();
  copy.bytes = packet.bytes.slice(packet.start, Math.min(packet.end, packet.start + KEPT_BYTES));
  copy.view = new DataView(copy.bytes.buffer);
  copy.end = copy.bytes.length;
  copy.originalLength = packet.originalLength;
  copy.seconds = packet.seconds;
  copy.nanoseconds = packet.nanoseconds;
  copy.hasTime = packet.hasTime;
  copy.linkType = packet.linkType;
  copy.interfaceIndex = packet.interfaceIndex;
  copy.number = packet.number;
  return copy;
}
