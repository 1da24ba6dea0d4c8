import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import { escapeText, fileError, LeekError } from "../../base/index.js";
import {
  type Authority,
  AuthoritySet,
  type Bridge,
  type Consensus,
  type ConsensusFile,
  type ConsensusFiles,
  type FallbackDirectory,
  findConsensusFiles,
  findLocalConsensus,
  type KeyCertificate,
  type LoadNote,
  loadCertificates,
  loadConsensusFiles,
  MAX_TORRC_BYTES,
  parseAuthority,
  parseBridge,
  parseTorrc,
  RelayDirectory,
  reachUntil,
  type TimeSpan,
  type Torrc,
  type Trust,
  torDataDirectories,
} from "../../relays/index.js";
import { type DataDirectoryOptions, dataDirectory } from "./data-directory.js";
import type { KeptConsensuses } from "./kept-consensuses.js";
import type { TorWord } from "./tor-word.js";

/** Captures may not be quite in order: how much earlier than the first packet others may be. */
const DISORDER_SECONDS = 3600;

/** A list tells of probes of the last day; these count for a day's consensuses, and each of them is used for a day. */
const EXIT_LISTS_SECONDS = 3 * 86_400;

const ALWAYS: TimeSpan = { first: Number.MIN_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER };

/** The options by which commands are told whom to believe. */
export interface TrustOptions {
  /** Files of key certificates. */
  readonly certs?: readonly string[];
  /** DirAuthority lines. */
  readonly authority?: readonly string[];
  /** Files of torrc with DirAuthority lines. */
  readonly authoritiesFrom?: readonly string[];
}

/** The options by which commands are told of relays. */
export interface DirectoryOptions extends TrustOptions, DataDirectoryOptions {
  readonly consensus?: readonly string[];
  readonly bridge?: readonly string[];
  /** Files of torrc with Bridge lines. */
  readonly torrc?: readonly string[];
  /** The control port of the local tor, which is then asked for its bridges and OR connections. */
  readonly control?: string;
  /** False for --no-local-consensus: neither what tor nor what leek keeps on this machine. */
  readonly localConsensus: boolean;
}

/** A network's own directory servers, as a user described them. */
export interface TrustedNetwork {
  readonly authorities: AuthoritySet;
  /** Undefined: those of the public network. */
  readonly named:
    | { readonly authorities: readonly Authority[]; readonly fallbacks: readonly FallbackDirectory[] }
    | undefined;
}

/**
 * Whom to believe: the authorities that the user names, else those of the public network.
 *
 * @throws {LeekError} when a line or a file is no good.
 */
export function trustedNetwork({ authority = [], authoritiesFrom = [] }: TrustOptions): TrustedNetwork {
  const files = authoritiesFrom.map((path) => readTorrc(path));
  const authorities = [...authority.map(parseAuthority), ...files.flatMap((torrc) => torrc.authorities)];
  if (authority.length === 0 && authoritiesFrom.length === 0) {
    return { authorities: AuthoritySet.builtIn(), named: undefined };
  }
  return {
    authorities: AuthoritySet.of(authorities),
    named: { authorities, fallbacks: files.flatMap((torrc) => torrc.fallbacks) },
  };
}

/** @throws {LeekError} when it cannot be read, or a line of it is no good. */
export function readTorrc(path: string): Torrc {
  try {
    const descriptor = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(MAX_TORRC_BYTES + 1);
      let length = 0;
      for (let got = -1; got !== 0; length += got)
        got = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (length > MAX_TORRC_BYTES) throw tooLong(path);
      return parseTorrc(bytes.toString("utf8", 0, length));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "torrc", path);
  }
}

/** Bridges beyond its end would be missed in silence. */
function tooLong(path: string): LeekError {
  const size = `${MAX_TORRC_BYTES / 2 ** 20} MiB`;
  return new LeekError("LEEK_TORRC_MALFORMED", "bad-data", `${path} is no torrc: it is longer than ${size}.`, {
    hint: "Check the path.",
  });
}

/** What a later look found. */
export interface Reloaded {
  readonly documents: readonly Consensus[];
  /** What could not be read, and why. */
  readonly notes: readonly LoadNote[];
}

/** Documents that were found, of which only those that a capture needs are read. */
export class DirectorySources {
  readonly #files: readonly ConsensusFile[];
  readonly #bridges: readonly Bridge[];
  readonly #network: TrustedNetwork;
  /** The control port of the local tor; undefined when it is not to be asked. */
  readonly control: string | undefined;
  /** Those that the user named, and paths of others that lie beside the documents. */
  readonly #certificates: readonly KeyCertificate[];
  readonly #certificatesBeside: readonly string[];
  /** Paths of documents that the user named. */
  readonly #named: readonly string[];
  /** Where tor keeps documents; none when only those that were named count. */
  readonly #local: readonly string[];
  /** Where leek keeps documents; undefined likewise. */
  readonly #kept: string | undefined;
  readonly notes: LoadNote[];

  /**
   * Finds documents: those that the user names, else those that tor keeps on this machine.
   *
   * @throws {LeekError} when a path, a bridge or an authority that the user named is no good.
   */
  constructor(options: DirectoryOptions) {
    const { consensus = [], bridge = [], torrc = [], certs = [] } = options;
    const torrcs = torrc.map((path) => ({ path, ...readTorrc(path) }));
    this.#bridges = [...bridge.map(parseBridge), ...torrcs.flatMap(({ bridges }) => bridges)];
    this.#network = trustedNetwork(options);
    this.control = options.control;
    const isLocal = consensus.length === 0 && options.localConsensus;
    this.#named = consensus;
    this.#local = isLocal ? torDataDirectories(homedir()) : [];
    this.#kept = isLocal ? dataDirectory(options) : undefined;
    const found = consensus.length > 0 ? findConsensusFiles(consensus) : findLocalConsensus(this.#local);
    this.#files = found.files;
    const named = loadCertificates(certs, true);
    this.#certificates = named.certificates;
    this.#certificatesBeside = found.certificates;
    this.notes = [...found.notes, ...named.notes, ...torrcs.flatMap(includeNotes)];
  }

  /**
   * Reads the documents, and asks tor. Those that leek keeps go before tor's own of the same hour: they are all verified.
   *
   * @param from - Time of a capture's first packet, seconds since 1970-01-01 UTC: documents that reach neither it nor
   *   later times are left out. Undefined reads all.
   */
  async load(from: number | undefined): Promise<RelayDirectory> {
    const documents = await this.loadDocuments(from);
    return this.directory(documents, await this.#tor());
  }

  /** What these documents, the user and tor say. */
  directory(documents: readonly Consensus[], tor: TorWord): RelayDirectory {
    const { connections } = tor;
    return new RelayDirectory({ documents, bridges: this.bridges(tor), connections, ...this.#network.named });
  }

  /** Those that the user named, and tor's. */
  bridges(tor: TorWord): readonly Bridge[] {
    return [...this.#bridges, ...tor.bridges];
  }

  /**
   * Looks in the same places again and reads what has come since, a document at a time. Nothing that fails is an error
   * here: it is noted, and the rest is read.
   *
   * @param from - See load().
   * @param held - Documents that need not be read again.
   * @returns Those that are new, or say more of who vouches for them; those that leek keeps, always.
   */
  async loadAgain(from: number, held: readonly Consensus[]): Promise<Reloaded> {
    const first = from - DISORDER_SECONDS;
    const notes: LoadNote[] = [];
    const found = this.#findAgain(notes);
    const kept = await this.#keptDocuments({ first, last: Number.MAX_SAFE_INTEGER }).catch((error: unknown) => {
      notes.push(failureNote(this.#kept ?? "", error));
      return NOTHING_KEPT;
    });
    const hours = new Set(kept.consensuses.map(({ validAfter }) => validAfter));
    const have = new Set(held.filter(isVerified).map(documentKey));
    const files = found.files.filter(
      ({ preamble }) =>
        reachUntil(preamble) >= first && !hours.has(preamble.validAfter) && !have.has(documentKey(preamble)),
    );
    const documents = [...kept.consensuses];
    if (files.length === 0) return { documents, notes };
    const beside = loadCertificates(found.certificates, false);
    notes.push(...beside.notes);
    const certificates = [...this.#certificates, ...beside.certificates, ...kept.certificates()];
    for (const file of files) {
      // Packets come in meanwhile.
      await nextTurn();
      try {
        const loaded = loadConsensusFiles([file], undefined, { certificates, authorities: this.#network.authorities });
        notes.push(...loaded.notes);
        documents.push(...loaded.documents);
      } catch (error) {
        notes.push(failureNote(file.path, error));
      }
    }
    return { documents, notes };
  }

  #findAgain(notes: LoadNote[]): ConsensusFiles {
    if (this.#named.length === 0) {
      const found = findLocalConsensus(this.#local);
      notes.push(...found.notes);
      return found;
    }
    const files: ConsensusFile[] = [];
    const certificates: string[] = [];
    for (const path of this.#named) {
      try {
        // A pipe has given all that it had, and opening it again may wait for ever.
        const status = statSync(path);
        if (!status.isFile() && !status.isDirectory()) continue;
        const found = findConsensusFiles([path]);
        files.push(...found.files);
        certificates.push(...found.certificates);
        notes.push(...found.notes);
      } catch (error) {
        notes.push(failureNote(path, error instanceof LeekError ? error : fileError(error, "consensus", path)));
      }
    }
    return { files, certificates: [...new Set(certificates)], notes: [] };
  }

  /** The same without asking tor. */
  async loadDocuments(from: number | undefined): Promise<readonly Consensus[]> {
    const span = from === undefined ? undefined : { first: from - DISORDER_SECONDS, last: Number.MAX_SAFE_INTEGER };
    const kept = await this.#keptDocuments(span);
    const hours = new Set(kept.consensuses.map(({ validAfter }) => validAfter));
    const files = this.#files.filter(({ preamble }) => !hours.has(preamble.validAfter));
    const trust: Trust = {
      // Checking them takes longer than most documents: only when there is something to verify.
      certificates: files.length === 0 ? [] : [...this.#allCertificates(), ...kept.certificates()],
      authorities: this.#network.authorities,
    };
    const { documents, notes } = loadConsensusFiles(files, span, trust);
    this.notes.push(...notes);
    return [...kept.consensuses, ...documents];
  }

  /**
   * Paths of the exit lists that leek keeps.
   *
   * @param at - Seconds since 1970-01-01 UTC: only those that can say something of that moment. Undefined gives all.
   */
  async exitLists(at: number | undefined): Promise<string[]> {
    const archive = this.#archive;
    if (archive === undefined) return [];
    const { keptExitLists } = await import("./kept-consensuses.js");
    const span = at === undefined ? ALWAYS : { first: at - EXIT_LISTS_SECONDS, last: at + EXIT_LISTS_SECONDS };
    return keptExitLists(archive, this.#network.authorities, span);
  }

  #allCertificates(): readonly KeyCertificate[] {
    const beside = loadCertificates(this.#certificatesBeside, false);
    this.notes.push(...beside.notes);
    return [...this.#certificates, ...beside.certificates];
  }

  async #tor(): Promise<TorWord> {
    if (this.control === undefined) return { bridges: [], connections: [] };
    const { askTor } = await import("./tor-word.js");
    return askTor(this.control);
  }

  /** Undefined as long as there is none. */
  get #archive(): string | undefined {
    return this.#kept !== undefined && existsSync(this.#kept) ? this.#kept : undefined;
  }

  async #keptDocuments(span: TimeSpan | undefined): Promise<KeptConsensuses> {
    const archive = this.#archive;
    if (archive === undefined) return NOTHING_KEPT;
    const { keptConsensuses } = await import("./kept-consensuses.js");
    const { authorities } = this.#network;
    const { consensuses, certificates } = await keptConsensuses(archive, authorities, span ?? ALWAYS);
    // The index has whole months.
    const reaching = consensuses.filter(({ reachUntil }) => span === undefined || reachUntil >= span.first);
    return { consensuses: reaching, certificates };
  }
}

const NOTHING_KEPT: KeptConsensuses = { consensuses: [], certificates: () => [] };

/** Tells documents apart: there is one of each flavor for each hour. */
export function documentKey({ flavor, validAfter }: Pick<Consensus, "flavor" | "validAfter">): string {
  return `${flavor} ${validAfter}`;
}

/** Whether there is nothing more to be learnt of who vouches for a document. */
export function isVerified({ verification }: Consensus): boolean {
  return verification?.state === "verified";
}

function failureNote(path: string, error: unknown): LoadNote {
  const message = escapeText(error instanceof Error ? error.message : String(error));
  return { path, code: error instanceof LeekError ? error.code : "LEEK_RELOAD", message };
}

function includeNotes({ path, includes }: Torrc & { readonly path: string }): LoadNote[] {
  return includes.map((included) => {
    const message = `${escapeText(path)} includes ${escapeText(included)}, which leek does not read: name it too.`;
    return { path, code: "LEEK_TORRC_INCLUDE", message };
  });
}
