import { escapeText } from "../base/index.js";

/** One line of a reply, with the data block that follows a "+" line. */
export interface ReplyLine {
  /** Three digits, `250`. */
  readonly status: number;
  /** What stands after the status and its separator; one character for each byte. */
  readonly text: string;
  /** The block's own bytes: dots unstuffed, CRLF become LF again. */
  readonly data: Buffer | undefined;
}

/** What tor answers to one command. */
export interface Reply {
  /** Of the last line. */
  readonly status: number;
  readonly lines: readonly ReplyLine[];
}

/** What came is no reply of the control protocol, or more than leek takes. */
export class ReplyFault extends Error {
  override readonly name: string = "ReplyFault";
}

/** Of any line, also within data. The longest that tor sends are lists of ports and parameters, some kilobytes. */
export const MAX_LINE_BYTES = 64 * 1024;
/** Lines outside of data blocks, so that millions of empty ones do not become millions of objects. */
export const MAX_REPLY_LINES = 16 * 1024;
/** Where no document is asked for. */
export const MAX_REPLY_BYTES = 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/**
 * Takes replies out of a stream of bytes, however it is cut. Of asynchronous events (6xx), wherever they stand, those of
 * one line are told at once; others are dropped.
 *
 * Source: control-spec 2.3 and 2.4.
 */
export class ReplyParser {
  /** For the reply that comes next, all its lines together. */
  maxReplyBytes = MAX_REPLY_BYTES;
  #partial: Buffer[] = [];
  #partialBytes = 0;
  #lines: ReplyLine[] = [];
  #replyBytes = 0;
  /** The "+" line whose data is coming. */
  #open: { readonly status: number; readonly text: string } | undefined;
  readonly #data = new GrowingBuffer();

  /**
   * @param onReply - Is called for each reply, at its last byte. It may set `maxReplyBytes`.
   * @param onEvent - Is called with the text of each event's line that stands alone or ends the event.
   */
  constructor(
    private readonly onReply: (reply: Reply) => void,
    private readonly onEvent: (text: string) => void = () => {},
  ) {}

  /**
   * Takes the next bytes. They are copied where they are needed later.
   *
   * @throws {ReplyFault} After it, the parser is of no more use.
   */
  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LF, start);
      if (end < 0) break;
      this.#line(this.#whole(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The line that ends here, with what came of it before, without its CR. */
  #whole(tail: Buffer): Buffer {
    if (this.#partialBytes + tail.length > MAX_LINE_BYTES) throw lineTooLong();
    const line = this.#partial.length === 0 ? tail : Buffer.concat([...this.#partial, tail]);
    this.#partial = [];
    this.#partialBytes = 0;
    return line.at(-1) === CR ? line.subarray(0, -1) : line;
  }

  #keep(piece: Buffer): void {
    this.#partialBytes += piece.length;
    if (this.#partialBytes > MAX_LINE_BYTES) throw lineTooLong();
    this.#partial.push(Buffer.from(piece));
  }

  #line(line: Buffer): void {
    if (this.#open === undefined) this.#replyLine(line);
    else this.#dataLine(line, this.#open);
  }

  #replyLine(line: Buffer): void {
    // StatusCode ("-" / "+" / SP) ReplyText
    // 250-version=0.4.9.11
    const text = line.toString("latin1");
    if (!/^[1-9]\d\d[-+ ]/.test(text)) throw new ReplyFault(`"${quote(text)}" is no line of a reply`);
    const status = Number(text.slice(0, 3));
    const separator = text[3];
    const rest = text.slice(4);
    const isEvent = status >= 600 && status < 700;
    if (!isEvent) this.#count(line.length);
    if (separator === "+") this.#open = { status, text: rest };
    else if (!isEvent) this.#add({ status, text: rest, data: undefined });
    if (separator === " " && isEvent) this.onEvent(rest);
    if (separator === " " && !isEvent) {
      const reply = { status, lines: this.#lines };
      this.#lines = [];
      this.#replyBytes = 0;
      this.onReply(reply);
    }
  }

  #dataLine(line: Buffer, open: { readonly status: number; readonly text: string }): void {
    const isEvent = open.status >= 600 && open.status < 700;
    if (line.length === 1 && line[0] === DOT) {
      this.#open = undefined;
      if (!isEvent) this.#add({ ...open, data: this.#data.take() });
      return;
    }
    if (isEvent) return;
    this.#count(line.length);
    this.#data.addLine(line[0] === DOT ? line.subarray(1) : line);
  }

  /** One more for the line end. */
  #count(bytes: number): void {
    this.#replyBytes += bytes + 1;
    if (this.#replyBytes > this.maxReplyBytes) {
      throw new ReplyFault(`the answer is longer than ${this.maxReplyBytes} bytes`);
    }
  }

  #add(line: ReplyLine): void {
    if (this.#lines.length >= MAX_REPLY_LINES) {
      throw new ReplyFault(`the answer has more than ${MAX_REPLY_LINES} lines`);
    }
    this.#lines.push(line);
  }
}

/** Doubles, so that a document of many small lines is copied a few times only. */
class GrowingBuffer {
  #buffer = Buffer.alloc(0);
  #length = 0;

  addLine(line: Buffer): void {
    const needed = this.#length + line.length + 1;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2, 1024));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    line.copy(this.#buffer, this.#length);
    this.#buffer[needed - 1] = LF;
    this.#length = needed;
  }

  /** What it holds; then it is empty. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
    return taken;
  }
}

const MAX_QUOTED_CHARACTERS = 80;

/** Text of a stranger, safe and short. */
export function quote(text: string, maxCharacters = MAX_QUOTED_CHARACTERS): string {
  const start = text.slice(0, maxCharacters);
  return escapeText(start.length < text.length ? `${start}...` : start);
}

function lineTooLong(): ReplyFault {
  return new ReplyFault(`a line is longer than ${MAX_LINE_BYTES} bytes`);
}
