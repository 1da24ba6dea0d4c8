import { type StreamHead, TLS_RECORDS } from "../../streams/index.js";

const HANDSHAKE = 22;
/** type 1, version 2, length 2 */
const RECORD_HEADER = 5;
/** type 1, length 3 */
const MESSAGE_HEADER = 4;

/**
 * Told of each handshake message, from its header on. `message` is valid during the call.
 *
 * @returns Whether the next message is wanted too.
 */
export type MessageVisitor = (message: DataView) => boolean;

/**
 * Takes handshake messages out of the TLS records at the beginning of a stream: one message may span several records, and
 * one record hold several messages. Keeps no more than the head does.
 *
 * Source: RFC 8446 5.1.
 */
export class HandshakeMessages {
  /** [0, #length) are bytes of a message that is not whole yet. */
  #bytes = new Uint8Array(0);
  #length = 0;
  /** Where in the head the next record begins. */
  #next = 0;
  #ended = false;

  /**
   * Reads what is new in the head, and shows each whole message; at the end also what is there of one that was cut.
   *
   * @returns The length of the head at which there is more to read; Infinity when no message will follow, as keys are
   *   changed, the stream ends or speaks something else, or none is wanted.
   */
  read(head: StreamHead, visit: MessageVisitor): number {
    while (!this.#ended) {
      const start = this.#next + RECORD_HEADER;
      if (head.length < start) {
        if (!head.ended) return start;
        this.#finish(visit);
        break;
      }
      const body = TLS_RECORDS.bodyBytes(head.view, this.#next);
      if (head.bytes[this.#next] !== HANDSHAKE || body < 0) {
        this.#finish(visit);
        break;
      }
      const end = start + body;
      if (head.length < end && !head.ended) return end;
      this.#next = end;
      const stop = Math.min(end, head.length);
      // Mostly a record holds whole messages: no copy then.
      const at = this.#length > 0 ? start : this.#visitFrom(head.bytes, start, stop, visit);
      if (at < 0) this.#drop();
      else if (at < stop) {
        this.#append(head.bytes.subarray(at, stop));
        if (!this.#visitKept(visit)) this.#drop();
      }
    }
    return Infinity;
  }

  #append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  #visitKept(visit: MessageVisitor): boolean {
    const at = this.#visitFrom(this.#bytes, 0, this.#length, visit);
    if (at < 0) return false;
    this.#bytes.copyWithin(0, at, this.#length);
    this.#length -= at;
    return true;
  }

  /** @returns Offset behind the last whole message in [start, end); -1 when no more are wanted. */
  #visitFrom(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, visit: MessageVisitor): number {
    let at = start;
    while (end - at >= MESSAGE_HEADER) {
      const next = at + MESSAGE_HEADER + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
      if (next > end) break;
      if (!visit(new DataView(bytes.buffer, at, next - at))) return -1;
      at = next;
    }
    return at;
  }

  #finish(visit: MessageVisitor): void {
    if (this.#length > 0) visit(new DataView(this.#bytes.buffer, 0, this.#length));
    this.#drop();
  }

  #drop(): void {
    this.#ended = true;
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
  }
}
