import { describe, expect, it } from "vitest";
import { LineCursor, LineResult } from "../../src/apps/line-cursor.js";
import { StreamHead } from "../../src/streams/index.js";

/** The lines found in what came, a number of bytes at a time, and how it ended. */
function linesOf(text: string, maxBytes: number, step: number): readonly [lines: string[], last: LineResult] {
  const bytes = Buffer.from(text, "latin1");
  const head = new StreamHead();
  const cursor = new LineCursor(maxBytes);
  const lines: string[] = [];
  let last: LineResult = LineResult.NeedMore;
  for (let at = 0; at < bytes.length; at += step) {
    head.append(bytes, at, Math.min(bytes.length, at + step), 10_000);
    for (last = cursor.next(head); last === LineResult.Found; last = cursor.next(head)) lines.push(cursor.text(head));
  }
  return [lines, last];
}

describe("a line cursor", () => {
  it.each([1, 2, 3, 100])("finds lines with and without CR, %d bytes at a time", (step) => {
    expect(linesOf("one\r\n\n\r\ntwo\nthr", 8, step)).toEqual([["one", "", "", "two"], LineResult.NeedMore]);
  });

  it.each([1, 2, 100])("takes a line of the greatest length, %d bytes at a time", (step) => {
    expect(linesOf("12345678\r\n12345678\n", 8, step)[0]).toEqual(["12345678", "12345678"]);
  });

  it.each([1, 2, 100])("finds no line after one that is too long, %d bytes at a time", (step) => {
    for (const long of ["123456789\n", "123456789\r\n", "1234567890123\n"]) {
      expect(linesOf(`a\n${long}b\nc\n`, 8, step)).toEqual([["a"], LineResult.TooLong]);
    }
  });
});
