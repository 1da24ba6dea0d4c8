import { grown } from "../base/index.js";
import { type PacketHeaders, TcpFlag } from "../decode/index.js";
import { FrameFollower, type FrameVisitor } from "./frame-follower.js";
import type { FrameKind } from "./frame-kind.js";
import { type HeldSegment, HeldSegments } from "./held-segments.js";
import { StreamHead } from "./stream-head.js";

/** Who sends: 0 the originator, 1 the responder. */
export type StreamSide = 0 | 1;

export interface StreamObserver {
  /**
   * Shows the first bytes of a direction: when there are as many as were wanted, or when no more will come.
   *
   * @returns The length at which it wants to look again, more than `head.length`; Infinity when never.
   */
  head(row: number, side: StreamSide, head: StreamHead): number;
  /** See TcpStreams.followFrames. */
  readonly frame: FrameVisitor;
}

/** What streams may take of memory. */
export interface StreamLimits {
  /** First bytes kept of each direction; default 16 KiB: a chain of certificates, or a ClientHello with large keys. */
  readonly headBytes?: number;
  /** Directions whose first bytes are kept at the same time; default 4,096: together at most 64 MiB. */
  readonly heads?: number;
  /** Bytes of segments that came before their turn, of all directions; default 16 MiB. */
  readonly heldBytes?: number;
}

const DEFAULT_HEAD_BYTES = 16 * 1024;
const DEFAULT_HEADS = 4_096;
const DEFAULT_HELD_BYTES = 16 * 1024 * 1024;
const SPARE_HEADS = 256;
/** A sequence number this far ahead was not lost on the way: it is another connection's, or a lie. */
const MAX_GAP = 1 << 22;
const FIRST_SLOTS = 256;

const Watch = { Head: 1, Frames: 2, SequenceKnown: 4, FromStart: 8 } as const;

/**
 * Puts the payloads of TCP connections back into order: the first bytes of each direction for those who recognise
 * protocols, and the boundaries of frames for as long as the connection lasts. Rows are those of the flow table.
 *
 * Segments may come out of order, twice, overlapping (the first copy counts), or never; flows may begin in the middle.
 * Memory is bounded by the limits, and nothing is allocated for a packet in its turn.
 */
export class TcpStreams {
  readonly #observer: StreamObserver;
  readonly #headBytes: number;
  readonly #maxHeads: number;
  readonly #held: HeldSegments;
  readonly #frames: FrameFollower;
  /** By slot: row * 2 + side. */
  #watch = new Uint8Array(FIRST_SLOTS);
  /** The sequence number that comes next. */
  #next = new Int32Array(FIRST_SLOTS);
  readonly #heads: (StreamHead | undefined)[] = [];
  readonly #spare: StreamHead[] = [];
  #headsInUse = 0;
  /** Directions of which nothing could be kept, as there were too many at once. */
  crowdedOut = 0;

  constructor(observer: StreamObserver, limits: StreamLimits = {}) {
    this.#observer = observer;
    this.#headBytes = limits.headBytes ?? DEFAULT_HEAD_BYTES;
    this.#maxHeads = limits.heads ?? DEFAULT_HEADS;
    this.#held = new HeldSegments(limits.heldBytes ?? DEFAULT_HELD_BYTES);
    this.#frames = new FrameFollower(observer.frame);
    // Once before any packet, see FlowTable.
    this.#grow(FIRST_SLOTS);
  }

  /** A flow begins in this row; whatever was there has ended. */
  begin(row: number): void {
    const slot = row * 2;
    this.end(row);
    if (slot + 1 >= this.#watch.length) this.#grow(slot + 1);
    this.#watch[slot] = Watch.Head;
    this.#watch[slot + 1] = Watch.Head;
  }

  /** The flow in this row ends: what is left of its beginnings is shown as it is. */
  end(row: number): void {
    for (let slot = row * 2; slot <= row * 2 + 1; slot++) {
      if (slot >= this.#watch.length || this.#watch[slot] === 0) continue;
      this.#held.drop(slot);
      const head = this.#heads[slot];
      if (head !== undefined) {
        head.ended = true;
        this.#show(slot, head);
      }
      this.#frames.stop(slot);
      this.#watch[slot] = 0;
    }
  }

  /** The first bytes of a direction, if they are still kept. */
  headOf(row: number, side: StreamSide): StreamHead | undefined {
    return this.#heads[row * 2 + side];
  }

  /** Nobody wants more of a direction's first bytes. Not to be called for the one that is being shown. */
  dropHead(row: number, side: StreamSide): void {
    const slot = row * 2 + side;
    const head = this.#heads[slot];
    if (head !== undefined) this.#free(slot, head);
    else this.#watch[slot]! &= ~Watch.Head;
  }

  /**
   * Follows the frames of both directions from now on; those within the first bytes, if these are still kept, are told at
   * once.
   */
  followFrames(row: number, kind: FrameKind): void {
    const fresh = Watch.Head | Watch.FromStart;
    for (let slot = row * 2; slot <= row * 2 + 1; slot++) {
      const head = this.#heads[slot];
      const isSilent = head === undefined && (this.#watch[slot]! & fresh) === fresh;
      // Without its SYN, the follower looks whether the first byte that comes is a frame's.
      this.#frames.start(slot, kind, isSilent || head?.fromStart === true);
      this.#watch[slot]! |= Watch.Frames;
    }
    for (let slot = row * 2; slot <= row * 2 + 1; slot++) {
      const head = this.#heads[slot];
      if (head !== undefined) this.#frames.follow(slot, head.view, 0, head.length);
    }
  }

  /** Follows them no more. */
  stopFrames(row: number): void {
    for (let slot = row * 2; slot <= row * 2 + 1; slot++) {
      this.#watch[slot]! &= ~Watch.Frames;
      this.#frames.stop(slot);
    }
  }

  /** Whether anything more of this flow is wanted. */
  isWatching(row: number): boolean {
    return ((this.#watch[row * 2]! | this.#watch[row * 2 + 1]!) & (Watch.Head | Watch.Frames)) !== 0;
  }

  /** Lets go of what still waits for its turn: to be called when nothing more of this flow is wanted, and it lives on. */
  leave(row: number): void {
    this.#held.drop(row * 2);
    this.#held.drop(row * 2 + 1);
  }

  /** Takes in a TCP packet whose transport header was decoded. `view` and `bytes` are the packet's. */
  observe(row: number, side: StreamSide, view: DataView, bytes: Uint8Array, headers: PacketHeaders): void {
    const slot = row * 2 + side;
    const watch = this.#watch[slot]!;
    if ((watch & (Watch.Head | Watch.Frames)) === 0) return;
    const isSyn = (headers.tcpFlags & TcpFlag.SYN) !== 0;
    const length = headers.payloadLength;
    if (length === 0 && !isSyn) return;
    const sequence = isSyn ? (headers.tcpSeq + 1) | 0 : headers.tcpSeq;
    if ((watch & Watch.SequenceKnown) === 0) {
      this.#next[slot] = sequence;
      this.#watch[slot] = watch | Watch.SequenceKnown | (isSyn ? Watch.FromStart : 0);
    }
    if (length === 0) return;
    // Not at the SYN: most connections that scanners ask for carry nothing.
    if ((watch & Watch.Head) !== 0 && this.#heads[slot] === undefined) this.#beginHead(slot);
    const { payloadStart, payloadEnd } = headers;
    const ahead = (sequence - this.#next[slot]!) | 0;
    if (ahead > 0) this.#acceptAhead(slot, ahead, sequence, view, bytes, headers);
    else this.#acceptFrom(slot, -ahead, view, bytes, payloadStart, payloadEnd, length);
    if (this.#held.has(slot)) this.#acceptHeld(slot);
  }

  #beginHead(slot: number): void {
    if (this.#headsInUse >= this.#maxHeads) {
      this.crowdedOut++;
      this.#watch[slot]! &= ~Watch.Head;
      return;
    }
    const head = this.#spare.pop() ?? new StreamHead();
    head.reset((this.#watch[slot]! & Watch.FromStart) !== 0);
    this.#heads[slot] = head;
    this.#headsInUse++;
  }

  /** @param seen - Bytes at its beginning that were there before. */
  #acceptFrom(
    slot: number,
    seen: number,
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    length: number,
  ): void {
    if (seen < length) this.#accept(slot, view, bytes, Math.min(start + seen, end), end, length - seen);
  }

  /** @param length - On the wire; more than `end - start` where the snaplen cut it. */
  #accept(slot: number, view: DataView, bytes: Uint8Array, start: number, end: number, length: number): void {
    this.#next[slot] = (this.#next[slot]! + length) | 0;
    const missing = length - (end - start);
    const following = (this.#watch[slot]! & Watch.Frames) !== 0;
    if (following) {
      this.#frames.follow(slot, view, start, end);
      this.#frames.skip(slot, missing);
    }
    const head = this.#heads[slot];
    if (head === undefined) return;
    const before = head.length;
    head.append(bytes, start, end, this.#headBytes);
    if (missing > 0) head.ended = true;
    const behindHead = start + (head.length - before);
    this.#show(slot, head);
    if (!following && (this.#watch[slot]! & Watch.Frames) !== 0) {
      // The observer asked for frames just now, and was told of those within the head.
      this.#frames.follow(slot, view, behindHead, end);
      this.#frames.skip(slot, missing);
    }
  }

  #show(slot: number, head: StreamHead): void {
    if (head.length < head.wanted && !head.ended) return;
    const row = slot >> 1;
    const wanted = head.length === 0 ? Infinity : this.#observer.head(row, (slot & 1) as StreamSide, head);
    if (wanted === Infinity || head.ended) this.#free(slot, head);
    else head.wanted = Math.max(wanted, head.length + 1);
  }

  #free(slot: number, head: StreamHead): void {
    this.#heads[slot] = undefined;
    this.#watch[slot]! &= ~Watch.Head;
    this.#headsInUse--;
    if (this.#spare.length < SPARE_HEADS) this.#spare.push(head);
  }

  /** A segment that is not the next one: it waits, unless its place in the frames is known without those before it. */
  #acceptAhead(
    slot: number,
    ahead: number,
    sequence: number,
    view: DataView,
    bytes: Uint8Array,
    { payloadStart, payloadEnd, payloadLength }: PacketHeaders,
  ): void {
    if (this.#heads[slot] === undefined && this.#frames.canSkip(slot, ahead)) {
      this.#frames.skip(slot, ahead);
      this.#next[slot] = sequence;
      this.#accept(slot, view, bytes, payloadStart, payloadEnd, payloadLength);
      return;
    }
    if (ahead <= MAX_GAP && this.#held.add(slot, sequence, bytes, payloadStart, payloadEnd, payloadLength)) return;
    // What is missing will not come: on with what is there.
    for (let held = this.#held.takeFirst(slot); held !== undefined; held = this.#held.takeFirst(slot)) {
      this.#jump(slot, held.sequence);
      this.#acceptSegment(slot, held);
    }
    this.#jump(slot, sequence);
    const seen = (this.#next[slot]! - sequence) | 0;
    this.#acceptFrom(slot, seen, view, bytes, payloadStart, payloadEnd, payloadLength);
  }

  /** Gives up the bytes before a sequence number, unless they were all there. */
  #jump(slot: number, sequence: number): void {
    if (((sequence - this.#next[slot]!) | 0) <= 0) return;
    this.#next[slot] = sequence;
    this.#frames.lose(slot);
    const head = this.#heads[slot];
    if (head === undefined) return;
    head.ended = true;
    this.#show(slot, head);
    // Asked for in that call: the frames go on behind the hole.
    this.#frames.lose(slot);
  }

  #acceptHeld(slot: number): void {
    for (;;) {
      const held = this.#held.takeUpTo(slot, this.#next[slot]!);
      if (held === undefined) return;
      this.#acceptSegment(slot, held);
    }
  }

  #acceptSegment(slot: number, { sequence, bytes, length }: HeldSegment): void {
    const seen = (this.#next[slot]! - sequence) | 0;
    this.#acceptFrom(slot, seen, new DataView(bytes.buffer), bytes, 0, bytes.length, length);
  }

  #grow(slot: number): void {
    let size = this.#watch.length;
    while (size <= slot) size *= 2;
    this.#watch = grown(this.#watch, new Uint8Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
  }
}
