import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { SlotQueue } from "../../../src/capture/live/slot-queue.js";
import { SlotWindow } from "../../../src/capture/live/slot-window.js";
import { bundleScript } from "../../support/bundle.js";

const directory = mkdtempSync(join(tmpdir(), "leek-slots-"));
afterAll(() => rmSync(directory, { recursive: true }));

const SLOT_BYTES = 64;
const HEADER = Uint8Array.of(1, 2, 3);
/** For waits that must not be waited out. */
const LONG_MS = 5_000;

/** What a producer does with a batch of bytes. A slot must be free. */
function publish(queue: SlotQueue, batch: Uint8Array): boolean {
  queue.slots[queue.freeSlot(0)]!.set(batch);
  return queue.publish(batch.length);
}

/** What the window has loaded, taken whole. */
function taken(window: SlotWindow): number[] {
  const bytes = [...window.bytes.subarray(window.position, window.end)];
  window.position = window.end;
  return bytes;
}

/** A window whose waits end when the test says so. */
function manualWindow(queue: SlotQueue) {
  let wake: (() => void) | undefined;
  const untilWoken = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    window: new SlotWindow(queue, HEADER, untilWoken),
    get sleeps() {
      return wake !== undefined;
    },
    wake() {
      wake?.();
      wake = undefined;
    },
  };
}

describe("slots", () => {
  it("are named in turn, and none when all are full", () => {
    const queue = SlotQueue.create(2, SLOT_BYTES);
    expect([queue.fullSlot(), queue.freeSlot(0), queue.isHungry]).toEqual([-1, 0, true]);
    queue.publish(10);
    expect([queue.freeSlot(0), queue.isHungry]).toEqual([1, false]);
    queue.publish(20);
    expect(queue.freeSlot(0)).toBe(-1);
    expect([queue.fullSlot(), queue.lengthOf(0), queue.lengthOf(1)]).toEqual([0, 10, 20]);
    queue.giveBack();
    expect([queue.fullSlot(), queue.freeSlot(0), queue.isHungry]).toEqual([1, 0, false]);
    queue.giveBack();
    expect([queue.fullSlot(), queue.freeSlot(0), queue.isHungry]).toEqual([-1, 0, true]);
  });

  it("are waited for as long as the producer says, and no longer", () => {
    const queue = SlotQueue.create(1, SLOT_BYTES);
    queue.publish(1);
    const start = performance.now();
    expect(queue.freeSlot(50)).toBe(-1);
    const waited = performance.now() - start;
    expect([waited > 45, waited < LONG_MS]).toEqual([true, true]);
  });

  it("a consumer that found one does not sleep, and is not woken", () => {
    const queue = SlotQueue.create(4, SLOT_BYTES);
    queue.publish(1);
    expect(queue.sleep()).toBe(false);
    expect(queue.publish(1)).toBe(false);
  });
});

/**
 * Runs `work`, and `other` in the midst of it: before its atomic operation number `step`, as if another thread had its
 * turn then.
 *
 * @returns Whether `work` has that many.
 */
function interleave(step: number, work: () => void, other: () => void): boolean {
  let left = step;
  for (const name of ["load", "store", "exchange"] as const) {
    const original = Atomics[name] as (...words: unknown[]) => number;
    vi.spyOn(Atomics, name).mockImplementation(((...words: unknown[]) => {
      if (left-- === 0) other();
      return original(...words);
    }) as never);
  }
  work();
  vi.restoreAllMocks();
  return left < 0;
}

describe("falling asleep and handing over at the same time", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each(["publish during sleep", "sleep during publish"])("%s: the consumer does not sleep, or is woken", (order) => {
    let steps = 0;
    for (let within = true; within; steps++) {
      const queue = SlotQueue.create(1, SLOT_BYTES);
      let sleeps: boolean | undefined;
      let told: boolean | undefined;
      const sleep = () => {
        sleeps = queue.sleep();
      };
      const handOver = () => {
        told = queue.publish(1);
      };
      const [work, other] = order === "publish during sleep" ? [sleep, handOver] : [handOver, sleep];
      within = interleave(steps, work, other);
      if (!within) break;
      expect({ steps, woken: sleeps === false || told }).toEqual({ steps, woken: true });
      expect([queue.fullSlot(), queue.lengthOf(0)]).toEqual([0, 1]);
    }
    expect(steps).toBeGreaterThan(3);
  });
});

describe("the window onto the slots", () => {
  it("begins with the header, and does not move while it has what is needed", async () => {
    const queue = SlotQueue.create(2, SLOT_BYTES);
    const { window } = manualWindow(queue);
    publish(queue, Uint8Array.of(9));
    expect(await window.fill(3)).toBe(true);
    expect([window.position, window.end, window.offset, window.view.getUint8(0)]).toEqual([0, 3, 0, 1]);
    window.position = 1;
    expect(await window.fill(2)).toBe(true);
    expect([window.position, window.offset, queue.isHungry]).toEqual([1, 1, false]);
  });

  it("gives a slot back only when the next one is asked for", async () => {
    const queue = SlotQueue.create(1, SLOT_BYTES);
    const lane = manualWindow(queue);
    taken(lane.window);
    publish(queue, Uint8Array.of(9, 8));
    expect(await lane.window.fill(1)).toBe(true);
    expect([taken(lane.window), lane.window.offset, queue.freeSlot(0)]).toEqual([[9, 8], 5, -1]);
    const filled = lane.window.fill(1);
    expect([queue.freeSlot(0), lane.sleeps]).toEqual([0, true]);
    expect(publish(queue, Uint8Array.of(7))).toBe(true);
    lane.wake();
    expect(await filled).toBe(true);
    expect([taken(lane.window), lane.window.offset]).toEqual([[7], 6]);
  });

  it("being woken without a packet is no end", async () => {
    const queue = SlotQueue.create(1, SLOT_BYTES);
    const lane = manualWindow(queue);
    taken(lane.window);
    let settled = false;
    const filled = lane.window.fill(1).finally(() => {
      settled = true;
    });
    for (let i = 0; i < 3; i++) {
      lane.wake();
      await new Promise(setImmediate);
      expect([settled, lane.sleeps]).toEqual([false, true]);
    }
    publish(queue, Uint8Array.of(7));
    lane.wake();
    expect(await filled).toBe(true);
  });

  it("gives what was handed over before the end, then ends, and stays at its end", async () => {
    const queue = SlotQueue.create(2, SLOT_BYTES);
    const window = new SlotWindow(queue, HEADER, async () => {});
    publish(queue, Uint8Array.of(1));
    publish(queue, Uint8Array.of(2));
    queue.end();
    expect(taken(window)).toEqual([...HEADER]);
    expect([await window.fill(1), taken(window)]).toEqual([true, [1]]);
    expect([await window.fill(1), taken(window)]).toEqual([true, [2]]);
    expect([await window.fill(1), await window.fill(1), window.offset]).toEqual([false, false, 5]);
  });

  it("does not lose a batch that is handed over with the end, just after it has looked", async () => {
    class Racing extends SlotQueue {
      override fullSlot(): number {
        const slot = super.fullSlot();
        if (slot === -1 && !this.ended) {
          publish(this, Uint8Array.of(5));
          this.end();
        }
        return slot;
      }
    }
    const window = new SlotWindow(new Racing(SlotQueue.create(1, SLOT_BYTES).memory), HEADER, async () => {});
    taken(window);
    expect([await window.fill(1), taken(window)]).toEqual([true, [5]]);
    expect(await window.fill(1)).toBe(false);
  });

  it("gives any batches as the same bytes in the same order, with their offsets", async () => {
    const batches = fc.array(fc.array(fc.uint8Array({ minLength: 1, maxLength: SLOT_BYTES }), { maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), batches, async (count, groups) => {
        const queue = SlotQueue.create(count, SLOT_BYTES);
        const waiting = groups.flat();
        const expected = [...HEADER, ...waiting.flatMap((batch) => [...batch])];
        const sizes = groups.map(({ length }) => length);
        // The producer has its turn whenever the consumer waits, and hands over what there is room for.
        const window = new SlotWindow(queue, HEADER, async () => {
          for (let size = Math.max(1, sizes.shift() ?? 1); size > 0 && waiting.length > 0; size--) {
            if (queue.freeSlot(0) === -1) return;
            publish(queue, waiting.shift()!);
          }
          if (waiting.length === 0) queue.end();
        });
        const got = taken(window);
        while (await window.fill(1)) {
          expect(window.offset).toBe(got.length);
          got.push(...taken(window));
        }
        expect(got).toEqual(expected);
      }),
    );
  });
});

/** Both ends in threads of their own; a wake that is lost ends as "stuck". */
const HAMMER = `
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { SlotQueue } from "./src/capture/live/slot-queue.js";
import { SlotWindow } from "./src/capture/live/slot-window.js";

const [slots, rounds, batches] = process.argv.slice(2).map(Number);

// It pauses for a while each time, another one each time, so that the consumer falls asleep at any point of this.
function produce(queue, seed) {
  const random = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 8;
  let serial = 0;
  for (let batch = 0; batch < batches; ) {
    const slot = queue.freeSlot(100);
    if (slot < 0) continue;
    const numbers = 1 + (random() & 7);
    const view = new DataView(queue.slots[slot].buffer);
    for (let i = 0; i < numbers; i++) view.setUint32(4 * i, serial++);
    for (let pause = random() & 1023; pause > 0; pause--);
    if (queue.publish(4 * numbers)) parentPort.postMessage({ kind: "packets" });
    batch++;
  }
  queue.end();
  parentPort.postMessage({ kind: "ended", sent: serial });
}

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) });
  const finish = (result) => {
    console.log(result);
    process.exit();
  };
  let received = 0;
  setTimeout(() => finish("stuck after " + received), 15_000);
  for (let round = 0; round < rounds; round++) {
    const queue = SlotQueue.create(slots, 64);
    let wake = () => {};
    let sent;
    let tellEnd;
    const end = new Promise((resolve) => { tellEnd = resolve; });
    worker.removeAllListeners("message");
    worker.on("message", (message) => {
      if (message.kind === "ended") { sent = message.sent; tellEnd(); }
      wake();
    });
    worker.postMessage({ memory: queue.memory, seed: round + 1 });
    const window = new SlotWindow(queue, new Uint8Array(0), () =>
      queue.ended ? end : new Promise((resolve) => { wake = resolve; }));
    let serial = 0;
    while (await window.fill(1)) {
      for (; window.position < window.end; window.position += 4) {
        if (window.view.getUint32(window.position) !== serial++) finish("wrong at " + serial);
      }
      received++;
    }
    if (serial !== sent) finish("round " + round + ": " + serial + " of " + sent);
  }
  finish("received " + received);
} else {
  parentPort.on("message", ({ memory, seed }) => produce(new SlotQueue(memory), seed));
}
`;

/** A producer that waits for a slot: first one is given back to it, then the consumer goes away. */
const BLOCKED = `
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { SlotQueue } from "./src/capture/live/slot-queue.js";
if (isMainThread) {
  const queue = SlotQueue.create(1, 64);
  queue.publish(1);
  const worker = new Worker(new URL(import.meta.url), { workerData: queue.memory });
  const next = () => new Promise((resolve) => worker.once("message", resolve));
  const words = [];
  for (const step of [() => queue.giveBack(), () => queue.abandon()]) {
    await next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = next();
    step();
    words.push(await answer);
  }
  console.log(JSON.stringify(words));
} else {
  const queue = new SlotQueue(workerData);
  for (let i = 0; i < 2; i++) {
    parentPort.postMessage("waiting");
    const start = performance.now();
    const slot = queue.freeSlot(${LONG_MS});
    parentPort.postMessage({ slot, soon: performance.now() - start < ${LONG_MS / 2}, abandoned: queue.abandoned });
    if (slot >= 0) queue.publish(1);
  }
}
`;

function output(script: string, ...words: readonly number[]): string {
  const file = join(directory, "script.mjs");
  bundleScript(script, file);
  return spawnSync(process.execPath, [file, ...words.map(String)], { encoding: "utf8", timeout: 25_000 }).stdout.trim();
}

describe("with two threads", () => {
  it("no wake is lost when each batch waits for the one before to be read", () => {
    expect(output(HAMMER, 1, 1, 20_000)).toBe("received 20000");
  });

  it("batches are whole and in order when the producer runs ahead", () => {
    expect(output(HAMMER, 8, 1, 100_000)).toBe("received 100000");
  });

  it("what is handed over just before the end is not lost", () => {
    expect(output(HAMMER, 2, 2_000, 3)).toBe("received 6000");
  });

  it("a producer that waits for a slot is woken by the consumer, and by one that goes away", () => {
    expect(JSON.parse(output(BLOCKED))).toEqual([
      { slot: 0, soon: true, abandoned: false },
      { slot: -1, soon: true, abandoned: true },
    ]);
  });
});
