import type { FlowContext } from "../protocol-reader.js";
import { type ClientHello, readClientHello } from "./client-hello.js";
import { noteClientHello } from "./hello-facts.js";
import { MessagePieces } from "./message-pieces.js";

const MAX_BYTES = 16 * 1024;

/** A ClientHello that comes in datagrams. */
export class HelloPieces {
  readonly #context: FlowContext;
  readonly #by: "q" | "d";
  readonly #pieces = new MessagePieces(MAX_BYTES);
  #isLonger = false;
  #hasServerName = false;

  constructor(context: FlowContext, by: "q" | "d") {
    this.#context = context;
    this.#by = by;
  }

  /** Takes in a copy of a piece. `offset` counts from the handshake header, which is as TLS has it. */
  add(offset: number, bytes: Uint8Array): void {
    if (this.#pieces.add(offset, bytes)) this.#isLonger = true;
  }

  /**
   * Notes what the pieces say by now: the server's name as soon as it is known, all else once the message is whole.
   *
   * @returns What was noted; undefined when there is nothing new.
   */
  note(): ClientHello | undefined {
    if (!this.#isLonger) return undefined;
    this.#isLonger = false;
    const { view, length } = this.#pieces;
    const hello = readClientHello(view, 0, length, this.#by === "d" ? "datagram" : "stream");
    if (hello === undefined || (hello.isCut && (hello.serverName === undefined || this.#hasServerName)))
      return undefined;
    this.#hasServerName = hello.serverName !== undefined;
    noteClientHello(this.#context, hello, this.#by);
    return hello;
  }
}
