import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { escapeText, fileError, LeekError } from "../base/index.js";
import { isGzip, MAX_DOCUMENT_BYTES, tooLarge } from "./document-file.js";
import { HEAD_BYTES, typeOf } from "./document-type.js";
import { damagedCompression } from "./errors.js";

/** A document of a file, or the reason why one was passed over. */
export type Unpacked =
  | { readonly kind: "document"; readonly source: string; readonly bytes: Buffer }
  | { readonly kind: "other" }
  | { readonly kind: "problem"; readonly error: LeekError };

/** Thirty times a month of consensuses; bounds the time that a file made to expand for ever can take. */
const MAX_UNPACKED_BYTES = 2 ** 36;

const READ_BYTES = 2 ** 18;
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const BZIP2_MAGIC = Buffer.from("BZh");
/** Of a tar archive's first header, POSIX and GNU alike. */
const TAR_MAGIC = Buffer.from("ustar");
const TAR_MAGIC_AT = 257;

/**
 * Reads the documents of a file: itself, or the members of a tar archive, packed with gzip or xz or not at all. One
 * document at a time is in memory; what is no document is not kept at all. Names in an archive are for messages only.
 *
 * @param onRead - Told of bytes as they are read from the file.
 * @throws {LeekError} LEEK_FILE_..., LEEK_ARCHIVE_DAMAGED, LEEK_ARCHIVE_FORMAT, LEEK_ARCHIVE_TOO_LARGE. What was read
 *   before is good.
 */
export async function* unpack(path: string, onRead: (bytes: number) => void): AsyncGenerator<Unpacked> {
  const { head, rest } = await peek(decompressed(path, onRead), Math.max(HEAD_BYTES, TAR_MAGIC_AT + TAR_MAGIC.length));
  const chunks = prepend(head, rest);
  const isTar = head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + TAR_MAGIC.length).equals(TAR_MAGIC);
  if (isTar) yield* tarMembers(chunks, path);
  else yield await single(chunks, path, path);
}

async function single(chunks: AsyncIterable<Uint8Array>, source: string, path: string): Promise<Unpacked> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) return { kind: "problem", error: tooLarge(path) };
    // Told by its head, once: most members of an archive of microdescriptors end here.
    if (length - chunk.length < HEAD_BYTES && length >= HEAD_BYTES && !isWanted(Buffer.concat(parts))) {
      return { kind: "other" };
    }
  }
  const bytes = Buffer.concat(parts, length);
  return isWanted(bytes) ? { kind: "document", source, bytes } : { kind: "other" };
}

/** What is packed once more must be unpacked to be told. */
function isWanted(head: Buffer): boolean {
  return isGzip(head) || typeOf(head) !== "other";
}

async function* tarMembers(chunks: AsyncGenerator<Uint8Array>, path: string): AsyncGenerator<Unpacked> {
  const { createTarDecoder } = await import("modern-tar");
  try {
    const decoder = createTarDecoder({ strict: true });
    for await (const { header, body } of webStream(chunks).pipeThrough(decoder as TarTransform)) {
      if (header.type !== "file") {
        await body.cancel();
        continue;
      }
      const source = `${path}: ${header.name}`;
      yield await single(body, source, source);
    }
  } catch (error) {
    if (error instanceof LeekError) throw error;
    throw new LeekError(
      "LEEK_ARCHIVE_DAMAGED",
      "bad-data",
      `Cannot read ${escapeText(path)} to its end: it is no whole tar archive.`,
      { hint: "Take it again from where it came; what was read before is kept.", cause: error },
    );
  }
}

interface TarMember {
  readonly header: { readonly name: string; readonly type?: string };
  readonly body: ReadableStream<Uint8Array>;
}

/** The package names the types of the web, Node.js its own for the same streams. */
interface TarTransform {
  readonly readable: ReadableStream<TarMember>;
  readonly writable: import("node:stream/web").WritableStream<Uint8Array>;
}

/** The bytes of a file without its compression. */
async function* decompressed(path: string, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const { head, rest } = await peek(fileChunks(path, onRead), XZ_MAGIC.length);
  const chunks = prepend(head, rest);
  if (isGzip(head)) yield* bounded(gunzipped(chunks), path, "gzip");
  else if (head.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC)) yield* bounded(unxzed(chunks), path, "xz");
  else if (head.subarray(0, BZIP2_MAGIC.length).equals(BZIP2_MAGIC)) throw bzip2(path);
  else yield* chunks;
}

async function* fileChunks(path: string, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
      onRead(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "file", path);
  }
}

async function* bounded(chunks: AsyncIterable<Uint8Array>, path: string, format: string): AsyncGenerator<Uint8Array> {
  let length = 0;
  try {
    for await (const chunk of chunks) {
      length += chunk.length;
      if (length > MAX_UNPACKED_BYTES) throw unpackedTooLarge(path);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof LeekError) throw error;
    throw format === "xz" ? xzError(path, error) : damagedCompression(path, format, error);
  }
}

async function* gunzipped(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: READ_BYTES });
  // The error, if any, comes out of the last stream, too.
  pipeline(Readable.from(chunks, { objectMode: true }), gunzip, () => {});
  yield* gunzip;
}

async function* unxzed(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: xz } = await import("xz-decompress");
  yield* new xz.XzReadableStream(webStream(chunks) as never) as unknown as ReadableStream<Uint8Array>;
}

function webStream(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  // `ReadableStream.from` came with Node.js 20.6.
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Reads until `length` bytes are there, or the end. */
async function peek(
  chunks: AsyncGenerator<Uint8Array>,
  length: number,
): Promise<{ readonly head: Buffer; readonly rest: AsyncGenerator<Uint8Array> }> {
  const parts: Uint8Array[] = [];
  let got = 0;
  while (got < length) {
    const { done, value } = await chunks.next();
    if (done) break;
    parts.push(value);
    got += value.length;
  }
  return { head: Buffer.concat(parts, got), rest: chunks };
}

async function* prepend(head: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    yield* rest;
  } finally {
    // Also when nobody came as far as the rest: its file is to be closed.
    await rest.return(undefined);
  }
}

function xzError(path: string, error: unknown): LeekError {
  // The codes of XZ Embedded's `enum xz_ret`, which the package puts at the end of its message.
  const code = /error code (\d)$/.exec(error instanceof Error ? error.message : "")?.[1];
  if (code !== "4" && code !== "6") return damagedCompression(path, "xz", error);
  const problem = code === "4" ? "it needs a dictionary of more than 64 MiB" : "it uses a check or filter that is rare";
  return new LeekError("LEEK_ARCHIVE_FORMAT", "bad-data", `Cannot unpack ${escapeText(path)}: ${problem}.`, {
    hint: "Unpack it with xz -d first, and give the result.",
    cause: error,
  });
}

function bzip2(path: string): LeekError {
  return new LeekError(
    "LEEK_ARCHIVE_FORMAT",
    "bad-data",
    `Cannot unpack ${escapeText(path)}: it is packed with bzip2.`,
    {
      hint: "Unpack it with bzip2 -d first, and give the result.",
    },
  );
}

function unpackedTooLarge(path: string): LeekError {
  return new LeekError(
    "LEEK_ARCHIVE_TOO_LARGE",
    "bad-data",
    `${escapeText(path)} holds more than ${MAX_UNPACKED_BYTES / 2 ** 30} GiB.`,
    { hint: "Give it in parts: an archive of a month has some 3 GiB." },
  );
}

/** Whether an error is about one file's content, so that others may be read all the same. */
export function isAboutContent(error: unknown): error is LeekError {
  return error instanceof LeekError && error.kind === "bad-data";
}
