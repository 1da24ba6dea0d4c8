import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { SocketAddress } from "./control-address.js";
import { closedError, connectError, connectTimeout, malformedError, replyTimeout } from "./faults.js";
import { MAX_REPLY_BYTES, type Reply, ReplyFault, ReplyParser } from "./reply-parser.js";

export interface LinkOptions {
  /** Until the connection stands; 5 s by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** From a command to the last byte of its reply, events or not; 15 s by default. */
  readonly replyTimeoutMs?: number | undefined;
  /** Ends the connection; then the signal's reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const REPLY_TIMEOUT_MS = 15_000;

/** A connection that takes commands and gives replies, one at a time. After its first error there are only errors. */
export class ControlLink {
  readonly #parser = new ReplyParser(
    (reply) => this.#answered(reply),
    (text) => this.onEvent?.(text),
  );
  /** Told of asynchronous events: the text after the status. Must not throw. */
  onEvent: ((text: string) => void) | undefined;
  /** Resolves when the connection has ended, with the reason. */
  readonly ended: Promise<unknown>;
  #tellEnd: (reason: unknown) => void = () => {};
  readonly #replyTimeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#fail(this.#signal?.reason);
  #pending: Pending | undefined;
  #failure: { readonly reason: unknown } | undefined;
  /** Ends when the command before is answered. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly socket: Socket,
    readonly where: SocketAddress,
    { replyTimeoutMs = REPLY_TIMEOUT_MS, signal }: LinkOptions,
  ) {
    this.#replyTimeoutMs = replyTimeoutMs;
    this.#signal = signal;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (error) => this.#fail(closedError(where, error)));
    socket.on("end", () => this.#fail(closedError(where)));
    socket.on("close", () => this.#fail(closedError(where)));
    signal?.addEventListener("abort", this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  /**
   * @throws {LeekError} LEEK_TOR_CONTROL_UNREACHABLE, LEEK_TOR_CONTROL_PERMISSION.
   * @throws The reason of the signal.
   */
  static async open(where: SocketAddress, options: LinkOptions): Promise<ControlLink> {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS, signal } = options;
    signal?.throwIfAborted();
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    const timer = setTimeout(onAbort, connectTimeoutMs);
    signal?.addEventListener("abort", onAbort);
    const socket = connect("path" in where ? { path: where.path } : { host: where.host, port: where.port });
    // once() takes its own listener away; an error after that must not end the process.
    socket.on("error", () => {});
    try {
      await once(socket, "connect", { signal: stop.signal });
    } catch (error) {
      socket.destroy();
      signal?.throwIfAborted();
      throw stop.signal.aborted ? connectTimeout(where, connectTimeoutMs) : connectError(where, error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
    return new ControlLink(socket, where, options);
  }

  /**
   * Sends one command, after those before are answered.
   *
   * @param command - One line without its end.
   * @param maxReplyBytes - The longest answer to be taken, 1 MiB by default.
   * @throws {LeekError} LEEK_TOR_CONTROL_TIMEOUT, LEEK_TOR_CONTROL_CLOSED, LEEK_TOR_CONTROL_MALFORMED.
   */
  ask(command: string, maxReplyBytes = MAX_REPLY_BYTES): Promise<Reply> {
    const reply = this.#turn.then(() => this.#exchange(command, maxReplyBytes));
    this.#turn = reply.catch(() => {});
    return reply;
  }

  /** Takes leave. Leaves no socket, no timer and no listener behind. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    const { socket } = this;
    if (socket.closed) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (!socket.destroyed) socket.write("QUIT\r\n");
    // What the system would not take at once is not worth waiting for.
    socket.destroy();
    await closed;
  }

  async #exchange(command: string, maxReplyBytes: number): Promise<Reply> {
    if (this.#failure !== undefined) throw this.#failure.reason;
    this.#parser.maxReplyBytes = maxReplyBytes;
    const timeoutMs = this.#replyTimeoutMs;
    const timer = setTimeout(() => this.#fail(replyTimeout(this.where, timeoutMs)), timeoutMs);
    try {
      return await new Promise<Reply>((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.socket.write(`${command}\r\n`);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #received(chunk: Buffer): void {
    if (this.#failure !== undefined) return;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      if (!(error instanceof ReplyFault)) throw error;
      this.#fail(malformedError(this.where, error.message, error));
    }
  }

  #answered(reply: Reply): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) this.#fail(malformedError(this.where, "it answered without being asked"));
    else pending.resolve(reply);
  }

  /** Only the first reason counts. */
  #fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    this.#tellEnd(reason);
    this.socket.destroy();
    this.#pending?.reject(reason);
    this.#pending = undefined;
  }
}
