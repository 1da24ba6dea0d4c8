import { describe, expect, it } from "vitest";
import { KnownLists } from "../../src/apps/known-lists.js";

const listOf = (numbers: Uint16Array) => [...numbers];

describe("KnownLists", () => {
  it("gives the same list for the same numbers", () => {
    const lists = new KnownLists<number[]>();
    const first = lists.of(Uint16Array.of(1, 2, 3, 9), 3, listOf);
    expect(first).toEqual([1, 2, 3]);
    expect(lists.of(Uint16Array.of(1, 2, 3, 8), 3, listOf)).toBe(first);
  });

  it("tells lists with the same key apart", () => {
    const lists = new KnownLists<number[]>();
    // 31 * (31 * 2 + 1) + 32 and 31 * (31 * 2 + 2) + 1.
    expect(lists.of(Uint16Array.of(1, 32), 2, listOf)).toEqual([1, 32]);
    expect(lists.of(Uint16Array.of(2, 1), 2, listOf)).toEqual([2, 1]);
    expect(lists.of(Uint16Array.of(1, 32), 2, listOf)).toEqual([1, 32]);
  });

  it("keeps no list of more than 128 numbers, and is right all the same", () => {
    const lists = new KnownLists<number[]>();
    const long = new Uint16Array(129).fill(7);
    const first = lists.of(long, 129, listOf);
    expect(first).toHaveLength(129);
    expect(lists.of(long, 129, listOf)).not.toBe(first);
  });
});
