import { type CapturedPacket, grown } from "../base/index.js";
import type { PacketHeaders } from "../decode/index.js";
import { IpProtocol } from "../net/index.js";
import {
  type StreamHead,
  type StreamLimits,
  type StreamObserver,
  type StreamSide,
  TcpStreams,
} from "../streams/index.js";
import { FactKeeper, FlowFacts } from "./flow-facts.js";
import { PassiveNames } from "./passive-names.js";
import {
  type DatagramProtocol,
  type DatagramReader,
  type FlowContext,
  FlowPorts,
  Match,
  type StreamProtocol,
  type StreamReader,
} from "./protocol-reader.js";

export interface ApplicationLimits extends StreamLimits {
  /** Facts kept of live flows, see FactKeeper. */
  readonly facts?: number;
}

/** What is recognised, tried in this order. */
export interface ProtocolSet {
  readonly streams: readonly StreamProtocol[];
  readonly datagrams: readonly DatagramProtocol[];
}

/** Datagrams of a flow that are looked at before leek gives up on recognising it. */
const MAX_DATAGRAMS = 4;
/** Beginnings longer than this are of no protocol that leek knows. */
const MAX_MATCH_BYTES = 128;
const FIRST_ROWS = 256;

/** What the row of a flow needs per packet. */
const Interest = { None: 0, Stream: 1, Datagram: 2 } as const;

/**
 * Recognises what flows speak, by what they say, and reads from it what anyone on the path can read. One for each
 * capture; rows are those of the flow table.
 */
export class ApplicationTracker implements StreamObserver {
  readonly names = new PassiveNames();
  readonly #protocols: ProtocolSet;
  readonly #streams: TcpStreams;
  readonly #keeper: FactKeeper;
  // By row. Arrays rather than an object for each flow: a packet then has fewer places in memory to look at.
  readonly #facts: (FlowFacts | undefined)[] = [];
  readonly #streamReaders: (StreamReader | undefined)[] = [];
  readonly #datagramReaders: (DatagramReader | undefined)[] = [];
  #interest = new Uint8Array(FIRST_ROWS);
  /** Datagrams that told nothing. */
  #unknown = new Uint8Array(FIRST_ROWS);
  /** Originator's port << 16 | responder's port. */
  #ports = new Int32Array(FIRST_ROWS);
  #listed = new Uint8Array(FIRST_ROWS);

  constructor(protocols: ProtocolSet, limits: ApplicationLimits = {}) {
    this.#protocols = protocols;
    this.#streams = new TcpStreams(this, limits);
    this.#keeper = new FactKeeper(limits.facts);
    // Once before any packet, see FlowTable.
    this.#grow(FIRST_ROWS);
  }

  /** Directions whose beginnings could not be kept, as there were too many at once. */
  get crowdedOut(): number {
    return this.#streams.crowdedOut;
  }

  /**
   * A flow begins in this row. Ports are 0 where the protocol has none.
   *
   * @param isListed - Lists tell that it is a link of Tor's.
   */
  begin(row: number, protocol: number, originatorPort: number, responderPort: number, isListed = false): void {
    if (row >= this.#interest.length) this.#grow(row);
    this.#forget(row);
    this.#unknown[row] = 0;
    this.#ports[row] = (originatorPort << 16) | responderPort;
    this.#listed[row] = isListed ? 1 : 0;
    if (protocol === IpProtocol.TCP) {
      this.#interest[row] = Interest.Stream;
      this.#streams.begin(row);
    } else this.#interest[row] = Interest.Datagram;
  }

  /**
   * Takes in a packet of a flow whose transport header was decoded.
   *
   * @returns Whether there is something new in the facts of this flow.
   */
  observe(row: number, side: StreamSide, packet: CapturedPacket, headers: PacketHeaders): boolean {
    const interest = this.#interest[row];
    if (interest === Interest.None) return false;
    const keeper = this.#keeper;
    keeper.changed = false;
    keeper.packet = packet.number;
    keeper.seconds = packet.seconds;
    keeper.nanoseconds = packet.nanoseconds;
    if (interest === Interest.Stream) {
      this.#streams.observe(row, side, packet.view, packet.bytes, headers);
      if (!this.#streams.isWatching(row)) this.#leave(row);
    } else if (headers.payloadEnd > headers.payloadStart) this.#datagram(row, side, packet.view, headers);
    return keeper.changed;
  }

  /** Whether a packet of this flow may tell something new: cheap, for every packet. */
  wants(row: number): boolean {
    return this.#interest[row] !== Interest.None;
  }

  /** What a live flow said so far; undefined when nothing was understood. */
  factsOf(row: number): FlowFacts | undefined {
    return this.#facts[row];
  }

  /**
   * The flow in this row ends.
   *
   * @returns What it said. To be released when it is used no more.
   */
  end(row: number): FlowFacts | undefined {
    if (this.#interest[row] === Interest.Stream) this.#streams.end(row);
    this.#interest[row] = Interest.None;
    const facts = this.#facts[row];
    this.#forget(row);
    return facts;
  }

  head(row: number, side: StreamSide, head: StreamHead): number {
    const before = this.#streamReaders[row];
    const wanted = before === undefined ? this.#match(row, side, head) : before.read(side, head);
    const reader = this.#streamReaders[row];
    if (wanted === Infinity && reader?.isRead === true) {
      this.#streams.dropHead(row, otherOf(side));
      if (reader.isSettled === true) this.#streams.stopFrames(row);
    }
    return wanted;
  }

  /** As `head`, of a flow whose protocol is not known yet. */
  #match(row: number, side: StreamSide, head: StreamHead): number {
    const ports = this.#portsOf(row);
    let needsMore = false;
    for (const protocol of this.#protocols.streams) {
      const match = protocol.match(head, side, ports);
      if (match === Match.Yes) return this.#open(row, protocol, side, head);
      if (match === Match.NeedMore) needsMore = true;
    }
    if (needsMore && !head.ended && head.length < MAX_MATCH_BYTES) return head.length + 1;
    if (side === 0 && head.fromStart && this.#listed[row] === 1 && !beginsTls(head)) {
      this.#contextOf(row).facts.beginsUnlikeTls = true;
    }
    return Infinity;
  }

  readonly frame = (row: number, side: StreamSide, view: DataView, at: number, bodyBytes: number): void => {
    const reader = this.#streamReaders[row];
    if (reader?.frame === undefined) return;
    if (!reader.frame(side, view, at, bodyBytes)) this.#streams.stopFrames(row);
  };

  #open(row: number, protocol: StreamProtocol, side: StreamSide, head: StreamHead): number {
    const reader = protocol.open(this.#contextOf(row));
    this.#streamReaders[row] = reader;
    if (reader.frames !== undefined) this.#streams.followFrames(row, reader.frames);
    const otherSide = otherOf(side);
    const other = this.#streams.headOf(row, otherSide);
    // What the other side said before was not understood alone.
    if (other !== undefined && other.length > 0)
      other.wanted = Math.max(reader.read(otherSide, other), other.length + 1);
    return reader.read(side, head);
  }

  #datagram(row: number, side: StreamSide, view: DataView, headers: PacketHeaders): void {
    let reader = this.#datagramReaders[row];
    if (reader === undefined) {
      const protocol = this.#protocols.datagrams.find((it) => it.match(view, headers));
      if (protocol === undefined) {
        this.#unknown[row]! += 1;
        if (this.#unknown[row]! >= MAX_DATAGRAMS) this.#interest[row] = Interest.None;
        return;
      }
      reader = protocol.open(this.#contextOf(row));
      this.#datagramReaders[row] = reader;
    }
    if (!reader.read(view, headers, side)) this.#interest[row] = Interest.None;
  }

  /** Nothing more of this flow is wanted: what it said is kept, and not who read it. */
  #leave(row: number): void {
    this.#interest[row] = Interest.None;
    this.#streams.leave(row);
    this.#streamReaders[row] = undefined;
    const facts = this.#facts[row];
    if (facts?.torShape?.isSuspected === false) facts.torShape = undefined;
  }

  #forget(row: number): void {
    this.#facts[row] = undefined;
    this.#streamReaders[row] = undefined;
    this.#datagramReaders[row] = undefined;
  }

  #contextOf(row: number): FlowContext {
    const facts = new FlowFacts(this.#keeper);
    this.#facts[row] = facts;
    return {
      facts,
      ports: this.#portsOf(row),
      isListed: this.#listed[row] === 1,
      names: this.names,
      now: this.#keeper,
    };
  }

  #portsOf(row: number): FlowPorts {
    const both = this.#ports[row]!;
    return new FlowPorts(both >>> 16, both & 0xffff);
  }

  #grow(row: number): void {
    const size = Math.max(row + 1, this.#interest.length * 2);
    this.#interest = grown(this.#interest, new Uint8Array(size));
    this.#unknown = grown(this.#unknown, new Uint8Array(size));
    this.#ports = grown(this.#ports, new Int32Array(size));
    this.#listed = grown(this.#listed, new Uint8Array(size));
  }
}

function otherOf(side: StreamSide): StreamSide {
  return side === 0 ? 1 : 0;
}

/** As far as there are bytes: type 22, version 3. */
function beginsTls({ bytes, length }: StreamHead): boolean {
  return bytes[0] === 22 && (length < 2 || bytes[1] === 3);
}
