import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { SlotQueue } from "../../../src/capture/live/slot-queue.js";
import { SlotWindow } from "../../../src/capture/live/slot-window.js";
import { bundleScript } from "../../support/bundle.js";
import { PROJECT } from "../../support/leek.js";

const SLOT_BYTES = 64;
const HEADER = Uint8Array.of(1, 2, 3);

/** Puts `length` bytes that count on from `from` into a free slot. */
function produce(queue: SlotQueue, from: number, length: number): boolean {
  const slot = queue.freeSlot(0);
  if (slot < 0) return false;
  for (let i = 0; i < length; i++) queue.slots[slot]![i] = (from + i) & 255;
  return queue.publish(length);
}

describe("a queue of slots", () => {
  it("gives the bytes that were put in, in any order of putting and taking", async () => {
    const step = fc.oneof(fc.record({ put: fc.integer({ min: 1, max: SLOT_BYTES }) }), fc.constant({ put: 0 }));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 60 }), async (slots, steps) => {
        const queue = SlotQueue.create(slots, SLOT_BYTES);
        const window = new SlotWindow(queue, HEADER, () => Promise.reject(new Error("nobody will wake us")));
        let written = 0;
        let read = 0;
        let waiting = 0;
        window.position += HEADER.length;
        const take = async () => {
          expect(await window.fill(1)).toBe(true);
          expect(window.offset).toBe(HEADER.length + read);
          for (; window.position < window.end; window.position++) {
            expect(window.bytes[window.position]).toBe(read++ & 255);
          }
          waiting--;
        };
        for (const { put } of steps) {
          // The slot that the window holds is given back only at the next fill.
          const held = written === 0 || waiting > 0 || read === 0 ? 0 : 1;
          if (put === 0 && waiting > 0) await take();
          else if (put > 0 && queue.freeSlot(0) >= 0) {
            produce(queue, written, put);
            written += put;
            waiting++;
          } else if (put > 0) expect(waiting + Math.max(held, read > 0 ? 1 : 0)).toBeGreaterThanOrEqual(slots);
        }
        while (waiting > 0) await take();
        expect(read).toBe(written);
      }),
    );
  });

  it("tells the producer to wake the consumer only when that sleeps", () => {
    const queue = SlotQueue.create(3, SLOT_BYTES);
    expect(produce(queue, 0, 1)).toBe(false);
    expect(queue.sleep()).toBe(false);
    queue.giveBack();
    expect(queue.sleep()).toBe(true);
    expect(produce(queue, 0, 1)).toBe(true);
    expect(produce(queue, 0, 1)).toBe(false);
  });

  it("lets nobody sleep once it has ended", () => {
    const queue = SlotQueue.create(1, SLOT_BYTES);
    queue.end();
    expect(queue.sleep()).toBe(false);
    expect(queue.fullSlot()).toBe(-1);
  });

  it("keeps the first word of a consumer that wants to stop, and hears of one that goes away", () => {
    const queue = SlotQueue.create(1, SLOT_BYTES);
    expect(queue.stopAsked).toBe(false);
    queue.stop();
    expect([queue.stopAsked, queue.abandoned]).toEqual([true, false]);
    queue.abandon();
    queue.stop();
    expect([queue.stopAsked, queue.abandoned]).toEqual([true, true]);
  });
});

describe("two threads and a queue of slots", () => {
  const cache = join(PROJECT, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "leek-slots-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("lose and double no byte, whoever of them is the slower one", async () => {
    const producer = join(folder, "producer.mjs");
    bundleScript(
      `
      import { parentPort, workerData } from "node:worker_threads";
      import { SlotQueue } from "./src/capture/live/slot-queue.js";
      const queue = new SlotQueue(workerData);
      let count = 0;
      for (let batch = 0; batch < 20000; batch++) {
        let slot = -1;
        while (slot < 0) slot = queue.freeSlot(50);
        const length = 1 + (batch * 37) % ${SLOT_BYTES};
        for (let i = 0; i < length; i++) queue.slots[slot][i] = count++ & 255;
        if (queue.publish(length)) parentPort.postMessage("bytes");
        if (batch % 500 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
      queue.end();
      parentPort.postMessage("bytes");
      `,
      producer,
    );
    const queue = SlotQueue.create(4, SLOT_BYTES);
    const worker = new Worker(producer, { workerData: queue.memory });
    let wake = () => {};
    worker.on("message", () => wake());
    const woken = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.ended) resolve();
      });
    const window = new SlotWindow(queue, HEADER, woken);
    window.position += HEADER.length;
    let count = 0;
    let wrong = 0;
    for (let fills = 0; await window.fill(1); fills++) {
      for (; window.position < window.end; window.position++)
        if (window.bytes[window.position] !== (count++ & 255)) wrong++;
      if (fills % 700 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await worker.terminate();
    expect(wrong).toBe(0);
    expect(count).toBe(
      Array.from({ length: 20_000 }, (_, batch) => 1 + ((batch * 37) % SLOT_BYTES)).reduce((a, b) => a + b),
    );
  });
});
