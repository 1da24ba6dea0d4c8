import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ByteSource, CorruptCompression } from "../../src/capture/byte-source.js";
import { StreamSource } from "../../src/capture/stream-source.js";
import { ZstdSource } from "../../src/capture/zstd-source.js";
import { buildPcap, concatBytes } from "../support/capture-builder.js";
import { readBytes, streamOf } from "./read-packets.js";

/** Bytes that do not pack well, so that the packed files have several blocks. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) & 0x3f;
  });
}

const RECORDS = Array.from({ length: 1000 }, (_, index) => ({ seconds: index, bytes: noise(200 + index, index) }));
const FILE = buildPcap({}, RECORDS);
const PLAIN = await readBytes(FILE);

function zstd(bytes: Uint8Array, ...options: string[]): Uint8Array {
  return execFileSync("zstd", ["-q", "-c", ...options], { input: bytes, maxBuffer: 1 << 28 });
}

/** The index-th thousandth of FILE as a frame of its own, made by hand: one raw block. */
function zstdSlice(index: number): Uint8Array {
  const size = Math.ceil(FILE.length / 1000);
  const bytes = FILE.slice(index * size, (index + 1) * size);
  const header = (bytes.length << 3) | 1;
  const start = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, header & 0xff, (header >> 8) & 0xff, header >>> 16);
  return concatBytes([start, bytes]);
}

async function unzstd(bytes: Uint8Array): Promise<Uint8Array> {
  return drain(new ZstdSource(new StreamSource(streamOf(bytes, [1000]), "test")));
}

async function drain(source: ByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(10_000);
  for (let count = 1; count > 0; ) {
    count = await source.read(buffer, 0, buffer.length);
    parts.push(buffer.slice(0, count));
  }
  return concatBytes(parts);
}

describe("a packed capture gives the packets of the plain one", () => {
  const half = FILE.length >> 1;
  it.each<[string, Uint8Array, "gzip" | "zstd"]>([
    ["gzip", gzipSync(FILE), "gzip"],
    ["gzip of several members", concatBytes([gzipSync(FILE.slice(0, half)), gzipSync(FILE.slice(half))]), "gzip"],
    ["gzip with an empty member in front", concatBytes([gzipSync(new Uint8Array(0)), gzipSync(FILE)]), "gzip"],
    ["zstd", zstd(FILE), "zstd"],
    ["zstd of several frames", concatBytes([zstd(FILE.slice(0, half)), zstd(FILE.slice(half))]), "zstd"],
    [
      "zstd behind a skippable frame",
      concatBytes([Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3), zstd(FILE)]),
      "zstd",
    ],
    [
      "zstd of a thousand small frames",
      concatBytes(Array.from({ length: 1000 }, (_, index) => zstdSlice(index))),
      "zstd",
    ],
    ["zstd without checksum", zstd(FILE, "--no-check"), "zstd"],
    ["zstd -19", zstd(FILE, "-19"), "zstd"],
  ])("%s", async (_, bytes, compression) => {
    for (const sliceSizes of [[], [1, 2, 30_000], [700]]) {
      const { packets, info } = await readBytes(bytes, { sliceSizes });
      expect(packets).toEqual(PLAIN.packets);
      expect(info).toMatchObject({ compression, damage: undefined, bytesRead: bytes.length });
    }
  });
});

describe("a damaged packed capture gives what comes before the damage", () => {
  it.each([
    ["gzip", gzipSync(FILE)],
    ["zstd", zstd(FILE)],
  ])("when %s is cut short", async (_, bytes) => {
    for (const keep of [0.3, 0.6, 0.9]) {
      const { packets, info } = await readBytes(bytes.slice(0, bytes.length * keep));
      expect(PLAIN.packets.slice(0, packets.length)).toEqual(packets);
      expect(info.damage).toMatchObject({ code: "bad-compression", record: packets.length + 1 });
      expect(info.damage?.message).toContain("unexpected end of file");
    }
  });

  it("all that gzip had unpacked when it is cut short is delivered", async () => {
    // Stored, not deflated: so the bytes that are there are known.
    const packed = gzipSync(FILE, { level: 0 });
    const { packets } = await readBytes(packed.slice(0, packed.length - 1000));
    expect(packets.length).toBeGreaterThan(RECORDS.length - 4);
  });

  it.each([
    ["gzip", gzipSync(FILE)],
    ["zstd", zstd(FILE)],
  ])("when the middle of %s is overwritten", async (_, bytes) => {
    const changed = bytes.slice();
    changed.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 3000);
    const { packets, info } = await readBytes(changed);
    expect(packets.length).toBeGreaterThan(100);
    expect(PLAIN.packets.slice(0, 100)).toEqual(packets.slice(0, 100));
    expect(info.damage).toBeDefined();
  });

  it.each([
    ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9)],
    ["zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ])("%s that is damaged from its beginning is an error", async (_, bytes) => {
    await expect(readBytes(bytes)).rejects.toMatchObject({ code: "LEEK_CAPTURE_BAD_COMPRESSION" });
  });

  it("what was packed twice, or is no capture, is named", async () => {
    await expect(readBytes(gzipSync(gzipSync(FILE)))).rejects.toMatchObject({ code: "LEEK_CAPTURE_UNKNOWN_FORMAT" });
    await expect(readBytes(gzipSync(new Uint8Array(0)))).rejects.toMatchObject({ code: "LEEK_CAPTURE_EMPTY" });
  });
});

describe("data that expand without bound", () => {
  it("are unpacked in bounded memory by gzip", async () => {
    const bomb = concatBytes([buildPcap({}, []), new Uint8Array(300_000_000)]);
    const packed = gzipSync(bomb);
    bomb.fill(1);
    const before = process.memoryUsage.rss();
    // Zeros are records of no bytes: 18 million of them.
    const { source, peak } = await walk(packed);
    expect(source.packets).toBe(18_750_000);
    expect(peak - before).toBeLessThan(100 << 20);
  });

  it("are refused by zstd when a block claims more than its format allows", async () => {
    // Magic, window of 1 KiB, and a run of 2 MiB - 1 zeros in four bytes.
    const runLength = 0x1fffff;
    const header = (runLength << 3) | (1 << 1);
    const bomb = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, header & 0xff, (header >> 8) & 0xff, header >>> 16, 0);
    await expect(unzstd(bomb)).rejects.toThrow(CorruptCompression);
  });

  it("are refused by zstd when they need a window beyond the limit", async () => {
    const bytes = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xf8, 0, 0, 0);
    await expect(unzstd(bytes)).rejects.toThrow(/zstd window of \d+ bytes/);
  });
});

describe("zstd in JavaScript, for Node.js without its own", () => {
  it("unpacks what the zstd program packs", async () => {
    for (const options of [["-1"], ["-9"], ["--no-check"], ["-19"]]) {
      expect(Buffer.compare(await unzstd(zstd(FILE, ...options)), FILE)).toBe(0);
    }
    const zeros = new Uint8Array(5_000_000);
    expect(Buffer.compare(await unzstd(zstd(zeros)), zeros)).toBe(0);
    expect((await unzstd(zstd(new Uint8Array(0)))).length).toBe(0);
  });

  it("says what a dictionary is", async () => {
    await expect(unzstd(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x00, 0x07))).rejects.toThrow(/dictionary/);
  });
});

async function walk(packed: Uint8Array): Promise<{ source: { packets: number }; peak: number }> {
  const { CapturedPacket } = await import("../../src/base/index.js");
  const { openCapture } = await import("../../src/capture/index.js");
  const source = await openCapture("test", { stream: streamOf(packed, [65536]) });
  const packet = new CapturedPacket();
  let peak = 0;
  while (await source.fill()) {
    while (source.next(packet));
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  await source.close();
  return { source: source.infos[0]!, peak };
}
