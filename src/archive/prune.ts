import { existsSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemErrorCode } from "../base/index.js";
import type { Archive } from "./archive.js";
import { archiveWriteError } from "./errors.js";
import { DOCUMENT_KINDS, monthOfIndex, withoutGz } from "./layout.js";

export interface PruneReport {
  readonly consensuses: number;
  readonly exitLists: number;
  readonly certificates: number;
  readonly bytes: number;
}

/**
 * Removes documents from before a time, and certificates that had expired by then: they vouch for nothing that stays.
 *
 * @param before - Seconds since 1970-01-01 UTC.
 * @param isDryRun - Only tells what would go.
 * @throws {LeekError} LEEK_ARCHIVE_WRITE when a file cannot be removed.
 */
export function pruneArchive(archive: Archive, before: number, isDryRun: boolean): PruneReport {
  const report = { consensuses: 0, exitLists: 0, certificates: 0, bytes: 0 };
  const folders = new Set<string>();
  for (const kind of DOCUMENT_KINDS) {
    // Times are whole seconds.
    for (const { path } of archive.documents(kind, { first: -Infinity, last: Math.ceil(before) - 1 })) {
      report[kind === "exit-list" ? "exitLists" : "consensuses"]++;
      report.bytes += remove(path, isDryRun);
      folders.add(dirname(path));
    }
  }
  const kept = new Set(
    archive
      .certificates()
      .filter(({ expires }) => expires >= before)
      .map(({ identity, published }) => `${identity} ${published}`),
  );
  for (const { path, identity, published } of archive.listCertificates()) {
    // One that cannot be read is left to `add`, which puts a good one in its place.
    if (kept.has(`${identity} ${published}`) || published >= before) continue;
    report.certificates++;
    report.bytes += remove(path, isDryRun);
  }
  if (!isDryRun) {
    for (const folder of folders) removeEmpty(folder, archive.directory);
    removeIndexes(archive.directory, before);
  }
  return report;
}

/** Removes the index of months of which nothing is left; those of others are made anew when somebody asks. */
function removeIndexes(directory: string, before: number): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const month = monthOfIndex(name);
    if (month !== undefined && month.last < before) remove(join(directory, name), false);
  }
}

/** Removes a document, packed and plain: of two, the one that is left would come to light. */
function remove(path: string, isDryRun: boolean): number {
  let bytes = 0;
  for (const twin of new Set([path, withoutGz(path), `${withoutGz(path)}.gz`])) {
    try {
      bytes += statSync(twin).size;
      if (!isDryRun) unlinkSync(twin);
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw archiveWriteError(error, twin);
    }
  }
  return bytes;
}

/** Removes folders that have become empty, from a day's upwards. */
function removeEmpty(folder: string, root: string): void {
  for (let path = folder; path.length > root.length && path.startsWith(root); path = dirname(path)) {
    try {
      rmdirSync(path);
    } catch {
      // Something is in it still.
      return;
    }
  }
}
