import type { StreamHead } from "../streams/index.js";

const LF = 0x0a;
const CR = 0x0d;

/** What LineCursor.next found. */
export const LineResult = { NeedMore: 0, Found: 1, TooLong: 2 } as const;
export type LineResult = (typeof LineResult)[keyof typeof LineResult];

/**
 * Walks over the lines of one direction, each byte once however few come at a time. Lines end with LF; a CR before it is
 * not part of the line.
 */
export class LineCursor {
  /** The line found last: offsets [start, end) into the head. */
  start = 0;
  end = 0;
  #next = 0;
  #scanned = 0;
  readonly #maxBytes: number;

  /** @param maxBytes - Longest line, without its end. After a longer one there are no more lines. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  next(head: StreamHead): LineResult {
    const { bytes, length } = head;
    const limit = Math.min(length, this.#next + this.#maxBytes + 2);
    for (let i = this.#scanned; i < limit; i++) {
      if (bytes[i] !== LF) continue;
      this.start = this.#next;
      this.end = i > this.start && bytes[i - 1] === CR ? i - 1 : i;
      // Not beyond it: there are no more lines.
      this.#scanned = i;
      if (this.end - this.start > this.#maxBytes) return LineResult.TooLong;
      this.#scanned = i + 1;
      this.#next = i + 1;
      return LineResult.Found;
    }
    this.#scanned = Math.max(this.#scanned, limit);
    head.unread = this.#next;
    return limit < length || limit === this.#next + this.#maxBytes + 2 ? LineResult.TooLong : LineResult.NeedMore;
  }

  /** Where the next line begins; behind what has come where lines were passed over. */
  get position(): number {
    return this.#next;
  }

  /** Passes over bytes that are no lines: the next line begins `count` bytes later. */
  skip(count: number): void {
    this.#next += count;
    this.#scanned = this.#next;
  }

  /** The line found last. Bytes that are not UTF-8 become U+FFFD. */
  text(head: StreamHead): string {
    return Buffer.from(head.bytes.buffer, this.start, this.end - this.start).toString("utf8");
  }
}

/** The first bytes of a head as text, a character for each byte; for match(), which looks at few. */
export function firstText(head: StreamHead, maxBytes: number): string {
  return Buffer.from(head.bytes.buffer, 0, Math.min(head.length, maxBytes)).toString("latin1");
}
