import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileDigest, sha256Of } from "../../audit/evidence/index.js";
import { fileError, LeekError } from "../../base/index.js";
import { findConsensusFiles, readConsensus } from "../../relays/index.js";

const DOCUMENT_START = "network-status-version";

/** Of a file as it lies on the disk. @param what - See fileError. @throws {LeekError} LEEK_FILE_*. */
export async function fileDigest(path: string, what: string): Promise<FileDigest> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(piece);
      bytes += piece.length;
    }
  } catch (error) {
    throw fileError(error, what, path);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * Of a relay document, unpacked and without what archives put in front of it, so that all copies have the same.
 *
 * @returns undefined where it cannot be read (again).
 */
export function consensusDigest(source: string): string | undefined {
  try {
    const [file] = findConsensusFiles([source]).files;
    if (file === undefined) return undefined;
    const bytes = readConsensus(file);
    const start = bytes.indexOf(DOCUMENT_START);
    return start < 0 ? undefined : sha256Of(bytes.subarray(start));
  } catch (error) {
    if (error instanceof LeekError) return undefined;
    throw error;
  }
}
