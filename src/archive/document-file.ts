import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { escapeText, fileError, LeekError, systemErrorCode } from "../base/index.js";
import { damagedCompression } from "./errors.js";

/** Ten times today's consensus; other documents are smaller. The same bound as `parseConsensus` has. */
export const MAX_DOCUMENT_BYTES = 32 * 2 ** 20;

/**
 * Reads a document, plain or gzip, whole.
 *
 * @throws {LeekError} LEEK_FILE_..., LEEK_ARCHIVE_DAMAGED, LEEK_ARCHIVE_TOO_LARGE.
 */
export function readDocument(path: string): Buffer {
  return unzipped(readFile(path), path);
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * A document without its gzip compression, if it has one.
 *
 * @throws {LeekError} LEEK_ARCHIVE_DAMAGED, LEEK_ARCHIVE_TOO_LARGE.
 */
export function unzipped(bytes: Buffer, path: string): Buffer {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_DOCUMENT_BYTES });
  } catch (error) {
    if (systemErrorCode(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path);
    throw damagedCompression(path, "gzip", error);
  }
}

/** @throws {LeekError} */
function readFile(path: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new LeekError("LEEK_FILE_IO", "io", `Cannot read ${escapeText(path)}: it is no file.`);
    if (status.size > MAX_DOCUMENT_BYTES) throw tooLarge(path);
    const bytes = Buffer.allocUnsafe(status.size);
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(descriptor, bytes, length, bytes.length - length, length);
      if (got === 0) break;
      length += got;
    }
    return bytes.subarray(0, length);
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "document", path);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

export function tooLarge(path: string): LeekError {
  return new LeekError(
    "LEEK_ARCHIVE_TOO_LARGE",
    "bad-data",
    `${escapeText(path)} is larger than ${MAX_DOCUMENT_BYTES / 2 ** 20} MiB, ten times any document there has been.`,
    { hint: "Check that it is what you meant." },
  );
}
