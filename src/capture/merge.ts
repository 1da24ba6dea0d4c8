import { CapturedPacket } from "../base/index.js";
import type { PacketSource, SourceInfo } from "./packet-source.js";

/**
 * One source of several, in the order of time; of packets with the same time, that of the earlier source comes first.
 *
 * Packets are counted anew. Each source's own order is kept, so a packet without a time goes with the one before it, and
 * packets that a source holds in disorder come when their turn in that source comes. `interfaceIndex` stays the index
 * into the interfaces of the source that the packet came from. A single source is returned as it is.
 */
export function mergeByTime(sources: readonly PacketSource[]): PacketSource {
  return sources.length === 1 ? sources[0]! : new MergedSource(sources);
}

class MergedSource implements PacketSource {
  readonly infos: readonly SourceInfo[];
  /** The first undelivered packet of each source. It stays valid until that source is filled again. */
  private readonly heads: readonly CapturedPacket[];
  /** Indices of the sources that have a head, as a binary heap: the earliest is heap[0]. */
  private readonly heap: Int32Array;
  private heapSize = 0;
  /** Indices of the sources that must be filled before anything can be said of their next packet. */
  private dry: number[];
  /** The source that delivered last; its head is replaced only at the next call, when the caller is done with it. */
  private delivered = -1;
  private packets = 0;

  constructor(private readonly sources: readonly PacketSource[]) {
    this.infos = sources.flatMap((source) => source.infos);
    this.heads = sources.map(() => new CapturedPacket());
    this.heap = new Int32Array(sources.length);
    this.dry = sources.map((_, index) => index);
  }

  next(packet: CapturedPacket): boolean {
    if (this.delivered >= 0) this.advance(this.delivered);
    if (this.dry.length > 0 || this.heapSize === 0) return false;
    const index = this.heap[0]!;
    this.delivered = index;
    this.packets += 1;
    copyPacket(this.heads[index]!, packet);
    packet.number = this.packets;
    return true;
  }

  async fill(): Promise<boolean> {
    if (this.delivered >= 0) this.advance(this.delivered);
    const dry = this.dry;
    this.dry = [];
    // All at once: one live source must not keep the others from being read ahead.
    await Promise.all(dry.map((index) => this.loadHead(index)));
    return this.heapSize > 0;
  }

  async close(): Promise<void> {
    this.heapSize = 0;
    this.dry = [];
    this.delivered = -1;
    await Promise.all(this.sources.map((source) => source.close()));
  }

  private async loadHead(index: number): Promise<void> {
    const source = this.sources[index]!;
    while (await source.fill()) {
      if (source.next(this.heads[index]!)) {
        this.heap[this.heapSize] = index;
        this.heapSize += 1;
        this.siftUp(this.heapSize - 1);
        return;
      }
    }
  }

  /** Replaces the head that was delivered, which is at the top of the heap. */
  private advance(index: number): void {
    this.delivered = -1;
    if (!this.sources[index]!.next(this.heads[index]!)) {
      this.dry.push(index);
      this.heapSize -= 1;
      this.heap[0] = this.heap[this.heapSize]!;
    }
    this.siftDown();
  }

  private siftUp(from: number): void {
    const heap = this.heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.isEarlier(heap[parent]!, heap[at]!)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private siftDown(): void {
    const heap = this.heap;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.heapSize) return;
      const right = left + 1;
      const child = right < this.heapSize && this.isEarlier(heap[right]!, heap[left]!) ? right : left;
      if (this.isEarlier(heap[at]!, heap[child]!)) return;
      this.swap(at, child);
      at = child;
    }
  }

  private swap(one: number, other: number): void {
    const index = this.heap[one]!;
    this.heap[one] = this.heap[other]!;
    this.heap[other] = index;
  }

  private isEarlier(one: number, other: number): boolean {
    const first = this.heads[one]!;
    const second = this.heads[other]!;
    if (first.seconds !== second.seconds) return first.seconds < second.seconds;
    if (first.nanoseconds !== second.nanoseconds) return first.nanoseconds < second.nanoseconds;
    return one < other;
  }
}

function copyPacket(from: CapturedPacket, to: CapturedPacket): void {
  to.lieIn(from.bytes, from.view);
  to.start = from.start;
  to.end = from.end;
  to.originalLength = from.originalLength;
  to.seconds = from.seconds;
  to.nanoseconds = from.nanoseconds;
  to.hasTime = from.hasTime;
  to.linkType = from.linkType;
  to.interfaceIndex = from.interfaceIndex;
}
