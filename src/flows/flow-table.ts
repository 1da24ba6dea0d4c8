import { randomInt } from "node:crypto";
import type { CapturedPacket } from "../base/index.js";
import { DecodeStatus, Fragment, type PacketHeaders, TcpFlag } from "../decode/index.js";
import { formatAddress, IpProtocol, ipProtocolName, type LocalRange, localRange } from "../net/index.js";
import type { Flow, TcpState, Tunnel } from "./flow.js";
import { FragmentTable } from "./fragments.js";
import { Double, Flag, Int, ROW_DOUBLES, ROW_INTS, SIZE_BUCKETS, sizeBucket } from "./row-layout.js";

export interface FlowTableOptions {
  /** Live flows at most; beyond it the longest idle ones end early. 192 bytes each. */
  readonly maxFlows?: number;
  /** Called for each flow that ends: idle too long, replaced by a new connection, crowded out, or at `endAll`. */
  readonly onEnd?: (row: number) => void;
}

/** Tor links send padding every few seconds and Bitcoin peers a ping every two minutes: an hour of silence is an end. */
const TCP_IDLE_SECONDS = 3600;
/** After both FINs or a RST only stragglers come. */
const TCP_CLOSED_SECONDS = 120;
/** RFC 4787 REQ-5 recommends five minutes for UDP mappings. */
const OTHER_IDLE_SECONDS = 300;
const SHORTEST_LIMIT_SECONDS = TCP_CLOSED_SECONDS;
/** Sweeping only frees memory: a late packet finds its flow over whether or not that was swept. */
const SWEEP_INTERVAL_SECONDS = 30;
const DEFAULT_MAX_FLOWS = 262_144;
const FIRST_CAPACITY = 512;
/** Ports from here on are given to clients by Linux; other systems begin at 49152. */
const FIRST_EPHEMERAL_PORT = 32_768;
const FIRST_USER_PORT = 1024;

/**
 * Bidirectional flows by 5-tuple (and tunnel), in rows of typed arrays: `update` allocates nothing per packet, and
 * memory is bounded by `maxFlows`.
 *
 * Who opened a flow: the sender of the SYN. Without a SYN, the sender of the first packet seen, unless its port is
 * the lower one and only it looks like a service: below 1024 with the other's above, or below 32768 likewise.
 *
 * A SYN after both FINs, after a RST, or with another initial sequence number than the last one starts a new flow; so
 * does a packet after too long a silence.
 */
export class FlowTable {
  readonly #maxFlows: number;
  readonly #onEnd: (row: number) => void;
  readonly #fragments = new FragmentTable();
  readonly #tunnels = new Map<number, Tunnel>();
  // Random odd multipliers: whoever writes a capture cannot choose 5-tuples that all fall into one bucket.
  readonly #multiplierA = randomInt(2 ** 31) | 1;
  readonly #multiplierB = randomInt(2 ** 31) | 1;
  #capacity = FIRST_CAPACITY;
  #ints = new Int32Array(FIRST_CAPACITY * ROW_INTS);
  #doubles = new Float64Array(this.#ints.buffer);
  /** Open addressing with linear probing; row + 1, 0 for empty. Always at least twice the capacity. */
  #slots = new Int32Array(FIRST_CAPACITY * 2);
  #slotMask = FIRST_CAPACITY * 2 - 1;
  /** Rows ever used, live or free. */
  #rows = 0;
  #free: number[] = [];
  #live = 0;
  #nextSerial = 0;
  #nextSweep = Number.NEGATIVE_INFINITY;
  #packetsSinceSweep = 0;

  /** Whether the row that the last `update` returned began with that packet. */
  isNew = false;
  /** Whether the last packet went from side B to side A. */
  fromB = false;
  /** Later fragments whose first one was not seen; they count for a flow without ports. */
  unattributedFragments = 0;
  /** Flows that ended early because the table was full. */
  crowdedOut = 0;

  constructor(options: FlowTableOptions = {}) {
    this.#maxFlows = Math.max(options.maxFlows ?? DEFAULT_MAX_FLOWS, 16);
    this.#onEnd = options.onEnd ?? (() => {});
    // Grown once before any packet: the compiler takes a field that has never changed for a constant, and throws away the
    // code of the whole hot path when it does.
    this.#grow();
  }

  /** Flows alive now. */
  get size(): number {
    return this.#live;
  }

  /** Flows begun so far. */
  get begun(): number {
    return this.#nextSerial;
  }

  /**
   * Counts a packet for its flow.
   *
   * @param headers - Of a packet whose `status` is Ok. A later fragment gets its ports filled in here.
   * @returns The flow's row, valid until it ends.
   */
  update(headers: PacketHeaders, packet: CapturedPacket): number {
    this.#packetsSinceSweep++;
    if (packet.seconds >= this.#nextSweep) this.#sweepIdle(packet.seconds);
    if (headers.fragment !== Fragment.None) this.#resolveFragment(headers, packet.seconds);

    const hash = this.#hash(headers);
    let row = this.#find(headers, hash);
    if (row >= 0 && this.#isOver(row, headers, packet.seconds)) {
      this.#end(row);
      row = -1;
    }
    this.isNew = row < 0;
    if (row < 0) {
      row = this.#insert(headers, packet, hash);
      this.fromB = false;
    }
    this.#count(row, packet);
    if (headers.protocol === IpProtocol.TCP && headers.transportStatus === DecodeStatus.Ok)
      this.#trackTcp(row, headers);
    return row;
  }

  /** Ends every live flow, in the order in which they began. */
  endAll(): void {
    for (const row of this.liveRows()) this.#end(row);
  }

  /** Rows of live flows in the order in which the flows began. */
  liveRows(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#rows; row++) if (this.#isLive(row)) rows.push(row);
    return rows.sort((left, right) => this.serial(left) - this.serial(right));
  }

  /**
   * Notes that the last packet of this row carried payload.
   *
   * @returns true for the first payload of its direction.
   */
  firstPayload(row: number): boolean {
    const at = row * ROW_INTS + Int.flags;
    const flag = this.fromB ? Flag.payloadB : Flag.payloadA;
    const flags = this.#ints[at]!;
    if ((flags & flag) !== 0) return false;
    this.#ints[at] = flags | flag;
    return true;
  }

  /** Whether the originator sent the last packet of this row. */
  fromOriginator(row: number): boolean {
    return this.fromB === ((this.#ints[row * ROW_INTS + Int.flags]! & Flag.originatorIsB) !== 0);
  }

  /** Order in which this flow began, from 0. */
  serial(row: number): number {
    return this.#ints[row * ROW_INTS + Int.serial]!;
  }

  /** Whether a row holds the flow with this serial, still alive. */
  holds(row: number, serial: number): boolean {
    return this.#isLive(row) && this.serial(row) === serial;
  }

  /** Whether a heuristic, not a SYN, chose who opened this flow. */
  originatorGuessed(row: number): boolean {
    return (this.#ints[row * ROW_INTS + Int.flags]! & Flag.originatorGuessed) !== 0;
  }

  /** Adds this flow's packet-size counters to `totals` (SIZE_BUCKETS entries). */
  addSizes(row: number, totals: Float64Array): void {
    const at = row * ROW_INTS + Int.sizes;
    for (let i = 0; i < SIZE_BUCKETS; i++) totals[i]! += this.#ints[at + i]!;
  }

  /**
   * The sequence numbers from which tcpdump would count relative ones: those of the first segment with ACK, of the
   * sender of the last packet and of its peer.
   *
   * @returns undefined before such a segment.
   */
  sequenceBase(row: number): { readonly sender: number; readonly receiver: number } | undefined {
    const at = row * ROW_INTS;
    if ((this.#ints[at + Int.flags]! & Flag.sequenceKnown) === 0) return undefined;
    const a = this.#ints[at + Int.sequenceA]!;
    const b = this.#ints[at + Int.sequenceB]!;
    return this.fromB ? { sender: b, receiver: a } : { sender: a, receiver: b };
  }

  /** Makes the printable picture of a flow. */
  flow(row: number): Flow {
    const at = row * ROW_INTS;
    const doubleAt = row * ROW_DOUBLES;
    const ints = this.#ints;
    const doubles = this.#doubles;
    const flags = ints[at + Int.flags]!;
    const protocol = ints[at + Int.protocol]! & 0xff;
    const ipVersion = ((ints[at + Int.protocol]! >> 8) & 0xff) === 4 ? 4 : 6;
    const ports = ints[at + Int.ports]!;
    const hasPorts = protocol === IpProtocol.TCP || protocol === IpProtocol.UDP || ports !== 0;
    const portA = hasPorts ? ports >>> 16 : undefined;
    const portB = hasPorts ? ports & 0xffff : undefined;
    const swapped = (flags & Flag.originatorIsB) !== 0;
    const originatorAt = at + (swapped ? Int.addressB : Int.addressA);
    const responderAt = at + (swapped ? Int.addressA : Int.addressB);
    // Of each pair of counters A's stands first.
    const sent = doubleAt + (swapped ? 1 : 0);
    const received = doubleAt + (swapped ? 0 : 1);
    return {
      row,
      serial: ints[at + Int.serial]!,
      transport: ipProtocolName(protocol),
      ipVersion,
      originator: { address: this.#address(originatorAt, ipVersion), port: swapped ? portB : portA },
      responder: { address: this.#address(responderAt, ipVersion), port: swapped ? portA : portB },
      originatorRange: this.#range(originatorAt, ipVersion),
      responderRange: this.#range(responderAt, ipVersion),
      originatorGuessed: (flags & Flag.originatorGuessed) !== 0,
      tcpState: protocol === IpProtocol.TCP ? tcpState(flags) : undefined,
      packets: {
        originator: doubles[sent + Double.packetsA]!,
        responder: doubles[received + Double.packetsA]!,
      },
      bytes: { originator: doubles[sent + Double.bytesA]!, responder: doubles[received + Double.bytesA]! },
      first: { seconds: doubles[doubleAt + Double.firstSeconds]!, nanoseconds: ints[at + Int.firstNanos]! },
      last: { seconds: doubles[doubleAt + Double.lastSeconds]!, nanoseconds: ints[at + Int.lastNanos]! },
      tunnel: this.#tunnels.get(row),
    };
  }

  #address(at: number, version: 4 | 6): string {
    const ints = this.#ints;
    return formatAddress(version, ints[at]!, ints[at + 1]!, ints[at + 2]!, ints[at + 3]!);
  }

  #range(at: number, version: 4 | 6): LocalRange | undefined {
    const ints = this.#ints;
    return localRange(version, ints[at]!, ints[at + 1]!, ints[at + 2]!, ints[at + 3]!);
  }

  #resolveFragment(headers: PacketHeaders, seconds: number): void {
    if (headers.fragment === Fragment.First) this.#fragments.remember(headers, seconds);
    else if (!this.#fragments.attribute(headers, seconds)) this.unattributedFragments++;
  }

  /** The same for both directions. */
  #hash(h: PacketHeaders): number {
    const m = this.#multiplierA;
    const n = this.#multiplierB;
    let source = h.srcD ^ (h.srcPort << 15);
    let destination = h.dstD ^ (h.dstPort << 15);
    if (h.ipVersion === 6) {
      source ^= Math.imul(h.srcA ^ Math.imul(h.srcB ^ Math.imul(h.srcC, m), n), m);
      destination ^= Math.imul(h.dstA ^ Math.imul(h.dstB ^ Math.imul(h.dstC, m), n), m);
    }
    source = Math.imul(source ^ (source >>> 16), m);
    destination = Math.imul(destination ^ (destination >>> 16), m);
    source ^= source >>> 15;
    destination ^= destination >>> 15;
    const mixed = Math.imul((source + destination + h.protocol) | 0, n);
    return mixed ^ (mixed >>> 16);
  }

  /** @returns The flow's row, with `fromB` set, or -1. */
  #find(h: PacketHeaders, hash: number): number {
    const ints = this.#ints;
    const slots = this.#slots;
    const mask = this.#slotMask;
    const protocol = h.protocol | (h.ipVersion << 8) | (h.tunnel << 16);
    const forward = (h.srcPort << 16) | h.dstPort;
    const backward = (h.dstPort << 16) | h.srcPort;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot]! - 1;
      if (row < 0) return -1;
      const at = row * ROW_INTS;
      if (ints[at + Int.hash] !== hash || ints[at + Int.protocol] !== protocol) continue;
      const ports = ints[at + Int.ports];
      if (
        ports === forward &&
        ints[at + 3] === h.srcD &&
        ints[at + 7] === h.dstD &&
        ints[at] === h.srcA &&
        ints[at + 1] === h.srcB &&
        ints[at + 2] === h.srcC &&
        ints[at + 4] === h.dstA &&
        ints[at + 5] === h.dstB &&
        ints[at + 6] === h.dstC
      ) {
        this.fromB = false;
        return row;
      }
      if (
        ports === backward &&
        ints[at + 7] === h.srcD &&
        ints[at + 3] === h.dstD &&
        ints[at + 4] === h.srcA &&
        ints[at + 5] === h.srcB &&
        ints[at + 6] === h.srcC &&
        ints[at] === h.dstA &&
        ints[at + 1] === h.dstB &&
        ints[at + 2] === h.dstC
      ) {
        this.fromB = true;
        return row;
      }
    }
  }

  #insert(h: PacketHeaders, packet: CapturedPacket, hash: number): number {
    if (this.#live >= this.#maxFlows) this.#crowdOut();
    const row = this.#free.pop() ?? this.#newRow();
    const ints = this.#ints;
    const at = row * ROW_INTS;
    ints.fill(0, at, at + ROW_INTS);
    ints[at] = h.srcA;
    ints[at + 1] = h.srcB;
    ints[at + 2] = h.srcC;
    ints[at + 3] = h.srcD;
    ints[at + 4] = h.dstA;
    ints[at + 5] = h.dstB;
    ints[at + 6] = h.dstC;
    ints[at + 7] = h.dstD;
    ints[at + Int.ports] = (h.srcPort << 16) | h.dstPort;
    ints[at + Int.protocol] = h.protocol | (h.ipVersion << 8) | (h.tunnel << 16);
    ints[at + Int.hash] = hash;
    ints[at + Int.flags] = firstFlags(h);
    ints[at + Int.serial] = this.#nextSerial++;
    ints[at + Int.firstNanos] = packet.nanoseconds;
    ints[at + Int.lastNanos] = packet.nanoseconds;
    this.#doubles[row * ROW_DOUBLES + Double.firstSeconds] = packet.seconds;
    this.#doubles[row * ROW_DOUBLES + Double.lastSeconds] = packet.seconds;
    if (h.tunnel !== 0) this.#tunnels.set(row, tunnelOf(h));
    let slot = hash & this.#slotMask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#slotMask;
    this.#slots[slot] = row + 1;
    this.#live++;
    return row;
  }

  #newRow(): number {
    if (this.#rows === this.#capacity) this.#grow();
    return this.#rows++;
  }

  #grow(): void {
    this.#capacity = Math.min(this.#capacity * 2, this.#maxFlows + 1);
    const ints = new Int32Array(this.#capacity * ROW_INTS);
    ints.set(this.#ints.subarray(0, this.#rows * ROW_INTS));
    this.#ints = ints;
    this.#doubles = new Float64Array(ints.buffer);
    let slotCount = this.#slots.length;
    while (slotCount < this.#capacity * 2) slotCount *= 2;
    this.#slots = new Int32Array(slotCount);
    this.#slotMask = slotCount - 1;
    for (let row = 0; row < this.#rows; row++) {
      if (!this.#isLive(row)) continue;
      let slot = ints[row * ROW_INTS + Int.hash]! & this.#slotMask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#slotMask;
      this.#slots[slot] = row + 1;
    }
  }

  #count(row: number, packet: CapturedPacket): void {
    const ints = this.#ints;
    const doubles = this.#doubles;
    const at = row * ROW_INTS;
    const doubleAt = row * ROW_DOUBLES;
    const side = this.fromB ? 1 : 0;
    doubles[doubleAt + Double.packetsA + side]! += 1;
    doubles[doubleAt + Double.bytesA + side]! += packet.originalLength;
    ints[at + Int.sizes + sizeBucket(packet.originalLength)]! += 1;
    const seconds = packet.seconds;
    const last = doubles[doubleAt + Double.lastSeconds]!;
    if (seconds > last || (seconds === last && packet.nanoseconds > ints[at + Int.lastNanos]!)) {
      doubles[doubleAt + Double.lastSeconds] = seconds;
      ints[at + Int.lastNanos] = packet.nanoseconds;
      return;
    }
    // Merged captures and several capturing cores can put packets out of order.
    const first = doubles[doubleAt + Double.firstSeconds]!;
    if (seconds < first || (seconds === first && packet.nanoseconds < ints[at + Int.firstNanos]!)) {
      doubles[doubleAt + Double.firstSeconds] = seconds;
      ints[at + Int.firstNanos] = packet.nanoseconds;
    }
  }

  #trackTcp(row: number, h: PacketHeaders): void {
    const ints = this.#ints;
    const at = row * ROW_INTS;
    const before = ints[at + Int.flags]!;
    const tcp = h.tcpFlags;
    let flags = before;
    if ((tcp & TcpFlag.SYN) !== 0) {
      if ((tcp & TcpFlag.ACK) !== 0) flags |= Flag.synAckSeen;
      else {
        flags |= Flag.synSeen;
        ints[at + Int.synSequence] = h.tcpSeq;
      }
    }
    if ((tcp & TcpFlag.FIN) !== 0) flags |= this.fromB ? Flag.finB : Flag.finA;
    if ((tcp & TcpFlag.RST) !== 0) flags |= Flag.reset;
    // As tcpdump does: the first segment with ACK is the base, and a SYN-ACK starts over.
    if ((tcp & TcpFlag.ACK) !== 0 && ((flags & Flag.sequenceKnown) === 0 || (tcp & TcpFlag.SYN) !== 0)) {
      flags |= Flag.sequenceKnown;
      const own = h.tcpSeq;
      const peer = (h.tcpAck - 1) | 0;
      ints[at + Int.sequenceA] = this.fromB ? peer : own;
      ints[at + Int.sequenceB] = this.fromB ? own : peer;
    }
    if (flags !== before) ints[at + Int.flags] = flags;
  }

  /** Whether a packet comes too late for its flow, or opens a new connection with the same 5-tuple. */
  #isOver(row: number, h: PacketHeaders, seconds: number): boolean {
    const idle = seconds - this.#doubles[row * ROW_DOUBLES + Double.lastSeconds]!;
    if (idle > SHORTEST_LIMIT_SECONDS && idle > this.#idleLimit(row)) return true;
    return (h.tcpFlags & (TcpFlag.SYN | TcpFlag.ACK)) === TcpFlag.SYN && this.#isNewConnection(row, h);
  }

  #isNewConnection(row: number, h: PacketHeaders): boolean {
    const at = row * ROW_INTS;
    const flags = this.#ints[at + Int.flags]!;
    if (isClosed(flags)) return true;
    // A retransmitted SYN repeats its sequence number; a flow seen from the middle never had one to compare.
    return (flags & Flag.synSeen) === 0
      ? (flags & Flag.synAckSeen) === 0
      : this.#ints[at + Int.synSequence] !== h.tcpSeq;
  }

  #isLive(row: number): boolean {
    return this.#ints[row * ROW_INTS + Int.protocol] !== 0;
  }

  #sweepIdle(now: number): void {
    // Never more work than a quarter of a row per packet, whatever the time stamps say.
    if (this.#packetsSinceSweep < this.#rows >> 2) return;
    this.#packetsSinceSweep = 0;
    this.#nextSweep = now + SWEEP_INTERVAL_SECONDS;
    for (let row = 0; row < this.#rows; row++) {
      if (!this.#isLive(row)) continue;
      const idle = now - this.#doubles[row * ROW_DOUBLES + Double.lastSeconds]!;
      if (idle > SHORTEST_LIMIT_SECONDS && idle > this.#idleLimit(row)) this.#end(row);
    }
  }

  #idleLimit(row: number): number {
    const at = row * ROW_INTS;
    if ((this.#ints[at + Int.protocol]! & 0xff) !== IpProtocol.TCP) return OTHER_IDLE_SECONDS;
    return isClosed(this.#ints[at + Int.flags]!) ? TCP_CLOSED_SECONDS : TCP_IDLE_SECONDS;
  }

  /** Ends about an eighth of the flows, those idle for longest, so that the cost is spread over many insertions. */
  #crowdOut(): void {
    const last = (row: number) => this.#doubles[row * ROW_DOUBLES + Double.lastSeconds]!;
    const step = Math.max(1, this.#rows >> 10);
    const sample: number[] = [];
    for (let row = 0; row < this.#rows; row += step) if (this.#isLive(row)) sample.push(last(row));
    sample.sort((left, right) => left - right);
    const threshold = sample[sample.length >> 3] ?? Number.POSITIVE_INFINITY;
    let quota = Math.max(1, this.#live >> 3);
    for (let row = 0; row < this.#rows && quota > 0; row++) {
      if (!this.#isLive(row) || last(row) > threshold) continue;
      this.#end(row);
      this.crowdedOut++;
      quota--;
    }
  }

  #end(row: number): void {
    this.#onEnd(row);
    this.#removeFromSlots(row);
    this.#ints[row * ROW_INTS + Int.protocol] = 0;
    this.#tunnels.delete(row);
    this.#free.push(row);
    this.#live--;
  }

  /** Deletes by shifting later entries of the probe run back (Knuth 6.4, algorithm R), so no tombstones pile up. */
  #removeFromSlots(row: number): void {
    const slots = this.#slots;
    const mask = this.#slotMask;
    let hole = this.#ints[row * ROW_INTS + Int.hash]! & mask;
    while (slots[hole] !== row + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#ints[(slots[slot]! - 1) * ROW_INTS + Int.hash]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot]!;
      hole = slot;
    }
    slots[hole] = 0;
  }
}

function firstFlags(h: PacketHeaders): number {
  if (h.protocol === IpProtocol.TCP && (h.tcpFlags & TcpFlag.SYN) !== 0) {
    return (h.tcpFlags & TcpFlag.ACK) !== 0 ? Flag.originatorIsB : 0;
  }
  const looksLikeReply =
    (h.srcPort < FIRST_USER_PORT && h.dstPort >= FIRST_USER_PORT) ||
    (h.srcPort < FIRST_EPHEMERAL_PORT && h.dstPort >= FIRST_EPHEMERAL_PORT);
  const swapped = looksLikeReply && h.srcPort !== 0 ? Flag.originatorIsB : 0;
  return h.protocol === IpProtocol.TCP || swapped !== 0 ? swapped | Flag.originatorGuessed : 0;
}

function isClosed(flags: number): boolean {
  return (flags & Flag.reset) !== 0 || (flags & (Flag.finA | Flag.finB)) === (Flag.finA | Flag.finB);
}

function tcpState(flags: number): TcpState {
  if ((flags & Flag.reset) !== 0) return "reset";
  if (isClosed(flags)) return "closed";
  if ((flags & (Flag.finA | Flag.finB)) !== 0) return "closing";
  if ((flags & Flag.synAckSeen) !== 0) return "established";
  return (flags & Flag.synSeen) !== 0 ? "syn-sent" : "mid-stream";
}

function tunnelOf(h: PacketHeaders): Tunnel {
  const version = h.outerVersion === 4 ? 4 : 6;
  return {
    kind: h.tunnel === IpProtocol.IPV4 ? "ipip" : h.tunnel === IpProtocol.IPV6 ? "6in4" : "gre",
    source: formatAddress(version, h.outerSrcA, h.outerSrcB, h.outerSrcC, h.outerSrcD),
    destination: formatAddress(version, h.outerDstA, h.outerDstB, h.outerDstC, h.outerDstD),
  };
}
