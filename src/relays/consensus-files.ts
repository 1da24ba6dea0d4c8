import { closeSync, type Dirent, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import { escapeText, fileError, LeekError, systemErrorCode } from "../base/index.js";
import {
  type ConsensusDocument,
  MAX_CONSENSUS_BYTES,
  parseConsensus,
  reachFrom,
  reachUntil,
} from "./consensus-document.js";
import { consensusTooLarge } from "./consensus-error.js";
import { type ConsensusPreamble, isOtherDocument, looksLikeConsensus, parsePreamble } from "./consensus-preamble.js";
import { coverageOf, mergeSpans, type TimeSpan } from "./coverage.js";
import type { AuthoritySet } from "./verify/authority-set.js";
import { type KeyCertificate, looksLikeKeyCertificate, parseKeyCertificates } from "./verify/key-certificate.js";
import { verificationText } from "./verify/verification.js";
import { verifyConsensus } from "./verify/verify-consensus.js";

/** A consensus on disk of which only the preamble has been read. */
export interface ConsensusFile {
  readonly path: string;
  readonly preamble: ConsensusPreamble;
  /** The user named this very file, so it must not be left out in silence. */
  readonly isNamed: boolean;
  /** The whole of it, kept only for what cannot be read twice: a pipe. */
  readonly bytes: Buffer | undefined;
}

/** Something that was passed over, and why. */
export interface LoadNote {
  readonly path: string;
  readonly code: string;
  /** One sentence for people, with untrusted text escaped. */
  readonly message: string;
}

export interface ConsensusFiles {
  readonly files: readonly ConsensusFile[];
  /** Paths of the key certificates that lie beside them. */
  readonly certificates: readonly string[];
  readonly notes: readonly LoadNote[];
}

export interface LoadedCertificates {
  readonly certificates: readonly KeyCertificate[];
  readonly notes: readonly LoadNote[];
}

/** By whom documents are vouched for. */
export interface Trust {
  readonly certificates: readonly KeyCertificate[];
  readonly authorities: AuthoritySet;
}

/** What was read of them. */
export interface LoadedConsensuses {
  readonly documents: readonly ConsensusDocument[];
  readonly notes: readonly LoadNote[];
}

/** Holds everything of a preamble that is read here, several times over. */
const HEAD_BYTES = 4096;

/** CollecTor's archives are three folders deep. */
const MAX_DEPTH = 8;

/** An hourly archive of eleven years; bounds the time that a wrong path can cost. */
const MAX_DIRECTORY_ENTRIES = 100_000;

/** What 4096 bytes of a gzip bomb may grow to. */
const MAX_HEAD_BYTES = 2 ** 23;

/**
 * Finds consensus documents and reads their preambles. Directories are searched in depth, by content and not by name;
 * what else lies there is ignored, and so are tor's `unverified-*` files, which tor itself does not trust.
 *
 * @param paths - Files (plain or gzip) or directories.
 * @returns Notes about what a search met but could not read.
 * @throws {LeekError} When a path does not exist or cannot be read, or a file named is no consensus.
 */
export function findConsensusFiles(paths: readonly string[]): ConsensusFiles {
  const files: ConsensusFile[] = [];
  const certificates: string[] = [];
  const notes: LoadNote[] = [];
  for (const path of paths) {
    if (isDirectory(path)) searchDirectory(path, { files, certificates, notes });
    else {
      files.push(readNamed(path));
      certificates.push(...certificatesBeside(dirname(path)));
    }
  }
  return { files, certificates: [...new Set(certificates)], notes };
}

/** Tor's own file of key certificates, in the folder where it keeps its consensus. */
function certificatesBeside(directory: string): string[] {
  const path = join(directory, "cached-certs");
  return existsSync(path) ? [path] : [];
}

/**
 * Reads files of key certificates (plain or gzip), one or many in each. What is in them but not good is left out and
 * noted.
 *
 * @param isNamed - Whether the user named these files, so that one with no good certificate is an error.
 * @throws {LeekError} When a file that was named cannot be read, or has no good certificate.
 */
export function loadCertificates(paths: readonly string[], isNamed: boolean): LoadedCertificates {
  const certificates: KeyCertificate[] = [];
  const notes: LoadNote[] = [];
  for (const path of paths) {
    try {
      const read = parseKeyCertificates(readWhole(path));
      certificates.push(...read.certificates);
      for (const reason of read.rejected) {
        const message = `Left a key certificate out, in ${escapeText(path)}: ${reason}.`;
        notes.push({ path, code: "LEEK_CERTIFICATE_REJECTED", message });
      }
      if (isNamed && read.certificates.length === 0) throw noCertificates(path);
    } catch (error) {
      if (isNamed) throw error;
      notes.push(noteOf(path, error));
    }
  }
  return { certificates, notes };
}

function noCertificates(path: string): LeekError {
  return new LeekError("LEEK_CERTIFICATES_NONE", "bad-data", `${escapeText(path)} has no good key certificate.`, {
    hint: "Give tor's cached-certs, or what /tor/keys/all gives.",
  });
}

/**
 * Reads documents.
 *
 * @param span - Reads only those that reach a part of it and, where that leaves gaps, the nearest one before and after
 *   (they may still tell "listed, but not at that time"). Undefined reads all.
 * @param trust - Checks signatures, and leaves out what they prove wrong. Undefined checks nothing.
 * @throws {LeekError} When a file that the user named cannot be read or is not what was signed; others become notes.
 */
export function loadConsensusFiles(files: readonly ConsensusFile[], span?: TimeSpan, trust?: Trust): LoadedConsensuses {
  const documents: ConsensusDocument[] = [];
  const notes: LoadNote[] = [];
  for (const file of span === undefined ? files : chooseFor(span, files)) {
    try {
      const bytes = readConsensus(file);
      const { path } = file;
      const verification =
        trust === undefined ? undefined : verifyConsensus(bytes, trust.certificates, trust.authorities, path);
      if (verification?.state === "invalid") throw invalidConsensus(path, verificationText(verification));
      documents.push(parseConsensus(bytes, path, verification));
    } catch (error) {
      if (file.isNamed) throw error;
      notes.push(noteOf(file.path, error));
    }
  }
  return { documents, notes };
}

/**
 * All bytes of a document, unpacked.
 *
 * @throws {LeekError} When the file cannot be read, or is too large.
 */
export function readConsensus(file: ConsensusFile): Buffer {
  return file.bytes ?? readWhole(file.path);
}

function invalidConsensus(path: string, what: string): LeekError {
  return new LeekError("LEEK_CONSENSUS_INVALID", "bad-data", `Consensus ${escapeText(path)} is ${what}.`, {
    hint: "Take it again from where it came; leek never uses a document that its signatures prove wrong.",
  });
}

/**
 * Where tor keeps its own documents, by system.
 *
 * Source: Debian's tor-service-defaults-torrc, tor's manual (DataDirectory), the layout of Tor Browser's bundles,
 * RaspiBlitz's torrc.
 *
 * @param home - The user's home directory.
 */
export function torDataDirectories(home: string): string[] {
  const bundle = ["Browser", "TorBrowser", "Data", "Tor"];
  return [
    "/var/lib/tor",
    join(home, ".tor"),
    join(home, "tor-browser", ...bundle),
    join(home, ".local", "share", "torbrowser", "tbb", "x86_64", "tor-browser", ...bundle),
    join(home, "Library", "Application Support", "TorBrowser-Data", "Tor"),
    join(home, "Desktop", "Tor Browser", ...bundle),
    "/mnt/hdd/tor/sys",
  ];
}

/**
 * Finds the consensus documents that tor keeps on this machine.
 *
 * @param directories - As `torDataDirectories` gives them. Those that do not exist are passed over.
 * @returns A note for what exists but cannot be read: Debian's /var/lib/tor is closed to other users.
 */
export function findLocalConsensus(directories: readonly string[]): ConsensusFiles {
  const files: ConsensusFile[] = [];
  const certificates: string[] = [];
  const notes: LoadNote[] = [];
  for (const directory of directories) {
    certificates.push(...certificatesBeside(directory));
    for (const name of ["cached-microdesc-consensus", "cached-consensus"]) {
      const path = join(directory, name);
      try {
        files.push({ ...readHead(path), isNamed: false });
      } catch (error) {
        const code = error instanceof LeekError ? systemErrorCode(error.cause) : undefined;
        if (code === "ENOENT" || code === "ENOTDIR") continue;
        notes.push(noteOf(path, error));
        // A closed directory hides both files; saying so once is enough.
        if (code === "EACCES" || code === "EPERM") break;
      }
    }
  }
  return { files, certificates, notes };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileError(error, "consensus", path);
  }
}

/** What a search has found so far. */
interface Findings {
  readonly files: ConsensusFile[];
  readonly certificates: string[];
  readonly notes: LoadNote[];
}

function searchDirectory(root: string, found: Findings): void {
  const { notes } = found;
  const pending = [{ directory: root, depth: 0 }];
  let entriesLeft = MAX_DIRECTORY_ENTRIES;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { directory, depth } = next;
    let entries: Dirent[];
    try {
      entries = readdirSync(directory, { withFileTypes: true });
    } catch (error) {
      if (directory === root) throw fileError(error, "consensus directory", directory);
      notes.push(noteOf(directory, fileError(error, "consensus directory", directory)));
      continue;
    }
    // Readdir's order is the file system's; sorted, the same directory gives the same documents everywhere.
    entries.sort((x, y) => (x.name < y.name ? -1 : 1));
    for (const entry of entries) {
      if (entriesLeft-- === 0) {
        const message = `Stopped searching ${escapeText(root)} after ${MAX_DIRECTORY_ENTRIES} entries.`;
        notes.push({ path: root, code: "LEEK_CONSENSUS_SEARCH_LIMIT", message });
        return;
      }
      const path = join(directory, entry.name);
      // A link to a directory may lead back up, so only links to files are followed (by `isFile` below).
      if (entry.isDirectory()) {
        if (depth + 1 < MAX_DEPTH) pending.push({ directory: path, depth: depth + 1 });
      } else if ((entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith("unverified-")) {
        addFound(path, found);
      }
    }
  }
}

function addFound(path: string, { files, certificates, notes }: Findings): void {
  try {
    // Opening a pipe or a device could wait for ever.
    if (!statSync(path).isFile()) return;
    files.push({ ...readHead(path), isNamed: false });
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    if (isOtherDocument(error)) {
      if (hasCertificates(path)) certificates.push(path);
      return;
    }
    notes.push(noteOf(path, error));
  }
}

function hasCertificates(path: string): boolean {
  try {
    const head = readFile(path, HEAD_BYTES).bytes;
    return looksLikeKeyCertificate(isGzip(head) ? inflatedHead(head) : head);
  } catch {
    // It was there a moment ago. Without it, documents stay unverified.
    return false;
  }
}

function readNamed(path: string): ConsensusFile {
  return { ...readHead(path), isNamed: true };
}

/** Reads a file's preamble; the whole file where its head does not hold it, or when it cannot be read twice. */
function readHead(path: string): Omit<ConsensusFile, "isNamed"> {
  const head = readFile(path, HEAD_BYTES);
  if (!head.isRegular) {
    const bytes = inflated(head.bytes, path);
    return { path, preamble: preambleOf(bytes, path), bytes };
  }
  const text = isGzip(head.bytes) ? inflatedHead(head.bytes) : head.bytes;
  try {
    return { path, preamble: preambleOf(text, path), bytes: undefined };
  } catch (error) {
    if (isOtherDocument(error) || !looksLikeConsensus(text)) throw error;
    return { path, preamble: preambleOf(readWhole(path), path), bytes: undefined };
  }
}

function preambleOf(text: Buffer, source: string): ConsensusPreamble {
  const { flavor, validAfter, freshUntil, validUntil, distSeconds } = parsePreamble(text, source);
  return { flavor, validAfter, freshUntil, validUntil, distSeconds };
}

function readWhole(path: string): Buffer {
  return inflated(readFile(path, MAX_CONSENSUS_BYTES + 1).bytes, path);
}

/**
 * Reads up to `limit` bytes of a regular file, or all of a pipe.
 *
 * @throws {LeekError} As `fileError`; LEEK_CONSENSUS_TOO_LARGE for a pipe that gives more than any consensus has.
 */
function readFile(path: string, limit: number): { readonly bytes: Buffer; readonly isRegular: boolean } {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw fileError(error, "consensus", path);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) return { bytes: readPipe(descriptor, path), isRegular: false };
    const bytes = Buffer.allocUnsafe(Math.min(status.size, limit));
    let length = 0;
    while (length < bytes.length) {
      const got = readSync(descriptor, bytes, length, bytes.length - length, length);
      if (got === 0) break;
      length += got;
    }
    return { bytes: bytes.subarray(0, length), isRegular: true };
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "consensus", path);
  } finally {
    closeSync(descriptor);
  }
}

function readPipe(descriptor: number, path: string): Buffer {
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const chunk = Buffer.allocUnsafe(65536);
    const got = readSync(descriptor, chunk, 0, chunk.length, null);
    if (got === 0) return Buffer.concat(chunks);
    length += got;
    if (length > MAX_CONSENSUS_BYTES) throw consensusTooLarge(path, MAX_CONSENSUS_BYTES);
    chunks.push(chunk.subarray(0, got));
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function inflated(bytes: Buffer, path: string): Buffer {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_CONSENSUS_BYTES });
  } catch (error) {
    if (systemErrorCode(error) === "ERR_BUFFER_TOO_LARGE") throw consensusTooLarge(path, MAX_CONSENSUS_BYTES);
    throw new LeekError(
      "LEEK_CONSENSUS_COMPRESSION",
      "bad-data",
      `Cannot read consensus ${escapeText(path)}: its gzip compression is damaged.`,
      { cause: error, hint: "Take the document again from where it came." },
    );
  }
}

/** As much as the beginning of a gzip file gives; nothing when it is no gzip after all. */
function inflatedHead(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_HEAD_BYTES });
  } catch {
    return Buffer.alloc(0);
  }
}

function chooseFor(span: TimeSpan, files: readonly ConsensusFile[]): ConsensusFile[] {
  const reachOf = ({ preamble }: ConsensusFile) => ({ first: reachFrom(preamble), last: reachUntil(preamble) });
  const reaching = files.filter((file) => reachOf(file).first <= span.last && reachOf(file).last >= span.first);
  if (coverageOf(mergeSpans(reaching.map(reachOf)), span).level === "full") return reaching;
  let latest = -Infinity;
  let earliest = Infinity;
  for (const { first, last } of files.map(reachOf)) {
    if (last < span.first) latest = Math.max(latest, last);
    if (first > span.last) earliest = Math.min(earliest, first);
  }
  return files.filter((file) => {
    const { first, last } = reachOf(file);
    return last < span.first ? last === latest : first <= span.last || first === earliest;
  });
}

function noteOf(path: string, error: unknown): LoadNote {
  if (error instanceof LeekError) return { path, code: error.code, message: error.message };
  const reason = error instanceof Error ? error.message : String(error);
  return { path, code: "LEEK_FILE_IO", message: `Cannot read ${escapeText(path)}: ${escapeText(reason)}` };
}
