import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { LeekError } from "../base/index.js";
import { formatIpAddress, type IpAddress } from "../net/index.js";
import { parseConsensus, parsePreamble, type TimeSpan } from "../relays/index.js";
import type { Archive, KeptConsensus } from "./archive.js";
import { readDocument } from "./document-file.js";
import { IndexedConsensus } from "./indexed-consensus.js";
import { indexName } from "./layout.js";
import { MonthBuilder } from "./month-builder.js";
import {
  DIR_ROLE,
  type EndpointRow,
  encodeMonth,
  type IndexedDocument,
  MonthIndex,
  type SourceFile,
} from "./month-index.js";

export interface ArchiveIndexOptions {
  /** Times that will be asked about; undefined: all. */
  readonly span?: TimeSpan;
  /** Told of documents as they are read, while an index is made. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Consecutive documents that list a relay at an address. Times are seconds since 1970-01-01 UTC. */
export interface ListedRun {
  /** Valid-after of the first. */
  readonly from: number;
  /** Valid-after of the last. */
  readonly to: number;
  /** Valid-until of the last. */
  readonly validUntil: number;
}

/** What a relay was called and which flags it had, in consecutive documents. */
export interface RelayState {
  readonly from: number;
  readonly to: number;
  readonly nickname: string;
  readonly flags: readonly string[];
}

/** A relay at an address and port, over time. */
export interface RelayHistory {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  readonly address: string;
  readonly port: number;
  readonly role: "or" | "dir";
  readonly runs: readonly ListedRun[];
  /** By time; also of documents that list the relay elsewhere. */
  readonly states: readonly RelayState[];
}

/** How long after valid-until clients go on using a consensus, as in `reachUntil`; and a document may be early. */
const REACH_SECONDS = 2 * 86_400;

interface Month {
  readonly index: MonthIndex;
  /** Number of its first document among all. */
  readonly base: number;
}

/**
 * Who was listed where, over all kept consensuses of a span: answers in a millisecond what else takes reading them all.
 *
 * It lies in files beside the documents, one for each month, and can be deleted at any time: it is made anew, from
 * verified documents only, when it is missing, damaged, of other documents, or made under other authorities. An index
 * that came from elsewhere with its documents never fits, as it knows their inodes and change times.
 */
export class ArchiveIndex {
  /** By time. */
  readonly documents: readonly IndexedDocument[];
  /** What each of them says, by time; read from the index alone. */
  readonly consensuses: readonly IndexedConsensus[];
  readonly #months: readonly Month[];

  private constructor(directory: string, indexes: readonly MonthIndex[]) {
    const documents: IndexedDocument[] = [];
    this.#months = indexes.map((index) => {
      const base = documents.length;
      documents.push(...index.meta.documents);
      return { index, base };
    });
    this.documents = documents;
    this.consensuses = indexes.flatMap((index) =>
      index.meta.documents.map((document, number) => new IndexedConsensus(directory, index, document, number)),
    );
  }

  /**
   * Opens the index, and brings it up to date. Only what has changed is read.
   *
   * @throws {LeekError} when the archive cannot be read. Where the index cannot be written, it is made all the same.
   */
  static async open(archive: Archive, options: ArchiveIndexOptions = {}): Promise<ArchiveIndex> {
    const { span = { first: -Infinity, last: Infinity }, onProgress = () => {} } = options;
    // Whole months, for these have a file each.
    const first = startOfMonth(span.first - REACH_SECONDS);
    const last = startOfMonth(span.last + REACH_SECONDS, 1) - 1;
    const byMonth = new Map<string, KeptConsensus[]>();
    for (const document of archive.list({ first, last })) {
      const name = indexName(document.validAfter);
      const month = byMonth.get(name);
      if (month === undefined) byMonth.set(name, [document]);
      else month.push(document);
    }
    const trust = digest(JSON.stringify(archive.authorities.authorities));
    const certificates = digest(
      archive
        .listCertificates()
        .map(({ path }) => `${path} ${stampOf(path)}`)
        .join("\n"),
    );
    const works = [...byMonth].map(([name, documents]) => new MonthWork(archive, name, documents, trust, certificates));
    const total = works.reduce((sum, { missing }) => sum + missing, 0);
    const indexes: MonthIndex[] = [];
    let done = 0;
    for (const work of works) indexes.push(await work.finish(() => onProgress(++done, total)));
    return new ArchiveIndex(archive.directory, indexes);
  }

  /** The document that a client would have had at a time: the newest one that was valid, or within its reach. */
  covering(seconds: number): IndexedDocument | undefined {
    const number = this.#newest(seconds);
    const document = this.documents[number];
    if (document !== undefined && seconds <= document.validUntil + 86_400) return document;
    const next = this.documents[number + 1];
    return next !== undefined && seconds >= next.validAfter - next.distSeconds ? next : undefined;
  }

  /** Whether some document speaks for a time. */
  covers(seconds: number): boolean {
    return this.covering(seconds) !== undefined;
  }

  /** All relays that were ever listed at an address, with OR ports or DirPorts there. */
  history(address: IpAddress): RelayHistory[] {
    return this.#histories((index) => index.find(address));
  }

  /** Relays listed in the /24 (IPv4) or /48 (IPv6) of an address, at any time. */
  near(address: IpAddress): RelayHistory[] {
    return this.#histories((index) => index.near(address));
  }

  /** Number of the newest document whose validity had begun; -1 when there is none. */
  #newest(seconds: number): number {
    let low = 0;
    let high = this.documents.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.documents[middle]!.validAfter <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #histories(find: (index: MonthIndex) => readonly EndpointRow[]): RelayHistory[] {
    const found = new Map<string, { row: EndpointRow; fingerprint: string; runs: number[]; states: RawState[] }>();
    for (const { index, base } of this.#months) {
      for (const row of find(index)) {
        const fingerprint = index.fingerprint(row.relay);
        const key = `${fingerprint} ${row.role} ${row.port} ${formatIpAddress(row)}`;
        const entry = found.get(key) ?? { row, fingerprint, runs: [], states: [] };
        found.set(key, entry);
        for (const number of row.runs) entry.runs.push(base + number);
        entry.states.push(...rawStates(index, row.relay, base));
      }
    }
    return [...found.values()].map(({ row, fingerprint, runs, states }) => ({
      fingerprint,
      address: formatIpAddress(row),
      port: row.port,
      role: row.role === DIR_ROLE ? "dir" : "or",
      runs: this.#parts(runs).map(([first, last]) => this.#run(first, last)),
      states: this.#states(states),
    }));
  }

  /** Runs, joined over the ends of months, and cut where a time lies between two documents for which there is none. */
  #parts(runs: readonly number[]): [number, number][] {
    const parts: [number, number][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      let first = runs[at]!;
      const last = runs[at + 1]!;
      const before = parts.at(-1);
      if (before !== undefined && before[1] === first - 1 && !this.#isGap(before[1])) {
        parts.pop();
        first = before[0];
      }
      let start = first;
      for (let i = runs[at]!; i < last; i++) {
        if (!this.#isGap(i)) continue;
        parts.push([start, i]);
        start = i + 1;
      }
      parts.push([start, last]);
    }
    return parts;
  }

  #isGap(number: number): boolean {
    return this.documents[number + 1]!.validAfter > this.documents[number]!.validUntil;
  }

  #run(first: number, last: number): ListedRun {
    const { validAfter, validUntil } = this.documents[last]!;
    return { from: this.documents[first]!.validAfter, to: validAfter, validUntil };
  }

  #states(raw: readonly RawState[]): RelayState[] {
    const states: (RawState & { flags: string })[] = [];
    for (const state of raw) {
      const before = states.at(-1);
      const isSame = before?.nickname === state.nickname && before.flags === state.flags;
      if (before !== undefined && isSame && before.last === state.first - 1) before.last = state.last;
      else states.push({ ...state });
    }
    return states.map(({ first, last, nickname, flags }) => ({
      from: this.documents[first]!.validAfter,
      to: this.documents[last]!.validAfter,
      nickname,
      flags: flags.split(" ").filter((flag) => flag !== ""),
    }));
  }
}

/** What a relay was called and which flags it had at a time, or in the last document before it that lists it. */
export function stateAt({ states }: RelayHistory, seconds: number): RelayState | undefined {
  return states.findLast(({ from }) => from <= seconds) ?? states[0];
}

interface RawState {
  readonly first: number;
  last: number;
  readonly nickname: string;
  readonly flags: string;
}

function* rawStates(index: MonthIndex, relay: number, base: number): Generator<RawState> {
  const states = index.states(relay);
  const { nicknames, flagSets } = index.meta;
  for (let at = 0; at < states.length; at += 4) {
    const [first, last, nickname, flagSet] = states.subarray(at, at + 4);
    yield {
      first: base + first!,
      last: base + last!,
      nickname: nicknames[nickname!] ?? "",
      flags: flagSets[flagSet!] ?? "",
    };
  }
}

/** A document of which the relays have not been read yet. */
interface ReadDocument {
  readonly text: Buffer;
  readonly document: Omit<IndexedDocument, "relays" | "anomalies">;
}

/** The index of one month: the one that is there, or a new one from as much of it as is still true. */
class MonthWork {
  /** Documents to be read. */
  readonly missing: number;
  readonly #archive: Archive;
  readonly #name: string;
  readonly #trust: string;
  readonly #certificates: string;
  readonly #old: MonthIndex | undefined;
  /** Sources that are as the old index knew them. */
  readonly #known: ReadonlyMap<string, SourceFile>;
  readonly #sources: readonly (Omit<SourceFile, "state"> & { readonly document: KeptConsensus })[];

  constructor(
    archive: Archive,
    name: string,
    documents: readonly KeptConsensus[],
    trust: string,
    certificates: string,
  ) {
    this.#archive = archive;
    this.#name = name;
    this.#trust = trust;
    this.#certificates = certificates;
    this.#sources = documents.map((document) => {
      return { path: document.within, stamp: stampOf(document.path), document };
    });
    const old = readIndex(join(archive.directory, this.#name));
    this.#old = old?.meta.trust === trust ? old : undefined;
    this.#known = new Map(this.#old === undefined ? [] : this.#stillTrue(this.#old));
    this.missing = this.#sources.filter(({ path }) => !this.#known.has(path)).length;
  }

  async finish(onRead: () => void): Promise<MonthIndex> {
    const old = this.#old;
    if (old !== undefined && this.missing === 0 && old.meta.sources.length === this.#sources.length) {
      if (old.meta.certificates === this.#certificates || !hasRefused(old)) return old;
    }
    const bytes = this.#build(onRead);
    try {
      await this.#archive.writeOwn(this.#name, bytes);
    } catch (error) {
      // An archive on a medium that one may only read is read without a cache.
      if (!(error instanceof LeekError)) throw error;
    }
    const index = MonthIndex.decode(bytes);
    if (index === undefined) throw new Error("an index that was just made cannot be read");
    return index;
  }

  *#stillTrue({ meta }: MonthIndex): Generator<[string, SourceFile]> {
    const now = new Map(this.#sources.map(({ path, stamp }) => [path, stamp]));
    // A document's spare is read when it has gone or changed, so those are told again in that case.
    const isWhole = meta.sources.every(({ path, stamp, state }) => state !== "used" || now.get(path) === stamp);
    for (const source of meta.sources) {
      if (now.get(source.path) !== source.stamp) continue;
      if (source.state === "spare" && !isWhole) continue;
      // With other certificates it may be verified now.
      if (source.state === "refused" && meta.certificates !== this.#certificates) continue;
      yield [source.path, source];
    }
  }

  #build(onRead: () => void): Buffer {
    const builder = new MonthBuilder();
    const sources: SourceFile[] = [];
    const documents: IndexedDocument[] = [];
    const numbers = new Array<number>(this.#old?.meta.documents.length ?? 0).fill(-1);
    const oldNumbers = new Map(this.#old?.meta.documents.map(({ path }, i) => [path, i]));
    let taken: number | undefined;
    // Of two of a time the microdesc one is first: the flavor that clients use.
    for (const { path, stamp, document } of this.#sources) {
      const known = this.#known.get(path);
      if (known === undefined) onRead();
      if (taken === document.validAfter) {
        sources.push({ path, stamp, state: "spare" });
        continue;
      }
      const old = known?.state === "used" ? oldNumbers.get(path) : undefined;
      if (old !== undefined) {
        numbers[old] = documents.push(this.#old!.meta.documents[old]!) - 1;
      } else {
        const read = known?.state === "refused" ? undefined : this.#read(document, path);
        if (read === undefined) {
          sources.push({ path, stamp, state: "refused" });
          continue;
        }
        const parsed = parseConsensus(read.text, document.path);
        const { relayCount: relays, anomalies } = parsed;
        const number = documents.push({ ...read.document, relays, anomalies }) - 1;
        builder.addDocument(number, parsed);
      }
      taken = document.validAfter;
      sources.push({ path, stamp, state: "used" });
    }
    if (this.#old !== undefined) builder.addIndex(this.#old, numbers);
    const { endpoints, relays } = builder.finish();
    const { nicknames, flagSets } = builder;
    const meta = { trust: this.#trust, certificates: this.#certificates, sources, documents, nicknames, flagSets };
    return encodeMonth({ meta, endpoints, relays });
  }

  /** @returns undefined for what is not verified, or not what its name says. */
  #read(kept: KeptConsensus, path: string): ReadDocument | undefined {
    try {
      const text = readDocument(kept.path);
      const verification = this.#archive.verifyBytes(text, kept.path);
      if (verification.state !== "verified") return undefined;
      const { flavor, validAfter, freshUntil, validUntil, distSeconds } = parsePreamble(text, kept.path);
      if (flavor !== kept.flavor || validAfter !== kept.validAfter) return undefined;
      return { text, document: { path, flavor, validAfter, freshUntil, validUntil, distSeconds, verification } };
    } catch (error) {
      if (error instanceof LeekError) return undefined;
      throw error;
    }
  }
}

function hasRefused({ meta }: MonthIndex): boolean {
  return meta.sources.some(({ state }) => state === "refused");
}

function readIndex(path: string): MonthIndex | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    // A buffer of its own: the tables must begin at a multiple of four.
    const bytes = Buffer.from(new ArrayBuffer(fstatSync(descriptor).size));
    let length = 0;
    for (let got = -1; got !== 0; length += got) {
      got = readSync(descriptor, bytes, length, bytes.length - length, length);
    }
    return MonthIndex.decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** What tells a file and its content from all others; change time and inode cannot be chosen by who sends files. */
function stampOf(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false });
  return status === undefined ? "" : `${status.size} ${status.mtimeMs} ${status.ctimeMs} ${status.ino}`;
}

function digest(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

/** The first second of the month of a time, or of one some months later. */
function startOfMonth(seconds: number, later = 0): number {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return seconds;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later) / 1000;
}
