import type { ProxyRequest } from "../apps/index.js";
import type { CapturedPacket } from "../base/index.js";
import type { Flow } from "../flows/index.js";
import type { CarriedBy, Carries } from "./flow-record.js";

/** tor sends a request on in milliseconds; a stream that waits for a new circuit in seconds, and cells of others before. */
const MAX_DELAY_SECONDS = 2;
/** Requests that wait for a packet; the oldest is given up. */
const MAX_WAITING = 256;
/** Kept of one link. */
const MAX_TARGETS = 16;

interface Waiting extends ProxyRequest {
  /** Of the flow that it was made in. */
  readonly serial: number;
}

/**
 * Where a capture sees both sides of the local tor: which of its links sent first after a program's request. All streams
 * share the links, so this tells the likely way, and proves nothing.
 */
export class ProxyCorrelation {
  readonly #waiting: Waiting[] = [];
  // By serial, of live flows.
  readonly #carriedBy = new Map<number, CarriedBy>();
  readonly #carries = new Map<number, { targets: string[]; requests: number }>();

  /** Whether packets of Tor's links are wanted. A field, as it is asked for every packet. */
  isWaiting = false;

  /** A program asks its proxy, in the flow with this serial. */
  request(serial: number, request: ProxyRequest): void {
    if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift();
    this.#waiting.push({ serial, ...request });
    this.isWaiting = true;
  }

  /** The originator of a Tor link sends something. */
  linkPacket(link: Flow, packet: CapturedPacket): void {
    for (const waiting of this.#waiting.splice(0)) {
      const delay = packet.seconds - waiting.seconds + (packet.nanoseconds - waiting.nanoseconds) / 1e9;
      if (delay < 0) this.#waiting.push(waiting);
      else if (delay <= MAX_DELAY_SECONDS) this.#join(waiting, link, packet.number, delay);
    }
    this.isWaiting = this.#waiting.length > 0;
  }

  /** What is known of a flow. */
  of(serial: number): CarriedBy | Carries | undefined {
    const carriedBy = this.#carriedBy.get(serial);
    if (carriedBy !== undefined) return carriedBy;
    const carries = this.#carries.get(serial);
    return carries === undefined ? undefined : { kind: "carries", ...carries };
  }

  /** A flow has ended, and its record was written. */
  forget(serial: number): void {
    this.#carriedBy.delete(serial);
    this.#carries.delete(serial);
  }

  #join({ serial, target }: Waiting, link: Flow, packet: number, delay: number): void {
    const { originator, responder } = link;
    this.#carriedBy.set(serial, { kind: "carried-by", originator, responder, packet, delay });
    let carries = this.#carries.get(link.serial);
    if (carries === undefined) {
      carries = { targets: [], requests: 0 };
      this.#carries.set(link.serial, carries);
    }
    carries.requests++;
    if (carries.targets.length < MAX_TARGETS && !carries.targets.includes(target)) carries.targets.push(target);
  }
}
