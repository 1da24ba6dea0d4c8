import { Worker } from "node:worker_threads";
import { escapeText, LeekError } from "../../base/index.js";
import type { LiveStatistics } from "../libpcap/index.js";
import type { LiveBytes } from "./live-bytes.js";
import type { LiveOptions } from "./live-options.js";
import { SharedCounters } from "./shared-counters.js";
import { SlotQueue } from "./slot-queue.js";
import { SlotWindow } from "./slot-window.js";
import type { CaptureFailure, WorkerMessage, WorkerOrder } from "./worker-messages.js";

/**
 * What waits for leek at most, beside what waits in the kernel: it holds what comes while leek is busy. The parsing of a
 * consensus takes 50 ms, a slow disk more. A slot holds 31 packets of the greatest snaplen.
 */
const SLOTS = 16;
const SLOT_BYTES = 8 << 20;
/** The worker only calls C; its own objects are a few. */
const WORKER_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** One interface that libpcap captures from, in a thread of its own. */
export class LiveInterface implements LiveBytes {
  readonly lost = 0;
  failure: CaptureFailure | undefined;
  window!: SlotWindow;
  readonly #queue: SlotQueue;
  readonly #counters: SharedCounters;
  readonly #exited: Promise<void>;
  #wake: () => void = () => {};

  private constructor(worker: Worker, queue: SlotQueue, counters: SharedCounters) {
    this.#queue = queue;
    this.#counters = counters;
    this.#exited = new Promise((resolve) => {
      worker.once("exit", () => {
        queue.end();
        this.#wake();
        resolve();
      });
    });
    // After the opening it is a failure as others: what came before counts.
    worker.on("error", ({ message }) => {
      this.failure = { code: "capture-failed", message: `The capture thread failed: ${message}` };
    });
  }

  /**
   * Opens an interface in a thread of its own.
   *
   * @throws {LeekError} see openLiveHandle.
   */
  static async open(name: string, options: LiveOptions): Promise<LiveInterface> {
    const queue = SlotQueue.create(SLOTS, SLOT_BYTES);
    const counters = new SharedCounters();
    const { expression, snaplen, promiscuous, immediate, bufferBytes } = options;
    const order: WorkerOrder = {
      options: { interface: name, expression, snaplen, promiscuous, immediate, bufferBytes },
      queue: queue.memory,
      counters: counters.shared,
    };
    const worker = new Worker(options.worker, { workerData: order, resourceLimits: WORKER_LIMITS, execArgv: [] });
    const live = new LiveInterface(worker, queue, counters);
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (message: WorkerMessage) => {
        if (message.kind === "open") {
          live.window = new SlotWindow(queue, message.header, () => live.#untilWoken());
          for (const warning of message.warnings) {
            options.onEvent?.({ interface: name, kind: "warning", message: warning });
          }
          resolve();
        } else if (message.kind === "refused") reject(refusal(message));
        else live.#take(message, name, options);
      });
      worker.once("error", reject);
    });
    return live;
  }

  get statistics(): LiveStatistics {
    return this.#counters.read();
  }

  get bytesRead(): number {
    return this.window.offset;
  }

  /** Asks the worker to hand over what it has, and to end. */
  stop(): void {
    this.#queue.stop();
  }

  async close(): Promise<void> {
    this.#queue.abandon();
    await this.#exited;
  }

  /** Until the worker says something, or has ended: its last words, counters and failure, come before its exit. */
  async #untilWoken(): Promise<void> {
    if (this.#queue.ended) await this.#exited;
    else {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(message: WorkerMessage, name: string, options: LiveOptions): void {
    const shown = escapeText(name);
    switch (message.kind) {
      case "packets":
        this.#wake();
        break;
      case "down":
        options.onEvent?.({ interface: name, kind: "down", message: `Interface ${shown} went down.` });
        break;
      case "up":
        options.onEvent?.({ interface: name, kind: "up", message: `Interface ${shown} is up again.` });
        break;
      case "failed":
        this.failure = message.failure;
        options.onEvent?.({ interface: name, kind: "gone", message: message.failure.message });
        break;
      default:
    }
  }
}

function refusal({ error }: Extract<WorkerMessage, { kind: "refused" }>): LeekError {
  const { code, kind, message, hint } = error;
  return new LeekError(code, kind, message, hint === undefined ? {} : { hint });
}
