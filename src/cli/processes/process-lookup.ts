import { type ChildProcess, fork } from "node:child_process";
import type { ProcessMatch, ProcessQuery } from "../../host/index.js";
import { PROCESS_HELPER } from "../helper-files.js";
import { MAX_QUERIES, type ProcessAnswer } from "./process-messages.js";

/** The helper reads small files; only a process with a million open files takes more than a few megabytes. */
const HELPER_FLAGS = ["--max-old-space-size=64", "--max-semi-space-size=1"];
const START_MS = 5_000;
/**
 * Longer than the helper ever rests between two looks. A process can keep whoever reads its command line waiting for
 * ever (userfaultfd(2)).
 */
const ANSWER_MS = 60_000;
const UNKNOWN: ProcessMatch = { confidence: "unknown" };

interface Question {
  readonly queries: readonly ProcessQuery[];
  readonly answer: (matches: readonly ProcessMatch[]) => void;
  /** Ends the waiting. */
  readonly timer?: NodeJS.Timeout;
}

/** Asks the helper process which processes hold sockets, one question at a time. Never keeps leek from ending. */
export class ProcessLookup {
  /** Processes whose sockets could not be seen, at the last answer. */
  unreadable = 0;
  /** Queries that were not answered: beyond MAX_QUERIES, while one was under way, or when the helper had gone. */
  unasked = 0;
  readonly #helper: ChildProcess;
  #asked: Question | undefined;
  #state: "answers" | "lost" | "closed" = "answers";

  private constructor(helper: ChildProcess) {
    this.#helper = helper;
    helper.on("message", (message) => this.#take(message as ProcessAnswer));
    helper.unref();
    helper.channel?.unref();
  }

  /** Whether the helper ended, or did not answer in time: then every answer is "unknown". */
  get lost(): boolean {
    return this.#state === "lost";
  }

  /**
   * Starts the helper with the rights that leek has now. Where that fails, the lookup is lost from the beginning.
   *
   * @param file - The helper's JavaScript.
   */
  static async start(file = PROCESS_HELPER): Promise<ProcessLookup> {
    const helper = fork(file, {
      execArgv: HELPER_FLAGS,
      // What a user loads into their programs has no business in one that stays root.
      env: { ...process.env, NODE_OPTIONS: "" },
      cwd: "/",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const isReady = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), START_MS);
      const done = (ready: boolean) => {
        clearTimeout(timer);
        resolve(ready);
      };
      helper.once("message", () => done(true));
      helper.once("exit", () => done(false));
      helper.on("error", () => done(false));
    });
    const lookup = new ProcessLookup(helper);
    helper.on("exit", () => lookup.#lose());
    helper.on("error", () => lookup.#lose());
    if (!isReady) lookup.#lose();
    return lookup;
  }

  /** The process of each flow, in their order. Never rejects; a second question before the first answer finds nothing. */
  find(queries: readonly ProcessQuery[]): Promise<readonly ProcessMatch[]> {
    const askable = queries.map((query) => isAskable(query));
    const asked = queries.filter((_, i) => askable[i]);
    this.unasked += Math.max(0, asked.length - MAX_QUERIES);
    return new Promise((resolve) => {
      const answer = (matches: readonly ProcessMatch[]) => {
        let next = 0;
        resolve(askable.map((isAsked) => (isAsked ? (matches[next++] ?? UNKNOWN) : UNKNOWN)));
      };
      const question = { queries: asked.slice(0, MAX_QUERIES), answer };
      if (asked.length === 0) answer([]);
      else if (this.#state !== "answers" || this.#asked !== undefined) this.#giveUp(question);
      else this.#ask(question);
    });
  }

  /** Ends the helper. What it was asked is unknown. */
  close(): void {
    if (this.#state === "answers") this.#state = "closed";
    this.#end();
  }

  #ask(question: Question): void {
    const timer = setTimeout(() => this.#lose(), ANSWER_MS);
    timer.unref();
    this.#asked = { ...question, timer };
    this.#helper.send(question.queries as ProcessQuery[], (error) => {
      if (error !== null) this.#lose();
    });
  }

  #take(answer: ProcessAnswer): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.unreadable = answer.unreadable;
    this.#asked = undefined;
    asked.answer(answer.matches);
  }

  #giveUp(question: Question): void {
    this.unasked += question.queries.length;
    question.answer([]);
  }

  #lose(): void {
    if (this.#state === "answers") this.#state = "lost";
    this.#end();
  }

  #end(): void {
    const asked = this.#asked;
    this.#asked = undefined;
    clearTimeout(asked?.timer);
    if (asked !== undefined) this.#giveUp(asked);
    // It ends when it hears of that. Nothing else ends it: leek may no longer send it signals.
    if (this.#helper.connected) this.#helper.disconnect();
  }
}

/** Only sockets of TCP and UDP have what packets show. */
function isAskable({ transport, local, remote }: ProcessQuery): boolean {
  return (transport === "tcp" || transport === "udp") && local.port !== undefined && remote.port !== undefined;
}
