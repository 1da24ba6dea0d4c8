import { homedir } from "node:os";
import {
  type Bridge,
  type ConsensusFile,
  findConsensusFiles,
  findLocalConsensus,
  type LoadNote,
  loadConsensusFiles,
  parseBridge,
  RelayDirectory,
  torDataDirectories,
} from "../relays/index.js";

/** Captures may not be quite in order: how much earlier than the first packet others may be. */
const DISORDER_SECONDS = 3600;

/** The options by which commands are told of relays. */
export interface DirectoryOptions {
  readonly consensus?: readonly string[];
  readonly bridge?: readonly string[];
  /** False for --no-local-consensus. */
  readonly localConsensus: boolean;
}

/** Documents that were found, of which only those that a capture needs are read. */
export class DirectorySources {
  readonly #files: readonly ConsensusFile[];
  readonly #bridges: readonly Bridge[];
  readonly notes: LoadNote[];

  /**
   * Finds documents: those that the user names, else those that tor keeps on this machine.
   *
   * @throws {LeekError} when a path or a bridge that the user named is no good.
   */
  constructor(options: DirectoryOptions) {
    const { consensus = [], bridge = [] } = options;
    this.#bridges = bridge.map(parseBridge);
    const none = { files: [], notes: [] };
    const found =
      consensus.length > 0
        ? findConsensusFiles(consensus)
        : options.localConsensus
          ? findLocalConsensus(torDataDirectories(homedir()))
          : none;
    this.#files = found.files;
    this.notes = [...found.notes];
  }

  /**
   * Reads the documents.
   *
   * @param from - Time of a capture's first packet, seconds since 1970-01-01 UTC: documents that reach neither it nor
   *   later times are left out. Undefined reads all.
   */
  load(from: number | undefined): RelayDirectory {
    const span = from === undefined ? undefined : { first: from - DISORDER_SECONDS, last: Number.MAX_SAFE_INTEGER };
    const { documents, notes } = loadConsensusFiles(this.#files, span);
    this.notes.push(...notes);
    return new RelayDirectory({ documents, bridges: this.#bridges });
  }
}
