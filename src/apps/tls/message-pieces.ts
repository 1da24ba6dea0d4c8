interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const MAX_WAITING = 64;

/**
 * Puts a message together whose pieces come in any order, twice, or overlapping: in datagrams. Where they contradict each
 * other, what came first counts. Takes little more memory than the pieces did.
 */
export class MessagePieces {
  /** How many bytes from the beginning are there. */
  length = 0;
  readonly #capacity: number;
  #bytes = new Uint8Array(0);
  /** In the order of their offsets. */
  readonly #waiting: Piece[] = [];
  #waitingBytes = 0;

  /** @param capacity - Bytes. A piece that reaches further is not taken. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The bytes from the beginning; until the next piece is added. */
  get view(): DataView {
    return new DataView(this.#bytes.buffer, 0, this.length);
  }

  /**
   * Takes in a copy of a piece.
   *
   * @returns Whether more bytes from the beginning are there than before.
   */
  add(offset: number, bytes: Uint8Array): boolean {
    const end = offset + bytes.length;
    if (end > this.#capacity || end <= this.length) return false;
    if (offset > this.length) {
      this.#hold(offset, bytes);
      return false;
    }
    this.#append(offset, bytes);
    let taken = 0;
    for (const piece of this.#waiting) {
      if (piece.offset > this.length) break;
      this.#append(piece.offset, piece.bytes);
      this.#waitingBytes -= piece.bytes.length;
      taken++;
    }
    this.#waiting.splice(0, taken);
    return true;
  }

  #hold(offset: number, bytes: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + bytes.length > this.#capacity) return;
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.offset > offset) at--;
    // Not slice(): of a Buffer it is no copy.
    this.#waiting.splice(at, 0, { offset, bytes: Uint8Array.from(bytes) });
    this.#waitingBytes += bytes.length;
  }

  #append(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end <= this.length) return;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, Math.min(this.#capacity, 2 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, this.length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(this.length - offset), this.length);
    this.length = end;
  }
}
