import { type ByteSource, CorruptCompression } from "./byte-source.js";

/**
 * How much is read at a time. Measured with `analyze --json` on 3 million packets, 2.1 GB in the page cache, two cores,
 * whole process: 256 KiB read synchronously in between 1.17 s; read ahead in chunks of 2 MiB 1.13 s, 4 MiB 1.07 s, 8 MiB
 * 0.98 s, 16 MiB 1.07 s (cat: 0.25 s). Smaller chunks lose to the event loop's latency and to waking the other thread.
 */
export const DEFAULT_CHUNK_BYTES = 8 << 20;

/** Room in front of each chunk for the beginning of a record whose end is in the chunk; grows when records are larger. */
const INITIAL_HEADROOM_BYTES = 1 << 16;

/**
 * Bytes of a capture that are loaded. Owners read [position, end) of `bytes` and move `position`; `fill` replaces
 * everything.
 */
export interface LoadedBytes {
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`, with the same offsets. */
  readonly view: DataView;
  /** First byte not yet used. */
  position: number;
  readonly end: number;
  /** Offset in the (unpacked) capture of the byte at `position`. */
  readonly offset: number;
  /** Why unpacking stopped, when that is why the bytes ended. */
  readonly corruption: string | undefined;
  /** Waits until at least `need` bytes lie at `position`. Returns false when they ended before. */
  fill(need: number): Promise<boolean>;
}

/**
 * A moving window over a ByteSource: the bytes of each record lie together, and the next chunk is read while the
 * present one is parsed.
 *
 * Two buffers take turns. When the reader has come to a record that is not complete, its beginning is copied to just
 * in front of the next chunk. Owners read [position, end) of `bytes` and move `position`; `fill` replaces everything.
 */
export class ByteWindow implements LoadedBytes {
  bytes: Uint8Array;
  /** Over the same memory as `bytes`, with the same offsets. */
  view: DataView;
  /** First byte not yet used. */
  position: number;
  end: number;
  /** True once the source has no more; what is left in the window is then all. */
  ended = false;
  /** Why unpacking stopped, when that is why the source ended. */
  corruption: string | undefined;

  private headroom: number;
  private spare: Uint8Array;
  private ahead: Promise<number | ReadFailure> | undefined;
  /** Offset in the capture of bytes[0]; may be negative. */
  private base: number;

  /** @param chunkBytes - How much to read at a time; two such buffers are held. */
  constructor(
    private readonly source: ByteSource,
    private readonly chunkBytes: number,
  ) {
    this.headroom = Math.min(INITIAL_HEADROOM_BYTES, chunkBytes);
    this.bytes = new Uint8Array(this.headroom + chunkBytes);
    this.spare = new Uint8Array(this.headroom + chunkBytes);
    this.view = new DataView(this.bytes.buffer);
    this.position = this.headroom;
    this.end = this.headroom;
    this.base = -this.headroom;
  }

  /** Offset in the (unpacked) capture of the byte at `position`. */
  get offset(): number {
    return this.base + this.position;
  }

  /**
   * Waits until at least `need` bytes lie at `position`, and loads what else has come; nothing when they do already, so
   * that a live source is never waited for in vain.
   *
   * @param need - At most the size of one record or block, for the window grows to hold it.
   * @returns false when the source ended before; what there is stays in the window.
   * @throws {LeekError} when the source fails.
   */
  async fill(need: number): Promise<boolean> {
    if (!this.ended && this.end - this.position < need) {
      this.startReadAhead();
      this.take(settled(await this.ahead!));
      while (!this.ended && this.end - this.position < need) {
        this.reserve(need);
        this.append(settled(await this.read(this.bytes, this.end, this.bytes.length - this.end)));
      }
      // Only now, for a record larger than a chunk is read to its end by the loop above.
      if (!this.ended) this.startReadAhead();
    }
    return this.end - this.position >= need;
  }

  private startReadAhead(): void {
    if (this.ahead !== undefined) return;
    if (this.spare.length < this.headroom + this.chunkBytes) {
      this.spare = new Uint8Array(this.headroom + this.chunkBytes);
    }
    this.ahead = this.read(this.spare, this.headroom, this.chunkBytes);
  }

  /** Makes the buffer that was read ahead the present one, with the rest of the old one in front. */
  private take(count: number | string): void {
    this.ahead = undefined;
    const rest = this.end - this.position;
    if (rest > this.headroom) {
      const loadedAt = this.headroom;
      this.headroom = roundUp(rest);
      const grown = new Uint8Array(this.headroom + this.chunkBytes);
      grown.set(this.spare.subarray(loadedAt, loadedAt + (typeof count === "number" ? count : 0)), this.headroom);
      this.spare = grown;
    }
    const start = this.headroom - rest;
    this.spare.set(this.bytes.subarray(this.position, this.end), start);
    this.swapTo(this.spare, start, this.headroom);
    this.append(count);
  }

  private append(count: number | string): void {
    if (typeof count === "string") this.corruption = count;
    if (typeof count === "string" || count === 0) this.ended = true;
    else this.end += count;
  }

  /** Makes room for `need` bytes at `position`: a record that is larger than a chunk. */
  private reserve(need: number): void {
    if (this.bytes.length - this.position >= need) return;
    const rest = this.end - this.position;
    if (this.bytes.length >= need) {
      this.bytes.copyWithin(0, this.position, this.end);
      this.base += this.position;
      this.position = 0;
      this.end = rest;
      return;
    }
    this.headroom = Math.max(this.headroom, roundUp(need));
    const grown = new Uint8Array(this.headroom + this.chunkBytes);
    grown.set(this.bytes.subarray(this.position, this.end));
    this.swapTo(grown, 0, rest);
  }

  private swapTo(buffer: Uint8Array, position: number, end: number): void {
    const offset = this.offset;
    this.spare = this.bytes;
    this.bytes = buffer;
    this.view = new DataView(buffer.buffer);
    this.position = position;
    this.end = end;
    this.base = offset - position;
  }

  /** Never rejects: nobody may be waiting for a read-ahead when it fails. */
  private read(buffer: Uint8Array, offset: number, length: number): Promise<number | ReadFailure> {
    return this.source.read(buffer, offset, length).catch((error: unknown) => new ReadFailure(error));
  }
}

class ReadFailure {
  constructor(readonly error: unknown) {}
}

/** The count of bytes read, or, when unpacking failed, why. */
function settled(outcome: number | ReadFailure): number | string {
  if (!(outcome instanceof ReadFailure)) return outcome;
  if (outcome.error instanceof CorruptCompression) return outcome.error.message;
  throw outcome.error;
}

/** To a power of two, so that records growing by a little do not make a new buffer each time. */
function roundUp(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}
