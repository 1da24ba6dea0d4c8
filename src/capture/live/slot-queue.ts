/** Words of the control block. */
const Word = {
  /** Slots handed over and given back since the beginning, modulo 2^31. */
  published: 0,
  consumed: 1,
  /** 1 while the consumer sleeps and wants to be told of the next slot. */
  waiting: 2,
  /** See Stop. */
  stop: 3,
  /** 1 once no slot will follow. */
  ended: 4,
  /** Bytes in each slot stand from here on. */
  lengths: 8,
} as const;

const Stop = { asked: 1, abandoned: 2 } as const;
const SERIAL_MASK = 0x7fff_ffff;

/** The memory of a SlotQueue, for another thread. */
export interface SlotQueueMemory {
  readonly control: SharedArrayBuffer;
  readonly slots: readonly SharedArrayBuffer[];
}

/**
 * Batches of bytes from one thread to another, in slots of memory that both share and use in turn: nothing is copied, and
 * memory is bounded at any rate, for the producer waits until a slot is free. One producer, one consumer, no locks.
 */
export class SlotQueue {
  readonly slots: readonly Uint8Array[];
  readonly #control: Int32Array;

  /** @param memory - Of another thread's queue. */
  constructor(readonly memory: SlotQueueMemory) {
    this.#control = new Int32Array(memory.control);
    this.slots = memory.slots.map((slot) => new Uint8Array(slot));
  }

  /** The system gives memory only to what is used of the slots. */
  static create(count: number, bytes: number): SlotQueue {
    return new SlotQueue({
      control: new SharedArrayBuffer((Word.lengths + count) * 4),
      slots: Array.from({ length: count }, () => new SharedArrayBuffer(bytes)),
    });
  }

  get ended(): boolean {
    return Atomics.load(this.#control, Word.ended) === 1;
  }

  /** Whether the consumer asked for the end. */
  get stopAsked(): boolean {
    return Atomics.load(this.#control, Word.stop) !== 0;
  }

  /** Whether nobody will read any more. */
  get abandoned(): boolean {
    return Atomics.load(this.#control, Word.stop) === Stop.abandoned;
  }

  /** Producer: whether the consumer has nothing left to do. */
  get isHungry(): boolean {
    return this.#pending() === 0;
  }

  /**
   * Producer: the slot to be filled next, once it is free.
   *
   * @param milliseconds - How long to wait at most.
   * @returns -1 when none has become free.
   */
  freeSlot(milliseconds: number): number {
    if (this.#pending() === this.slots.length) {
      const consumed = Atomics.load(this.#control, Word.consumed);
      if (this.#pending() === this.slots.length) Atomics.wait(this.#control, Word.consumed, consumed, milliseconds);
      if (this.#pending() === this.slots.length) return -1;
    }
    return Atomics.load(this.#control, Word.published) % this.slots.length;
  }

  /**
   * Producer: hands the slot over that `freeSlot` named.
   *
   * @returns Whether the consumer sleeps and must be told.
   */
  publish(length: number): boolean {
    const published = Atomics.load(this.#control, Word.published);
    Atomics.store(this.#control, Word.lengths + (published % this.slots.length), length);
    Atomics.store(this.#control, Word.published, (published + 1) & SERIAL_MASK);
    return Atomics.exchange(this.#control, Word.waiting, 0) === 1;
  }

  /** Producer: says that no slot will follow. */
  end(): void {
    Atomics.store(this.#control, Word.ended, 1);
  }

  /** Consumer: the oldest slot that was handed over, or -1. */
  fullSlot(): number {
    return this.#pending() === 0 ? -1 : Atomics.load(this.#control, Word.consumed) % this.slots.length;
  }

  /** Bytes in a slot that was handed over. */
  lengthOf(slot: number): number {
    return Atomics.load(this.#control, Word.lengths + slot);
  }

  /** Consumer: gives the slot back that `fullSlot` named. */
  giveBack(): void {
    const consumed = Atomics.load(this.#control, Word.consumed);
    Atomics.store(this.#control, Word.consumed, (consumed + 1) & SERIAL_MASK);
    Atomics.notify(this.#control, Word.consumed);
  }

  /**
   * Consumer: asks to be told of the next slot.
   *
   * @returns false when there is one already, or none will come.
   */
  sleep(): boolean {
    Atomics.store(this.#control, Word.waiting, 1);
    // Looked at after that: a slot handed over in between would otherwise be told to nobody.
    if (this.#pending() === 0 && !this.ended) return true;
    Atomics.store(this.#control, Word.waiting, 0);
    return false;
  }

  /** Consumer: asks the producer to hand over what it still has, and to end. */
  stop(): void {
    Atomics.compareExchange(this.#control, Word.stop, 0, Stop.asked);
  }

  /** Consumer: will not read any more. */
  abandon(): void {
    Atomics.store(this.#control, Word.stop, Stop.abandoned);
    Atomics.notify(this.#control, Word.consumed);
  }

  #pending(): number {
    const published = Atomics.load(this.#control, Word.published);
    return (published - Atomics.load(this.#control, Word.consumed)) & SERIAL_MASK;
  }
}
