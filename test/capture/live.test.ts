import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { constants, createGzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapturedPacket } from "../../src/base/index.js";
import { openCapture, openCaptures, type PacketSource } from "../../src/capture/index.js";
import { bundleScript } from "../support/bundle.js";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { copyPacket, hex, payload, type ReadPacket, readAll } from "./read-packets.js";

const directory = mkdtempSync(join(tmpdir(), "leek-capture-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ONE = payload(60, 1);
const TWO = payload(90, 2);
const HEADER_BYTES = 24;

/** Waits for one packet; fails when the source ends before. */
async function nextPacket(source: PacketSource): Promise<ReadPacket> {
  const packet = new CapturedPacket();
  while (!source.next(packet)) if (!(await source.fill())) throw new Error("the source has ended");
  return copyPacket(packet);
}

describe("a capture that is still being written", () => {
  it("a packet is delivered when its last byte is there, long before a chunk is full", async () => {
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO }]);
    const stream = new PassThrough();
    stream.write(file.slice(0, HEADER_BYTES));
    const source = await openCapture("-", { stream });
    stream.write(file.slice(HEADER_BYTES, HEADER_BYTES + 16 + 60));
    expect((await nextPacket(source)).bytes).toBe(hex(ONE));
    const second = nextPacket(source);
    for (const byte of file.slice(HEADER_BYTES + 16 + 60)) stream.write(Uint8Array.of(byte));
    expect((await second).bytes).toBe(hex(TWO));
    stream.end();
    expect(await source.fill()).toBe(false);
    expect(source.infos[0]).toMatchObject({ packets: 2, damage: undefined });
    await source.close();
  });

  it("the same holds for pcapng", async () => {
    const builder = new PcapngBuilder().section().interface();
    const stream = new PassThrough();
    stream.write(builder.build());
    const source = await openCapture("-", { stream });
    const first = builder.build().length;
    stream.write(builder.enhancedPacket({ bytes: ONE }).build().slice(first));
    expect((await nextPacket(source)).bytes).toBe(hex(ONE));
    await source.close();
  });

  it("the same holds for gzip that is flushed", async () => {
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO }]);
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
    gzip.write(file.slice(0, HEADER_BYTES + 16 + 60));
    const source = await openCapture("-", { stream: gzip });
    expect((await nextPacket(source)).bytes).toBe(hex(ONE));
    gzip.end(file.slice(HEADER_BYTES + 16 + 60));
    expect((await nextPacket(source)).bytes).toBe(hex(TWO));
    await source.close();
  });

  it("a FIFO is waited for, and read as it is written", async () => {
    const fifo = join(directory, "fifo");
    execFileSync("mkfifo", [fifo]);
    const opening = openCapture(fifo);
    const writer = await openFile(fifo, "w");
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO }]);
    await writer.write(file.slice(0, HEADER_BYTES + 16 + 60));
    const source = await opening;
    expect((await nextPacket(source)).bytes).toBe(hex(ONE));
    await writer.write(file.slice(HEADER_BYTES + 16 + 60));
    expect((await nextPacket(source)).bytes).toBe(hex(TWO));
    await writer.close();
    expect(await source.fill()).toBe(false);
    expect(source.infos[0]).toMatchObject({ name: fifo, damage: undefined, totalBytes: undefined });
    await source.close();
  });

  it("closing ends a fill that waits", async () => {
    const stream = new PassThrough();
    stream.write(buildPcap({}, []));
    const source = await openCapture("-", { stream });
    const waiting = source.fill();
    await source.close();
    expect(await waiting).toBe(false);
  });

  it("a stream that fails gives the packets before, then a LeekError", async () => {
    const stream = new PassThrough();
    stream.write(buildPcap({}, [{ bytes: ONE }]));
    const source = await openCapture("-", { stream });
    expect((await nextPacket(source)).bytes).toBe(hex(ONE));
    stream.destroy(new Error("connection reset"));
    await expect(source.fill()).rejects.toMatchObject({ code: "LEEK_FILE_IO", kind: "io" });
    await source.close();
  });
});

describe("standard input", () => {
  const script = `
    import { openCapture } from "./src/capture/index.js";
    import { CapturedPacket } from "./src/base/index.js";
    const source = await openCapture("-");
    const packet = new CapturedPacket();
    while (await source.fill()) {
      while (source.next(packet)) console.log(packet.number, packet.end - packet.start);
      if (process.argv[2] === "exit" && packet.number > 0) process.exit(0);
    }
    console.log(JSON.stringify(source.infos[0].totalBytes ?? null));
    await source.close();
  `;
  const bundle = join(directory, "main.mjs");

  beforeAll(() => bundleScript(script, bundle));

  it("a waiting read does not keep the process from exiting", async () => {
    const pipe = join(directory, "held-open");
    execFileSync("mkfifo", [pipe]);
    const child = spawn("sh", ["-c", `exec ${process.execPath} ${bundle} exit < ${pipe}`], { stdio: "ignore" });
    const exited = new Promise((resolve) => child.once("close", resolve));
    const writer = await openFile(pipe, "w");
    await writer.write(buildPcap({}, [{ bytes: ONE }]));
    expect(await exited).toBe(0);
    await writer.close();
  });

  it("is read from a pipe as it arrives, from a file, and from a socket", async () => {
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO }]);
    // Node gives children a socket pair for "pipe".
    const child = spawn(process.execPath, [bundle], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write(file.slice(0, HEADER_BYTES + 16 + 60));
    const firstLine = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data) => resolve(String(data))),
    );
    expect(firstLine).toBe("1 60\n");
    child.stdin.end(file.slice(HEADER_BYTES + 16 + 60));
    const rest = await new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data))));
    expect(rest).toContain("2 90\n");
    await new Promise((resolve) => child.once("close", resolve));
    const path = join(directory, "stdin.pcap");
    writeFileSync(path, file);
    const run = (command: string) => execFileSync("sh", ["-c", command], { encoding: "utf8" });
    expect(run(`${process.execPath} ${bundle} < ${path}`)).toBe(`1 60\n2 90\n${file.length}\n`);
    expect(run(`cat ${path} | ${process.execPath} ${bundle}`)).toBe("1 60\n2 90\nnull\n");
  });
});

describe("files", () => {
  it("bytes read and total size are known for a progress bar", async () => {
    const path = join(directory, "plain.pcap");
    const file = buildPcap(
      {},
      Array.from({ length: 1000 }, () => ({ bytes: ONE })),
    );
    writeFileSync(path, file);
    const source = await openCapture(path, { chunkBytes: 4096 });
    const packet = new CapturedPacket();
    const seen: number[] = [];
    while (await source.fill()) {
      seen.push(source.infos[0]!.bytesRead);
      while (source.next(packet));
    }
    expect(source.infos[0]).toMatchObject({ packets: 1000, totalBytes: file.length, bytesRead: file.length });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(10);
    await source.close();
    await source.close();
    expect(await source.fill()).toBe(false);
    expect(source.next(packet)).toBe(false);
  });

  it("several are opened as one, in the order of time", async () => {
    const paths = [1, 0].map((seconds) => {
      const path = join(directory, `part-${seconds}.pcap`);
      writeFileSync(
        path,
        buildPcap({}, [
          { seconds, bytes: ONE },
          { seconds: seconds + 10, bytes: TWO },
        ]),
      );
      return path;
    });
    const { packets } = await readAll(await openCaptures(paths));
    expect(packets.map(({ time }) => Number(time))).toEqual([0, 1, 10, 11]);
  });

  it.each([
    ["a missing file", join(directory, "missing"), "LEEK_FILE_NOT_FOUND", "no-input"],
    ["a directory", directory, "LEEK_FILE_IS_DIRECTORY", "no-input"],
    ["an empty device", "/dev/null", "LEEK_CAPTURE_EMPTY", "bad-data"],
    ["an endless device", "/dev/zero", "LEEK_CAPTURE_UNKNOWN_FORMAT", "bad-data"],
  ])("%s is an error of its own", async (_, path, code, kind) => {
    await expect(openCapture(path)).rejects.toMatchObject({ code, kind });
    await expect(openCaptures([path, path])).rejects.toMatchObject({ code, kind });
  });
});
