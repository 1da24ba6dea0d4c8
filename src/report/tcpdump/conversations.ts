const INITIAL_SLOTS = 1024;
/** Bytes kept for a rendered prefix; the longest, of two full IPv6 addresses and ports, takes 106. */
const PREFIX_BYTES = { 1: 64, 4: 112 } as const;
/** Rows that keep rendered prefixes, so that these take 8 MB for IPv4 and 15 MB for IPv6 at most. */
const PREFIX_ROWS = 65_536;

/** Spreads key words over the table; constants of MurmurHash3's finaliser. */
export function mixHash(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/** One generation of rows: open addressing over parallel typed arrays, doubled while it is small. */
class Generation {
  count = 0;
  keys: Int32Array;
  /** `sequence` and `acknowledgment` bases of each row. */
  bases: Int32Array;
  /** Row number plus one; 0 marks a free slot. */
  slots: Int32Array;
  prefixLengths = new Uint8Array(0);
  prefixes = new Uint8Array(0);
  prefixView = new DataView(this.prefixes.buffer);

  constructor(keyWords: number) {
    this.slots = new Int32Array(INITIAL_SLOTS);
    this.keys = new Int32Array((INITIAL_SLOTS / 2) * keyWords);
    this.bases = new Int32Array((INITIAL_SLOTS / 2) * 2);
  }
}

function grown<T extends Int32Array | Uint8Array>(array: T, length: number, make: (length: number) => T): T {
  const larger = make(length);
  larger.set(array);
  return larger;
}

/**
 * The base sequence numbers of TCP connections, by which tcpdump prints relative ones, and the text that begins each
 * of their lines.
 *
 * A connection's key is its lower-port end, its higher-port end, and both ports: one row for both directions.
 * Memory is bounded: rows live in two generations of at most `limit / 2`; a full young generation becomes the old one,
 * and a row is moved to the young one when it is used. A connection unused for that long is forgotten; the next packet
 * of it is printed with absolute numbers again.
 */
export class Conversations {
  /** The key that `find` and `add` use; the caller fills it: low end's address, high end's, `lowPort << 16 | highPort`. */
  readonly key: Int32Array;
  readonly prefixBytes: number;
  readonly #keyWords: number;
  readonly #half: number;
  #young: Generation;
  #old: Generation | undefined;

  /** @param addressWords - 32-bit words of an address: 1 for IPv4, 4 for IPv6. */
  constructor(addressWords: 1 | 4, limit: number) {
    this.#keyWords = addressWords * 2 + 1;
    this.#half = Math.max(1, limit >> 1);
    this.prefixBytes = PREFIX_BYTES[addressWords];
    this.key = new Int32Array(this.#keyWords);
    this.#young = new Generation(this.#keyWords);
  }

  get bases(): Int32Array {
    return this.#young.bases;
  }

  get prefixes(): Uint8Array {
    return this.#young.prefixes;
  }

  /** Over the same memory as `prefixes`. */
  get prefixView(): DataView {
    return this.#young.prefixView;
  }

  get prefixLengths(): Uint8Array {
    return this.#young.prefixLengths;
  }

  /**
   * The row of the connection in `key`, or -1. Rows stay valid until the next `find` or `add`.
   */
  find(): number {
    const row = this.#search(this.#young);
    if (row >= 0 || this.#old === undefined) return row;
    const oldRow = this.#search(this.#old);
    if (oldRow < 0) return -1;
    const sequence = this.#old.bases[oldRow * 2]!;
    const acknowledgment = this.#old.bases[oldRow * 2 + 1]!;
    return this.add(sequence, acknowledgment);
  }

  /** Adds the connection in `key`, which must not be in the young generation; returns its row. */
  add(sequence: number, acknowledgment: number): number {
    if (this.#young.count >= this.#half) {
      this.#old = this.#young;
      this.#young = new Generation(this.#keyWords);
    }
    const table = this.#young;
    if (table.count * 2 >= table.slots.length) this.#enlarge(table);
    const row = table.count++;
    table.keys.set(this.key, row * this.#keyWords);
    table.bases[row * 2] = sequence;
    table.bases[row * 2 + 1] = acknowledgment;
    this.#place(table, row);
    return row;
  }

  /** True when the row can keep rendered prefixes, for which it then has room. */
  keepsPrefix(row: number): boolean {
    if (row >= PREFIX_ROWS) return false;
    const table = this.#young;
    if (row * 2 < table.prefixLengths.length) return true;
    const rows = Math.min(PREFIX_ROWS, Math.max(1024, table.prefixLengths.length));
    table.prefixLengths = grown(table.prefixLengths, rows * 2, (length) => new Uint8Array(length));
    table.prefixes = grown(table.prefixes, rows * 2 * this.prefixBytes, (length) => new Uint8Array(length));
    table.prefixView = new DataView(table.prefixes.buffer);
    return true;
  }

  #search(table: Generation): number {
    const { key } = this;
    const words = this.#keyWords;
    const { slots, keys } = table;
    const mask = slots.length - 1;
    let hash = 0;
    for (let i = 0; i < words; i++) hash = mixHash(hash, key[i]!);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot]! - 1;
      if (row < 0) return -1;
      const start = row * words;
      let i = 0;
      while (i < words && keys[start + i] === key[i]) i++;
      if (i === words) return row;
    }
  }

  #place(table: Generation, row: number): void {
    const words = this.#keyWords;
    const mask = table.slots.length - 1;
    let hash = 0;
    for (let i = 0; i < words; i++) hash = mixHash(hash, table.keys[row * words + i]!);
    let slot = hash & mask;
    while (table.slots[slot] !== 0) slot = (slot + 1) & mask;
    table.slots[slot] = row + 1;
  }

  #enlarge(table: Generation): void {
    const slots = table.slots.length * 2;
    table.slots = new Int32Array(slots);
    const int32 = (length: number) => new Int32Array(length);
    table.keys = grown(table.keys, (slots / 2) * this.#keyWords, int32);
    table.bases = grown(table.bases, slots, int32);
    for (let row = 0; row < table.count; row++) this.#place(table, row);
  }
}
