import {
  type ApplicationLimits,
  ApplicationTracker,
  type CellShape,
  type FlowFacts,
  type PassiveNames,
  PROTOCOL_SET,
} from "../apps/index.js";
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
import { DecodeStatus, decodePacket, Fragment, PacketHeaders, TcpFlag } from "../decode/index.js";
import { type Flow, FlowTable, type Moment } from "../flows/index.js";
import type { ProcessMatch } from "../host/index.js";
import { etherTypeName, IpProtocol, parseAddress } from "../net/index.js";
import type { RelayDirectory, TimeSpan } from "../relays/index.js";
import { ClassTotals } from "./class-totals.js";
import type { FlowRecord, Remote } from "./flow-record.js";
import { ProxyCorrelation } from "./proxy-correlation.js";
import { type Specimen, SpecimenKeeper } from "./specimen.js";

export interface AnalysisOptions {
  readonly directory: RelayDirectory;
  /** Live flows at most, see FlowTableOptions. */
  readonly maxFlows?: number;
  /** Looks at headers only: no names, no protocols, no `tor-suspected`. */
  readonly headersOnly?: boolean;
  /** What may be kept of payloads. */
  readonly limits?: ApplicationLimits;
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
  /** Of flows that look like Tor by their packets: takes the place of the class by lists. */
  readonly #suspicions: (Classification | undefined)[] = [];
  readonly #processes: (ProcessMatch | undefined)[] = [];
  readonly #firstPackets: number[] = [];
  /** Undefined when only headers count. */
  readonly #apps: ApplicationTracker | undefined;
  readonly #proxies = new ProxyCorrelation();
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
    this.#apps = options.headersOnly === true ? undefined : new ApplicationTracker(PROTOCOL_SET, options.limits);
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
    const hasPayload = headers.payloadLength > 0;
    // Of a SYN the sequence number counts. Of most flows nothing more is wanted.
    const apps = this.#apps;
    if (apps !== undefined && (apps.wants(row) || this.#proxies.isWaiting)) {
      if (hasPayload || (headers.tcpFlags & TcpFlag.SYN) !== 0) this.#readPayload(apps, row, packet);
    }
    if (hasPayload) this.#offerSpecimen(row, packet);
    return row;
  }

  /** Of the last packet observed; overwritten by the next one. */
  get headers(): PacketHeaders {
    return this.#headers;
  }

  /** Whether the last packet of the flow in this row came from its originator. */
  isFromOriginator(row: number): boolean {
    return this.#table.fromOriginator(row);
  }

  /** Whether the last packet observed began the flow in the row that `observe` returned. */
  get beganFlow(): boolean {
    return this.#table.isNew;
  }

  /** The class of the flow in a row that `observe` returned; the class of frames without a flow for -1. */
  classificationOf(row: number): Classification {
    return row < 0 ? this.#frameClassification() : (this.#suspicions[row] ?? this.#classifications[row]!);
  }

  /** What flows are judged by now. */
  get directory(): RelayDirectory {
    return this.#directory;
  }

  /** Tells flows that use the same row one after the other apart. */
  serialOf(row: number): number {
    return this.#table.serial(row);
  }

  /** Changes when there is something new in what a live flow says: cheap, for whoever shows it. */
  factsVersionOf(row: number): number {
    return this.#apps?.factsOf(row)?.version ?? 0;
  }

  /** A flow as it stands; undefined when it has ended, and its row may be another's. */
  liveFlow(row: number, serial: number): Flow | undefined {
    return this.#table.holds(row, serial) ? this.#table.flow(row) : undefined;
  }

  /** What shows the last packet observed, of the flow in this row, in the midst of its connection; -1 for none. */
  specimenOf(row: number, packet: CapturedPacket): Omit<Specimen, "serial"> {
    if (row < 0) return { packet, sequenceBase: undefined, fromOriginator: true };
    return { packet, sequenceBase: this.#table.sequenceBase(row), fromOriginator: this.#table.fromOriginator(row) };
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
    return this.#record(row, this.#apps?.factsOf(row));
  }

  /** Ends all flows and adds everything up. The analysis must not be used any more. */
  finish(sources: readonly SourceInfo[]): AnalysisResult {
    this.#table.endAll();
    if (this.#table.unattributedFragments > 0) this.#count("fragment-without-first", this.#table.unattributedFragments);
    if (this.#table.crowdedOut > 0) this.#count("flow-table-full", this.#table.crowdedOut);
    const crowdedOut = this.#apps?.crowdedOut ?? 0;
    if (crowdedOut > 0) this.#count("stream-memory-full", crowdedOut);
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
    this.#suspicions[row] = undefined;
    this.#processes[row] = undefined;
    this.#firstPackets[row] = packet.number;
    const { protocol, srcPort, dstPort } = this.#headers;
    const isListed = this.#classifications[row]!.flowClass === "tor";
    if (this.#table.fromOriginator(row)) this.#apps?.begin(row, protocol, srcPort, dstPort, isListed);
    else this.#apps?.begin(row, protocol, dstPort, srcPort, isListed);
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
    this.#specimens.move(flow.serial, this.classificationOf(row).flowClass, after.flowClass);
    this.#classifications[row] = after;
    if (after.flowClass === "tor") this.#suspicions[row] = undefined;
  }

  #readPayload(apps: ApplicationTracker, row: number, packet: CapturedPacket): void {
    const headers = this.#headers;
    // A later fragment begins in the midst of what it carries, and a transport header that was cut tells no beginning.
    if (headers.fragment === Fragment.Later) return;
    if (headers.transportStatus !== DecodeStatus.Ok && headers.transportStatus !== DecodeStatus.NonIp) return;
    const fromOriginator = this.#table.fromOriginator(row);
    if (apps.observe(row, fromOriginator ? 0 : 1, packet, headers)) this.#learn(row, apps.factsOf(row)!);
    if (this.#proxies.isWaiting && fromOriginator && headers.payloadLength > 0) {
      const { flowClass } = this.classificationOf(row);
      if (flowClass === "tor" || flowClass === "tor-suspected") {
        this.#proxies.linkPacket(this.#table.flow(row), packet);
      }
    }
  }

  /** There is something new in the facts of a flow. */
  #learn(row: number, facts: FlowFacts): void {
    if (facts.proxyRequest !== undefined && facts.proxyRequest.packet === facts.packet) {
      this.#proxies.request(this.#table.serial(row), facts.proxyRequest);
    }
    this.#suspect(row, facts);
  }

  /** Gives a flow that no list has its class by its packets, or takes it back. */
  #suspect(row: number, { torShape }: FlowFacts): void {
    if (torShape === undefined && this.#suspicions[row] === undefined) return;
    const base = this.#classifications[row]!;
    const isSuspected = torShape?.isSuspected === true && base.flowClass === "clearnet";
    const before = this.classificationOf(row);
    this.#suspicions[row] = isSuspected ? suspicionOf(torShape, base) : undefined;
    const after = this.classificationOf(row);
    if (after.flowClass !== before.flowClass) {
      this.#specimens.move(this.#table.serial(row), before.flowClass, after.flowClass);
    }
  }

  #offerSpecimen(row: number, packet: CapturedPacket): void {
    if (!this.#table.firstPayload(row) && !this.#specimens.open) return;
    this.#specimens.offer(this.classificationOf(row).flowClass, packet, this.#headers, this.#table, row);
  }

  #endFlow(row: number): void {
    const facts = this.#apps?.end(row);
    // With the figures as they are at its end.
    if (facts !== undefined) this.#suspect(row, facts);
    const record = this.#record(row, facts);
    this.#classes[record.classification.flowClass].addFlow(record, this.#table);
    this.#specimens.endFlow(record);
    this.#options.onFlow?.(record);
    this.#proxies.forget(record.flow.serial);
    facts?.release();
  }

  #record(row: number, facts: FlowFacts | undefined): FlowRecord {
    const flow = this.#table.flow(row);
    const remote = remoteOf(flow);
    const names = namesOf(flow, remote, facts, this.#apps?.names);
    const carried = this.#proxies.of(flow.serial);
    return {
      flow,
      firstPacket: this.#firstPackets[row]!,
      classification: this.classificationOf(row),
      names,
      remote,
      facts,
      carried,
      process: this.#processes[row],
    };
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

/** By its packets first, then why the lists did not know it. */
function suspicionOf(shape: CellShape, base: Classification): Classification {
  return { flowClass: "tor-suspected", evidence: [{ kind: "cell-shape", ...shape.figures() }, ...base.evidence] };
}

const NO_NAMES: readonly string[] = [];

/** What the flow itself calls its remote side, then what DNS answers before it did. */
function namesOf(
  flow: Flow,
  remote: Remote,
  facts: FlowFacts | undefined,
  passive: PassiveNames | undefined,
): readonly string[] {
  if (passive === undefined) return NO_NAMES;
  const learned = passive.namesOf(remote.endpoint.address, flow.first.seconds, flow.first.nanoseconds);
  if (facts === undefined || facts.names.length === 0) return learned;
  const names = facts.names.map(({ name }) => name);
  for (const name of learned) if (!names.includes(name)) names.push(name);
  return names;
}

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
