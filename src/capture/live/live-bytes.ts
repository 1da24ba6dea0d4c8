import type { ByteSource } from "../byte-source.js";
import type { LoadedBytes } from "../byte-window.js";
import type { LiveStatistics } from "../libpcap/index.js";
import type { CaptureFailure } from "./worker-messages.js";

/** What is captured from one interface, by whichever backend, as a classic pcap file that grows. */
export interface LiveBytes extends Pick<ByteSource, "bytesRead" | "close"> {
  /** At the file header, which is loaded. */
  readonly window: LoadedBytes;
  /** As of the last half second, final at the end; undefined where the backend does not count. */
  readonly statistics: LiveStatistics | undefined;
  /** Packets that the backend threw away because leek was too slow; those that the kernel dropped are not among them. */
  readonly lost: number;
  /** Why the capture ended, unless it was asked to. */
  readonly failure: CaptureFailure | undefined;
  /** Asks for the end: what has been received by now still comes. */
  stop(): void;
}
