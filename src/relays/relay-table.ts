const IDENTITY_BYTES = 20;

/** Each identity's base64 has 27 characters; one more fills the last group of four, and adds a byte. */
const IDENTITY_STRIDE = 21;

/** Longest nickname (dir-spec 2.1.1). */
const NICKNAME_CHARACTERS = 19;

/**
 * The relays of one document as columns, about 50 bytes each: an archive of a week holds 168 documents, and keeping
 * their text (3 MB each) would not do. Strings are made when somebody asks.
 */
export class RelayTable {
  readonly length: number;
  /** IPv4, signed. */
  readonly addresses: Int32Array;
  readonly orPorts: Uint16Array;
  /** 0 = none. */
  readonly dirPorts: Uint16Array;
  readonly #identities: Buffer;
  /** Padded to 19 characters each. */
  readonly #nicknames: string;
  /** Index into `#flagSets`. */
  readonly #flagSetOf: Uint32Array;
  /** The distinct `s` lines without their keyword: some 200 in a consensus of 9,000 relays. */
  readonly #flagSets: readonly string[];
  /** Made when somebody asks. */
  readonly #flags: (readonly string[] | undefined)[] = [];

  /** Use `RelayTableBuilder`. */
  constructor(columns: {
    readonly identities: Buffer;
    readonly nicknames: string;
    readonly addresses: Int32Array;
    readonly orPorts: Uint16Array;
    readonly dirPorts: Uint16Array;
    readonly flagSetOf: Uint32Array;
    readonly flagSets: readonly string[];
  }) {
    this.length = columns.addresses.length;
    this.addresses = columns.addresses;
    this.orPorts = columns.orPorts;
    this.dirPorts = columns.dirPorts;
    this.#identities = columns.identities;
    this.#nicknames = columns.nicknames;
    this.#flagSetOf = columns.flagSetOf;
    this.#flagSets = columns.flagSets;
  }

  nickname(row: number): string {
    return this.#nicknames.slice(row * NICKNAME_CHARACTERS, (row + 1) * NICKNAME_CHARACTERS).trimEnd();
  }

  /** 40 upper-case hex digits. */
  fingerprint(row: number): string {
    const start = row * IDENTITY_STRIDE;
    return this.#identities.toString("hex", start, start + IDENTITY_BYTES).toUpperCase();
  }

  /**
   * The row of this relay, or -1. A search through all bytes, some 20 µs: for questions of people.
   *
   * @param fingerprint - 40 hex digits.
   */
  find(fingerprint: string): number {
    const identity = Buffer.from(fingerprint, "hex");
    if (identity.length !== IDENTITY_BYTES) return -1;
    for (let at = this.#identities.indexOf(identity); at >= 0; at = this.#identities.indexOf(identity, at + 1)) {
      if (at % IDENTITY_STRIDE === 0) return at / IDENTITY_STRIDE;
    }
    return -1;
  }

  /** The same list for all relays with these flags. */
  flags(row: number): readonly string[] {
    const flagSet = this.#flagSetOf[row]!;
    let flags = this.#flags[flagSet];
    if (flags === undefined) {
      flags = this.#flagSets[flagSet]!.split(" ").filter((flag) => flag !== "");
      this.#flags[flagSet] = flags;
    }
    return flags;
  }
}

/** Collects the rows of a RelayTable. */
export class RelayTableBuilder {
  length = 0;
  readonly #identities: string[] = [];
  readonly #nicknames: string[] = [];
  readonly #flagSets: string[] = [];
  #addresses: Int32Array;
  #orPorts: Uint16Array;
  #dirPorts: Uint16Array;
  #flagSetOf: Uint32Array;

  /** @param capacity - How many rows to make room for at first; the table grows as needed. */
  constructor(capacity: number) {
    this.#addresses = new Int32Array(capacity);
    this.#orPorts = new Uint16Array(capacity);
    this.#dirPorts = new Uint16Array(capacity);
    this.#flagSetOf = new Uint32Array(capacity);
  }

  /** @param flags - As they stand in an `s` line; returns the number to give `add`. */
  addFlagSet(flags: string): number {
    return this.#flagSets.push(flags) - 1;
  }

  /**
   * @param nickname - 1 to 19 letters and digits.
   * @param identity - 27 characters of base64, the two bits left over zero.
   * @param flagSet - As `addFlagSet` gave it.
   */
  add(nickname: string, identity: string, address: number, orPort: number, dirPort: number, flagSet: number): void {
    if (this.length === this.#addresses.length) this.#resize(Math.max(16, this.length * 2));
    const row = this.length++;
    this.#nicknames.push(nickname.padEnd(NICKNAME_CHARACTERS));
    this.#identities.push(identity);
    this.#addresses[row] = address;
    this.#orPorts[row] = orPort;
    this.#dirPorts[row] = dirPort;
    this.#flagSetOf[row] = flagSet;
  }

  finish(): RelayTable {
    this.#resize(this.length);
    // One call decodes all identities: "A" is six zero bits, which complete each one's last group.
    const base64 = this.length === 0 ? "" : `${this.#identities.join("A")}A`;
    return new RelayTable({
      identities: Buffer.from(base64, "base64"),
      nicknames: this.#nicknames.join(""),
      addresses: this.#addresses,
      orPorts: this.#orPorts,
      dirPorts: this.#dirPorts,
      flagSetOf: this.#flagSetOf,
      flagSets: this.#flagSets,
    });
  }

  #resize(capacity: number): void {
    if (capacity === this.#addresses.length) return;
    this.#addresses = resized(this.#addresses, new Int32Array(capacity));
    this.#orPorts = resized(this.#orPorts, new Uint16Array(capacity));
    this.#dirPorts = resized(this.#dirPorts, new Uint16Array(capacity));
    this.#flagSetOf = resized(this.#flagSetOf, new Uint32Array(capacity));
  }
}

function resized<T extends Uint16Array | Uint32Array | Int32Array>(from: T, to: T): T {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}
