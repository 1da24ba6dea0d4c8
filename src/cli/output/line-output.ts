import { write } from "node:fs";
import { systemErrorCode } from "../../base/index.js";
import { LineBuffer } from "../../report/tcpdump/index.js";
import { outputError } from "./output.js";

const STDOUT = 1;
/** What may wait while the reader of the lines is slow; some 50,000 lines. */
const MAX_WAITING_BYTES = 8 << 20;
const FIRST_BYTES = 1 << 16;
const RETRY_MS = 5;

/**
 * Lines of a live capture on standard output. They are written while leek goes on, so that a slow terminal or pipe
 * holds up the lines, not the capture: when too much waits, packets are not shown, which the lines themselves say.
 */
export class LineOutput {
  /** Where the next lines go. */
  lines = new LineBuffer(FIRST_BYTES);
  /** Packets that were not shown so far. */
  hidden = 0;
  /** True once the reader has gone. */
  broken = false;
  /** What ended the output, other than a reader that went away. */
  failure: Error | undefined;

  #writing = new LineBuffer(FIRST_BYTES);
  #busy: Promise<void> | undefined;
  #hiddenSinceLine = 0;
  readonly #onEnd: () => void;

  /** @param onEnd - Called when nothing more can be written: packets may not come again for long. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether so much waits that the next packet should be hidden. */
  get crowded(): boolean {
    return this.lines.length >= MAX_WAITING_BYTES || this.ended;
  }

  /** True when nothing more can be written. */
  get ended(): boolean {
    return this.broken || this.failure !== undefined;
  }

  /** Counts a packet that is not shown because the reader is slow. */
  hide(): void {
    if (this.ended) return;
    this.hidden++;
    this.#hiddenSinceLine++;
  }

  /** Begins to write what waits, unless that is being done. */
  flush(): void {
    if (this.#busy !== undefined || (this.lines.length === 0 && this.#hiddenSinceLine === 0)) return;
    if (this.#hiddenSinceLine > 0) {
      this.lines.write(`[${this.#hiddenSinceLine} packets not shown: the output is slower than the capture]\n`);
      this.#hiddenSinceLine = 0;
    }
    const full = this.lines;
    this.lines = this.#writing;
    this.lines.clear();
    this.#writing = full;
    this.#busy = this.#write(full).finally(() => {
      this.#busy = undefined;
    });
  }

  /** Writes all that waits. */
  async end(): Promise<void> {
    await this.#busy;
    this.flush();
    await this.#busy;
  }

  async #write(buffer: LineBuffer): Promise<void> {
    for (let at = 0; at < buffer.length && !this.ended; ) {
      try {
        at += await writeSome(buffer.bytes, at, buffer.length - at);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === "EPIPE") this.broken = true;
        else if (code !== "EAGAIN") this.failure = outputError(error);
        else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        if (this.ended) this.#onEnd();
      }
    }
  }
}

function writeSome(bytes: Uint8Array, offset: number, length: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(STDOUT, bytes, offset, length, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}
