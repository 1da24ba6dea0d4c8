import { writeSync } from "node:fs";
import { LeekError, systemErrorCode } from "../base/index.js";
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
  #parts: string[] = [];
  #length = 0;

  write(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
    if (this.#length >= FLUSH_AT) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = Buffer.from(this.#parts.join(""));
    this.#parts = [];
    this.#length = 0;
    writeOutput(bytes);
  }
}

function outputError(error: unknown): LeekError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LeekError("LEEK_OUTPUT_IO", "io", `Cannot write the output: ${reason}`, {
    hint: "Check the disk that it goes to.",
    cause: error,
  });
}
