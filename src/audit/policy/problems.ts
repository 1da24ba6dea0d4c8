import { LeekError } from "../../base/index.js";

/** Told at once; who has more starts with these. */
const MAX_TOLD = 20;
const MAX_QUOTED = 60;

/** A policy that cannot be used: all that is wrong with it. */
export class PolicyError extends LeekError {
  override readonly name = "PolicyError";

  /** @param problems - `NAME:LINE:COLUMN: what is wrong`, in the order of the text. */
  constructor(
    readonly policy: string,
    readonly problems: readonly string[],
  ) {
    super("LEEK_POLICY_INVALID", "configuration", problems.join("; "), { hint: POLICY_HINT });
  }
}

const POLICY_HINT = "leek audit --init prints a policy to start from; docs/schemas/audit-policy.json has all keys.";

/** Collects what is wrong with a policy. */
export class Problems {
  readonly #name: string;
  readonly #lineStarts = [0];
  readonly #told = new Map<string, number>();
  #more = 0;

  /** @param name - What the policy is called in messages. */
  constructor(name: string, text: string) {
    this.#name = name;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) this.#lineStarts.push(end + 1);
  }

  /**
   * @param offset - UTF-16 units from the beginning of the text.
   * @param problem - Without a full stop.
   */
  add(offset: number, problem: string): void {
    const text = `${this.#place(offset)}: ${problem}`;
    // Reached by aliases, the same place is read more than once.
    if (this.#told.has(text)) return;
    if (this.#told.size < MAX_TOLD) this.#told.set(text, offset);
    else this.#more++;
  }

  get isEmpty(): boolean {
    return this.#told.size === 0;
  }

  /** Nobody will read what is added. */
  get isFull(): boolean {
    return this.#told.size >= MAX_TOLD;
  }

  /** @throws {PolicyError} when there are problems. */
  check(): void {
    if (this.isEmpty) return;
    const told = [...this.#told].sort(([, x], [, y]) => x - y).map(([text]) => text);
    throw new PolicyError(this.#name, this.#more === 0 ? told : [...told, `and ${this.#more} more`]);
  }

  /** Line and column count from 1. */
  #place(offset: number): string {
    let line = 0;
    let end = this.#lineStarts.length;
    while (end - line > 1) {
      const middle = (line + end) >> 1;
      if (this.#lineStarts[middle]! <= offset) line = middle;
      else end = middle;
    }
    return `${this.#name}:${line + 1}:${offset - this.#lineStarts[line]! + 1}`;
  }
}

/** Text of a policy within a message: what is long is cut. */
export function quoted(text: string): string {
  return `"${text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text}"`;
}
