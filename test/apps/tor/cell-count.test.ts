import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CellCount } from "../../../src/apps/tor/cell-count.js";

function counted(sizes: readonly number[], slack = 0): CellCount {
  const count = new CellCount();
  for (const size of sizes) count.take(size, slack);
  return count;
}

const figures = ({ whole, others, bursts }: CellCount) => ({ whole, others, bursts });

describe("records of whole cells", () => {
  it("are those of a multiple of 514 bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 1, max: 513 }), (cells, more) => {
        expect(figures(counted([cells * 514]))).toEqual({ whole: 1, others: 0, bursts: 1 });
        expect(counted([cells * 514 + more]).bursts).toBe(0);
      }),
    );
  });

  it("are, behind a whole one, those of a burst, however it was cut", () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 15 });
    fc.assert(
      fc.property(cuts, (pieces) => {
        const sums = pieces.map((_, i) => pieces.slice(0, i + 1).reduce((sum, piece) => sum + piece, 0));
        // What ends a cell by chance is another burst.
        fc.pre(!pieces.some((piece) => piece % 514 === 0) && !sums.some((sum) => sum % 514 === 0));
        const rest = 514 - (sums.at(-1)! % 514) + 514;
        fc.pre(rest % 514 !== 0);
        const count = counted([514, ...pieces, rest]);
        expect(figures(count)).toEqual({ whole: pieces.length + 2, others: 0, bursts: 2 });
        expect(count.mostCells).toBe((sums.at(-1)! + rest) / 514);
      }),
    );
  });

  it("are found in the midst of a bulk transfer, where a shorter record ends a burst", () => {
    // As recorded, from a random record on.
    const bulk = [3792, 4048, 4048, 4048, 512, 3536, 4048, 4048, 4048, 768, 3280, 4048, 4048, 4048, 1024];
    expect(figures(counted(bulk))).toEqual({ whole: 10, others: 0, bursts: 2 });
  });

  it("are not those of full records of 16 KiB, nor those of buffers of 4 and 8 KiB", () => {
    for (const size of [16_384, 8_192, 4_096, 1_024, 512]) {
      expect(counted(Array.from({ length: 200 }, () => size)).bursts, String(size)).toBe(0);
    }
  });

  it("are not empty ones", () => {
    expect(counted([514, 0, 0, 0]).whole).toBe(1);
    expect(counted([514, -3, -17]).whole).toBe(1);
  });

  it("may have as much less as padding hides", () => {
    expect(counted([514 + 15], 15).whole).toBe(1);
    expect(counted([514 + 16], 15).whole).toBe(0);
    expect(counted([514 + 3, 300 + 7, 214 + 7], 15)).toMatchObject({ whole: 3, bursts: 2 });
  });
});

describe("other records", () => {
  it("are not counted before the first whole one, as far as an opening goes", () => {
    const opening = [6, 592, 264, 52, 57, 57, 2024];
    expect(figures(counted([...opening, 514]))).toEqual({ whole: 1, others: 0, bursts: 1 });
    const long = Array.from({ length: 30 }, (_, i) => 100 + i);
    expect(counted([...long, 514]).others).toBe(22);
  });

  it("are what remains of a burst of which a record was lost; the next one is found again", () => {
    const burst = [4048, 4048, 4048, 4048, 256];
    const torn = [4048, 4048, 4048, 256];
    expect(figures(counted([514, ...burst, ...torn, 514, ...burst]))).toEqual({ whole: 12, others: 4, bursts: 4 });
    // Also where no record is whole alone.
    const bulk = Array.from({ length: 20 }, () => burst).flat();
    const count = counted([514, ...torn, ...bulk]);
    expect(count.others).toBeLessThanOrEqual(20);
    expect(count.bursts).toBeGreaterThanOrEqual(17);
  });

  it("are not counted while their burst may go on", () => {
    expect(figures(counted([514, 4048, 4048]))).toEqual({ whole: 1, others: 0, bursts: 1 });
  });
});

it("keeps to its sums, whatever the sizes", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -17, max: 20_000 })), fc.constantFrom(0, 15), (sizes, slack) => {
      const { records, whole, others, bursts, fewestCells, mostCells } = counted(sizes, slack);
      expect(records).toBe(sizes.length);
      expect(whole + others).toBeLessThanOrEqual(records);
      expect(bursts).toBeLessThanOrEqual(whole);
      expect(fewestCells).toBeLessThanOrEqual(mostCells);
      expect(fewestCells > 0).toBe(bursts > 0);
    }),
  );
});
