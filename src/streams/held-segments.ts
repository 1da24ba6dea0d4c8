/** A segment that came before its turn. */
export interface HeldSegment {
  readonly sequence: number;
  /** What was captured of its payload. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the payload on the wire. */
  readonly length: number;
}

/** Of one direction. */
const MAX_SEGMENTS = 256;
/** A link of 4 Mbit/s with retransmissions needs more than 64 KiB, or half of its records go unseen. */
const MAX_SEGMENT_BYTES = 256 * 1024;
/** What a segment takes beside its bytes. */
const OVERHEAD = 128;

/** Segments that wait for those before them, by slot. */
export class HeldSegments {
  readonly #bySlot = new Map<number, HeldSegment[]>();
  #left: number;

  /** @param capacity - Bytes, of all slots. */
  constructor(capacity: number) {
    this.#left = capacity;
  }

  has(slot: number): boolean {
    return this.#bySlot.size > 0 && this.#bySlot.has(slot);
  }

  /** @returns false when there is no room, in this slot or in all. */
  add(slot: number, sequence: number, source: Uint8Array, start: number, end: number, length: number): boolean {
    const size = end - start + OVERHEAD;
    if (size > this.#left) return false;
    const held = this.#bySlot.get(slot);
    if (held === undefined) {
      this.#bySlot.set(slot, [{ sequence, bytes: source.slice(start, end) as Uint8Array<ArrayBuffer>, length }]);
    } else {
      let bytes = 0;
      for (const segment of held) bytes += segment.bytes.length;
      if (held.length >= MAX_SEGMENTS || bytes + end - start > MAX_SEGMENT_BYTES) return false;
      // In order: mostly behind all others.
      let at = held.length;
      while (at > 0 && ((held[at - 1]!.sequence - sequence) | 0) > 0) at--;
      held.splice(at, 0, { sequence, bytes: source.slice(start, end) as Uint8Array<ArrayBuffer>, length });
    }
    this.#left -= size;
    return true;
  }

  /** Takes the first one out, if it begins at `sequence` or before. */
  takeUpTo(slot: number, sequence: number): HeldSegment | undefined {
    const first = this.#bySlot.get(slot)?.[0];
    return first === undefined || ((first.sequence - sequence) | 0) > 0 ? undefined : this.takeFirst(slot);
  }

  takeFirst(slot: number): HeldSegment | undefined {
    const held = this.#bySlot.get(slot);
    if (held === undefined) return undefined;
    const first = held.shift()!;
    if (held.length === 0) this.#bySlot.delete(slot);
    this.#left += first.bytes.length + OVERHEAD;
    return first;
  }

  drop(slot: number): void {
    if (this.#bySlot.size === 0) return;
    for (const { bytes } of this.#bySlot.get(slot) ?? []) this.#left += bytes.length + OVERHEAD;
    this.#bySlot.delete(slot);
  }
}
