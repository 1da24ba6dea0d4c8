import { type StreamHead, type StreamSide, TLS_RECORDS } from "../../streams/index.js";

const HANDSHAKE = 22;
/** type 1, version 2, length 2 */
const RECORD_HEADER = 5;
/** type 1, length 3 */
const MESSAGE_HEADER = 4;

export interface MessageReader {
  /**
   * Told of each handshake message: [start, end) of `view`, from its header on, is valid during the call.
   *
   * @returns Whether the next message of this side is wanted too.
   */
  message(side: StreamSide, view: DataView, start: number, end: number): boolean;
}

/**
 * Takes handshake messages out of the TLS records at the beginning of a stream: one message may span several records, and
 * one record hold several messages. Keeps no more than the head does.
 *
 * Source: RFC 8446 5.1.
 */
export class HandshakeMessages {
  readonly #side: StreamSide;
  readonly #reader: MessageReader;
  /** [0, #length) are bytes of a message that is not whole yet. Made when there is one: that is rare. */
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  /** Where in the head the next record begins. */
  #next = 0;
  #ended = false;

  constructor(side: StreamSide, reader: MessageReader) {
    this.#side = side;
    this.#reader = reader;
  }

  /**
   * Reads what is new in the head, and shows each whole message; at the end also what is there of one that was cut.
   *
   * @returns The length of the head at which there is more to read; Infinity when no message will follow, as keys are
   *   changed, the stream ends or speaks something else, or none is wanted.
   */
  read(head: StreamHead): number {
    while (!this.#ended) {
      const start = this.#next + RECORD_HEADER;
      if (head.length < start) {
        if (!head.ended) return start;
        this.#finish();
        break;
      }
      const body = TLS_RECORDS.bodyBytes(head.view, this.#next);
      if (head.bytes[this.#next] !== HANDSHAKE || body < 0) {
        this.#finish();
        break;
      }
      const end = start + body;
      if (head.length < end && !head.ended) return end;
      this.#next = end;
      const stop = Math.min(end, head.length);
      // Mostly a record holds whole messages: no copy then.
      const at = this.#length > 0 ? start : this.#visitFrom(head.view, start, stop);
      if (at < 0) this.#drop();
      else if (at < stop && !this.#visitKept(this.#append(head.bytes.subarray(at, stop)))) this.#drop();
    }
    return Infinity;
  }

  /** @returns All that is kept. */
  #append(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const length = this.#length + bytes.length;
    let kept = this.#bytes;
    if (kept === undefined || length > kept.length) {
      const larger = new Uint8Array(Math.max(length, 2 * (kept?.length ?? 0)));
      if (kept !== undefined) larger.set(kept.subarray(0, this.#length));
      kept = larger;
      this.#bytes = kept;
    }
    kept.set(bytes, this.#length);
    this.#length = length;
    return kept;
  }

  #visitKept(kept: Uint8Array<ArrayBuffer>): boolean {
    const at = this.#visitFrom(new DataView(kept.buffer), 0, this.#length);
    if (at < 0) return false;
    kept.copyWithin(0, at, this.#length);
    this.#length -= at;
    return true;
  }

  /** @returns Offset behind the last whole message in [start, end); -1 when no more are wanted. */
  #visitFrom(view: DataView, start: number, end: number): number {
    let at = start;
    while (end - at >= MESSAGE_HEADER) {
      const next = at + MESSAGE_HEADER + ((view.getUint8(at + 1) << 16) | view.getUint16(at + 2));
      if (next > end) break;
      if (!this.#reader.message(this.#side, view, at, next)) return -1;
      at = next;
    }
    return at;
  }

  #finish(): void {
    if (this.#bytes !== undefined && this.#length > 0) {
      this.#reader.message(this.#side, new DataView(this.#bytes.buffer), 0, this.#length);
    }
    this.#drop();
  }

  #drop(): void {
    this.#ended = true;
    this.#bytes = undefined;
    this.#length = 0;
  }
}
