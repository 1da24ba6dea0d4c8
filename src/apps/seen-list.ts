import type { FlowFacts } from "./flow-facts.js";

/** A detail that lists what a flow showed, each once, in the order in which it came. */
export class SeenList<T extends string | number> {
  readonly #facts: FlowFacts;
  readonly #key: string;
  readonly #capacity: number;
  readonly #seen: T[] = [];

  /** @param capacity - What comes after as many is not listed. */
  constructor(facts: FlowFacts, key: string, capacity = 16) {
    this.#facts = facts;
    this.#key = key;
    this.#capacity = capacity;
  }

  get isFull(): boolean {
    return this.#seen.length >= this.#capacity;
  }

  add(value: T): void {
    if (this.isFull || this.#seen.includes(value)) return;
    this.#seen.push(value);
    this.#facts.detail(this.#key, this.#seen as readonly string[] | readonly number[]);
  }
}
