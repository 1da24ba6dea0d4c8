import { Decompress } from "fzstd";
import { type ByteSource, CorruptCompression, readExactly } from "./byte-source.js";

/** As the zstd program without --long: files that need more are refused. Binary power. */
export const MAX_ZSTD_WINDOW_BYTES = 1 << 27;
/** What fzstd can do. */
const MAX_WINDOW_BYTES = 1 << 25;

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
/** RFC 8878 §3.1.1.2.4. */
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * Unpacks zstd in JavaScript, for versions of Node.js that cannot themselves.
 *
 * fzstd trusts lengths and unpacks whatever it is given at once: four bytes can become two megabytes. So the frames and
 * blocks are taken apart here, their sizes checked, and fzstd is given one block at a time.
 *
 * Source: RFC 8878 §3.1.
 */
export class ZstdSource implements ByteSource {
  private unpacker: Decompress | undefined;
  private hasChecksum = false;
  private pieces: Uint8Array[] = [];

  constructor(private readonly packed: ByteSource) {}

  get bytesRead(): number {
    return this.packed.bytesRead;
  }

  get totalBytes(): number | undefined {
    return this.packed.totalBytes;
  }

  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.pieces.length === 0) {
      const more = this.unpacker === undefined ? await this.beginFrame() : await this.unpackBlock(this.unpacker);
      if (!more) return 0;
    }
    const piece = this.pieces[0]!;
    const count = Math.min(length, piece.length);
    buffer.set(piece.subarray(0, count), offset);
    if (count === piece.length) this.pieces.shift();
    else this.pieces[0] = piece.subarray(count);
    return count;
  }

  close(): Promise<void> {
    return this.packed.close();
  }

  /** @returns false at the end of the file. */
  private async beginFrame(): Promise<boolean> {
    const magicBytes = await readExactly(this.packed, 4);
    if (magicBytes.length === 0) return false;
    if (magicBytes.length < 4) throw cutShort();
    const magic = readLittle(magicBytes, 0, 4);
    if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
      await this.skip(readLittle(await this.take(4), 0, 4));
      return true;
    }
    if (magic !== FRAME_MAGIC) throw new CorruptCompression("no zstd frame where one should begin");
    // descriptor u8 | window u8 unless single segment | dictionary id 0, 1, 2, 4 | content size 0, 1, 2, 4, 8
    const descriptor = (await this.take(1))[0]!;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    const rest = await this.take((isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
    if (
      dictionaryBytes > 0 &&
      rest.subarray(rest.length - sizeBytes - dictionaryBytes, rest.length - sizeBytes).some((byte) => byte !== 0)
    ) {
      throw new CorruptCompression("it was packed with a zstd dictionary");
    }
    // A single segment's window is its content; the 2-byte size counts from 256.
    const windowBytes = isSingleSegment
      ? readLittle(rest, rest.length - sizeBytes, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
      : windowSize(rest[0]!);
    if (windowBytes > MAX_WINDOW_BYTES) {
      throw new CorruptCompression(
        `it needs a zstd window of ${windowBytes} bytes, more than the ${MAX_WINDOW_BYTES} of leek on this Node.js; unpack it with zstd -dc`,
      );
    }
    this.hasChecksum = (descriptor & 4) !== 0;
    this.unpacker = new Decompress((piece) => {
      if (piece.length > 0) this.pieces.push(piece);
    });
    this.push(this.unpacker, magicBytes, Uint8Array.of(descriptor), rest);
    return true;
  }

  private async unpackBlock(unpacker: Decompress): Promise<true> {
    const header = await this.take(BLOCK_HEADER_BYTES);
    const bits = readLittle(header, 0, BLOCK_HEADER_BYTES);
    const isLast = (bits & 1) === 1;
    const type = (bits >> 1) & 3;
    const size = bits >> 3;
    if (type === RESERVED_BLOCK || size > MAX_BLOCK_BYTES)
      throw new CorruptCompression("a zstd block of an impossible size");
    const body = await this.take(type === RLE_BLOCK ? 1 : size);
    this.push(unpacker, header, body);
    if (isLast) {
      this.unpacker = undefined;
      // fzstd does not check it either; the records inside are checked by their readers.
      if (this.hasChecksum) await this.take(CHECKSUM_BYTES);
    }
    return true;
  }

  private push(unpacker: Decompress, ...parts: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    try {
      unpacker.push(bytes);
    } catch (error) {
      throw new CorruptCompression(error instanceof Error ? error.message : String(error));
    }
  }

  private async skip(length: number): Promise<void> {
    for (let left = length; left > 0; left -= Math.min(left, MAX_BLOCK_BYTES)) {
      await this.take(Math.min(left, MAX_BLOCK_BYTES));
    }
  }

  private async take(length: number): Promise<Uint8Array> {
    const bytes = await readExactly(this.packed, length);
    if (bytes.length < length) throw cutShort();
    return bytes;
  }
}

function cutShort(): CorruptCompression {
  return new CorruptCompression("unexpected end of file");
}

/** RFC 8878 §3.1.1.1.2: exponent in the upper five bits, eighths to add in the lower three. */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readLittle(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index -= 1) value = value * 256 + bytes[at + index]!;
  return value;
}
