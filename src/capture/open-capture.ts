import type { Readable } from "node:stream";
import { LeekError } from "../base/index.js";
import { type ByteSource, PrefixedSource, readExactly } from "./byte-source.js";
import { ByteWindow, DEFAULT_CHUNK_BYTES } from "./byte-window.js";
import { openByteSource } from "./capture-file.js";
import { detectPacking, type Packing, unpack } from "./compression.js";
import { mergeByTime } from "./merge.js";
import type { PacketSource, SourceInfo } from "./packet-source.js";
import { hasPcapMagic, PCAP_FILE_HEADER_BYTES, parsePcapHeader } from "./pcap-header.js";
import { PcapReader } from "./pcap-reader.js";
import { BlockType, BYTE_ORDER_MAGIC } from "./pcapng-blocks.js";
import { PcapngReader } from "./pcapng-reader.js";
import { StreamSource } from "./stream-source.js";

export interface OpenCaptureOptions {
  /** Read this instead of the file; the path then only names it. */
  readonly stream?: Readable;
  /** How much is read at a time; twice that is held. Default: 8 MiB. */
  readonly chunkBytes?: number;
}

/** Of classic pcap and pcapng. */
const MAGIC_BYTES = 4;
/** Enough for the magic numbers of packings, of which that of xz is the longest. */
const PACKING_MAGIC_BYTES = 6;
/** The beginning of a section header, up to its version. */
const SECTION_START_BYTES = 16;
/** Most that the read buffers of several captures take together. */
const ALL_CHUNKS_BYTES = 32 << 20;
const MIN_CHUNK_BYTES = 32 << 10;

/**
 * Opens a capture: pcap or pcapng, plain or packed with gzip or zstd.
 *
 * Packets of a pipe are delivered as soon as they are complete.
 *
 * @param path - A file, a FIFO, or `-` for standard input.
 * @throws {LeekError} when it cannot be opened (see `openByteSource`), and LEEK_CAPTURE_EMPTY,
 *   LEEK_CAPTURE_CUT_HEADER, LEEK_CAPTURE_UNKNOWN_FORMAT, LEEK_CAPTURE_UNSUPPORTED,
 *   LEEK_CAPTURE_UNSUPPORTED_COMPRESSION when it is no capture that leek reads.
 */
export async function openCapture(path: string, options: OpenCaptureOptions = {}): Promise<PacketSource> {
  const file = options.stream === undefined ? await openByteSource(path) : new StreamSource(options.stream, path);
  try {
    return await openPackets(file, path, options.chunkBytes ?? DEFAULT_CHUNK_BYTES);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens several captures as one, merged by time; their buffers share a budget, so many files do not take more memory
 * than a few. The given order decides between packets of the same time.
 *
 * @param paths - At least one.
 * @throws {LeekError} as `openCapture`, for the first that cannot be opened; the others are closed.
 */
export async function openCaptures(paths: readonly string[], options: OpenCaptureOptions = {}): Promise<PacketSource> {
  const fairShare = Math.max(MIN_CHUNK_BYTES, Math.floor(ALL_CHUNKS_BYTES / 2 / paths.length));
  const chunkBytes = Math.min(options.chunkBytes ?? DEFAULT_CHUNK_BYTES, fairShare);
  const sources: PacketSource[] = [];
  try {
    for (const path of paths) sources.push(await openCapture(path, { ...options, chunkBytes }));
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  return mergeByTime(sources);
}

async function openPackets(file: ByteSource, name: string, chunkBytes: number): Promise<PacketSource> {
  const start = await readExactly(file, PACKING_MAGIC_BYTES);
  if (start.length === 0) throw emptyCapture(name);
  const packing = detectPacking(start, name);
  const whole = new PrefixedSource(start, file);
  const source = packing === undefined ? whole : unpack(whole, packing);
  try {
    return await openUnpacked(source, name, packing, chunkBytes);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openUnpacked(
  source: ByteSource,
  name: string,
  compression: Packing | undefined,
  chunkBytes: number,
): Promise<PacketSource> {
  // Small files need no large buffers; packed ones grow.
  const size = compression === undefined ? (source.totalBytes ?? chunkBytes) : chunkBytes;
  const window = new ByteWindow(source, Math.min(chunkBytes, Math.max(size, MAGIC_BYTES)));
  const info: SourceInfo = {
    name,
    format: "unknown",
    compression,
    interfaces: [],
    packets: 0,
    bytes: 0,
    bytesRead: 0,
    totalBytes: source.totalBytes,
    damage: undefined,
    anomalies: new Map(),
  };
  await window.fill(MAGIC_BYTES);
  if (window.end === window.position)
    throw window.corruption === undefined ? emptyCapture(name) : unreadable(name, window.corruption);
  if (window.end - window.position < MAGIC_BYTES) throw unknownFormat(name, window);
  if (hasPcapMagic(window.view, window.position)) {
    if (!(await window.fill(PCAP_FILE_HEADER_BYTES))) throw cutHeader(name, window);
    return new PcapReader(source, window, parsePcapHeader(window.view, window.position, name), info);
  }
  if (window.view.getUint32(window.position) === BlockType.SectionHeader) {
    if (!(await window.fill(SECTION_START_BYTES))) throw cutHeader(name, window);
    requireSection(window, name);
    return new PcapngReader(source, window, info);
  }
  throw unknownFormat(name, window);
}

/** @throws {LeekError} when what begins like a pcapng section is none, or of another version. */
function requireSection(window: ByteWindow, name: string): void {
  const { view, position } = window;
  const littleEndian = view.getUint32(position + 8, true) === BYTE_ORDER_MAGIC;
  if (!littleEndian && view.getUint32(position + 8) !== BYTE_ORDER_MAGIC) throw unknownFormat(name, window);
  const major = view.getUint16(position + 12, littleEndian);
  const minor = view.getUint16(position + 14, littleEndian);
  if (major === 1) return;
  throw new LeekError(
    "LEEK_CAPTURE_UNSUPPORTED",
    "bad-data",
    `Cannot read capture ${name}: it is pcapng version ${major}.${minor}.`,
    { hint: "leek reads version 1.0; convert it with a tool that reads the other." },
  );
}

function emptyCapture(name: string): LeekError {
  const hint =
    name === "-"
      ? "The program on the left of the pipe wrote nothing; look at its error messages."
      : "The program that wrote it may not have had the right to capture, or was stopped before the first packet.";
  return new LeekError("LEEK_CAPTURE_EMPTY", "bad-data", `Capture ${name} is empty.`, { hint });
}

function unreadable(name: string, reason: string): LeekError {
  return new LeekError("LEEK_CAPTURE_BAD_COMPRESSION", "bad-data", `Cannot unpack capture ${name}: ${reason}.`, {
    hint: "The file is damaged from its beginning; get a new copy.",
  });
}

function cutHeader(name: string, window: ByteWindow): LeekError {
  const present = window.end - window.position;
  return new LeekError(
    "LEEK_CAPTURE_CUT_HEADER",
    "bad-data",
    `Capture ${name} is cut short in its file header, after ${present} bytes.`,
    { hint: "The program that wrote it was stopped before the first packet; capture again." },
  );
}

function unknownFormat(name: string, window: ByteWindow): LeekError {
  const first = window.bytes.subarray(window.position, Math.min(window.end, window.position + MAGIC_BYTES));
  const hex = Array.from(first, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return new LeekError(
    "LEEK_CAPTURE_UNKNOWN_FORMAT",
    "bad-data",
    `${name} is no pcap or pcapng capture: it begins with ${hex}.`,
    { hint: "Record with tcpdump -w FILE or dumpcap -w FILE; text output of tcpdump cannot be analysed." },
  );
}
