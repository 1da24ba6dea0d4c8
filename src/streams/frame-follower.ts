import { grown } from "../base/index.js";
import { type FrameKind, MAX_FRAME_HEADER_BYTES } from "./frame-kind.js";

/** Told of each frame whose header was captured. `view` and `at` point to the header and are valid during the call. */
export type FrameVisitor = (row: number, direction: 0 | 1, view: DataView, at: number, bodyBytes: number) => void;

const FIRST_SLOTS = 256;
/** The place in the stream is not known: frames were lost. */
const LOST = -1;

/**
 * Follows the frames of many directions at once, each in a slot (row * 2 + direction) of typed arrays. Allocates
 * nothing per packet.
 */
export class FrameFollower {
  #kinds: (FrameKind | undefined)[] = [];
  /** Bytes of the current frame's body that are still to come; LOST. */
  #left = new Int32Array(FIRST_SLOTS);
  /** Bytes of a header that stood at the end of a segment. */
  #headerLength = new Uint8Array(FIRST_SLOTS);
  #headers = new Uint8Array(FIRST_SLOTS * MAX_FRAME_HEADER_BYTES);
  #headersView = new DataView(this.#headers.buffer);

  constructor(private readonly visit: FrameVisitor) {
    // Once before any packet, see FlowTable.
    this.#grow(FIRST_SLOTS);
  }

  /**
   * From now on the bytes of a slot are frames of this kind.
   *
   * @param known - Whether the next byte begins a frame; else one is looked for.
   */
  start(slot: number, kind: FrameKind, known: boolean): void {
    if (slot >= this.#left.length) this.#grow(slot);
    this.#kinds[slot] = kind;
    this.#left[slot] = known ? 0 : LOST;
    this.#headerLength[slot] = 0;
  }

  stop(slot: number): void {
    if (slot < this.#left.length) this.#kinds[slot] = undefined;
  }

  /** Whether missing bytes do no harm: all belong to the body of one frame, or the place is lost anyway. */
  canSkip(slot: number, count: number): boolean {
    const left = this.#left[slot]!;
    return left >= count || left === LOST;
  }

  /** Notes bytes that were on the wire, but not captured. */
  skip(slot: number, count: number): void {
    if (count <= 0) return;
    const left = this.#left[slot]!;
    if (left >= count) this.#left[slot] = left - count;
    else this.lose(slot);
  }

  lose(slot: number): void {
    this.#left[slot] = LOST;
    this.#headerLength[slot] = 0;
  }

  /** Reads the next bytes of a slot. Where the place is lost, a frame is looked for at `start` only. */
  follow(slot: number, view: DataView, start: number, end: number): void {
    const kind = this.#kinds[slot];
    if (kind === undefined) return;
    const headerBytes = kind.headerBytes;
    let left = this.#left[slot]!;
    if (left === LOST) {
      if (!beginsFrame(kind, view, start, end)) return;
      left = 0;
    }
    let at = start;
    if (this.#headerLength[slot]! > 0) {
      at = this.#completeHeader(slot, kind, view, start, end);
      if (at < 0) return;
      left = this.#left[slot]!;
    }
    for (;;) {
      if (left > 0) {
        const count = Math.min(left, end - at);
        left -= count;
        at += count;
        if (left > 0) break;
      }
      if (end - at < headerBytes) break;
      const body = kind.bodyBytes(view, at);
      if (body < 0) {
        this.lose(slot);
        return;
      }
      this.visit(slot >> 1, (slot & 1) as 0 | 1, view, at, body);
      at += headerBytes;
      left = body;
    }
    this.#left[slot] = left;
    if (at < end) this.#keep(slot, view, at, end);
  }

  /** @returns Where the body begins; -1 when the header is not whole yet, or none. */
  #completeHeader(slot: number, kind: FrameKind, view: DataView, start: number, end: number): number {
    const missing = kind.headerBytes - this.#headerLength[slot]!;
    const taken = Math.min(missing, end - start);
    this.#keep(slot, view, start, start + taken);
    if (taken < missing) return -1;
    this.#headerLength[slot] = 0;
    const at = slot * MAX_FRAME_HEADER_BYTES;
    const body = kind.bodyBytes(this.#headersView, at);
    if (body < 0) {
      this.lose(slot);
      return -1;
    }
    this.visit(slot >> 1, (slot & 1) as 0 | 1, this.#headersView, at, body);
    this.#left[slot] = body;
    return start + taken;
  }

  #keep(slot: number, view: DataView, start: number, end: number): void {
    let at = slot * MAX_FRAME_HEADER_BYTES + this.#headerLength[slot]!;
    for (let i = start; i < end; i++) this.#headers[at++] = view.getUint8(i);
    this.#headerLength[slot]! += end - start;
  }

  #grow(slot: number): void {
    let size = this.#left.length;
    while (size <= slot) size *= 2;
    this.#left = grown(this.#left, new Int32Array(size));
    this.#headerLength = grown(this.#headerLength, new Uint8Array(size));
    this.#headers = grown(this.#headers, new Uint8Array(size * MAX_FRAME_HEADER_BYTES));
    this.#headersView = new DataView(this.#headers.buffer);
  }
}

/** Whether a frame begins here, and the next one where it should, as far as these bytes reach. */
function beginsFrame(kind: FrameKind, view: DataView, start: number, end: number): boolean {
  if (end - start < kind.headerBytes) return false;
  const body = kind.bodyBytes(view, start);
  if (body < 0) return false;
  const next = start + kind.headerBytes + body;
  return end - next < kind.headerBytes || kind.bodyBytes(view, next) >= 0;
}
