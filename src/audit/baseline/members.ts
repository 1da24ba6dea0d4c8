/** Called with what is wrong. */
export type Problem = (what: string) => never;

/** Members of a JSON object that has to have them. */
export class Members {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #problem: Problem;

  constructor(
    value: unknown,
    readonly where: string,
    problem: Problem,
  ) {
    this.#problem = problem;
    if (typeof value !== "object" || value === null || Array.isArray(value)) problem(`${where} must be an object`);
    this.#values = new Map(Object.entries(value as object));
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  refuse(key: string, wanted: string): never {
    return this.#problem(`${this.where}: ${key} must be ${wanted}`);
  }

  hasOnly(keys: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (!keys.includes(key)) this.#problem(`${this.where} has an unknown member: ${key.slice(0, 60)}`);
    }
  }

  nullOr<Value>(key: string, read: (key: string) => Value): Value | null {
    return this.#values.get(key) === null ? null : read(key);
  }

  oneOf<Word extends string>(key: string, words: readonly Word[]): Word {
    const value = this.#values.get(key);
    return (
      words.find((word) => word === value) ?? this.refuse(key, words.length > 8 ? "known to leek" : words.join(" or "))
    );
  }

  flag(key: string): boolean {
    const value = this.#values.get(key);
    return typeof value === "boolean" ? value : this.refuse(key, "true or false");
  }

  text(key: string): string {
    const value = this.#values.get(key);
    return typeof value === "string" && value !== "" ? value : this.refuse(key, "text, and not empty");
  }

  port(key: string): number {
    const value = this.#values.get(key);
    const isPort = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
    return isPort ? value : this.refuse(key, "0 to 65535");
  }

  list(key: string, most: number): readonly unknown[] {
    const value = this.#values.get(key);
    return Array.isArray(value) && value.length <= most ? value : this.refuse(key, `a list of ${most} at most`);
  }

  inner(key: string): Members {
    return new Members(this.#values.get(key), `${this.where}.${key}`, this.#problem);
  }
}
