import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { escapeText, fileError, LeekError } from "../../base/index.js";
import { type ExitList, looksLikeExitList, MAX_EXIT_LIST_BYTES, parseExitList } from "../../relays/index.js";

/** CollecTor's folders: exit-list-YYYY-MM/DD/TIME. */
const MAX_DEPTH = 4;
/** Hourly lists of some years. */
const MAX_FILES = 50_000;

/**
 * Reads exit lists, plain or gzip, one after the other.
 *
 * @param paths - Files, or directories of them; what else lies in a directory is passed over.
 * @param note - Told what could not be read in a directory.
 * @throws {LeekError} when a path that the user named is no good.
 */
export function* readExitLists(paths: readonly string[], note: (message: string) => void): Generator<ExitList> {
  for (const path of paths) {
    if (!isDirectory(path)) {
      yield parseExitList(readBytes(path), path);
      continue;
    }
    for (const file of filesIn(path)) {
      try {
        const bytes = readBytes(file);
        if (looksLikeExitList(bytes)) yield parseExitList(bytes, file);
      } catch (error) {
        if (!(error instanceof LeekError)) throw error;
        note(error.message);
      }
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileError(error, "exit list", path);
  }
}

/** Regular files in depth, by name. */
function filesIn(root: string): string[] {
  const found: string[] = [];
  const visit = (directory: string, depth: number): void => {
    const entries = readdirSync(directory, { withFileTypes: true });
    entries.sort((x, y) => (x.name < y.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH) visit(path, depth + 1);
      else if (entry.isFile()) found.push(path);
      if (found.length > MAX_FILES) {
        throw new LeekError(
          "LEEK_EXIT_LIST_SEARCH",
          "bad-data",
          `${escapeText(root)} has more than ${MAX_FILES} files.`,
          {
            hint: "Name the folder of one month.",
          },
        );
      }
    }
  };
  try {
    visit(root, 0);
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "exit list directory", root);
  }
  return found;
}

function readBytes(path: string): Buffer {
  let bytes: Buffer;
  try {
    const descriptor = openSync(path, "r");
    try {
      // One byte more than allowed, so that the parser can refuse it.
      bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, MAX_EXIT_LIST_BYTES + 1));
      let length = 0;
      for (let got = -1; got !== 0 && length < bytes.length; length += got) {
        got = readSync(descriptor, bytes, length, bytes.length - length, length);
      }
      bytes = bytes.subarray(0, length);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileError(error, "exit list", path);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_EXIT_LIST_BYTES });
  } catch (error) {
    const message = `Cannot read exit list ${escapeText(path)}: its gzip compression is damaged, or it is too large.`;
    throw new LeekError("LEEK_EXIT_LIST_COMPRESSION", "bad-data", message, {
      cause: error,
      hint: "Take the document again from where it came.",
    });
  }
}
