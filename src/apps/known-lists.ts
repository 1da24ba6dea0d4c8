/** Lists kept at most; honest captures have a few of each program. */
const MAX_KNOWN = 1_024;
/** The longest list that is kept; honest ones have at most some 60 numbers. */
const MAX_LENGTH = 128;

/**
 * What is made of lists of numbers, each once: programs send the same in every ClientHello, nodes the same few commands,
 * and what thousands of flows have in common needs neither memory nor time for each.
 */
export class KnownLists<List> {
  readonly #known = new Map<number, { readonly numbers: Uint16Array; readonly list: List }>();

  /**
   * @param length - Of the numbers, only those in front count.
   * @param make - Makes the list when these numbers are new.
   */
  of(numbers: Uint16Array, length: number, make: (numbers: Uint16Array) => List): List {
    if (length > MAX_LENGTH) return make(numbers.slice(0, length));
    let key = length;
    for (let i = 0; i < length; i++) key = (Math.imul(key, 31) + numbers[i]!) | 0;
    const known = this.#known.get(key);
    if (known !== undefined && isSame(known.numbers, numbers, length)) return known.list;
    const own = numbers.slice(0, length);
    const list = make(own);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(key, { numbers: own, list });
    return list;
  }
}

function isSame(known: Uint16Array, numbers: Uint16Array, length: number): boolean {
  if (known.length !== length) return false;
  for (let i = 0; i < length; i++) if (known[i] !== numbers[i]) return false;
  return true;
}
