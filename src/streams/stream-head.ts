const FIRST_BYTES = 2048;
const SHORT = 512;

/**
 * The first bytes of one direction of a TCP connection, in order and without gaps. Grows up to the limit of its
 * `TcpStreams`; read it at once, it is reused when nobody wants more of it.
 */
export class StreamHead {
  /** Only [0, length) means something. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BYTES);
  /** Over the same memory as `bytes`, with the same offsets. */
  view = new DataView(this.bytes.buffer);
  length = 0;
  /** No byte will ever follow: the limit is reached, or what follows was not captured. */
  ended = false;
  /** Whether it begins with the direction's first byte: its SYN was seen. */
  fromStart = false;
  /** Length at which the observer wants to look again. */
  wanted = 1;
  /** Offset before which the observer will not look any more: what comes in front of it is counted, and not kept. */
  unread = 0;

  reset(fromStart: boolean): void {
    this.length = 0;
    this.ended = false;
    this.fromStart = fromStart;
    this.wanted = 1;
    this.unread = 0;
  }

  /** Takes in bytes up to `limit` in all. */
  append(source: Uint8Array, start: number, end: number, limit: number): void {
    const { length } = this;
    const count = Math.min(end - start, limit - length);
    if (count > 0) {
      const unread = Math.max(0, this.unread - length);
      if (unread < count) {
        if (length + count > this.bytes.length) this.#grow(Math.min(limit, nextPowerOfTwo(length + count)));
        this.#copy(source, start + unread, start + count, length + unread);
      }
      this.length += count;
    }
    if (this.length >= limit) this.ended = true;
  }

  #copy(source: Uint8Array, start: number, end: number, to: number): void {
    const { bytes } = this;
    const count = end - start;
    // Few bytes at a time: a loop is quicker than making a window for set().
    if (count < SHORT) for (let i = 0; i < count; i++) bytes[to + i] = source[start + i]!;
    else bytes.set(source.subarray(start, end), to);
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function nextPowerOfTwo(size: number): number {
  return 2 ** (32 - Math.clz32(size - 1));
}
