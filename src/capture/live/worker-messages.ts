import type { ErrorKind } from "../../base/index.js";
import type { LiveHandleOptions } from "../libpcap/index.js";
import type { SlotQueueMemory } from "./slot-queue.js";

/** What a capture worker is given when it starts. */
export interface WorkerOrder {
  readonly options: LiveHandleOptions;
  /** For the packets. */
  readonly queue: SlotQueueMemory;
  /** Of SharedCounters. */
  readonly counters: SharedArrayBuffer;
}

/** What a capture worker tells. */
export type WorkerMessage =
  /** `header` is the file header that the packets' records go on with. */
  | { readonly kind: "open"; readonly header: Uint8Array; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly error: RefusedOpening }
  /** There are packets, and the consumer had asked to be told. */
  | { readonly kind: "packets" }
  | { readonly kind: "up" | "down" }
  /** No packet will follow, which nobody asked for. */
  | { readonly kind: "failed"; readonly failure: CaptureFailure };

/** Why a capture ended that nobody stopped. */
export interface CaptureFailure {
  readonly code: "interface-gone" | "capture-failed";
  /** One sentence for people. */
  readonly message: string;
}

/** A LeekError as it passes from thread to thread. */
export interface RefusedOpening {
  readonly code: `LEEK_${string}`;
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string | undefined;
}
