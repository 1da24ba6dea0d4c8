import type { Flow } from "../../flows/index.js";
import type { ProcessQuery } from "../../host/index.js";
import type { Analysis } from "../../pipeline/index.js";
import type { ProcessLookup } from "./process-lookup.js";
import { MAX_QUERIES } from "./process-messages.js";

/** Flows that may wait for the next question; more are a scan, whose sockets nobody could find in time. */
const MAX_WAITING = MAX_QUERIES;
/** Of other protocols no socket says what it is used for. */
const WITH_SOCKETS: ReadonlySet<string> = new Set(["tcp", "udp"]);
/** How long the end of a capture waits for the last answers. */
const LAST_ANSWER_MS = 2_000;

/**
 * Finds the process behind each new flow of an analysis. Sockets of short connections are soon gone, so that questions
 * go out with each batch of packets; answers come while the capture goes on.
 */
export class FlowProcesses {
  readonly #analysis: Analysis;
  readonly #lookup: ProcessLookup;
  readonly #isOwn: (address: string) => boolean;
  #waiting: { readonly row: number; readonly serial: number }[] = [];
  #answer: Promise<void> | undefined;
  /** Flows that were not asked about, because too many began at once. */
  #unasked = 0;

  /** @param isOwn - Whether an address is one of this machine's. */
  constructor(analysis: Analysis, lookup: ProcessLookup, isOwn: (address: string) => boolean) {
    this.#analysis = analysis;
    this.#lookup = lookup;
    this.#isOwn = isOwn;
  }

  /** Notes the row of a flow that has just begun. */
  add(row: number): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ row, serial: this.#analysis.serialOf(row) });
    else this.#unasked++;
  }

  /** Asks about the flows that wait, unless the last question is not answered yet. */
  ask(): void {
    if (this.#answer !== undefined || this.#waiting.length === 0) return;
    const flows = this.#waiting
      .flatMap(({ row, serial }) => this.#analysis.liveFlow(row, serial) ?? [])
      .filter(({ transport }) => WITH_SOCKETS.has(transport));
    this.#waiting = [];
    if (flows.length === 0) return;
    this.#answer = this.#lookup.find(flows.map((flow) => this.#query(flow))).then((matches) => {
      matches.forEach((match, i) => {
        const { row, serial } = flows[i]!;
        this.#analysis.attribute(row, serial, match);
      });
      this.#answer = undefined;
      // Packets may not come again for long.
      this.ask();
    });
  }

  /** What kept processes from being found, a sentence each. */
  get notes(): string[] {
    const notes: string[] = [];
    if (this.#unasked > 0) {
      notes.push(`the processes of ${this.#unasked} flows were not looked for: too many began at once.`);
    }
    if (this.#lookup.lost) notes.push("the helper that looks for processes failed; those of later flows are unknown.");
    if (this.#lookup.unreadable > 0) {
      notes.push(`${this.#lookup.unreadable} processes could not be looked into; as root, leek sees all.`);
    }
    return notes;
  }

  /** Waits for the answers under way, but not for long, and ends the looking. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_ANSWER_MS);
    });
    await Promise.race([this.#allAnswers(), late]);
    clearTimeout(timer);
    this.#lookup.close();
  }

  async #allAnswers(): Promise<void> {
    while (this.#answer !== undefined) await this.#answer;
  }

  /** The side that a socket of this machine is at: the originator's, unless only the responder is one of ours. */
  #query({ transport, originator, responder }: Flow): ProcessQuery {
    const inbound = !this.#isOwn(originator.address) && this.#isOwn(responder.address);
    return inbound
      ? { transport, local: responder, remote: originator }
      : { transport, local: originator, remote: responder };
  }
}
