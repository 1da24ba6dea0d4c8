/** 2^20 bits: with the 20,000 addresses of a week's documents, 2 of 100 strangers pass. */
const BITS = 2 ** 20;

/**
 * Answers "certainly not one of them" for nearly all addresses at the price of one read, however many documents there
 * are (a Bloom filter with one hash function). An enemy who fills it makes matching slower, not wrong.
 */
export class AddressFilter {
  readonly #bits = new Uint32Array(BITS / 32);

  add(a: number, b: number, c: number, d: number): void {
    const hash = hashAddress(a, b, c, d);
    this.#bits[hash >>> 5]! |= 1 << (hash & 31);
  }

  mayHave(a: number, b: number, c: number, d: number): boolean {
    const hash = hashAddress(a, b, c, d);
    return (this.#bits[hash >>> 5]! & (1 << (hash & 31))) !== 0;
  }
}

function hashAddress(a: number, b: number, c: number, d: number): number {
  // Odd constants of the xxHash and murmur3 families; the last steps carry high bits down, which multiplying does not.
  let hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ Math.imul(c, 0xc2b2ae3d) ^ d, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) & (BITS - 1);
}
