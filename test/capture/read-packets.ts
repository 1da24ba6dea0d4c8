import { Readable } from "node:stream";
import { CapturedPacket } from "../../src/base/index.js";
import { openCapture, type PacketSource, type SourceInfo } from "../../src/capture/index.js";

/** A packet with its bytes copied, so that it can be kept. */
export interface ReadPacket {
  readonly number: number;
  /** Undefined for packets without a time. */
  readonly time: string | undefined;
  readonly bytes: string;
  readonly originalLength: number;
  readonly linkType: number;
  readonly interfaceIndex: number;
}

export interface ReadResult {
  readonly packets: readonly ReadPacket[];
  readonly info: SourceInfo;
}

/** A stream that gives `bytes` in slices: all at once, or of the given sizes in turn. */
export function streamOf(bytes: Uint8Array, sliceSizes: readonly number[] = []): Readable {
  const slices: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sliceSizes.length === 0 ? bytes.length : sliceSizes[turn % sliceSizes.length]!;
    slices.push(bytes.slice(at, at + size));
    at += size;
  }
  return Readable.from(slices);
}

export async function readBytes(
  bytes: Uint8Array,
  options: { readonly chunkBytes?: number; readonly sliceSizes?: readonly number[] } = {},
): Promise<ReadResult> {
  const { chunkBytes = 4096, sliceSizes } = options;
  return readAll(await openCapture("test", { stream: streamOf(bytes, sliceSizes), chunkBytes }));
}

export async function readAll(source: PacketSource): Promise<ReadResult> {
  const packets: ReadPacket[] = [];
  const packet = new CapturedPacket();
  while (await source.fill()) while (source.next(packet)) packets.push(copyPacket(packet));
  await source.close();
  return { packets, info: source.infos[0]! };
}

export function copyPacket(packet: CapturedPacket): ReadPacket {
  return {
    number: packet.number,
    time: packet.hasTime ? timeText(packet) : undefined,
    bytes: Buffer.from(packet.bytes.subarray(packet.start, packet.end)).toString("hex"),
    originalLength: packet.originalLength,
    linkType: packet.linkType,
    interfaceIndex: packet.interfaceIndex,
  };
}

export function timeText(packet: CapturedPacket): string {
  return `${packet.seconds}.${String(packet.nanoseconds).padStart(9, "0")}`;
}

/** `length` bytes that differ from those of other seeds. */
export function payload(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed * 31) & 0xff);
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
