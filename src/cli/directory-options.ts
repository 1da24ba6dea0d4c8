import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { homedir } from "node:os";
import { escapeText, fileError, LeekError } from "../base/index.js";
import {
  type Authority,
  AuthoritySet,
  type Bridge,
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
  type TimeSpan,
  type Torrc,
  type Trust,
  torDataDirectories,
} from "../relays/index.js";
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
      const bytes = Buffer.alloc(MAX_TORRC_BYTES);
      let length = 0;
      for (let got = -1; got !== 0; length += got)
        got = readSync(descriptor, bytes, length, bytes.length - length, null);
      return parseTorrc(bytes.toString("utf8", 0, length));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "torrc", path);
  }
}

/** Documents that were found, of which only those that a capture needs are read. */
export class DirectorySources {
  readonly #files: readonly ConsensusFile[];
  readonly #bridges: readonly Bridge[];
  readonly #network: TrustedNetwork;
  readonly #control: string | undefined;
  /** Those that the user named, and paths of others that lie beside the documents. */
  readonly #certificates: readonly KeyCertificate[];
  readonly #certificatesBeside: readonly string[];
  /** Where leek keeps documents; undefined when only those that were named count. */
  readonly #archive: string | undefined;
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
    this.#control = options.control;
    const none: ConsensusFiles = { files: [], certificates: [], notes: [] };
    const found =
      consensus.length > 0
        ? findConsensusFiles(consensus)
        : options.localConsensus
          ? findLocalConsensus(torDataDirectories(homedir()))
          : none;
    this.#files = found.files;
    const named = loadCertificates(certs, true);
    this.#certificates = named.certificates;
    this.#certificatesBeside = found.certificates;
    const kept = dataDirectory(options);
    this.#archive = consensus.length === 0 && options.localConsensus && existsSync(kept) ? kept : undefined;
    this.notes = [...found.notes, ...named.notes, ...torrcs.flatMap(includeNotes)];
  }

  /**
   * Reads the documents. Those that leek keeps go before tor's own of the same hour: they are all verified.
   *
   * @param from - Time of a capture's first packet, seconds since 1970-01-01 UTC: documents that reach neither it nor
   *   later times are left out. Undefined reads all.
   */
  async load(from: number | undefined): Promise<RelayDirectory> {
    const span = from === undefined ? undefined : { first: from - DISORDER_SECONDS, last: Number.MAX_SAFE_INTEGER };
    const kept = await this.#kept(span);
    const hours = new Set(kept.consensuses.map(({ validAfter }) => validAfter));
    const files = this.#files.filter(({ preamble }) => !hours.has(preamble.validAfter));
    const trust: Trust = {
      // Checking them takes longer than most documents: only when there is something to verify.
      certificates: files.length === 0 ? [] : [...this.#allCertificates(), ...kept.certificates()],
      authorities: this.#network.authorities,
    };
    const { documents, notes } = loadConsensusFiles(files, span, trust);
    this.notes.push(...notes);
    const all = [...kept.consensuses, ...documents];
    const tor = await this.#tor();
    const bridges = [...this.#bridges, ...tor.bridges];
    const { connections } = tor;
    return new RelayDirectory({ documents: all, bridges, connections, ...this.#network.named });
  }

  /**
   * Paths of the exit lists that leek keeps.
   *
   * @param at - Seconds since 1970-01-01 UTC: only those that can say something of that moment. Undefined gives all.
   */
  async exitLists(at: number | undefined): Promise<string[]> {
    if (this.#archive === undefined) return [];
    const { keptExitLists } = await import("./kept-consensuses.js");
    const span = at === undefined ? ALWAYS : { first: at - EXIT_LISTS_SECONDS, last: at + EXIT_LISTS_SECONDS };
    return keptExitLists(this.#archive, this.#network.authorities, span);
  }

  #allCertificates(): readonly KeyCertificate[] {
    const beside = loadCertificates(this.#certificatesBeside, false);
    this.notes.push(...beside.notes);
    return [...this.#certificates, ...beside.certificates];
  }

  async #tor(): Promise<TorWord> {
    if (this.#control === undefined) return { bridges: [], connections: [] };
    const { askTor } = await import("./tor-word.js");
    return askTor(this.#control);
  }

  async #kept(span: TimeSpan | undefined): Promise<KeptConsensuses> {
    if (this.#archive === undefined) return { consensuses: [], certificates: () => [] };
    const { keptConsensuses } = await import("./kept-consensuses.js");
    const { authorities } = this.#network;
    const { consensuses, certificates } = await keptConsensuses(this.#archive, authorities, span ?? ALWAYS);
    // The index has whole months.
    const reaching = consensuses.filter(({ reachUntil }) => span === undefined || reachUntil >= span.first);
    return { consensuses: reaching, certificates };
  }
}

function includeNotes({ path, includes }: Torrc & { readonly path: string }): LoadNote[] {
  return includes.map((included) => {
    const message = `${escapeText(path)} includes ${escapeText(included)}, which leek does not read: name it too.`;
    return { path, code: "LEEK_TORRC_INCLUDE", message };
  });
}
