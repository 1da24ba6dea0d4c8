/**
 * The thread that takes packets out of the kernel. Nothing else runs here, so that neither rendering nor garbage
 * collection elsewhere can hold it up.
 */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { escapeText, LeekError } from "../../base/index.js";
import { LAST_BLOCK_MS, type LiveHandle, openLiveHandle } from "../libpcap/index.js";
import { SharedCounters } from "./shared-counters.js";
import { SlotQueue } from "./slot-queue.js";
import type { CaptureFailure, WorkerMessage, WorkerOrder } from "./worker-messages.js";

/** Between -20 and 19, as nice(2). */
const PRIORITY = -15;
/** How soon an idle worker sees that it should stop, and how soon one that holds packets back looks again. */
const WAIT_MS = 100;
const SHORT_WAIT_MS = 5;
/** Between two looks at the interface and its counters: so many waits without packets, or steps with some. */
const WAITS_PER_CHECK = 5;
const STEPS_PER_CHECK = 5_000;
/** While leek is idle, it gets packets as soon as there are so many: they are still in the cache then. */
const EARLY_BYTES = 1 << 18;
/** Where the kernel cannot be told to take no more packets, traffic may never cease. */
const MAX_LAST_STEPS = 100_000;

const order = workerData as WorkerOrder;
const queue = new SlotQueue(order.queue);
const counters = new SharedCounters(order.counters);
const tell = (message: WorkerMessage) => parentPort!.postMessage(message);

function run(): void {
  // First, for leek may give its rights away as soon as the interface is open.
  hurry();
  const handle = open();
  if (handle === undefined) return;
  const failure = takePackets(handle);
  counters.write(handle.statistics());
  handle.close();
  if (failure !== undefined) tell({ kind: "failed", failure });
  queue.end();
}

function open(): LiveHandle | undefined {
  try {
    const { handle, warnings } = openLiveHandle(order.options, queue.slots);
    tell({ kind: "open", header: handle.header, warnings });
    return handle;
  } catch (error) {
    if (!(error instanceof LeekError)) throw error;
    const { code, kind, message, hint } = error;
    tell({ kind: "refused", error: { code, kind, message, hint } });
    return undefined;
  }
}

/** Goes before all other threads, leek's own above all, where the system allows that (Linux, with root's rights). */
function hurry(): void {
  try {
    // On Linux, 0 is the calling thread.
    setPriority(0, PRIORITY);
  } catch {
    // Without: the kernel's buffer covers what it may.
  }
}

/** @returns Why the capture ended, unless it was asked to. */
function takePackets(handle: LiveHandle): CaptureFailure | undefined {
  const watch = new InterfaceWatch(handle);
  let failure: CaptureFailure | undefined;
  let stopping = false;
  let stepsLeft = Number.POSITIVE_INFINITY;
  let nothingMore = false;
  let slot = -1;
  while (!queue.abandoned) {
    if (slot < 0) {
      slot = queue.freeSlot(WAIT_MS);
      if (slot < 0) continue;
      handle.begin(slot);
    }
    if (!stopping && (queue.stopAsked || failure !== undefined)) {
      stopping = true;
      // What comes from now on is not wanted; then what came before has an end, and can be counted.
      if (!handle.rejectAll()) stepsLeft = MAX_LAST_STEPS;
    }
    const taken = take(handle);
    failure ??= taken.failure;
    stepsLeft--;
    const none = taken.result === "none";
    const done = stopping && (stepsLeft <= 0 || (none && (nothingMore || handle.drained)));
    const early = queue.isHungry && (none || handle.length >= EARLY_BYTES);
    if (handle.length > 0 && (done || early || taken.result === "full")) {
      if (queue.publish(handle.length)) tell({ kind: "packets" });
      slot = -1;
    }
    if (done) return failure;
    if (!none) {
      watch.step(1);
    } else if (stopping) {
      // Of an interface that failed, the kernel may still hold packets back, but its descriptor is ready at once.
      if (failure !== undefined) sleep(LAST_BLOCK_MS);
      nothingMore = failure !== undefined || !handle.wait(LAST_BLOCK_MS);
    } else {
      handle.wait(slot >= 0 && handle.length > 0 ? SHORT_WAIT_MS : WAIT_MS);
      watch.step(STEPS_PER_CHECK / WAITS_PER_CHECK);
    }
    if (watch.isGone) failure ??= gone();
  }
  return failure;
}

function take(handle: LiveHandle): { result: ReturnType<LiveHandle["take"]>; failure: CaptureFailure | undefined } {
  try {
    return { result: handle.take(), failure: undefined };
  } catch (error) {
    if (!(error instanceof LeekError)) throw error;
    // libpcap asks for the interface by name, so to it one that was renamed has disappeared.
    const isGone = handle.linkState() === "gone" || error.message.includes("disappeared");
    return { result: "none", failure: isGone ? gone() : { code: "capture-failed", message: error.message } };
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function gone(): CaptureFailure {
  return { code: "interface-gone", message: `Interface ${escapeText(order.options.interface)} disappeared.` };
}

/** Looks at the interface and its counters now and then. Counted in steps, for a thread at work has no need of a clock. */
class InterfaceWatch {
  isGone = false;
  #state: ReturnType<LiveHandle["linkState"]>;
  #untilCheck = STEPS_PER_CHECK;

  constructor(private readonly handle: LiveHandle) {
    this.#state = handle.linkState();
  }

  step(weight: number): void {
    this.#untilCheck -= weight;
    if (this.#untilCheck > 0) return;
    this.#untilCheck = STEPS_PER_CHECK;
    counters.write(this.handle.statistics());
    const state = this.handle.linkState();
    if (state === this.#state || state === undefined) return;
    this.#state = state;
    if (state === "gone") this.isGone = true;
    else tell({ kind: state });
  }
}

run();
