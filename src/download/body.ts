import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createInflate, type Gunzip } from "node:zlib";
import { systemErrorCode } from "../base/index.js";
import { Fault, quote } from "./fault.js";

export type ContentEncoding = "identity" | "deflate" | "gzip";

const UNPACKED_CHUNK_BYTES = 64 * 1024;

/**
 * What a reply's Content-Encoding means. tor's `deflate` is zlib (RFC 1950), as RFC 9110 §8.4.1.2 has it.
 *
 * @throws {Fault} For others, and for several on top of each other.
 */
export function parseContentEncoding(header: string | undefined): ContentEncoding {
  const name = (header ?? "").trim().toLowerCase();
  switch (name) {
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "x-gzip":
      return "gzip";
    case "deflate":
      return "deflate";
    default:
      throw new Fault(`it packed the document with ${quote(name)}, which leek did not ask for`);
  }
}

/**
 * Reads and unpacks a body as it arrives, and stops at once when it becomes more than `maxBytes`.
 *
 * @param onBytes - Told of every piece of the body as it was sent.
 * @throws {Fault} When the packed data is damaged, cut short or followed by anything, or when it is too much; otherwise
 *   whatever the body or `onBytes` throws.
 */
export async function readBody(
  body: Readable,
  encoding: ContentEncoding,
  maxBytes: number,
  onBytes: (count: number) => void,
): Promise<Buffer> {
  const collected = new Collector(maxBytes);
  let received = 0;
  async function* counted(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      received += piece.length;
      onBytes(piece.length);
      yield piece;
    }
  }
  async function collect(pieces: AsyncIterable<Buffer>): Promise<void> {
    for await (const piece of pieces) collected.add(piece);
  }
  if (encoding === "identity") {
    await pipeline(body, counted, collect);
    return collected.bytes();
  }
  const options = { chunkSize: UNPACKED_CHUNK_BYTES };
  const unpacker: Gunzip = encoding === "gzip" ? createGunzip(options) : createInflate(options);
  try {
    await pipeline(body, counted, unpacker, collect);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "Z_BUF_ERROR")
      throw new Fault(`its answer is cut short: the ${encoding} data has no end`, "server", error);
    if (code?.startsWith("Z_")) throw new Fault(`its answer is damaged: no valid ${encoding} data`, "server", error);
    // The unpacker came to its end before the body did.
    if (code === "ABORT_ERR" && unpacker.readableEnded) throw somethingFollows(encoding);
    throw error;
  }
  // zlib stops reading at the end of its data and says nothing of the rest.
  if (unpacker.bytesWritten !== received) throw somethingFollows(encoding);
  return collected.bytes();
}

function somethingFollows(encoding: ContentEncoding): Fault {
  return new Fault(`its answer is damaged: something follows the ${encoding} data`);
}

/** Bytes in one growing buffer: a million pieces of a byte each cost no more than one of a million. */
class Collector {
  #buffer = Buffer.alloc(0);
  #length = 0;

  constructor(private readonly maxBytes: number) {}

  add(piece: Buffer): void {
    const length = this.#length + piece.length;
    if (length > this.maxBytes) throw new Fault(`its answer is larger than the ${this.maxBytes} bytes that leek takes`);
    if (length > this.#buffer.length) {
      const size = Math.min(this.maxBytes, Math.max(length, this.#buffer.length * 2, UNPACKED_CHUNK_BYTES));
      const larger = Buffer.allocUnsafe(size);
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    piece.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
