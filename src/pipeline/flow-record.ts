import type { FlowFacts } from "../apps/index.js";
import type { Classification } from "../classify/index.js";
import type { Flow } from "../flows/index.js";
import type { ProcessMatch } from "../host/index.js";
import type { Endpoint } from "../net/index.js";

/** An ended flow with everything that leek says of it. */
export interface FlowRecord {
  readonly flow: Flow;
  /** Number of its first packet. */
  readonly firstPacket: number;
  readonly classification: Classification;
  /** What the capture itself calls the remote side: what the flow says, then names from earlier DNS answers. */
  readonly names: readonly string[];
  /** The side that is not the audited machine's. */
  readonly remote: Remote;
  /** What it speaks, and what anyone on the path learns from it; undefined when nothing was understood. */
  readonly facts: FlowFacts | undefined;
  /** Of a request to a local proxy: Tor's link that sent first after it. Of such a link: the requests. */
  readonly carried: CarriedBy | Carries | undefined;
  /** The process at this machine's end; undefined where nobody looked, as in a file. */
  readonly process: ProcessMatch | undefined;
}

export interface Remote {
  readonly side: "originator" | "responder";
  readonly endpoint: Endpoint;
}

/** Tor's link that most likely carried a request to the local proxy, by time. */
export interface CarriedBy {
  readonly kind: "carried-by";
  readonly originator: Endpoint;
  readonly responder: Endpoint;
  /** Number of the packet of the link that came next. */
  readonly packet: number;
  /** Time between request and packet, seconds. */
  readonly delay: number;
}

/** Requests that a link of Tor most likely carried, by time. */
export interface Carries {
  readonly kind: "carries";
  /** What was asked for: at most MAX_TARGETS, those first asked for in front. */
  readonly targets: readonly string[];
  readonly requests: number;
}
