import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { buildPcap, concatBytes, PcapngBuilder } from "../support/capture-builder.js";
import { payload, type ReadResult, readBytes } from "./read-packets.js";

const CLASSIC = buildPcap(
  { form: "nano" },
  Array.from({ length: 8 }, (_, index) => ({ seconds: index, fraction: index, bytes: payload(20 + index * 9, index) })),
);
const MODIFIED = buildPcap(
  { form: "modified", byteOrder: "big" },
  Array.from({ length: 5 }, (_, index) => ({ bytes: payload(30 + index, index) })),
);
const NEXT_GENERATION = new PcapngBuilder()
  .section()
  .interface({ name: "eth0", tsresol: 9 })
  .enhancedPacket({ timestamp: 5n, bytes: payload(33, 1), dropCount: 2 })
  .nameResolution([{ address: Uint8Array.of(192, 0, 2, 1), name: "a.example" }])
  .simplePacket({ bytes: payload(20, 2) })
  .section({ byteOrder: "big" })
  .interface({ tsresol: 0x8a, tsoffset: 7n, linkType: 101 })
  .interface({ description: "second" })
  .obsoletePacket({ interfaceId: 1, timestamp: 99n, bytes: payload(41, 3) })
  .enhancedPacket({ timestamp: 1n << 40n, bytes: payload(300, 4) })
  .statistics({ interfaceId: 1, interfaceDrops: 4n })
  .build();
const FILES: [string, Uint8Array][] = [
  ["pcap", CLASSIC],
  ["modified pcap", MODIFIED],
  ["pcapng", NEXT_GENERATION],
];

/** The result, or undefined when the bytes are refused by a LeekError; anything else fails. */
async function readOrRefuse(bytes: Uint8Array, options = {}): Promise<ReadResult | undefined> {
  try {
    return await readBytes(bytes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(LeekError);
    return undefined;
  }
}

describe("any bytes", () => {
  it("give a result or a LeekError", async () => {
    const starts = FILES.map(([, file]) => file.slice(0, 28)).concat([
      gzipSync(CLASSIC).slice(0, 12),
      new Uint8Array(0),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 400 }), async (start, rest) => {
        await readOrRefuse(concatBytes([start, rest]));
      }),
      { numRuns: 400 },
    );
  });

  it.each([...FILES, ["gzip", gzipSync(CLASSIC)], ["zstd", zstdOf(CLASSIC)]] as [string, Uint8Array][])(
    "%s with some bytes changed gives a result or a LeekError",
    async (_, file) => {
      const change = fc.record({ at: fc.nat({ max: file.length - 1 }), value: fc.nat({ max: 255 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
          const changed = file.slice();
          for (const { at, value } of changes) changed[at] = value;
          const result = await readOrRefuse(changed);
          for (const packet of result?.packets ?? []) {
            expect(packet.originalLength).toBeGreaterThanOrEqual(packet.bytes.length / 2);
            if (packet.time !== undefined) expect(packet.time).toMatch(/^-?\d+\.\d{9}$/);
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe("every truncation", () => {
  it.each(FILES)("of %s delivers a prefix of the packets and reports the damage", async (_, file) => {
    const whole = await readBytes(file);
    expect(whole.info.damage).toBeUndefined();
    for (let length = 0; length < file.length; length += 1) {
      const result = await readOrRefuse(file.slice(0, length));
      if (result === undefined) {
        expect(length).toBeLessThan(28);
        continue;
      }
      const { packets, info } = result;
      expect(packets).toEqual(whole.packets.slice(0, packets.length));
      if (info.damage === undefined) continue;
      expect(info.damage.code).toBe("cut-short");
      expect(info.damage.offset).toBeLessThan(length);
      expect(info.damage.message).toContain(`cut short at byte ${length}`);
      // What is damaged is all that is missing: up to there the file is whole.
      const before = await readOrRefuse(file.slice(0, info.damage.offset));
      expect(before?.packets ?? []).toEqual(packets);
      expect(before?.info.damage).toBeUndefined();
    }
  });

  it("of gzip delivers a prefix of the packets and reports the damage", async () => {
    const packed = gzipSync(CLASSIC);
    const whole = await readBytes(CLASSIC);
    for (let length = 0; length < packed.length; length += 1) {
      const result = await readOrRefuse(packed.slice(0, length));
      if (result === undefined) continue;
      expect(result.packets).toEqual(whole.packets.slice(0, result.packets.length));
      expect(result.info.damage?.code).toBe("bad-compression");
    }
  });
});

describe("how the bytes arrive", () => {
  it.each(FILES)("does not change what is read of %s", async (_, file) => {
    const whole = await readBytes(file, { chunkBytes: 1 << 20 });
    const sizes = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 200 }), async (sliceSizes, chunkBytes) => {
        const sliced = await readBytes(file, { sliceSizes, chunkBytes });
        expect(sliced.packets).toEqual(whole.packets);
        expect(sliced.info).toEqual(whole.info);
      }),
      { numRuns: 100 },
    );
  });

  it("large records through small chunks are the same as through large ones", async () => {
    const sizes = [1, 70_000, 3, 262_144, 65_536, 100_000, 262_144, 5];
    const file = buildPcap(
      {},
      sizes.map((size, index) => ({ bytes: payload(size, index) })),
    );
    const builder = new PcapngBuilder().section().interface();
    sizes.forEach((size, index) => {
      builder.enhancedPacket({ bytes: payload(size, index) }).rawBlock(0x80000000, payload(size * 3));
    });
    for (const bytes of [file, builder.build()]) {
      const whole = await readBytes(bytes, { chunkBytes: 8 << 20 });
      expect(whole.packets).toHaveLength(sizes.length);
      for (const chunkBytes of [1000, 65_536, 100_000]) {
        expect(await readBytes(bytes, { chunkBytes, sliceSizes: [777, 100_000] })).toEqual(whole);
      }
    }
  });
});

/** A zstd frame with one raw block, made by hand. */
function zstdOf(bytes: Uint8Array): Uint8Array {
  const header = (bytes.length << 3) | 1;
  const start = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x40, header & 0xff, (header >> 8) & 0xff, header >>> 16);
  return concatBytes([start, bytes]);
}
