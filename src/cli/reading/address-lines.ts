/** The longest endpoint has 47 characters. */
const MAX_LINE_BYTES = 256;
const NEWLINE = 10;

/** A line of a list, without its end and the blanks around it. */
export interface AddressLine {
  /** Counted from 1. */
  readonly number: number;
  /** Undefined for a line longer than any address is. */
  readonly text: string | undefined;
}

/**
 * Splits a list of addresses into lines as its bytes come, however long a line a stranger sends: what is too long is
 * thrown away up to the end of its line.
 */
export class AddressLines {
  #number = 0;
  #rest = Buffer.alloc(0);
  #isTooLong = false;

  /** @returns The lines that these bytes complete. */
  *push(bytes: Buffer): Generator<AddressLine> {
    for (let start = 0; start < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, start);
      const end = newline < 0 ? bytes.length : newline;
      this.#add(bytes.subarray(start, end));
      if (newline >= 0) yield this.#take();
      start = end + 1;
    }
  }

  /** The last line, when it has no end. */
  *finish(): Generator<AddressLine> {
    if (this.#rest.length > 0 || this.#isTooLong) yield this.#take();
  }

  #add(part: Buffer): void {
    if (this.#isTooLong || this.#rest.length + part.length > MAX_LINE_BYTES) {
      this.#isTooLong = true;
      this.#rest = Buffer.alloc(0);
    } else this.#rest = Buffer.concat([this.#rest, part]);
  }

  #take(): AddressLine {
    const text = this.#isTooLong ? undefined : this.#rest.toString("latin1").trim();
    this.#rest = Buffer.alloc(0);
    this.#isTooLong = false;
    return { number: ++this.#number, text };
  }
}
