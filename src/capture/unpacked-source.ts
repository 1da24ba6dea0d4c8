import type { Gunzip, ZlibOptions } from "node:zlib";
import { type ByteSource, CorruptCompression } from "./byte-source.js";

/** Of packed data given to the unpacker at a time. */
const INPUT_BYTES = 1 << 16;
/** Unpacked data come in pieces of this size. A failure loses the piece that it happens in, so it is not larger. */
const OUTPUT_BYTES = 1 << 16;

/**
 * Unpacks with one of Node's zlib streams, which work in a thread of the pool.
 *
 * The stream is driven by hand rather than piped: a pipe drops what was unpacked before a failure. Here the next input
 * is given only when all output of the one before was taken, and the stream itself stops at each full piece.
 */
export class UnpackedSource implements ByteSource {
  private stream: Gunzip;
  private readonly input = new Uint8Array(INPUT_BYTES);
  /** Bytes of `input` that an ended stream left for the next. */
  private left = 0;
  /** Size of the input that was given last. */
  private lastInput = 0;
  /** Bytes that the present stream was given. */
  private given = 0;
  private piece: Uint8Array = new Uint8Array(0);
  private wantsInput = true;
  private ended = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  /**
   * @param create - Called again for each part of the data, when the streams end with the part.
   * @param endsWithPart - Whether they do: gunzip goes on to the next member by itself and ignores what is none; the
   *   zstd of Node.js 24 stops in silence at the end of a frame, though files of several are common.
   */
  constructor(
    private readonly packed: ByteSource,
    private readonly create: (options: ZlibOptions) => Gunzip,
    private readonly endsWithPart: boolean,
  ) {
    this.stream = this.start();
  }

  get bytesRead(): number {
    return this.packed.bytesRead;
  }

  get totalBytes(): number | undefined {
    return this.packed.totalBytes;
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.piece.length === 0) {
      const next: Uint8Array | null = this.stream.read();
      if (next !== null) this.piece = next;
      else if (this.failure !== undefined) throw new CorruptCompression(this.failure.message);
      else if (this.ended) return 0;
      else if (this.wantsInput) await this.giveInput();
      else await this.somethingHappens();
    }
    const count = Math.min(length, this.piece.length);
    buffer.set(count === this.piece.length ? this.piece : this.piece.subarray(0, count), offset);
    this.piece = this.piece.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    this.stream.destroy();
    this.finish();
    await this.packed.close();
  }

  private start(): Gunzip {
    const stream = this.create({ chunkSize: OUTPUT_BYTES });
    const isCurrent = () => this.stream === stream;
    stream.on("readable", () => this.wake?.());
    stream.on("end", () => isCurrent() && this.endPart(stream.bytesWritten));
    stream.on("close", () => isCurrent() && this.finish());
    stream.on("error", (error) => {
      if (!isCurrent()) return;
      this.failure = error;
      this.finish();
    });
    this.given = 0;
    this.wantsInput = true;
    return stream;
  }

  /** @param taken - How many of the bytes given to the stream it has used. */
  private endPart(taken: number): void {
    this.left = this.given - taken;
    if (!this.endsWithPart || this.left === 0) {
      this.finish();
      return;
    }
    // What is left is the end of the last input, which still lies at the beginning of the buffer.
    this.input.copyWithin(0, this.lastInput - this.left, this.lastInput);
    this.stream.destroy();
    this.stream = this.start();
    this.wake?.();
  }

  private async giveInput(): Promise<void> {
    this.wantsInput = false;
    const stream = this.stream;
    const count = this.left > 0 ? this.left : await this.packed.read(this.input, 0, INPUT_BYTES);
    this.left = 0;
    if (this.ended) return;
    if (count === 0) {
      stream.end();
      return;
    }
    this.given += count;
    this.lastInput = count;
    stream.write(this.input.subarray(0, count), () => {
      // A stream that left some is about to end; what it left must stay in `input`.
      if (this.stream === stream && stream.bytesWritten === this.given) this.wantsInput = true;
      this.wake?.();
    });
  }

  private async somethingHappens(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    this.wake = undefined;
  }

  private finish(): void {
    this.ended = true;
    this.wake?.();
  }
}
