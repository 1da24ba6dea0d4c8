import type { Consensus } from "./consensus.js";

/** Which documents reach a moment: a month has 720 of them, and a flow must not ask each. */
export class DocumentTimes {
  readonly #documents: readonly Consensus[];
  /** The moments at which the answer changes, in order. */
  readonly #changes: Float64Array;
  /** The last moment that a document up to this position reaches. */
  readonly #latestReach: Float64Array;
  readonly #maxEarlySeconds: number;
  /** The last answer, and the time for which it holds: flows come in order of time. */
  #from = Number.NaN;
  #until = Number.NaN;
  #reaching: readonly Consensus[] = [];

  /** @param documents - By valid-after, oldest first. */
  constructor(documents: readonly Consensus[]) {
    this.#documents = documents;
    this.#changes = new Float64Array(documents.length * 3);
    this.#latestReach = new Float64Array(documents.length);
    let latest = -Infinity;
    let maxEarly = 0;
    for (const [i, { reachFrom, validAfter, reachUntil }] of documents.entries()) {
      this.#changes.set([reachFrom, validAfter, reachUntil + 1], i * 3);
      latest = Math.max(latest, reachUntil);
      this.#latestReach[i] = latest;
      maxEarly = Math.max(maxEarly, validAfter - reachFrom);
    }
    this.#changes.sort();
    this.#maxEarlySeconds = maxEarly;
  }

  /**
   * The documents that reach a moment: the newest valid one first, then older ones, then those handed out early.
   *
   * @param seconds - Whole seconds since 1970-01-01 UTC.
   */
  reaching(seconds: number): readonly Consensus[] {
    if (seconds >= this.#from && seconds < this.#until) return this.#reaching;
    const next = countUpTo(this.#changes.length, (i) => this.#changes[i]! <= seconds);
    this.#from = this.#changes[next - 1] ?? -Infinity;
    this.#until = this.#changes[next] ?? Infinity;
    this.#reaching = this.#find(seconds);
    return this.#reaching;
  }

  #find(seconds: number): Consensus[] {
    const documents = this.#documents;
    const found: Consensus[] = [];
    const begun = countUpTo(documents.length, (i) => documents[i]!.validAfter <= seconds);
    for (let i = begun - 1; i >= 0 && this.#latestReach[i]! >= seconds; i--) {
      if (documents[i]!.reachUntil >= seconds) found.push(documents[i]!);
    }
    for (let i = begun; i < documents.length; i++) {
      if (documents[i]!.validAfter - this.#maxEarlySeconds > seconds) break;
      if (documents[i]!.reachFrom <= seconds) found.push(documents[i]!);
    }
    return found;
  }
}

/** How many of the first positions hold; those that hold must come first. */
function countUpTo(length: number, holds: (position: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
