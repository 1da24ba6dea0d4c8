/** Longest value of an option or record: its length is a u16. */
export const MAX_VALUE_BYTES = 0xffff;

const ENCODER = new TextEncoder();
const TWO_32 = 2 ** 32;

/**
 * A growing buffer of pcapng blocks, little-endian. Its owner writes `bytes` up to `length` to a file and clears it.
 */
export class BlockBuffer {
  bytes: Uint8Array;
  /** Over the same memory. */
  view: DataView;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. `bytes` and `view` may be others afterwards. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  u8(value: number): void {
    this.reserve(1);
    this.view.setUint8(this.length, value);
    this.length += 1;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** @param value - A whole number from 0 to 2^53. */
  u64(value: number): void {
    this.u32(value % TWO_32);
    this.u32(Math.floor(value / TWO_32));
  }

  /** An address word in network order. */
  networkWord(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.length, value);
    this.length += 4;
  }

  /**
   * A moment in nanoseconds since 1970 as two words, the high one first, as pcapng has them.
   *
   * 64 bits of nanoseconds end in the year 2554: a moment beyond, or before 1970, becomes the last or the first one.
   */
  time(seconds: number, nanoseconds: number): void {
    this.reserve(8);
    // A product with 10^9 is exact in a double only for 23 bits of seconds, so the upper ones and the lower 16 are
    // multiplied apart: upper * 65536 + lower are the nanoseconds, and both stay below 2^53.
    const upperSeconds = Math.floor(seconds / 0x10000);
    const upper = upperSeconds * 1e9;
    const lower = (seconds - upperSeconds * 0x10000) * 1e9 + nanoseconds;
    const upperHigh = Math.floor(upper / 0x10000);
    const rest = (upper - upperHigh * 0x10000) * 0x10000 + lower;
    const carry = Math.floor(rest / TWO_32);
    let high = upperHigh + carry;
    let low = rest - carry * TWO_32;
    if (high >= TWO_32) {
      high = TWO_32 - 1;
      low = TWO_32 - 1;
    } else if (!(high >= 0)) {
      high = 0;
      low = 0;
    }
    this.view.setUint32(this.length, high, true);
    this.view.setUint32(this.length + 4, low, true);
    this.length += 8;
  }

  /** Bytes [start, end) of another buffer. Allocates nothing. */
  copy(source: DataView, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    const { view } = this;
    const at = this.length;
    // Measured: in steps of 16 bytes 144 ns for a frame of 700, by single bytes 720; `set` needs 55 but a `subarray`,
    // 96 bytes to collect, and is slower for a frame of 66.
    const blocks = count & ~15;
    let i = 0;
    for (; i < blocks; i += 16) {
      const from = start + i;
      const to = at + i;
      view.setInt32(to, source.getInt32(from, true), true);
      view.setInt32(to + 4, source.getInt32(from + 4, true), true);
      view.setInt32(to + 8, source.getInt32(from + 8, true), true);
      view.setInt32(to + 12, source.getInt32(from + 12, true), true);
    }
    const words = count & ~3;
    for (; i < words; i += 4) view.setInt32(at + i, source.getInt32(start + i, true), true);
    for (; i < count; i++) view.setInt8(at + i, source.getInt8(start + i));
    this.length = at + count;
  }

  /** Text as UTF-8, cut at the last whole character that fits. */
  text(text: string, maxBytes: number): void {
    // A UTF-16 unit takes three bytes at most.
    const room = Math.min(text.length * 3, maxBytes);
    this.reserve(room);
    const { written } = ENCODER.encodeInto(text, this.bytes.subarray(this.length, this.length + room));
    this.length += written;
  }

  /** Zeros up to the next multiple of 4: blocks and their fields begin at one. */
  pad(): void {
    while ((this.length & 3) !== 0) this.u8(0);
  }
}
