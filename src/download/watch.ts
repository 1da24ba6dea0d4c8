import type { Socket } from "node:net";
import type { Fault } from "./fault.js";

/** What setTimeout() takes; more would mean one millisecond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Stands by one connection and ends it when a time is over or the caller wishes. Then the socket is destroyed, so
 * whoever waits for it gets an error, and `reason` says why.
 */
export class Watch {
  #stopped: { readonly reason: unknown } | undefined;
  /** The newest last: one may run inside the one before. */
  readonly #sockets: Socket[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #onAbort = () => this.stop(this.signal?.reason);

  /** @throws The reason of a signal that was aborted before. */
  constructor(private readonly signal?: AbortSignal) {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#onAbort);
  }

  /** Takes charge of a socket, and of one that is wrapped around it. */
  hold<T extends Socket>(socket: T): T {
    this.#sockets.push(socket);
    // Errors are taken from whoever waits at that moment; between two of them one must not end the process.
    socket.on("error", () => {});
    return socket;
  }

  /** Ends the connection after this time, unless lifted or refreshed. */
  limit(timeoutMs: number, fault: () => Fault): NodeJS.Timeout {
    const timer = setTimeout(() => this.stop(fault()), Math.min(timeoutMs, MAX_TIMER_MS));
    this.#timers.add(timer);
    return timer;
  }

  lift(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    this.#timers.delete(timer);
  }

  /** Only the first reason counts. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    for (const socket of this.#sockets.toReversed()) socket.destroy(new Error("stopped"));
  }

  /** Why this was stopped, instead of the error that came of it; the error itself when it was not. */
  explain(error: unknown): unknown {
    return this.#stopped === undefined ? error : this.#stopped.reason;
  }

  /** @throws The reason, when this was stopped. */
  throwIfStopped(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  /** Leaves no timer, no listener and no socket behind. */
  async end(): Promise<void> {
    this.signal?.removeEventListener("abort", this.#onAbort);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets.toReversed()) {
      if (socket.closed) continue;
      await new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
        socket.destroy();
      });
    }
  }
}
