import { writeSync } from "node:fs";
import { LeekError, systemErrorCode } from "../../base/index.js";
import { ExitStatus } from "./exit-status.js";

const STDOUT = 1;
const FLUSH_AT = 1 << 16;
const RETRY_MS = 1;

/**
 * Writes bytes to standard output, whole and in order. Synchronous, so that output never piles up in memory when the
 * reader is slower than leek.
 *
 * @throws {LeekError} LEEK_OUTPUT_IO when the output cannot take them (a full disk). Ends the process when the reader
 *   has gone, as it ends every program in a pipe.
 */
export function writeOutput(bytes: Uint8Array, length = bytes.length): void {
  for (let at = 0; at < length; ) {
    try {
      at += writeSync(STDOUT, bytes, at, length - at);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "EPIPE") process.exit(ExitStatus.BrokenPipe);
      if (code !== "EAGAIN") throw outputError(error);
      // The pipe is in non-blocking mode, which the other end may have chosen for us, and full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Collects text and writes it in larger pieces. */
export class TextOutput {
  // Encoded as it comes: a list of strings to join would live until the next flush, and be copied by each collection.
  readonly #bytes = Buffer.allocUnsafeSlow(2 * FLUSH_AT);
  #length = 0;

  write(text: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    if (text.length * 3 > this.#bytes.length - this.#length) {
      this.flush();
      if (text.length * 3 > this.#bytes.length) {
        writeOutput(Buffer.from(text));
        return;
      }
    }
    this.#length += this.#bytes.write(text, this.#length);
    if (this.#length >= FLUSH_AT) this.flush();
  }

  flush(): void {
    writeOutput(this.#bytes, this.#length);
    this.#length = 0;
  }
}

/** The error of a standard output that takes no more, other than because its reader has gone. */
export function outputError(error: unknown): LeekError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LeekError("LEEK_OUTPUT_IO", "io", `Cannot write the output: ${reason}`, {
    hint: "Check the disk that it goes to.",
    cause: error,
  });
}
