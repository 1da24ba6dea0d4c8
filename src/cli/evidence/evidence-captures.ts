import { type Stats, statSync } from "node:fs";
import type { FileDigest } from "../../audit/evidence/index.js";
import { fileError, LeekError } from "../../base/index.js";
import { usageError } from "../arguments/usage-error.js";
import { fileDigest } from "./evidence-digests.js";

/** Captures that are read twice, and must be the same then. */
export class EvidenceCaptures {
  readonly #before: readonly Stats[];

  /** @throws {LeekError} LEEK_USAGE for what is no file, LEEK_FILE_*. */
  constructor(readonly paths: readonly string[]) {
    this.#before = paths.map(statusOf);
  }

  /**
   * After all was read.
   *
   * @throws {LeekError} LEEK_EVIDENCE_CAPTURE_CHANGED: the digests would be of something else than was judged; LEEK_FILE_*.
   */
  async digests(): Promise<({ readonly path: string } & FileDigest)[]> {
    const digests: ({ readonly path: string } & FileDigest)[] = [];
    for (const path of this.paths) digests.push({ path, ...(await fileDigest(path, "capture")) });
    for (const [i, path] of this.paths.entries()) {
      const [before, after] = [this.#before[i]!, statusOf(path)];
      if (before.size !== after.size || before.mtimeMs !== after.mtimeMs || before.ino !== after.ino) {
        throw captureChanged();
      }
    }
    return digests;
  }
}

export function captureChanged(): LeekError {
  const message = "A capture changed while it was audited, or reading was stopped.";
  return new LeekError("LEEK_EVIDENCE_CAPTURE_CHANGED", "io", message, {
    hint: "Copy the file first, and audit the copy; no evidence was kept.",
  });
}

function statusOf(path: string): Stats {
  if (path === "-") throw notAFile("Standard input");
  let status: Stats;
  try {
    status = statSync(path);
  } catch (error) {
    throw fileError(error, "capture", path);
  }
  if (!status.isFile()) throw notAFile(path);
  return status;
}

function notAFile(what: string): LeekError {
  return usageError(`${what} cannot be read twice, as --evidence needs it.`, "Save it to a file first.");
}
