import type { Classification } from "../classify/index.js";
import type { Flow } from "../flows/index.js";
import type { ProcessMatch } from "../host/index.js";
import type { Endpoint } from "../net/index.js";

/** An ended flow with everything that leek says of it. */
export interface FlowRecord {
  readonly flow: Flow;
  readonly classification: Classification;
  /** What the capture itself calls the remote side: the TLS server name, then names from earlier DNS answers. */
  readonly names: readonly string[];
  /** The side that is not the audited machine's. */
  readonly remote: Remote;
  /** The process at this machine's end; undefined where nobody looked, as in a file. */
  readonly process: ProcessMatch | undefined;
}

export interface Remote {
  readonly side: "originator" | "responder";
  readonly endpoint: Endpoint;
}
