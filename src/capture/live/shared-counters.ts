import type { LiveStatistics } from "../libpcap/index.js";

/** Counters that one thread writes and another reads. */
export class SharedCounters {
  // Of 64 bits each, because only integers can be read and written in one piece.
  readonly #values: BigInt64Array;

  constructor(readonly shared = new SharedArrayBuffer(3 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#values = new BigInt64Array(shared);
  }

  write({ received, droppedByKernel, droppedByInterface }: LiveStatistics): void {
    Atomics.store(this.#values, 0, BigInt(received));
    Atomics.store(this.#values, 1, BigInt(droppedByKernel));
    Atomics.store(this.#values, 2, BigInt(droppedByInterface));
  }

  read(): LiveStatistics {
    return {
      received: Number(Atomics.load(this.#values, 0)),
      droppedByKernel: Number(Atomics.load(this.#values, 1)),
      droppedByInterface: Number(Atomics.load(this.#values, 2)),
    };
  }
}
