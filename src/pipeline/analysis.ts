import { PassiveNames, readTlsServerName } from "../apps/index.js";
import { type CapturedPacket, type FractionDigits, linkTypeName } from "../base/index.js";
import { fractionDigitsOf, type SourceInfo } from "../capture/index.js";
import {
  type Classification,
  Classifier,
  FLOW_CLASSES,
  type FlowClass,
  knowsMore,
  type Opener,
} from "../classify/index.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../decode/index.js";
import { type Flow, FlowTable, type Moment } from "../flows/index.js";
import type { ProcessMatch } from "../host/index.js";
import { etherTypeName, IpProtocol, parseAddress } from "../net/index.js";
import type { RelayDirectory, TimeSpan } from "../relays/index.js";
import { ClassTotals } from "./class-totals.js";
import type { FlowRecord, Remote } from "./flow-record.js";
import { type Specimen, SpecimenKeeper } from "./specimen.js";

export interface AnalysisOptions {
  readonly directory: RelayDirectory;
  /** Live flows at most, see FlowTableOptions. */
  readonly maxFlows?: number;
  /** Receives each flow when it ends: during the capture when it was idle for long, else at the end. */
  readonly onFlow?: (record: FlowRecord) => void;
}

/** Packets and bytes of one kind of traffic that is no flow. */
export interface FrameTotal {
  packets: number;
  bytes: number;
}

/** The result of an analysis; flows themselves went to `onFlow`. */
export interface AnalysisResult {
  readonly sources: readonly SourceInfo[];
  /** Packets analysed: those that passed the filter, where there is one. */
  readonly packets: number;
  readonly bytes: number;
  readonly first: Moment | undefined;
  readonly last: Moment | undefined;
  /** Digits of a second that the capture's time stamps carry. */
  readonly fractionDigits: FractionDigits;
  /** What was odd, by code; see docs/json.md. */
  readonly anomalies: ReadonlyMap<string, number>;
  readonly classes: Readonly<Record<FlowClass, ClassTotals>>;
  /** Frames that carry no IP, by what they carry. */
  readonly nonIp: ReadonlyMap<string, FrameTotal>;
  /** Link types among the packets that leek does not decode. */
  readonly unsupportedLinkTypes: ReadonlyMap<string, FrameTotal>;
  /** One typical packet of a class, with its flow. */
  readonly specimens: ReadonlyMap<FlowClass, { readonly specimen: Specimen; readonly record: FlowRecord }>;
  readonly directory: RelayDirectory;
}

/** From the first packet to the last, in seconds since 1970-01-01 UTC; undefined without packets. */
export function spanOf({ first, last }: AnalysisResult): TimeSpan | undefined {
  return first === undefined || last === undefined ? undefined : { first: first.seconds, last: last.seconds };
}

const DNS_PORT = 53;
const MDNS_PORT = 5353;

/**
 * From packets to classes: decodes, counts each packet for its flow, judges each flow at its start, and adds up flows
 * as they end. Memory is bounded by live flows, not by the capture.
 *
 * @example
 * const analysis = new Analysis({ directory });
 * while (await source.fill()) while (source.next(packet)) analysis.observe(packet);
 * const result = analysis.finish(source.infos);
 */
export class Analysis {
  readonly #options: AnalysisOptions;
  readonly #headers = new PacketHeaders();
  readonly #table: FlowTable;
  readonly #classifier: Classifier;
  #directory: RelayDirectory;
  // By row.
  readonly #classifications: Classification[] = [];
  readonly #serverNames: (string | undefined)[] = [];
  readonly #processes: (ProcessMatch | undefined)[] = [];
  readonly #names = new PassiveNames();
  readonly #specimens = new SpecimenKeeper();
  readonly #classes = Object.fromEntries(FLOW_CLASSES.map((name) => [name, new ClassTotals()])) as Record<
    FlowClass,
    ClassTotals
  >;
  readonly #nonIp = new Map<string, FrameTotal>();
  readonly #unsupportedLinkTypes = new Map<string, FrameTotal>();
  readonly #anomalies = new Map<string, number>();

  constructor(options: AnalysisOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#classifier = new Classifier(options.directory);
    const onEnd = (row: number) => this.#endFlow(row);
    this.#table = new FlowTable(options.maxFlows === undefined ? { onEnd } : { onEnd, maxFlows: options.maxFlows });
  }

  /**
   * Takes in one packet.
   *
   * @returns The row of its flow, for `classificationOf` and `namesOf`; -1 for a frame without one.
   */
  observe(packet: CapturedPacket): number {
    const headers = this.#headers;
    const status = decodePacket(packet, headers);
    if (status !== DecodeStatus.Ok) {
      this.#countFrame(packet, status);
      return -1;
    }
    const table = this.#table;
    const row = table.update(headers, packet);
    if (table.isNew) this.#beginFlow(row, packet);
    if (headers.transportStatus === DecodeStatus.Truncated) this.#count("transport-header-cut");
    else if (headers.transportStatus === DecodeStatus.Malformed) this.#count("malformed-transport-header");
    if (headers.payloadLength > 0) this.#lookAtPayload(row, packet);
    return row;
  }

  /** Whether the last packet observed began the flow in the row that `observe` returned. */
  get beganFlow(): boolean {
    return this.#table.isNew;
  }

  /** The class of the flow in a row that `observe` returned; the class of frames without a flow for -1. */
  classificationOf(row: number): Classification {
    return row < 0 ? this.#frameClassification() : this.#classifications[row]!;
  }

  /** Tells flows that use the same row one after the other apart. */
  serialOf(row: number): number {
    return this.#table.serial(row);
  }

  /** The server name seen in a live flow so far; cheap, for noticing that `namesOf` has something new. */
  serverNameOf(row: number): string | undefined {
    return this.#serverNames[row];
  }

  /** A flow as it stands; undefined when it has ended, and its row may be another's. */
  liveFlow(row: number, serial: number): Flow | undefined {
    return this.#table.holds(row, serial) ? this.#table.flow(row) : undefined;
  }

  /** Tells whose a live flow is; too late when it has ended. */
  attribute(row: number, serial: number, process: ProcessMatch): void {
    if (this.#table.holds(row, serial)) this.#processes[row] = process;
  }

  /**
   * Judges by another directory from now on, and live flows that were clearnet once more, by their start: what came to
   * be known since may make them `tor`, or say that a document does not list them. Nothing is ever taken back. Takes
   * some microseconds for each such flow.
   */
  useDirectory(directory: RelayDirectory): void {
    this.#directory = directory;
    this.#classifier.useDirectory(directory);
    for (const row of this.#table.liveRows()) {
      const before = this.#classifications[row]!;
      if (before.flowClass === "clearnet" && before.evidence[0]?.kind !== "tunnel") this.#judgeAgain(row, before);
    }
  }

  /** What is known of a live flow by now, as it will stand in its record. */
  recordOf(row: number): FlowRecord {
    return this.#record(row);
  }

  /** Ends all flows and adds everything up. The analysis must not be used any more. */
  finish(sources: readonly SourceInfo[]): AnalysisResult {
    this.#table.endAll();
    if (this.#table.unattributedFragments > 0) this.#count("fragment-without-first", this.#table.unattributedFragments);
    if (this.#table.crowdedOut > 0) this.#count("flow-table-full", this.#table.crowdedOut);
    for (const source of sources) {
      for (const [code, count] of source.anomalies) this.#count(code, count);
      if (source.damage !== undefined) this.#count(source.damage.code);
    }
    // Every packet belongs to a class, so the whole is the sum of the classes, and costs nothing per packet.
    const whole = new ClassTotals();
    for (const name of FLOW_CLASSES) whole.add(this.#classes[name]);
    return {
      sources,
      packets: whole.packets,
      bytes: whole.bytes,
      first: whole.first,
      last: whole.last,
      fractionDigits: fractionDigitsOf(sources),
      anomalies: this.#anomalies,
      classes: this.#classes,
      nonIp: this.#nonIp,
      unsupportedLinkTypes: this.#unsupportedLinkTypes,
      specimens: this.#specimens.finished(),
      directory: this.#directory,
    };
  }

  #beginFlow(row: number, packet: CapturedPacket): void {
    const opener: Opener = this.#table.originatorGuessed(row)
      ? "unknown"
      : this.#table.fromOriginator(row)
        ? "source"
        : "destination";
    this.#classifications[row] = this.#classifier.classify(this.#headers, opener, packet.seconds);
    this.#serverNames[row] = undefined;
    this.#processes[row] = undefined;
  }

  #judgeAgain(row: number, before: Classification): void {
    const flow = this.#table.flow(row);
    const { transport, originator, responder, originatorGuessed, first } = flow;
    const source = parseAddress(originator.address)!;
    const destination = parseAddress(responder.address)!;
    const start = new PacketHeaders();
    start.ipVersion = flow.ipVersion;
    start.protocol = transport === "tcp" ? IpProtocol.TCP : IpProtocol.UDP;
    [start.srcA, start.srcB, start.srcC, start.srcD] = [source.a, source.b, source.c, source.d];
    [start.dstA, start.dstB, start.dstC, start.dstD] = [destination.a, destination.b, destination.c, destination.d];
    start.srcPort = originator.port ?? 0;
    start.dstPort = responder.port ?? 0;
    const after = this.#classifier.classify(start, originatorGuessed ? "unknown" : "source", first.seconds);
    if (!knowsMore(after, before)) return;
    this.#classifications[row] = after;
    this.#specimens.move(flow.serial, before.flowClass, after.flowClass);
  }

  #lookAtPayload(row: number, packet: CapturedPacket): void {
    const headers = this.#headers;
    const first = this.#table.firstPayload(row);
    if (headers.protocol === IpProtocol.UDP && (headers.srcPort === DNS_PORT || headers.srcPort === MDNS_PORT)) {
      const { seconds, nanoseconds } = packet;
      this.#names.learn(packet.view, headers.payloadStart, headers.payloadEnd, seconds, nanoseconds);
    }
    if (!first && !this.#specimens.open) return;
    if (first && headers.protocol === IpProtocol.TCP) {
      this.#serverNames[row] ??= readTlsServerName(packet.view, headers.payloadStart, headers.payloadEnd);
    }
    this.#specimens.offer(this.#classifications[row]!.flowClass, packet, headers, this.#table, row);
  }

  #endFlow(row: number): void {
    const record = this.#record(row);
    this.#classes[record.classification.flowClass].addFlow(record, this.#table);
    this.#specimens.endFlow(record);
    this.#options.onFlow?.(record);
  }

  #record(row: number): FlowRecord {
    const flow = this.#table.flow(row);
    const classification = this.#classifications[row]!;
    const serverName = this.#serverNames[row];
    const remote = remoteOf(flow);
    const learned = this.#names.namesOf(remote.endpoint.address, flow.first.seconds, flow.first.nanoseconds);
    const names = serverName === undefined || learned.includes(serverName) ? learned : [serverName, ...learned];
    return { flow, classification, names, remote, process: this.#processes[row] };
  }

  #countFrame(packet: CapturedPacket, status: DecodeStatus): void {
    switch (status) {
      case DecodeStatus.NonIp:
        this.#classes["non-ip"].addPacket(packet);
        addFrame(this.#nonIp, etherTypeName(this.#headers.etherType), packet);
        return;
      case DecodeStatus.Truncated:
        this.#count("header-cut");
        break;
      case DecodeStatus.Malformed:
        this.#count("malformed-header");
        break;
      case DecodeStatus.Encrypted:
        this.#count("encrypted-frame");
        break;
      default:
        this.#count("unsupported-link-type");
        addFrame(this.#unsupportedLinkTypes, linkTypeName(packet.linkType), packet);
    }
    this.#classes.undecoded.addPacket(packet);
  }

  #frameClassification(): Classification {
    return this.#headers.status === DecodeStatus.NonIp ? NON_IP : UNDECODED;
  }

  #count(code: string, by = 1): void {
    this.#anomalies.set(code, (this.#anomalies.get(code) ?? 0) + by);
  }
}

const NON_IP: Classification = { flowClass: "non-ip", evidence: [] };
const UNDECODED: Classification = { flowClass: "undecoded", evidence: [] };

/** The internet side of a flow; the responder where both sides are on the internet, or none is. */
function remoteOf(flow: Flow): Remote {
  const inbound = flow.responderRange !== undefined && flow.originatorRange === undefined;
  return inbound ? { side: "originator", endpoint: flow.originator } : { side: "responder", endpoint: flow.responder };
}

function addFrame(totals: Map<string, FrameTotal>, name: string, packet: CapturedPacket): void {
  let total = totals.get(name);
  if (total === undefined) {
    total = { packets: 0, bytes: 0 };
    totals.set(name, total);
  }
  total.packets++;
  total.bytes += packet.originalLength;
}
