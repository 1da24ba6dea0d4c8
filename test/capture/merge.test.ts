import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeByTime, openCapture } from "../../src/capture/index.js";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { payload, readAll, streamOf } from "./read-packets.js";

function open(name: string, bytes: Uint8Array, chunkBytes = 256) {
  return openCapture(name, { stream: streamOf(bytes), chunkBytes });
}

/** A capture whose packets carry `mark` and their position in two bytes. */
function marked(mark: number, times: readonly number[]): Uint8Array {
  return buildPcap(
    {},
    times.map((time, index) => ({
      seconds: Math.floor(time / 1e6),
      fraction: time % 1e6,
      bytes: Uint8Array.of(mark, index),
    })),
  );
}

describe("captures merged by time", () => {
  it("a single source is returned as it is", async () => {
    const source = await open("a", marked(1, [1]));
    expect(mergeByTime([source])).toBe(source);
    await source.close();
  });

  it("no source gives no packets", async () => {
    const merged = mergeByTime([]);
    expect(await merged.fill()).toBe(false);
  });

  it("packets of the same time keep the order of their sources, and are numbered anew", async () => {
    const merged = mergeByTime([
      await open("a", marked(1, [10, 20, 20, 30])),
      await open("b", marked(2, [10, 20, 25])),
      await open("c", marked(3, [5, 20])),
    ]);
    const packets = (await readAll(merged)).packets;
    expect(packets.map(({ bytes }) => bytes)).toEqual([
      "0300",
      "0100",
      "0200",
      "0101",
      "0102",
      "0201",
      "0301",
      "0202",
      "0103",
    ]);
    expect(packets.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(merged.infos.map(({ name, packets: count }) => [name, count])).toEqual([
      ["a", 4],
      ["b", 3],
      ["c", 2],
    ]);
  });

  it("packets without a time go with the one before them", async () => {
    const timeless = new PcapngBuilder()
      .section()
      .interface()
      .enhancedPacket({ timestamp: 15n, bytes: Uint8Array.of(9, 0) })
      .simplePacket({ bytes: Uint8Array.of(9, 1) })
      .enhancedPacket({ timestamp: 40n, bytes: Uint8Array.of(9, 2) })
      .build();
    const merged = mergeByTime([await open("a", marked(1, [10, 20])), await open("b", timeless)]);
    const packets = (await readAll(merged)).packets;
    expect(packets.map(({ bytes }) => bytes)).toEqual(["0100", "0900", "0901", "0101", "0902"]);
    expect(packets.map(({ time }) => time === undefined)).toEqual([false, false, true, false, false]);
  });

  it("damage to one does not stop the others", async () => {
    const cut = marked(1, [1, 2, 3]).slice(0, 24 + 18 + 5);
    const merged = mergeByTime([await open("a", cut), await open("b", marked(2, [1, 2, 3]))]);
    expect((await readAll(merged)).packets.map(({ bytes }) => bytes)).toEqual(["0100", "0200", "0201", "0202"]);
    expect(merged.infos.map(({ damage }) => damage?.code)).toEqual(["cut-short", undefined]);
  });

  it("any captures in order merge into what a stable sort gives, whatever the chunks", async () => {
    const times = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });
    const capturesInOrder = fc.array(
      times.map((list) => list.toSorted((a, b) => a - b)),
      { minLength: 2, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(capturesInOrder, fc.integer({ min: 32, max: 300 }), async (captures, chunkBytes) => {
        const sources = captures.map((list, mark) => open(String(mark), marked(mark, list), chunkBytes));
        const { packets } = await readAll(mergeByTime(await Promise.all(sources)));
        const expected = captures
          .flatMap((list, mark) => list.map((time, index) => ({ time, text: Buffer.of(mark, index).toString("hex") })))
          .toSorted((a, b) => a.time - b.time);
        expect(packets.map(({ bytes }) => bytes)).toEqual(expected.map(({ text }) => text));
      }),
      { numRuns: 60 },
    );
  });

  it("the bytes of a delivered packet stay until the next call, across refills of the other sources", async () => {
    const records = Array.from({ length: 200 }, (_, index) => ({ seconds: index, bytes: payload(100, index) }));
    const odd = records.map(({ bytes }, index) => ({ seconds: index, fraction: 1, bytes }));
    const merged = mergeByTime([
      await open("a", buildPcap({}, records), 150),
      await open("b", buildPcap({}, odd), 333),
    ]);
    const { packets } = await readAll(merged);
    expect(packets.map(({ bytes }) => bytes)).toEqual(
      records.flatMap(({ bytes }) => [Buffer.from(bytes).toString("hex"), Buffer.from(bytes).toString("hex")]),
    );
  });
});
