import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { openCapture, openCaptures } from "../../src/capture/index.js";
import { buildPcap, PcapngBuilder, type PcapRecord } from "../support/capture-builder.js";
import { payload, type ReadPacket, readAll } from "./read-packets.js";

const directory = mkdtempSync(join(tmpdir(), "leek-differential-"));
afterAll(() => rmSync(directory, { recursive: true }));

function save(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

function run(command: string, ...args: string[]): string {
  // capinfos and tshark complain of running as root on standard error.
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
}

/** Time, wire length, captured length and interface of each packet, as tshark sees them. */
function tsharkPackets(path: string): string[] {
  const fields = ["frame.time_epoch", "frame.len", "frame.cap_len"].flatMap((field) => ["-e", field]);
  return run("tshark", "-n", "-r", path, "-T", "fields", ...fields)
    .trimEnd()
    .split("\n");
}

function leekPackets(packets: readonly ReadPacket[]): string[] {
  return packets.map(({ time, originalLength, bytes }) => [time, originalLength, bytes.length / 2].join("\t"));
}

const LENGTHS = [60, 1514, 14, 1, 333, 2000, 66, 66, 66, 5000];
const records = (fractions: number): PcapRecord[] =>
  Array.from({ length: 200 }, (_, index) => {
    const length = LENGTHS[index % LENGTHS.length]!;
    const bytes = payload(Math.min(length, 1600), index);
    return {
      seconds: 1_700_000_000 + index * 3,
      fraction: (index * 7919 * 131) % fractions,
      bytes,
      originalLength: length,
    };
  });

function pcapng(byteOrder: "little" | "big", tsresol: number, tsoffset: bigint): Uint8Array {
  const builder = new PcapngBuilder().section({ byteOrder }).interface({ tsresol, tsoffset, name: "a" });
  builder.interface({ tsresol: 6, linkType: 101, name: "b" });
  const perSecond = tsresol > 0x7f ? 2n ** BigInt(tsresol & 0x7f) : 10n ** BigInt(tsresol);
  records(1_000_000).forEach(({ seconds, fraction, bytes, originalLength }, index) => {
    const timestamp = ((BigInt(seconds! % 1_000_000) * 1_000_000n + BigInt(fraction!)) * perSecond) / 1_000_000n;
    builder.enhancedPacket({
      timestamp,
      bytes,
      originalLength: originalLength!,
      ...(index % 3 === 0 ? { dropCount: 1 } : {}),
    });
    builder.obsoletePacket({ interfaceId: 1, timestamp: BigInt(index), bytes });
    if (index % 50 === 0) builder.statistics({ interfaceId: 1, interfaceDrops: 1n }).decryptionSecrets(payload(9));
  });
  return builder.build();
}

const CLASSIC: [string, Uint8Array][] = (["micro", "nano", "modified"] as const).flatMap((form) =>
  (["little", "big"] as const).map((byteOrder): [string, Uint8Array] => [
    `${form}-${byteOrder}.pcap`,
    buildPcap({ form, byteOrder }, records(form === "nano" ? 1e9 : 1e6)),
  ]),
);
const NEXT_GENERATION: [string, Uint8Array][] = [
  ["micro.pcapng", pcapng("little", 6, 0n)],
  ["nano.pcapng", pcapng("big", 9, 1_700_000_000n)],
  ["milli.pcapng", pcapng("little", 3, 5n)],
  ["binary.pcapng", pcapng("little", 0x94, 1_000n)],
  ["binary-small.pcapng", pcapng("big", 0x87, 1_000n)],
  ["sections.pcapng", Buffer.concat([pcapng("big", 6, 0n), pcapng("little", 9, 0n), pcapng("big", 6, 9n)])],
];

describe("packets, their lengths and times are those that tshark reads", () => {
  it.each([
    ...CLASSIC,
    ...NEXT_GENERATION,
    ["micro.pcap.gz", gzipSync(CLASSIC[0]![1])],
    ["micro.pcapng.gz", gzipSync(NEXT_GENERATION[0]![1])],
  ] as [string, Uint8Array][])("of %s", async (name, bytes) => {
    const path = save(name, bytes);
    const { packets, info } = await readAll(await openCapture(path));
    expect(leekPackets(packets)).toEqual(tsharkPackets(path));
    expect(info.damage).toBeUndefined();
  });

  it.each(["pcap", "nsecpcap", "modpcap", "pcapng"])("of what editcap writes as %s", async (format) => {
    const source = save("for-editcap.pcap", buildPcap({ form: "nano" }, records(1e9)));
    const path = join(directory, `editcap.${format}`);
    run("editcap", "-F", format, source, path);
    const { packets } = await readAll(await openCapture(path));
    expect(leekPackets(packets)).toEqual(tsharkPackets(path));
    const original = await readAll(await openCapture(source));
    expect(packets.map(({ bytes }) => bytes)).toEqual(original.packets.map(({ bytes }) => bytes));
  });

  it("of what zstd packs", async () => {
    const path = save("packed.pcapng", NEXT_GENERATION[1]![1]);
    run("zstd", "-q", "-f", path);
    const { packets, info } = await readAll(await openCapture(`${path}.zst`));
    expect(leekPackets(packets)).toEqual(tsharkPackets(path));
    expect(info.compression).toBe("zstd");
  });

  it("and in the order of mergecap, when merged", async () => {
    const paths = CLASSIC.slice(0, 4).map(([name, bytes]) => save(name, bytes));
    const merged = join(directory, "merged.pcapng");
    run("mergecap", "-w", merged, ...paths);
    const { packets } = await readAll(await openCaptures(paths));
    expect(leekPackets(packets)).toEqual(tsharkPackets(merged));
  });
});

describe("the number of packets and of wire bytes are those of capinfos", () => {
  it.each([...CLASSIC, ...NEXT_GENERATION])("of %s", async (name, bytes) => {
    const path = save(name, bytes);
    const { info } = await readAll(await openCapture(path));
    const report = run("capinfos", "-M", "-c", "-d", path);
    expect(Number(/Number of packets:\s+(\d+)/.exec(report)?.[1])).toBe(info.packets);
    expect(Number(/Data size:\s+(\d+)/.exec(report)?.[1])).toBe(info.bytes);
  });
});

describe("pcap-parser, an independent reader, gives the same records", () => {
  interface ParsedRecord {
    readonly header: {
      readonly timestampSeconds: number;
      readonly timestampMicroseconds: number;
      readonly capturedLength: number;
      readonly originalLength: number;
    };
    readonly data: Buffer;
  }
  const { parse } = createRequire(import.meta.url)("pcap-parser") as {
    parse(path: string): { on(event: string, listener: (value: ParsedRecord) => void): void };
  };

  it.each(CLASSIC.filter(([name]) => name.startsWith("micro")))("of %s", async (name, bytes) => {
    const path = save(name, bytes);
    const expected = await new Promise<string[]>((resolve, reject) => {
      const seen: string[] = [];
      const parser = parse(path);
      parser.on("packet", ({ header, data }) => {
        const time = `${header.timestampSeconds}.${String(header.timestampMicroseconds).padStart(6, "0")}000`;
        seen.push([time, header.originalLength, data.toString("hex")].join(" "));
      });
      parser.on("end", () => resolve(seen));
      parser.on("error", reject as never);
    });
    const { packets } = await readAll(await openCapture(path));
    expect(packets.map((packet) => [packet.time, packet.originalLength, packet.bytes].join(" "))).toEqual(expected);
  });
});

describe("tcpdump", () => {
  it("writes what is read back the same, with every byte", async () => {
    const source = save("for-tcpdump.pcap", CLASSIC[1]![1]);
    const copy = join(directory, "tcpdump.pcap");
    run("tcpdump", "-r", source, "-w", copy);
    const [first, second] = [await readAll(await openCapture(source)), await readAll(await openCapture(copy))];
    expect(second.packets).toEqual(first.packets);
    expect(readFileSync(copy).length).toBe(readFileSync(source).length);
  });
});
