import { closeSync, openSync, readSync } from "node:fs";

/** What tells of one process or interface is short. */
const SHORT_BYTES = 1 << 16;
const SHORT_CHUNK_BYTES = 1 << 12;
const CHUNK_BYTES = 1 << 16;

/**
 * The beginning of a file, which the kernel makes as it is read (procfs, sysfs), so that it has no length to ask for.
 *
 * @param maxBytes - What is beyond is not read: much of it is of any length that a stranger's process likes.
 * @returns undefined when it cannot be read.
 */
export function readText(path: string, maxBytes = SHORT_BYTES): string | undefined {
  const chunks: Buffer[] = [];
  const isRead = readChunks(path, maxBytes, SHORT_CHUNK_BYTES, (chunk) => chunks.push(Buffer.from(chunk)));
  return isRead ? Buffer.concat(chunks).toString("utf8") : undefined;
}

/**
 * Reads a file line by line, some thousand at a time.
 *
 * @param maxBytes - What is beyond is not read.
 * @param take - Is given whole lines, with their ends. They are taken for Latin-1.
 */
export function readLines(path: string, maxBytes: number, take: (lines: string) => void): void {
  let rest = "";
  readChunks(path, maxBytes, CHUNK_BYTES, (chunk) => {
    const text = rest + chunk.toString("latin1");
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) take(text.slice(0, end));
    // No line is that long; what has none would pile up.
    rest = text.length - end > CHUNK_BYTES ? "" : text.slice(end);
  });
}

/** @returns Whether it could be read to its end, or to `maxBytes`. */
function readChunks(path: string, maxBytes: number, chunkBytes: number, take: (chunk: Buffer) => void): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, maxBytes));
    for (let total = 0; total < maxBytes; ) {
      // Without a position: some of these files can only be read in order.
      const length = readSync(file, buffer, 0, Math.min(buffer.length, maxBytes - total), null);
      if (length === 0) break;
      take(buffer.subarray(0, length));
      total += length;
    }
    return true;
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
