import type { StreamHead } from "../../streams/index.js";
import { LineCursor, LineResult } from "../line-cursor.js";

/** What MessageWalker.next came to. */
export const Step = { NeedMore: 0, StartLine: 1, Field: 2, HeadEnd: 3, Ended: 4 } as const;
export type Step = (typeof Step)[keyof typeof Step];

/** What a message's body is when its header fields do not say. */
export type OtherwiseBody = "none" | "until-close";

const Phase = { Start: 0, Fields: 1, ChunkSize: 2, ChunkEnd: 3, Trailers: 4, Ended: 5 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** Of a line; servers take 8 KiB of it. */
const MAX_LINE = 8192;
const MAX_FIELDS = 200;

/** A name, a colon directly behind it, and a value without white space around it (RFC 9112 5). */
const FIELD = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/s;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?$/s;
const LENGTH = /^\d{1,15}$/;

/**
 * Walks over the messages of one direction: start line, header fields, and over the body to the next message, each byte
 * once. Where a body's end is not certain, there are no more messages: none is invented.
 *
 * Source: RFC 9112 2 to 7.
 */
export class MessageWalker {
  /** Of a start line, or the value of a field. */
  text = "";
  /** Of a field, in lower case. */
  name = "";
  readonly #lines = new LineCursor(MAX_LINE);
  #phase: Phase = Phase.Start;
  #fields = 0;
  // How long the body of this message is.
  #length: string | undefined;
  #coding: string | undefined;
  #isDoubtful = false;

  /** Goes on to the next thing in the head. After HeadEnd, `body` is to be called. */
  next(head: StreamHead): Step {
    while (this.#phase !== Phase.Ended) {
      const result = this.#lines.next(head);
      if (result === LineResult.NeedMore) return Step.NeedMore;
      if (result === LineResult.TooLong) break;
      const step = this.#line(this.#lines.text(head));
      if (step !== Step.NeedMore) return step;
    }
    this.end();
    return Step.Ended;
  }

  /** How long the head must be for the next step, after NeedMore. */
  wanted(head: StreamHead): number {
    return Math.max(head.length, this.#lines.position) + 1;
  }

  /**
   * Passes over the body of the message whose head has ended.
   *
   * @param otherwise - Where the fields tell no length.
   */
  body(otherwise: OtherwiseBody): void {
    this.#phase = Phase.Start;
    if (this.#isDoubtful) this.end();
    else if (this.#coding !== undefined) {
      // Both lengths at once is an attack on somebody (RFC 9112 6.3).
      if (this.#coding === "chunked" && this.#length === undefined) this.#phase = Phase.ChunkSize;
      else this.end();
    } else if (this.#length !== undefined) this.#lines.skip(Number(this.#length));
    else if (otherwise === "until-close") this.end();
  }

  /** The message whose head has ended has no body, whatever its fields say. */
  noBody(): void {
    this.#phase = Phase.Start;
  }

  /** Nothing more is read. */
  end(): void {
    this.#phase = Phase.Ended;
  }

  /** @returns NeedMore for lines that are nobody's business. */
  #line(text: string): Step {
    switch (this.#phase) {
      case Phase.Start:
        return this.#startLine(text);
      case Phase.Fields:
        return this.#field(text);
      case Phase.ChunkSize:
        this.#chunk(text);
        break;
      case Phase.ChunkEnd:
        this.#phase = text === "" ? Phase.ChunkSize : Phase.Ended;
        break;
      case Phase.Trailers:
        if (text === "") this.#phase = Phase.Start;
        break;
    }
    return Step.NeedMore;
  }

  #startLine(text: string): Step {
    // RFC 9112 2.2: empty lines before it are passed over.
    if (text === "") return Step.NeedMore;
    this.#phase = Phase.Fields;
    this.#fields = 0;
    this.#length = this.#coding = undefined;
    this.#isDoubtful = false;
    this.text = text;
    return Step.StartLine;
  }

  #field(line: string): Step {
    if (line === "") return Step.HeadEnd;
    if (++this.#fields > MAX_FIELDS) {
      this.end();
      return Step.NeedMore;
    }
    // Folded lines (RFC 9112 5.2) are old; what they continue is known by its first line.
    if (line.startsWith(" ") || line.startsWith("\t")) return Step.NeedMore;
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      this.end();
      return Step.NeedMore;
    }
    this.name = name.toLowerCase();
    this.text = value.trim();
    this.#frame();
    return Step.Field;
  }

  #frame(): void {
    const { name, text } = this;
    if (name === "content-length") {
      if (!LENGTH.test(text) || (this.#length ?? text) !== text) this.#isDoubtful = true;
      this.#length = text;
    } else if (name === "transfer-encoding") {
      if (this.#coding !== undefined) this.#isDoubtful = true;
      // Whatever stands before, chunked comes last (RFC 9112 6.1).
      this.#coding = /(?:^|,)[ \t]*chunked$/i.test(text) ? "chunked" : text;
    }
  }

  #chunk(text: string): void {
    const digits = CHUNK_SIZE.exec(text)?.[1];
    if (digits === undefined) {
      this.end();
      return;
    }
    const size = Number.parseInt(digits, 16);
    this.#phase = size === 0 ? Phase.Trailers : Phase.ChunkEnd;
    this.#lines.skip(size);
  }
}
