import { grown } from "../base/index.js";
import { Fragment, type PacketHeaders, TcpFlag } from "../decode/index.js";

const FIRST_ROWS = 256;
/** Farther ahead is another connection's, or a lie. */
const MAX_JUMP = 1 << 30;
/** Kept of one side: 40 bytes of memory. */
const HOLES = 4;
const ALL_HOLES = (1 << HOLES) - 1;

/** What is known of the bytes of one side. */
const State = {
  None: 0,
  /** None of its packets was seen; its peer acknowledges. */
  AcknowledgedOnly: 1,
  /** Seen from the midst: what was under way when the capture began is not missing. */
  Joined: 2,
  Followed: 3,
  /** Of a connection in IP fragments, of which only the first has a TCP header. */
  GivenUp: 4,
} as const;

/** Bytes that a receiver acknowledged and the capture does not have. */
export interface TcpLoss {
  /** Ranges of them. */
  readonly gaps: number;
  readonly bytes: number;
}

/**
 * Finds loss before the capture, which no counter tells of: TCP acknowledges only what came, so what is acknowledged and
 * not in the capture was lost on the way to it. What comes after its acknowledgement, as several queues can put packets
 * out of order, is not missing. By rows of the flow table; allocates nothing per packet.
 */
export class TcpLossWatch {
  // By slot: row * 2 + side.
  #states = new Uint8Array(FIRST_ROWS * 2);
  /** The sequence number behind all that was seen, or acknowledged. */
  #ends = new Int32Array(FIRST_ROWS * 2);
  /** Of a side that is joined: where its first segment began. */
  #firsts = new Int32Array(FIRST_ROWS * 2);
  /** Ranges below the end that were not seen: first byte, and the one behind the last. */
  #holes = new Int32Array(FIRST_ROWS * 2 * HOLES * 2);
  /** A bit for each hole in use. */
  #used = new Uint8Array(FIRST_ROWS * 2);
  /** A bit for each hole that was acknowledged, and is counted. */
  #missing = new Uint8Array(FIRST_ROWS * 2);
  gaps = 0;
  bytes = 0;

  /** A flow begins in this row. */
  begin(row: number): void {
    const slot = row * 2;
    if (slot + 1 >= this.#states.length) this.#grow(slot + 1);
    for (let i = slot; i <= slot + 1; i++) {
      this.#states[i] = State.None;
      this.#used[i] = 0;
      this.#missing[i] = 0;
    }
  }

  /** @param side - Who sent it: 0 the originator. Of a TCP packet whose header was decoded. */
  observe(row: number, side: 0 | 1, headers: PacketHeaders): void {
    const { tcpFlags, tcpSeq, tcpAck, payloadLength } = headers;
    // A reset may have any number: a stranger's, or one that answers a stranger.
    if ((tcpFlags & TcpFlag.RST) !== 0) return;
    const own = row * 2 + side;
    const other = row * 2 + (1 - side);
    if (headers.fragment !== Fragment.None) {
      this.#states[own] = State.GivenUp;
      return;
    }
    const isSyn = (tcpFlags & TcpFlag.SYN) !== 0;
    const counted = payloadLength + (isSyn ? 1 : 0) + ((tcpFlags & TcpFlag.FIN) !== 0 ? 1 : 0);
    this.#sent(own, tcpSeq, (tcpSeq + counted) | 0, isSyn);
    if ((tcpFlags & TcpFlag.ACK) === 0) return;
    // Anybody can send a SYN-ACK to one who never asked; but who sent a SYN acknowledges another one.
    this.#acknowledged(other, tcpAck, this.#states[own] === State.Followed && !isSyn);
  }

  #sent(slot: number, start: number, end: number, isSyn: boolean): void {
    switch (this.#states[slot]) {
      case State.GivenUp:
        return;
      case State.None:
      case State.AcknowledgedOnly:
        // Its packets come after all: nothing tells that those before were not from before the capture.
        this.#forgetHoles(slot);
        this.#states[slot] = isSyn ? State.Followed : State.Joined;
        this.#ends[slot] = end;
        this.#firsts[slot] = start;
        return;
    }
    if (this.#used[slot] !== 0) this.#fill(slot, start, end);
    const before = this.#ends[slot]!;
    const ahead = (end - before) | 0;
    if (ahead <= 0 || ahead > MAX_JUMP) return;
    // A SYN that is ahead begins another connection, of which the first SYN was not seen.
    const isHole = !isSyn && this.#states[slot] === State.Followed && ((start - before) | 0) > 0;
    if (isHole) this.#addHole(slot, before, start, false);
    this.#ends[slot] = end;
  }

  /** @param sawSyn - Whether the sender's SYN was seen: its first acknowledgement then tells of a SYN. */
  #acknowledged(slot: number, ack: number, sawSyn: boolean): void {
    switch (this.#states[slot]) {
      case State.GivenUp:
        return;
      case State.None:
        this.#states[slot] = State.AcknowledgedOnly;
        this.#ends[slot] = ack;
        if (sawSyn) this.#addHole(slot, (ack - 1) | 0, ack, true);
        return;
      case State.Joined:
        // From here on all that is acknowledged was sent while the capture ran. A keep-alive repeats a byte from before.
        if (((ack - this.#firsts[slot]!) | 0) <= 0) return;
        if (((ack - this.#ends[slot]!) | 0) > 0) this.#ends[slot] = ack;
        this.#states[slot] = State.Followed;
        return;
    }
    if ((this.#used[slot]! & ~this.#missing[slot]!) !== 0) this.#acknowledgeHoles(slot, ack);
    const end = this.#ends[slot]!;
    const ahead = (ack - end) | 0;
    if (ahead <= 0 || ahead > MAX_JUMP) return;
    this.#addHole(slot, end, ack, true);
    this.#ends[slot] = ack;
  }

  #addHole(slot: number, start: number, end: number, isMissing: boolean): void {
    if (isMissing) {
      this.gaps++;
      this.bytes += (end - start) | 0;
    }
    let free = firstBit(~this.#used[slot]! & ALL_HOLES);
    // One that is counted already need not be kept, but that it can come late.
    if (free < 0) free = firstBit(this.#missing[slot]!);
    if (free < 0) return;
    const at = (slot * HOLES + free) * 2;
    this.#holes[at] = start;
    this.#holes[at + 1] = end;
    this.#used[slot]! |= 1 << free;
    if (isMissing) this.#missing[slot]! |= 1 << free;
    else this.#missing[slot]! &= ~(1 << free);
  }

  #acknowledgeHoles(slot: number, ack: number): void {
    for (let hole = 0; hole < HOLES; hole++) {
      const bit = 1 << hole;
      if ((this.#used[slot]! & ~this.#missing[slot]! & bit) === 0) continue;
      const at = (slot * HOLES + hole) * 2;
      const start = this.#holes[at]!;
      const end = this.#holes[at + 1]!;
      if (((ack - start) | 0) <= 0) continue;
      if (((ack - end) | 0) >= 0) {
        this.#missing[slot]! |= bit;
        this.gaps++;
        this.bytes += (end - start) | 0;
      } else {
        this.#holes[at] = ack;
        this.#addHole(slot, start, ack, true);
      }
    }
  }

  /** Bytes came that were not seen before. */
  #fill(slot: number, from: number, to: number): void {
    for (let hole = 0; hole < HOLES; hole++) {
      const bit = 1 << hole;
      if ((this.#used[slot]! & bit) === 0) continue;
      const at = (slot * HOLES + hole) * 2;
      const start = this.#holes[at]!;
      const end = this.#holes[at + 1]!;
      const first = ((from - start) | 0) > 0 ? from : start;
      const last = ((end - to) | 0) > 0 ? to : end;
      const filled = (last - first) | 0;
      if (filled <= 0) continue;
      const isMissing = (this.#missing[slot]! & bit) !== 0;
      if (isMissing) {
        this.gaps--;
        this.bytes -= (end - start) | 0;
      }
      this.#used[slot]! &= ~bit;
      this.#missing[slot]! &= ~bit;
      if (first !== start) this.#addHole(slot, start, first, isMissing);
      if (last !== end) this.#addHole(slot, last, end, isMissing);
    }
  }

  #forgetHoles(slot: number): void {
    for (let hole = 0; hole < HOLES; hole++) {
      if ((this.#missing[slot]! & (1 << hole)) === 0) continue;
      const at = (slot * HOLES + hole) * 2;
      this.gaps--;
      this.bytes -= (this.#holes[at + 1]! - this.#holes[at]!) | 0;
    }
    this.#used[slot] = 0;
    this.#missing[slot] = 0;
  }

  #grow(slot: number): void {
    let size = this.#states.length;
    while (size <= slot) size *= 2;
    this.#states = grown(this.#states, new Uint8Array(size));
    this.#used = grown(this.#used, new Uint8Array(size));
    this.#missing = grown(this.#missing, new Uint8Array(size));
    this.#ends = grown(this.#ends, new Int32Array(size));
    this.#firsts = grown(this.#firsts, new Int32Array(size));
    this.#holes = grown(this.#holes, new Int32Array(size * HOLES * 2));
  }
}

/** The lowest bit that is set; -1 for none. */
function firstBit(bits: number): number {
  return bits === 0 ? -1 : 31 - Math.clz32(bits & -bits);
}
