import type { LoadedBytes } from "../byte-window.js";
import type { SlotQueue } from "./slot-queue.js";

/** The slots of a queue, one after the other. Each holds whole records, so nothing is ever moved. */
export class SlotWindow implements LoadedBytes {
  bytes: Uint8Array;
  view: DataView;
  position = 0;
  end: number;
  readonly corruption = undefined;
  readonly #queue: SlotQueue;
  readonly #views: readonly DataView[];
  readonly #untilWoken: () => Promise<void>;
  /** Whether `bytes` is a slot, to be given back. */
  #holdsSlot = false;
  #before = 0;

  /**
   * @param header - The file header, which comes before the slots.
   * @param untilWoken - Waits until the queue may have something new, or has ended.
   */
  constructor(queue: SlotQueue, header: Uint8Array, untilWoken: () => Promise<void>) {
    this.#queue = queue;
    this.#views = queue.slots.map((slot) => new DataView(slot.buffer));
    this.#untilWoken = untilWoken;
    this.bytes = header;
    this.view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    this.end = header.length;
  }

  get offset(): number {
    return this.#before + this.position;
  }

  async fill(need: number): Promise<boolean> {
    if (this.end - this.position >= need) return true;
    this.#before += this.end;
    this.position = 0;
    this.end = 0;
    if (this.#holdsSlot) {
      this.#holdsSlot = false;
      this.#queue.giveBack();
    }
    for (;;) {
      const ended = this.#queue.ended;
      const slot = this.#queue.fullSlot();
      if (slot >= 0) {
        this.#holdsSlot = true;
        this.bytes = this.#queue.slots[slot]!;
        this.view = this.#views[slot]!;
        this.end = this.#queue.lengthOf(slot);
        return true;
      }
      if (ended) {
        await this.#untilWoken();
        return false;
      }
      if (this.#queue.sleep()) await this.#untilWoken();
    }
  }
}
