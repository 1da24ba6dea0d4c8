import * as zlib from "node:zlib";
import { createGunzip, type Gunzip } from "node:zlib";
import { LeekError } from "../base/index.js";
import type { ByteSource } from "./byte-source.js";
import { UnpackedSource } from "./unpacked-source.js";
import { MAX_ZSTD_WINDOW_BYTES, ZstdSource } from "./zstd-source.js";

export type Packing = "gzip" | "zstd";

const PACKED_BY: readonly { readonly magic: readonly number[]; readonly packing: Packing | RefusedPacking }[] = [
  { magic: [0x1f, 0x8b], packing: "gzip" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], packing: "zstd" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], packing: { name: "xz", unpack: "xz -dc" } },
  { magic: [0x42, 0x5a, 0x68], packing: { name: "bzip2", unpack: "bzip2 -dc" } },
  { magic: [0x04, 0x22, 0x4d, 0x18], packing: { name: "lz4", unpack: "lz4 -dc" } },
  { magic: [0x50, 0x4b, 0x03, 0x04], packing: { name: "zip", unpack: "unzip -p" } },
  { magic: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], packing: { name: "7-Zip", unpack: "7z x -so" } },
  { magic: [0x4c, 0x5a, 0x49, 0x50], packing: { name: "lzip", unpack: "lzip -dc" } },
  { magic: [0x1f, 0x9d], packing: { name: "compress", unpack: "zcat" } },
];

interface RefusedPacking {
  readonly name: string;
  /** The command that writes the unpacked file to its standard output. */
  readonly unpack: string;
}

/**
 * How a file that begins with these bytes is packed; undefined when it is not.
 *
 * @throws {LeekError} LEEK_CAPTURE_UNSUPPORTED_COMPRESSION for packings that leek knows and does not unpack.
 */
export function detectPacking(start: Uint8Array, name: string): Packing | undefined {
  const packing = PACKED_BY.find(({ magic }) => magic.every((byte, index) => start[index] === byte))?.packing;
  // Skippable frames, which parallel zstd writers put in front: 0x184D2A50 to 0x184D2A5F, little-endian.
  const isSkippable = start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18 && (start[0]! & 0xf0) === 0x50;
  if (packing === undefined) return isSkippable ? "zstd" : undefined;
  if (typeof packing === "string") return packing;
  const file = name === "-" ? "FILE" : name;
  throw new LeekError(
    "LEEK_CAPTURE_UNSUPPORTED_COMPRESSION",
    "bad-data",
    `Cannot read capture ${name}: it is packed with ${packing.name}.`,
    { hint: `Unpack it on the way: ${packing.unpack} ${file} | leek analyze -` },
  );
}

/** What is packed in `source`, as it arrives. Memory stays bounded whatever the data expands to. */
export function unpack(source: ByteSource, packing: Packing): ByteSource {
  if (packing === "gzip") return new UnpackedSource(source, (options) => createGunzip(options), false);
  const create = nativeZstd();
  return create === undefined ? new ZstdSource(source) : new UnpackedSource(source, create, true);
}

type CreateUnpacker = (options: zlib.ZlibOptions) => Gunzip;

/** Node.js has zstd from 22.15 and 23.8 on, several times faster than the one in JavaScript. */
function nativeZstd(): CreateUnpacker | undefined {
  // Typed here, for the type declarations are those of Node.js 20.
  const native = zlib as { readonly createZstdDecompress?: (options: object) => Gunzip; readonly constants: object };
  const constants = native.constants as { readonly ZSTD_d_windowLogMax?: number };
  const { createZstdDecompress } = native;
  const windowLogMax = constants.ZSTD_d_windowLogMax;
  if (createZstdDecompress === undefined || windowLogMax === undefined) return undefined;
  const params = { [windowLogMax]: Math.log2(MAX_ZSTD_WINDOW_BYTES) };
  return ({ chunkSize }) => createZstdDecompress({ chunkSize, params });
}
