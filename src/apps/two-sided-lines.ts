import type { StreamHead, StreamSide } from "../streams/index.js";
import { LineCursor, LineResult } from "./line-cursor.js";

/** The lines of both directions of a flow; of each side as many as are worth looking at. */
export class TwoSidedLines {
  readonly #cursors: readonly [LineCursor, LineCursor];
  readonly #maxLines: number;
  readonly #counts = [0, 0];
  readonly #ended = [false, false];

  /** @param maxBytes - As LineCursor's: a longer line ends its side. */
  constructor(maxBytes: number, maxLines: number) {
    this.#cursors = [new LineCursor(maxBytes), new LineCursor(maxBytes)];
    this.#maxLines = maxLines;
  }

  /** Lines of a side so far. */
  count(side: StreamSide): number {
    return this.#counts[side]!;
  }

  /** What follows on this side is no line, or of no interest. */
  end(side: StreamSide): void {
    this.#ended[side] = true;
  }

  /**
   * Shows each line that is new.
   *
   * @returns As StreamReader.read.
   */
  read(side: StreamSide, head: StreamHead, visit: (side: StreamSide, line: string) => void): number {
    const cursor = this.#cursors[side];
    while (!this.#ended[side]) {
      const result = cursor.next(head);
      if (result === LineResult.NeedMore) return head.length + 1;
      if (result === LineResult.TooLong || ++this.#counts[side]! > this.#maxLines) break;
      visit(side, cursor.text(head));
    }
    this.#ended[side] = true;
    return Infinity;
  }
}
