import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { escapeText, fileError, LeekError, systemErrorCode } from "../base/index.js";
import { type Verification, verificationText } from "../relays/index.js";
import type { Addition, Archive } from "./archive.js";
import { OWN_PREFIX } from "./layout.js";
import { isAboutContent, unpack } from "./unpack.js";

/** Something that was not taken, and why. */
export interface ImportProblem {
  /** The file, and the member of an archive; from strangers, so not escaped. */
  readonly source: string;
  readonly code: string;
  /** One sentence for people, with untrusted text escaped. */
  readonly message: string;
}

export interface ImportCount {
  added: number;
  /** Those there with fewer signatures, or damaged. */
  replaced: number;
  /** The same, or a better one. */
  present: number;
}

export interface ImportReport {
  readonly consensuses: Readonly<ImportCount>;
  readonly exitLists: Readonly<ImportCount>;
  readonly certificates: Readonly<ImportCount>;
  /** Key certificates of authorities that leek does not know, such as those of another network: they are not kept. */
  readonly foreignCertificates: number;
  /** Consensuses against which something speaks: they are not kept. */
  readonly invalid: number;
  /** Consensuses that could not be verified, as certificates are missing or their authorities not known. */
  readonly unverified: number;
  /** Files and members that are nothing of what an archive keeps. */
  readonly other: number;
  /** What could not be read or was refused; the first MAX_PROBLEMS of `problemCount`. */
  readonly problems: readonly ImportProblem[];
  readonly problemCount: number;
}

export interface ImportProgress {
  readonly bytesRead: number;
  /** Undefined with a pipe among the files. */
  readonly totalBytes: number | undefined;
  /** Documents taken so far, or found to be there. */
  readonly documents: number;
}

const MAX_PROBLEMS = 1000;

/** How many documents are packed and written while the next one is unpacked; each may have 32 MiB. */
const MAX_PENDING = 4;

/** Far deeper than any archive, and no path of the system can be. */
const MAX_DEPTH = 64;
const MAX_FILES = 1_000_000;

interface InputFile {
  readonly path: string;
  readonly size: number;
  /** A pipe can be read only once. */
  readonly isRegular: boolean;
}

/** What came of one file. */
interface Tally {
  readonly consensuses: ImportCount;
  readonly exitLists: ImportCount;
  readonly certificates: ImportCount;
  foreignCertificates: number;
  invalid: number;
  unverified: number;
  /** How many new certificates there were when the first consensus could not be verified. */
  certificatesThen: number;
  other: number;
  readonly problems: ImportProblem[];
  problemCount: number;
}

/**
 * Imports documents: single ones, directories in depth, and tar archives, plain or packed with gzip or xz. Key
 * certificates come first as far as names tell; a file with consensuses that could not be verified is read once more
 * when certificates came after it.
 *
 * @param onProgress - Called often.
 * @throws {LeekError} when a path does not exist (nothing is imported then), or when documents cannot be written: those
 *   before are kept. What is wrong with single files stands in the report.
 */
export async function importFiles(
  archive: Archive,
  paths: readonly string[],
  onProgress: (progress: ImportProgress) => void = () => {},
): Promise<ImportReport> {
  const files = inOrder(paths.flatMap(findFiles));
  const totalBytes = files.every((file) => file.isRegular)
    ? files.reduce((sum, file) => sum + file.size, 0)
    : undefined;
  const run = new ImportRun(archive, totalBytes, onProgress);
  const waiting: { readonly file: InputFile; readonly tally: Tally }[] = [];
  const tallies: Tally[] = [];
  for (const file of files) {
    const tally = newTally();
    tallies.push(tally);
    await run.read(file, tally);
    if (tally.unverified > 0 && file.isRegular) waiting.push({ file, tally });
  }
  for (const { file, tally } of waiting) {
    if (run.newCertificates === tally.certificatesThen) continue;
    const second = newTally();
    await run.readAgain(file, second);
    // What was taken the first time is there now; the rest is told anew.
    tally.consensuses.added += second.consensuses.added;
    tally.consensuses.replaced += second.consensuses.replaced;
    for (const key of ["invalid", "unverified", "problemCount"] as const) tally[key] = second[key];
    tally.problems.splice(0, Number.POSITIVE_INFINITY, ...second.problems);
  }
  return sumOf(tallies);
}

class ImportRun {
  readonly #archive: Archive;
  #totalBytes: number | undefined;
  readonly #onProgress: (progress: ImportProgress) => void;
  #bytesRead = 0;
  #documents = 0;
  /** Certificates that the archive did not have before. */
  newCertificates = 0;

  constructor(archive: Archive, totalBytes: number | undefined, onProgress: (progress: ImportProgress) => void) {
    this.#archive = archive;
    this.#totalBytes = totalBytes;
    this.#onProgress = onProgress;
  }

  async readAgain(file: InputFile, tally: Tally): Promise<void> {
    if (this.#totalBytes !== undefined) this.#totalBytes += file.size;
    await this.read(file, tally);
  }

  async read({ path }: InputFile, tally: Tally): Promise<void> {
    const pending = new Set<Promise<void>>();
    // Noted rather than thrown where it happens, as nobody may be waiting for that promise then.
    const failures: unknown[] = [];
    try {
      for await (const unpacked of unpack(path, (bytes) => this.#tick(bytes))) {
        if (unpacked.kind === "other") tally.other++;
        else if (unpacked.kind === "problem") note(tally, unpacked.error, path);
        else {
          const adding = this.#add(unpacked.bytes, unpacked.source, tally)
            .catch((error: unknown) => void failures.push(error))
            .finally(() => pending.delete(adding));
          pending.add(adding);
          if (pending.size >= MAX_PENDING) await Promise.race(pending);
        }
        if (failures.length > 0) break;
      }
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
      await Promise.all(pending);
      note(tally, error, path);
    } finally {
      await Promise.all(pending);
    }
    if (failures.length > 0) throw failures[0];
  }

  async #add(bytes: Buffer, source: string, tally: Tally): Promise<void> {
    let addition: Addition;
    try {
      addition = await this.#archive.add(bytes, source);
    } catch (error) {
      if (!isAboutContent(error)) throw error;
      if (error.code === "LEEK_CONSENSUS_IS_VOTE") tally.other++;
      else note(tally, error, source);
      return;
    }
    if (addition.type === "other") {
      tally.other++;
      return;
    }
    if (addition.type === "refused") {
      if (tally.unverified === 0) tally.certificatesThen = this.newCertificates;
      refuse(tally, addition.verification, source);
      return;
    }
    if (addition.type === "certificates") {
      tally.certificates.added += addition.added;
      tally.certificates.present += addition.present;
      tally.foreignCertificates += addition.foreign;
      this.newCertificates += addition.added;
      for (const reason of addition.rejected) {
        const message = `${escapeText(source)}: ${escapeText(reason)}.`;
        addProblem(tally, { source, code: "LEEK_CERTIFICATE_REJECTED", message });
      }
    } else {
      const { kept } = addition;
      const count = addition.type === "consensus" ? tally.consensuses : tally.exitLists;
      count[kept === "better" ? "present" : kept]++;
    }
    this.#documents++;
    this.#tick(0);
  }

  #tick(bytes: number): void {
    this.#bytesRead += bytes;
    this.#onProgress({ bytesRead: this.#bytesRead, totalBytes: this.#totalBytes, documents: this.#documents });
  }
}

function refuse(tally: Tally, verification: Verification, source: string): void {
  if (verification.state === "invalid") tally.invalid++;
  else tally.unverified++;
  const code = verification.state === "invalid" ? "LEEK_CONSENSUS_INVALID" : "LEEK_CONSENSUS_UNVERIFIED";
  addProblem(tally, {
    source,
    code,
    message: `${escapeText(source)} is ${escapeText(verificationText(verification))}.`,
  });
}

function note(tally: Tally, error: LeekError, source: string): void {
  addProblem(tally, { source, code: error.code, message: error.message });
}

function addProblem(tally: Tally, problem: ImportProblem): void {
  tally.problemCount++;
  if (tally.problems.length < MAX_PROBLEMS) tally.problems.push(problem);
}

function newTally(): Tally {
  const none = () => ({ added: 0, replaced: 0, present: 0 });
  return {
    consensuses: none(),
    exitLists: none(),
    certificates: none(),
    foreignCertificates: 0,
    invalid: 0,
    unverified: 0,
    certificatesThen: 0,
    other: 0,
    problems: [],
    problemCount: 0,
  };
}

function sumOf(tallies: readonly Tally[]): ImportReport {
  const sum = newTally();
  for (const tally of tallies) {
    for (const what of ["consensuses", "exitLists", "certificates"] as const) {
      for (const how of ["added", "replaced", "present"] as const) sum[what][how] += tally[what][how];
    }
    for (const key of ["foreignCertificates", "invalid", "unverified", "other", "problemCount"] as const)
      sum[key] += tally[key];
    sum.problems.push(...tally.problems.slice(0, MAX_PROBLEMS - sum.problems.length));
  }
  const { certificatesThen: _, ...report } = sum;
  return report;
}

/** Certificates in front: without them nothing can be verified. The order is else as it was. */
function inOrder(files: readonly InputFile[]): InputFile[] {
  const isCertificates = ({ path }: InputFile) => /cert|(?:^|[/\\])keys/i.test(basename(path));
  return [...files.filter(isCertificates), ...files.filter((file) => !isCertificates(file))];
}

/** @throws {LeekError} when the path does not exist or cannot be read. */
function findFiles(path: string): InputFile[] {
  const found: InputFile[] = [];
  try {
    const status = statSync(path);
    if (!status.isDirectory()) return [{ path, size: status.size, isRegular: status.isFile() }];
  } catch (error) {
    throw fileError(error, "file", path);
  }
  const pending = [{ directory: path, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { directory, depth } = next;
    const folders: string[] = [];
    for (const entry of sortedEntries(directory)) {
      const inside = join(directory, entry.name);
      // A link to a folder may lead back up, so only links to files are followed.
      if (entry.isDirectory()) folders.push(inside);
      else if (!entry.name.startsWith(OWN_PREFIX) && (entry.isFile() || entry.isSymbolicLink())) addFile(inside, found);
      if (found.length > MAX_FILES) throw tooManyFiles(path);
    }
    if (depth < MAX_DEPTH) pending.push(...folders.reverse().map((it) => ({ directory: it, depth: depth + 1 })));
  }
  return found;
}

function sortedEntries(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((x, y) => (x.name < y.name ? -1 : 1));
  } catch (error) {
    throw fileError(error, "folder", directory);
  }
}

function addFile(path: string, found: InputFile[]): void {
  try {
    const status = statSync(path);
    // Opening a pipe or a device could wait for ever.
    if (status.isFile()) found.push({ path, size: status.size, isRegular: true });
  } catch (error) {
    // A link to nothing, or a file that has gone meanwhile.
    if (systemErrorCode(error) !== "ENOENT" && systemErrorCode(error) !== "ELOOP") throw fileError(error, "file", path);
  }
}

function tooManyFiles(path: string): LeekError {
  return new LeekError(
    "LEEK_ARCHIVE_TOO_LARGE",
    "bad-data",
    `${escapeText(path)} holds more than ${MAX_FILES} files.`,
    {
      hint: "Name the folders with documents.",
    },
  );
}
