import { escapeText } from "../../base/index.js";
import type { Bridge } from "../../relays/index.js";
import type { ControlConnection, ListedEndpoints, OrConnectionLine } from "../../tor-control/index.js";
import type { LiveClock } from "../live/live-clock.js";
import { TorConnections } from "./tor-connections.js";
import type { TorWord } from "./tor-word.js";

/** Events may be lost behind a filter before the control port: so often tor is asked anyway. */
const POLL_MS = 60_000;
/** Events come in swarms; the whole is asked for this long after one. */
const SETTLE_MS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 300_000;
/** New connections told by events that wait to be looked up; the whole is asked for soon. */
const MAX_WAITING = 1_024;
/** Relays move; a relay's own tor has connections to most of the network. */
const LISTED_MS = 3_600_000;
const MAX_LISTED = 16_384;

export interface TorWatchOptions {
  /** Opens a new control connection. */
  readonly open: (signal: AbortSignal) => Promise<ControlConnection>;
  readonly clock: LiveClock;
  readonly say: (text: string) => void;
}

/**
 * Keeps a control connection open and knows which OR connections tor has, and had. When it ends it is opened again
 * after growing pauses; meanwhile nothing new counts as tor's.
 */
export class TorWatch {
  readonly #options: TorWatchOptions;
  readonly #connections = new TorConnections();
  #bridges: readonly Bridge[] = [];
  #listed: ListedEndpoints = new Map();
  #listedSince = 0;
  #tor: ControlConnection | undefined;
  #waiting: OrConnectionLine[] = [];
  #asking = false;
  #wanted = false;
  #onChange: (word: TorWord) => void = () => {};
  #cancelAsk = () => {};
  #cancelPoll = () => {};
  #cancelRetry = () => {};
  #retryMs = FIRST_RETRY_MS;
  #connectedAt = 0;
  readonly #closing = new AbortController();

  private constructor(options: TorWatchOptions) {
    this.#options = options;
  }

  /**
   * Connects, and asks for the first time.
   *
   * @throws {LeekError} see ControlConnection.
   */
  static async start(options: TorWatchOptions): Promise<TorWatch> {
    const watch = new TorWatch(options);
    await watch.#connect();
    return watch;
  }

  get word(): TorWord {
    return { bridges: this.#bridges, connections: this.#connections.all };
  }

  /** From now on whoever is named here is told of each change. */
  watch(onChange: (word: TorWord) => void): void {
    this.#onChange = onChange;
  }

  /** Takes leave of tor. Leaves no timer and no socket behind. */
  async close(): Promise<void> {
    this.#cancelAsk();
    this.#cancelPoll();
    this.#cancelRetry();
    const tor = this.#tor;
    this.#tor = undefined;
    const closed = tor?.close();
    this.#closing.abort(new Error("the capture has ended"));
    await closed;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  get #now(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }

  async #connect(): Promise<void> {
    const tor = await this.#options.open(this.#closing.signal);
    try {
      // Events first: what changes while the whole is asked for is then not missed.
      await tor.watchOrConnections((line) => this.#heard(tor, line));
      await this.#askAll(tor);
    } catch (error) {
      await tor.close();
      throw error;
    }
    if (this.#closed) return tor.close();
    this.#tor = tor;
    this.#connectedAt = this.#options.clock.now();
    void tor.ended.then((reason) => this.#lost(tor, reason));
    this.#poll();
    if (this.#waiting.length > 0) void this.#ask();
  }

  #poll(): void {
    this.#cancelPoll = this.#options.clock.after(POLL_MS, () => {
      void this.#ask();
      this.#poll();
    });
  }

  #heard(tor: ControlConnection, line: OrConnectionLine | undefined): void {
    if (line?.status === "CONNECTED" && this.#waiting.length < MAX_WAITING) this.#waiting.push(line);
    if (tor === this.#tor) this.#askSoon(line?.status === "CONNECTED" ? 0 : SETTLE_MS);
  }

  /** One question at a time, and not for each event of a swarm. */
  #askSoon(ms: number): void {
    if (this.#asking || this.#wanted) {
      this.#wanted = true;
      return;
    }
    this.#wanted = true;
    this.#cancelAsk = this.#options.clock.after(ms, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const tor = this.#tor;
    if (tor === undefined || this.#asking) return;
    this.#asking = true;
    this.#wanted = false;
    this.#cancelAsk();
    try {
      if (await this.#askAll(tor)) this.#onChange(this.word);
    } catch (error) {
      // Where tor refuses what it gave before, or says what leek cannot read, the connection is of no more use.
      await tor.close();
      this.#lost(tor, error);
    } finally {
      this.#asking = false;
    }
    if (this.#wanted && this.#tor !== undefined) {
      this.#cancelAsk = this.#options.clock.after(SETTLE_MS, () => void this.#ask());
    }
  }

  /** @returns Whether anything has changed. */
  async #askAll(tor: ControlConnection): Promise<boolean> {
    this.#forgetListed();
    const bridges = await tor.bridges();
    // First those that may be gone again already.
    const told = await tor.endpointsOf(this.#waiting.splice(0), bridges, this.#listed);
    const now = await tor.orConnections(this.#listed, bridges);
    const at = this.#now;
    const isNews = [this.#connections.add(told, at), this.#connections.replace(now, at)].includes(true);
    const isOther = JSON.stringify(bridges) !== JSON.stringify(this.#bridges);
    if (isOther) this.#bridges = bridges;
    return isNews || isOther;
  }

  #forgetListed(): void {
    const now = this.#options.clock.now();
    if (this.#listed.size < MAX_LISTED && now - this.#listedSince < LISTED_MS) return;
    this.#listed = new Map();
    this.#listedSince = now;
  }

  #lost(tor: ControlConnection, reason: unknown): void {
    if (this.#closed || tor !== this.#tor) return;
    this.#tor = undefined;
    this.#waiting = [];
    this.#wanted = false;
    this.#cancelAsk();
    this.#cancelPoll();
    this.#options.say(`tor's control port does not tell any more of its OR connections: ${textOf(reason)}`);
    if (this.#connections.endAll(this.#now)) this.#onChange(this.word);
    // One that ends again and again is not asked again at once each time.
    if (this.#options.clock.now() - this.#connectedAt > LONGEST_RETRY_MS) this.#retryMs = FIRST_RETRY_MS;
    this.#retry();
  }

  #retry(): void {
    this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => void this.#tryAgain());
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }

  async #tryAgain(): Promise<void> {
    try {
      await this.#connect();
    } catch {
      // That it is gone was said.
      if (!this.#closed) this.#retry();
      return;
    }
    if (this.#closed) return;
    this.#options.say("tor's control port tells again of its OR connections.");
    this.#onChange(this.word);
  }
}

function textOf(reason: unknown): string {
  return escapeText(reason instanceof Error ? reason.message : String(reason));
}
