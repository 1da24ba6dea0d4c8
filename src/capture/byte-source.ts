/**
 * Where bytes come from: a file, a stream, or a decompressor over another ByteSource.
 *
 * One read at a time: a caller waits for each `read` before the next.
 */
export interface ByteSource {
  /** Bytes taken so far from the file or stream at the bottom. */
  readonly bytesRead: number;
  /** Size of what is at the bottom, where that is known. */
  readonly totalBytes: number | undefined;
  /**
   * Puts what is there into `buffer`, as soon as anything is there, so that a live capture is not held back.
   *
   * @returns The number of bytes, 1 to `length`; 0 only at the end.
   * @throws {LeekError} when the file or stream fails.
   * @throws {CorruptCompression} when packed data cannot be unpacked further.
   */
  read(buffer: Uint8Array, offset: number, length: number): Promise<number>;
  /** Also ends a read that is under way. May be called twice. */
  close(): Promise<void>;
}

/** Packed data that cannot be unpacked further: damage to a capture, not a failure of leek. Never reaches a user. */
export class CorruptCompression extends Error {
  override readonly name = "CorruptCompression";
}

/** Gives back bytes that were read to see what a source holds, then the rest of it. */
export class PrefixedSource implements ByteSource {
  private given = 0;

  constructor(
    private readonly prefix: Uint8Array,
    private readonly rest: ByteSource,
  ) {}

  get bytesRead(): number {
    return this.rest.bytesRead;
  }

  get totalBytes(): number | undefined {
    return this.rest.totalBytes;
  }

  read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    if (this.given === this.prefix.length) return this.rest.read(buffer, offset, length);
    const count = Math.min(length, this.prefix.length - this.given);
    buffer.set(this.prefix.subarray(this.given, this.given + count), offset);
    this.given += count;
    return Promise.resolve(count);
  }

  close(): Promise<void> {
    return this.rest.close();
  }
}

/** Up to `length` bytes; fewer only when the source ends before. */
export async function readExactly(source: ByteSource, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await source.read(bytes, filled, length - filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
