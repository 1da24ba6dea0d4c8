import {
  type Consensus,
  type FormerDocument,
  formerDocument,
  type LoadNote,
  type RelayDirectory,
} from "../../relays/index.js";
import { type LiveClock, SYSTEM_CLOCK } from "../live/live-clock.js";
import { type DirectoryOptions, DirectorySources, documentKey, isVerified } from "./directory-options.js";
import type { TorWatch } from "./tor-watch.js";
import type { TorWord } from "./tor-word.js";

/** However new the documents are. */
const LONGEST_PAUSE_SECONDS = 3600;
/** However overdue the next one is. */
const SHORTEST_PAUSE_SECONDS = 60;
/** When there is none at all: tor may be about to get its first. */
const PAUSE_WITHOUT_SECONDS = 300;
/** How long a document whose reach has ended is held: for flows whose start was told late. */
const KEEP_SECONDS = 86_400;
/** Whoever is told of a new directory judges live flows again: that may take so large a part of the time. */
const WORK_SHARE = 0.05;
/** Sentences that were said and are not said again. */
const MAX_SAID = 1_000;

const NO_WORD: TorWord = { bridges: [], connections: [] };

export interface LiveDirectoryOptions {
  readonly sources: Pick<DirectorySources, "loadAgain" | "bridges">;
  readonly directory: RelayDirectory;
  readonly notes: readonly LoadNote[];
  /** Undefined when tor is not asked. */
  readonly tor: TorWatch | undefined;
  readonly clock: LiveClock;
  readonly say: (text: string) => void;
}

/** The relay directory of a live capture: looks for new documents when they are due, and listens to tor. */
export class LiveDirectory {
  readonly #options: LiveDirectoryOptions;
  readonly #said: Set<string>;
  #directory: RelayDirectory;
  #former: readonly FormerDocument[] = [];
  #onChange: (directory: RelayDirectory) => void = () => {};
  #cancelReload = () => {};
  #cancelTell: (() => void) | undefined;
  /** Not before; milliseconds. */
  #nextTell = 0;
  #closed = false;
  readonly #started: number;

  constructor(options: LiveDirectoryOptions) {
    this.#options = options;
    this.#started = Math.floor(options.clock.now() / 1000);
    this.#directory = options.directory;
    this.#said = new Set(options.notes.map(({ message }) => message));
  }

  /**
   * Reads the documents, and asks tor for the first time.
   *
   * @throws {LeekError} see DirectorySources and TorWatch.
   */
  static async start(options: DirectoryOptions, say: (text: string) => void): Promise<LiveDirectory> {
    const clock = SYSTEM_CLOCK;
    const sources = new DirectorySources(options);
    const documents = await sources.loadDocuments(clock.now() / 1000);
    const { control } = sources;
    let tor: TorWatch | undefined;
    if (control !== undefined) {
      const [{ TorWatch }, { openControl }] = await Promise.all([import("./tor-watch.js"), import("./tor-word.js")]);
      tor = await TorWatch.start({ open: (signal) => openControl(control, signal), clock, say });
    }
    const directory = sources.directory(documents, tor?.word ?? NO_WORD);
    return new LiveDirectory({ sources, directory, notes: sources.notes, tor, clock, say });
  }

  /** What was passed over at the start. */
  get notes(): readonly LoadNote[] {
    return this.#options.notes;
  }

  /** As it is now. */
  get directory(): RelayDirectory {
    return this.#directory;
  }

  /** From now on the directory is kept up to date, and whoever is named here told of each new one. */
  watch(onChange: (directory: RelayDirectory) => void): void {
    this.#onChange = onChange;
    this.#options.tor?.watch((word) => this.#heard(word));
    this.#plan();
  }

  /** Leaves no timer and no connection behind. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReload();
    if (this.#cancelTell !== undefined) {
      this.#cancelTell();
      // What was known at the end counts.
      this.#tell();
    }
    await this.#options.tor?.close();
  }

  #heard(word: TorWord): void {
    if (this.#closed) return;
    const bridges = this.#options.sources.bridges(word);
    this.#change(this.#directory.with({ bridges, connections: word.connections }));
  }

  #plan(): void {
    const now = this.#options.clock.now() / 1000;
    const pause = pauseBefore(this.#directory.consensuses, now);
    this.#cancelReload = this.#options.clock.after(pause * 1000, () => void this.#reload());
  }

  async #reload(): Promise<void> {
    const { sources, clock } = this.#options;
    const now = Math.floor(clock.now() / 1000);
    const held = this.#directory.consensuses;
    try {
      const { documents, notes } = await sources.loadAgain(Math.max(this.#started, now - KEEP_SECONDS), held);
      if (this.#closed) return;
      for (const { message } of notes) this.#sayOnce(message);
      this.#takeIn(documents, now);
    } catch (error) {
      this.#sayOnce(`new relay documents could not be read: ${error instanceof Error ? error.message : error}`);
    }
    if (!this.#closed) this.#plan();
  }

  #takeIn(documents: readonly Consensus[], now: number): void {
    const held = this.#directory.consensuses;
    const union = unionOf(held, documents);
    const newest = Math.max(...union.map(({ validAfter }) => validAfter));
    const isKept = ({ reachUntil, validAfter }: Consensus) => reachUntil >= now - KEEP_SECONDS || validAfter === newest;
    // An archive's documents are others each time that it is opened, with all that they hold.
    if (!hasNews(held, documents) && union.every(isKept)) return;
    this.#former = [...this.#former, ...union.filter((document) => !isKept(document)).map(formerDocument)];
    this.#change(this.#directory.with({ documents: union.filter(isKept), former: this.#former }));
  }

  /** Tells of it now, or a little later where telling takes long. */
  #change(directory: RelayDirectory): void {
    this.#directory = directory;
    const { clock } = this.#options;
    if (this.#cancelTell !== undefined) return;
    const wait = this.#nextTell - clock.now();
    if (wait <= 0) this.#tell();
    else this.#cancelTell = clock.after(wait, () => this.#tell());
  }

  #tell(): void {
    const { clock } = this.#options;
    this.#cancelTell = undefined;
    const start = clock.now();
    this.#onChange(this.#directory);
    const end = clock.now();
    this.#nextTell = end + (end - start) / WORK_SHARE;
  }

  #sayOnce(text: string): void {
    if (this.#said.has(text) || this.#said.size >= MAX_SAID) return;
    this.#said.add(text);
    this.#options.say(text);
  }
}

/** Seconds until the next document is due, in bounds. A newer one often comes late: then it is looked for more often. */
function pauseBefore(documents: readonly Consensus[], now: number): number {
  let newest: Consensus | undefined;
  for (const document of documents) {
    if (newest === undefined || document.freshUntil > newest.freshUntil) newest = document;
  }
  if (newest === undefined) return PAUSE_WITHOUT_SECONDS;
  const interval = newest.freshUntil - newest.validAfter;
  const pause = newest.freshUntil > now ? newest.freshUntil - now : interval / 4;
  return Math.min(Math.max(pause, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS);
}

/** Whether a document is new, or has come to be verified. */
function hasNews(held: readonly Consensus[], read: readonly Consensus[]): boolean {
  const verified = new Map(held.map((document) => [documentKey(document), isVerified(document)]));
  return read.some((document) => {
    const before = verified.get(documentKey(document));
    return before === undefined || (!before && isVerified(document));
  });
}

/** Of two for the same hour the newer reading, unless it is worse vouched for. */
function unionOf(held: readonly Consensus[], read: readonly Consensus[]): Consensus[] {
  const union = new Map(held.map((document) => [documentKey(document), document]));
  for (const document of read) {
    const old = union.get(documentKey(document));
    if (old === undefined || !isVerified(old) || isVerified(document)) union.set(documentKey(document), document);
  }
  return [...union.values()];
}
