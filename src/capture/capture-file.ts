import { close, constants, fstat, open, read, type Stats } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import { fileError, LeekError } from "../base/index.js";
import type { ByteSource } from "./byte-source.js";
import { StreamSource } from "./stream-source.js";

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);

const STDIN = 0;

/**
 * Opens a regular file, a FIFO, a device, or standard input, for reading from its present position.
 *
 * @param path - `-` and `/dev/stdin` mean standard input.
 * @throws {LeekError} LEEK_FILE_NOT_FOUND, LEEK_FILE_PERMISSION, LEEK_FILE_IS_DIRECTORY, LEEK_FILE_IO, or
 *   LEEK_CAPTURE_TERMINAL when standard input is a terminal.
 */
export async function openByteSource(path: string): Promise<ByteSource> {
  const isStdin = path === "-" || path === "/dev/stdin";
  const name = isStdin ? "standard input" : path;
  let descriptor = STDIN;
  try {
    // Without O_NONBLOCK, opening a FIFO would block a thread of the pool until somebody writes, past any Ctrl-C.
    if (!isStdin) descriptor = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await statFile(descriptor);
    if (stats.isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
    if (stats.isFIFO() || stats.isSocket()) {
      // Through the event loop, for the same reason: a blocked read() in the pool keeps a process from exiting.
      return new StreamSource(new Socket({ fd: descriptor, readable: true, writable: false }), name);
    }
    // Asked second: loading what knows takes 3 ms.
    if (stats.isCharacterDevice() && isatty(descriptor)) throw terminalError(name);
    return new FileSource(descriptor, name, stats);
  } catch (error) {
    if (descriptor !== STDIN) await closeFile(descriptor).catch(() => {});
    throw error instanceof LeekError ? error : fileError(error, "capture", name);
  }
}

function terminalError(name: string): LeekError {
  return new LeekError("LEEK_CAPTURE_TERMINAL", "usage", `Cannot read a capture from ${name}: it is a terminal.`, {
    hint: "Pipe a capture in, e.g. ssh HOST tcpdump -U -w - | leek print -",
  });
}

/** A regular file or a device; each read is done by a thread of Node's pool while the caller goes on. */
class FileSource implements ByteSource {
  readonly totalBytes: number | undefined;
  bytesRead = 0;
  private pending: Promise<number> | undefined;
  private closed = false;

  constructor(
    private readonly descriptor: number,
    private readonly name: string,
    stats: Stats,
  ) {
    // Files in /proc and /sys are "regular" with size 0 and yet have content.
    this.totalBytes = stats.isFile() && stats.size > 0 ? stats.size : undefined;
  }

  read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    this.pending = new Promise((resolve, reject) => {
      // Position null: go on from where the descriptor stands, which for standard input may be anywhere.
      read(this.descriptor, buffer, offset, length, null, (error, count) => {
        if (error !== null) return reject(fileError(error, "capture", this.name));
        this.bytesRead += count;
        resolve(count);
      });
    });
    return this.pending;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // The pool's thread still writes into the buffer, and the descriptor's number could be given to another file.
    await this.pending?.catch(() => {});
    if (this.descriptor !== STDIN) await closeFile(this.descriptor);
  }
}
