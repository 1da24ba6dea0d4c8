/** Puts a text together from bytes: adding characters to a string one by one makes an object for each. */
export class ByteText {
  readonly #bytes: Buffer;
  length = 0;

  /** @param capacity - Bytes beyond it are lost. */
  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  push(byte: number): void {
    this.#bytes[this.length++] = byte;
  }

  /** The text so far, a character for each byte. */
  toString(): string {
    return this.#bytes.toString("latin1", 0, this.length);
  }
}
