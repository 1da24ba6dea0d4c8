import { type Dirent, readdirSync } from "node:fs";
import { join, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { fileError, LeekError, systemErrorCode } from "../base/index.js";
import {
  type AuthoritySet,
  type ConsensusFlavor,
  type KeyCertificate,
  parseExitList,
  parseKeyCertificates,
  parsePreamble,
  type TimeSpan,
  type Verification,
  verifyConsensus,
} from "../relays/index.js";
import { readDocument, unzipped } from "./document-file.js";
import { typeOf } from "./document-type.js";

import {
  CERTIFICATES_FOLDER,
  certificateOfName,
  certificatePlace,
  DOCUMENT_KINDS,
  type DocumentKind,
  dayOf,
  daysFolder,
  isNameable,
  monthOf,
  type Place,
  placeOf,
  timeOfName,
  withoutGz,
} from "./layout.js";
import { AsideWriter, type Writer } from "./write-aside.js";

export interface ArchiveOptions {
  /** By whom a consensus must be signed to be kept. */
  readonly authorities: AuthoritySet;
  readonly writer: Writer;
}

/** A document that is kept, by its name alone: it has not been opened. */
export interface KeptDocument {
  readonly path: string;
  /** The part of it below the archive's directory. */
  readonly within: string;
  readonly kind: DocumentKind;
  /** Valid-after of a consensus, download of an exit list; seconds since 1970-01-01 UTC. */
  readonly time: number;
}

export interface KeptConsensus extends KeptDocument {
  readonly kind: ConsensusFlavor;
  readonly flavor: ConsensusFlavor;
  readonly validAfter: number;
}

export interface KeptCertificate {
  readonly path: string;
  /** 40 upper-case hex digits. */
  readonly identity: string;
  readonly published: number;
}

/** "better": one of the same time was there and is kept, because as many authorities or more signed it. */
export type Kept = "added" | "replaced" | "present" | "better";

/** What became of a document. */
export type Addition =
  | { readonly type: "consensus"; readonly kept: Kept; readonly path: string; readonly verification: Verification }
  | { readonly type: "refused"; readonly verification: Verification }
  | { readonly type: "exit-list"; readonly kept: Kept; readonly path: string }
  | {
      readonly type: "certificates";
      readonly added: number;
      readonly present: number;
      /** Of authorities that leek does not know: left out. */
      readonly foreign: number;
      /** Why others were not taken. */
      readonly rejected: readonly string[];
    }
  | { readonly type: "other" };

const compress = promisify(gzip);

/** A consensus packed with level 6 is 5 % smaller than with 4, and takes twice the time. */
const GZIP = { level: 4 };

/** As CollecTor has it in front of each certificate. */
const CERTIFICATE_ANNOTATION = "@type dir-key-certificate-3 1.0\n";

/**
 * Directory documents, kept as they were published in a plain directory of CollecTor's own layout: what rsync brings is
 * read just as well as what `add` wrote, and whatever is deleted is gone. Only what is verified is added.
 */
export class Archive {
  readonly #authorities: AuthoritySet;
  readonly #writer: AsideWriter;
  readonly #busy = new Map<string, Promise<unknown>>();
  #certificates: KeyCertificate[] | undefined;
  #cleaning: Promise<void> | undefined;

  private constructor(
    readonly directory: string,
    options: ArchiveOptions,
  ) {
    this.#authorities = options.authorities;
    this.#writer = new AsideWriter(options.writer);
  }

  /** @param directory - Made by the first `add`; one that is not there has no documents. */
  static open(directory: string, options: ArchiveOptions): Archive {
    return new Archive(directory, options);
  }

  /**
   * Adds a document, plain or gzip: a consensus of either flavor, one or many key certificates, or an exit list. What it
   * is and when it was made, its content tells.
   *
   * @param source - Names the document in errors.
   * @throws {LeekError} LEEK_ARCHIVE_WRITE when it cannot be written (nothing has changed then); LEEK_CONSENSUS_...,
   *   LEEK_EXIT_LIST_MALFORMED, LEEK_ARCHIVE_DAMAGED, LEEK_ARCHIVE_TOO_LARGE when it cannot be read.
   */
  async add(bytes: Uint8Array, source: string): Promise<Addition> {
    const document = unzipped(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), source);
    const type = typeOf(document);
    if (type === "other") return { type };
    this.#cleaning ??= this.#clean();
    await this.#cleaning;
    if (type === "consensus") return this.#addConsensus(document, source);
    if (type === "certificates") return this.#addCertificates(document, source);
    const { downloaded } = parseExitList(document, source);
    requireNameable(downloaded, source);
    const place = placeOf("exit-list", downloaded);
    // Nobody signs these, so there is no telling which of two is better.
    const isBetter = (other: Buffer) => ifReadable(() => parseExitList(other, source).downloaded !== downloaded);
    return { type, ...(await this.#keep(place, document, isBetter)) };
  }

  /**
   * Consensuses by time, of one time the microdesc one first. Opens no file, and only folders of months and days that the span touches.
   *
   * @param span - Of valid-after.
   */
  list(span?: TimeSpan): KeptConsensus[] {
    const found = (["ns", "microdesc"] as const).flatMap((flavor) =>
      this.documents(flavor, span).map((it) => ({ ...it, kind: flavor, flavor, validAfter: it.time })),
    );
    return found.sort((x, y) => x.validAfter - y.validAfter || (x.flavor < y.flavor ? -1 : 1));
  }

  /** Exit lists by the time of their download, as `list`. */
  exitLists(span?: TimeSpan): KeptDocument[] {
    return this.documents("exit-list", span);
  }

  /** Documents of one kind by time. */
  documents(kind: DocumentKind, { first, last }: TimeSpan = { first: -Infinity, last: Infinity }): KeptDocument[] {
    const found = new Map<string, KeptDocument>();
    for (const month of subfolders(this.directory)) {
      const ofMonth = monthOf(kind, month);
      if (ofMonth === undefined || ofMonth.last < first || ofMonth.first > last) continue;
      const days = join(month, ...daysFolder(kind));
      for (const day of subfolders(join(this.directory, days))) {
        const ofDay = dayOf(ofMonth.first, day);
        if (ofDay === undefined || ofDay.last < first || ofDay.first > last) continue;
        const within = join(days, day);
        const folder = join(this.directory, within);
        for (const name of files(folder)) {
          const time = timeOfName(kind, name);
          if (time === undefined || time < first || time > last) continue;
          // Where both are, the one that leek wrote; it did so because it is the better one.
          if (!name.endsWith(".gz") && found.has(name)) continue;
          // Not by join(): it takes as long as all else for a month of names.
          found.set(withoutGz(name), { path: folder + sep + name, within: within + sep + name, kind, time });
        }
      }
    }
    return [...found.values()].sort((x, y) => x.time - y.time);
  }

  /** Key certificates by their names. */
  listCertificates(): KeptCertificate[] {
    const directory = join(this.directory, CERTIFICATES_FOLDER);
    const found = new Map<string, KeptCertificate>();
    for (const name of files(directory)) {
      const certificate = certificateOfName(name);
      if (certificate === undefined || (!name.endsWith(".gz") && found.has(name))) continue;
      found.set(withoutGz(name), { path: join(directory, name), ...certificate });
    }
    return [...found.values()];
  }

  /** All key certificates that are kept and good. Read once. */
  certificates(): readonly KeyCertificate[] {
    this.#certificates ??= this.listCertificates().flatMap(({ path }) => readCertificates(path));
    return this.#certificates;
  }

  /**
   * Verifies a document that is kept.
   *
   * @throws {LeekError} when it cannot be read, or is no consensus.
   */
  verify(path: string): Verification & { readonly flavor: ConsensusFlavor; readonly validAfter: number } {
    const document = readDocument(path);
    const { flavor, validAfter } = parsePreamble(document, path);
    return { ...this.verifyBytes(document, path), flavor, validAfter };
  }

  /** Verifies a document by the certificates that are kept. @throws {LeekError} when it is no consensus. */
  verifyBytes(document: Buffer, source: string): Verification {
    return verifyConsensus(document, this.certificates(), this.#authorities, source);
  }

  /** By whom documents must be signed. */
  get authorities(): AuthoritySet {
    return this.#authorities;
  }

  /**
   * Writes a file that is no document beside them: a cache.
   *
   * @throws {LeekError} LEEK_ARCHIVE_WRITE.
   */
  async writeOwn(name: string, bytes: Uint8Array): Promise<void> {
    await this.#writer.write(this.directory, [], name, bytes);
  }

  async #addConsensus(document: Buffer, source: string): Promise<Addition> {
    const verification = verifyConsensus(document, this.certificates(), this.#authorities, source);
    if (verification.state !== "verified") return { type: "refused", verification };
    const { flavor, validAfter } = parsePreamble(document, source);
    requireNameable(validAfter, source);
    const isBetter = (other: Buffer) =>
      ifReadable(() => {
        const { state, good } = verifyConsensus(other, this.certificates(), this.#authorities, source);
        const there = parsePreamble(other, source);
        const isMisplaced = there.flavor !== flavor || there.validAfter !== validAfter;
        return state !== "verified" || isMisplaced || good < verification.good;
      });
    return { type: "consensus", ...(await this.#keep(placeOf(flavor, validAfter), document, isBetter)), verification };
  }

  async #addCertificates(document: Buffer, source: string): Promise<Addition> {
    const read = parseKeyCertificates(document);
    const known = new Set(this.#authorities.authorities.map(({ v3Identity }) => v3Identity?.toUpperCase()));
    let added = 0;
    let present = 0;
    let foreign = 0;
    for (const certificate of read.certificates) {
      // Anybody can make an identity, so certificates of unknown ones would only be ballast, as much as anybody likes.
      if (!known.has(certificate.identity)) {
        foreign++;
        continue;
      }
      requireNameable(certificate.published, source);
      const place = certificatePlace(certificate.identity, certificate.published);
      const text = Buffer.from(CERTIFICATE_ANNOTATION + certificate.text, "latin1");
      const isDamaged = (other: Buffer) => parseKeyCertificates(other).certificates.length !== 1;
      const { kept } = await this.#keep(place, text, isDamaged);
      if (kept === "added" || kept === "replaced") {
        added++;
        this.#certificates?.push(certificate);
      } else present++;
    }
    return { type: "certificates", added, present, foreign, rejected: read.rejected };
  }

  /** One after the other for each place: of two documents of one time the better must win, whichever comes first. */
  async #keep(place: Place, document: Buffer, isBetter: (than: Buffer) => boolean) {
    const key = join(...place.folder, place.name);
    const before = this.#busy.get(key);
    const keeping = (async () => {
      await before?.catch(() => {});
      return this.#keepNow(place, document, isBetter);
    })();
    this.#busy.set(key, keeping);
    try {
      return await keeping;
    } finally {
      if (this.#busy.get(key) === keeping) this.#busy.delete(key);
    }
  }

  async #keepNow(
    { folder, name }: Place,
    document: Buffer,
    isBetter: (than: Buffer) => boolean,
  ): Promise<{ readonly kept: Kept; readonly path: string }> {
    const directory = join(this.directory, ...folder);
    const packed = join(directory, `${name}.gz`);
    // Where both are, the packed one is the one that counts.
    let path = packed;
    let there = readKept(path);
    if (there === undefined) {
      path = join(directory, name);
      there = readKept(path);
    }
    if (Buffer.isBuffer(there)) {
      if (there.equals(document)) return { kept: "present", path };
      if (!isBetter(there)) return { kept: "better", path };
    }
    // A plain one of that name, if any, is left: it is another's, and the packed one goes before it.
    await this.#writer.write(this.directory, folder, `${name}.gz`, await compress(document, GZIP));
    return { kept: there === undefined ? "added" : "replaced", path: packed };
  }

  /** Removes what killed writers left, in all folders that documents go to. */
  async #clean(): Promise<void> {
    await this.#writer.clean(this.directory);
    await this.#writer.clean(join(this.directory, CERTIFICATES_FOLDER));
    for (const month of subfolders(this.directory)) {
      for (const kind of DOCUMENT_KINDS) {
        if (monthOf(kind, month) === undefined) continue;
        const days = join(this.directory, month, ...daysFolder(kind));
        for (const day of subfolders(days)) await this.#writer.clean(join(days, day));
      }
    }
  }
}

function requireNameable(seconds: number, source: string): void {
  if (isNameable(seconds)) return;
  throw new LeekError("LEEK_ARCHIVE_TIME", "bad-data", `Cannot keep ${source}: its time is outside of all calendars.`);
}

/** Whether a new document is better than what is there; it is when that cannot be read. */
function ifReadable(isBetter: () => boolean): boolean {
  try {
    return isBetter();
  } catch (error) {
    if (error instanceof LeekError) return true;
    throw error;
  }
}

/** What lies at a path; undefined for nothing. */
function readKept(path: string): Buffer | "damaged" | undefined {
  try {
    return readDocument(path);
  } catch (error) {
    if (!(error instanceof LeekError)) throw error;
    if (error.code === "LEEK_FILE_NOT_FOUND") return undefined;
    if (error.kind === "bad-data") return "damaged";
    throw error;
  }
}

function readCertificates(path: string): readonly KeyCertificate[] {
  try {
    return parseKeyCertificates(readDocument(path)).certificates;
  } catch (error) {
    // A damaged one vouches for nobody; the document that needs it says that it is missing.
    if (error instanceof LeekError && (error.kind === "bad-data" || error.code === "LEEK_FILE_NOT_FOUND")) return [];
    throw error;
  }
}

function subfolders(directory: string): string[] {
  return entries(directory, (entry) => entry.isDirectory());
}

function files(directory: string): string[] {
  return entries(directory, (entry) => entry.isFile() || entry.isSymbolicLink());
}

/** Names by order; none of a folder that is not there. */
function entries(directory: string, isWanted: (entry: Dirent) => boolean): string[] {
  try {
    const found = readdirSync(directory, { withFileTypes: true }).filter(isWanted);
    return found.map(({ name }) => name).sort();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw fileError(error, "archive folder", directory);
  }
}
