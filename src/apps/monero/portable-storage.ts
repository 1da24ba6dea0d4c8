/** What PortableStorage entries are of: bytes of each scalar type, from 1 (int64) to 11 (bool); strings have none. */
const SCALAR_BYTES = [0, 8, 4, 2, 1, 8, 4, 2, 1, 8, 0, 1];
const STRING = 10;
const OBJECT = 12;
const IS_ARRAY = 0x80;
const SIGNATURE_HIGH = 0x01110101;
const SIGNATURE_LOW = 0x01010201;
const VERSION = 1;
/** signature 8, version 1. */
const HEADER_BYTES = 9;
const MAX_DEPTH = 8;
/** Nothing that is longer is read, so that its position does not matter. */
const MAX_NUMBER = 2 ** 30;

/** Told of each entry that is not in an array. */
export interface StorageVisitor {
  /** @param path - Names from the root, joined by dots. `value` is at [at, at + bytes), little-endian if a number. */
  value(path: string, at: number, bytes: number): void;
  /** An array of `count` items begins. */
  array(path: string, count: number): void;
}

/**
 * Walks over the entries of a portable storage, the format of Monero's messages, as far as it goes. Each byte is looked at
 * once; what is nested too deep ends the walk.
 *
 * Source: Monero's docs/PORTABLE_STORAGE.md.
 */
export function readStorage(view: DataView, start: number, end: number, visitor: StorageVisitor): void {
  if (end - start < HEADER_BYTES) return;
  if (view.getInt32(start) !== SIGNATURE_HIGH || view.getInt32(start + 4) !== SIGNATURE_LOW) return;
  if (view.getUint8(start + 8) !== VERSION) return;
  new Walk(view, start + HEADER_BYTES, end, visitor).section("", 0, true);
}

class Walk {
  readonly #view: DataView;
  readonly #end: number;
  readonly #visitor: StorageVisitor;
  #at: number;

  constructor(view: DataView, at: number, end: number, visitor: StorageVisitor) {
    this.#view = view;
    this.#at = at;
    this.#end = end;
    this.#visitor = visitor;
  }

  /**
   * @param told - Whether the visitor is to be told.
   * @returns Whether to go on.
   */
  section(path: string, depth: number, told: boolean): boolean {
    if (depth > MAX_DEPTH) return false;
    const entries = this.#number();
    if (entries < 0) return false;
    for (let i = 0; i < entries; i++) if (!this.#entry(path, depth, told)) return false;
    return true;
  }

  #entry(parent: string, depth: number, told: boolean): boolean {
    if (this.#at >= this.#end) return false;
    const nameBytes = this.#view.getUint8(this.#at++);
    if (this.#end - this.#at < nameBytes + 1) return false;
    let path = parent;
    if (told) {
      const name = Buffer.from(this.#view.buffer, this.#view.byteOffset + this.#at, nameBytes).toString("latin1");
      path = parent === "" ? name : `${parent}.${name}`;
    }
    this.#at += nameBytes;
    const type = this.#view.getUint8(this.#at++);
    if ((type & IS_ARRAY) === 0) return this.#value(type, path, depth, told);
    const count = this.#number();
    if (count < 0) return false;
    if (told) this.#visitor.array(path, count);
    for (let i = 0; i < count; i++) if (!this.#value(type & ~IS_ARRAY, path, depth, false)) return false;
    return true;
  }

  #value(type: number, path: string, depth: number, told: boolean): boolean {
    if (type === OBJECT) return this.section(path, depth + 1, told);
    const bytes = type === STRING ? this.#number() : (SCALAR_BYTES[type] ?? 0);
    if (bytes < 0 || (bytes === 0 && type !== STRING) || this.#end - this.#at < bytes) return false;
    if (told) this.#visitor.value(path, this.#at, bytes);
    this.#at += bytes;
    return true;
  }

  /** The two lowest bits of the first byte tell of how many bytes it is; -1 when they are not there, or it is too large. */
  #number(): number {
    if (this.#at >= this.#end) return -1;
    const bytes = 1 << (this.#view.getUint8(this.#at) & 3);
    if (this.#end - this.#at < bytes) return -1;
    const at = this.#at;
    this.#at += bytes;
    if (bytes === 1) return this.#view.getUint8(at) >> 2;
    if (bytes === 2) return this.#view.getUint16(at, true) >> 2;
    if (bytes === 4) return this.#view.getUint32(at, true) >>> 2;
    const large = this.#view.getBigUint64(at, true) >> 2n;
    return large < MAX_NUMBER ? Number(large) : -1;
  }
}
