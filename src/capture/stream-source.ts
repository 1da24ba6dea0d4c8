import type { Readable } from "node:stream";
import { LeekError } from "../base/index.js";
import type { ByteSource } from "./byte-source.js";

/** A Node.js stream of bytes: a pipe, a socket, whatever the caller has. */
export class StreamSource implements ByteSource {
  readonly totalBytes = undefined;
  bytesRead = 0;
  private chunk: Uint8Array = new Uint8Array(0);
  private failure: unknown;
  private ended: boolean;
  private wake: (() => void) | undefined;

  /** @param name - For error messages. */
  constructor(
    private readonly stream: Readable,
    private readonly name: string,
  ) {
    this.ended = stream.readableEnded || stream.destroyed;
    stream.on("readable", () => this.wake?.());
    // "close" without "end" happens when somebody destroys the stream: what came before is all there is.
    const end = () => {
      this.ended = true;
      this.wake?.();
    };
    stream.on("end", end);
    stream.on("close", end);
    stream.on("error", (error) => {
      this.failure = error;
      end();
    });
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.chunk.length === 0) {
      const next: unknown = this.ended ? null : this.stream.read();
      if (next === null) {
        if (this.failure !== undefined) throw this.streamError(this.failure);
        if (this.ended) return 0;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = undefined;
        continue;
      }
      if (!(next instanceof Uint8Array)) throw this.streamError(new TypeError("the stream gives text, not bytes"));
      this.chunk = next;
      this.bytesRead += next.length;
    }
    const count = Math.min(length, this.chunk.length);
    buffer.set(count === this.chunk.length ? this.chunk : this.chunk.subarray(0, count), offset);
    this.chunk = this.chunk.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    this.stream.destroy();
    this.ended = true;
    this.wake?.();
  }

  private streamError(cause: unknown): LeekError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new LeekError("LEEK_FILE_IO", "io", `Cannot read capture ${this.name}: ${reason}`, { cause });
  }
}
