// Makes the capture that bench/ measures on: the same bytes for the same options, on every machine.

import { closeSync, openSync } from "node:fs";
import { backgroundRound } from "./background.mjs";
import { seededRandom } from "./consensus-generator.mjs";
import { Conversation } from "./conversation.mjs";
import { FrameWriter } from "./frame-writer.mjs";
import { frameStart, makeClients, planFlows } from "./traffic-plan.mjs";

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const BACKGROUND_SHARE = 0.001;

/**
 * @typedef {{ packets: number, bytes: number, flows: number }} ClassCount
 *
 * @typedef {object} CaptureFacts
 * @property {number} packets
 * @property {number} bytes Of whole frames, as on the wire.
 * @property {number} fileBytes
 * @property {number} flows TCP and UDP, each with both directions.
 * @property {Record<"tor" | "clearnet" | "local" | "non-ip", ClassCount>} classes What is true of it by address, port
 *   and time. Pings and neighbour discovery count as packets, not as flows.
 */

/**
 * @param {string} path
 * @param {object} options
 * @param {number} options.packets
 * @param {number} options.flows
 * @param {number} options.start Seconds since 1970-01-01 UTC.
 * @param {number} options.seconds How long the capture lasts.
 * @param {readonly import("./consensus-generator.mjs").GeneratedRelay[]} options.relays
 * @param {number} [options.seed]
 * @returns {CaptureFacts}
 */
export function generateCapture(path, { packets, flows, start, seconds, relays, seed = 1 }) {
  const random = seededRandom(seed);
  const from = start * 1e6;
  const to = (start + seconds) * 1e6;
  const clients = makeClients();
  const rounds = clients.flatMap((client, i) => backgroundRound(client, i + 1));
  const backgroundFrames = Math.round(packets * BACKGROUND_SHARE);
  const plans = planFlows({ packets: packets - backgroundFrames, flows, relays, clients, random });

  const fd = openSync(path, "w");
  try {
    const writer = new FrameWriter(fd, plans.length * 2, random);
    const agenda = new Agenda(
      plans.map((plan) => {
        const protocol = plan.kind === "dns" || plan.kind === "quic" ? PROTOCOL_UDP : PROTOCOL_TCP;
        const { client, clientPort, serverPort } = plan;
        const toServer = frameStart(client, plan, "client", protocol);
        const toClient = frameStart(client, plan, "server", protocol);
        const clientTemplate = writer.template(toServer, clientPort, serverPort);
        const serverTemplate = writer.template(toClient, serverPort, clientPort);
        return { conversation: new Conversation({ plan, clientTemplate, serverTemplate, from, to, random }), plan };
      }),
    );

    const classes = {
      tor: { packets: 0, bytes: 0, flows: 0 },
      clearnet: { packets: 0, bytes: 0, flows: 0 },
      local: { packets: 0, bytes: 0, flows: 0 },
      "non-ip": { packets: 0, bytes: 0, flows: 0 },
    };
    for (const plan of plans) classes[plan.flowClass].flows++;

    const backgroundEvery = (to - from) / Math.max(1, backgroundFrames);
    let backgroundDone = 0;
    const background = (/** @type {number} */ until) => {
      for (; backgroundDone < backgroundFrames; backgroundDone++) {
        const time = from + Math.floor(backgroundDone * backgroundEvery);
        if (time > until) return;
        const frame = /** @type {import("./background.mjs").BackgroundFrame} */ (
          rounds[backgroundDone % rounds.length]
        );
        writer.frame(time, frame.bytes);
        count(classes[frame.frameClass], writer.frameBytes);
      }
    };

    for (let entry = agenda.first; entry !== undefined; entry = agenda.first) {
      background(entry.conversation.time);
      entry.conversation.step(writer);
      count(classes[entry.plan.flowClass], writer.frameBytes);
      agenda.settle();
    }
    background(to);
    writer.flush();
    return { packets: writer.packets, bytes: writer.bytes, fileBytes: writer.fileBytes, flows: plans.length, classes };
  } finally {
    closeSync(fd);
  }
}

/**
 * @param {ClassCount} counts
 * @param {number} bytes
 */
function count(counts, bytes) {
  counts.packets++;
  counts.bytes += bytes;
}

/** @typedef {{ conversation: Conversation, plan: import("./traffic-plan.mjs").PlannedFlow }} Entry */

/** Whose turn is next: a binary heap by time. Ties go by the order of the heap, which is the same every time. */
class Agenda {
  #heap;

  /** @param {Entry[]} entries */
  constructor(entries) {
    this.#heap = entries;
    for (let i = (entries.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** @returns {Entry | undefined} undefined when all have ended. */
  get first() {
    return this.#heap[0];
  }

  /** Puts the first, whose time has changed, where it belongs; out, when it has ended. */
  settle() {
    const first = this.#heap[0];
    if (first?.conversation.left === 0) {
      const last = this.#heap.pop();
      if (this.#heap.length === 0 || last === undefined) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  /** @param {number} index */
  #sink(index) {
    const heap = this.#heap;
    const entry = /** @type {Entry} */ (heap[index]);
    const { time } = entry.conversation;
    let at = index;
    for (;;) {
      let child = 2 * at + 1;
      let smaller = heap[child];
      if (smaller === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && right.conversation.time < smaller.conversation.time) {
        smaller = right;
        child++;
      }
      if (smaller.conversation.time >= time) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = entry;
  }
}
