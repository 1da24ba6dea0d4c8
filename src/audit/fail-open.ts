import type { Moment } from "../flows/index.js";
import type { FlowRecord } from "../pipeline/index.js";
import type { Rule } from "./rule.js";

/** Kept at most; a machine with more has been looked at long enough. */
const MAX_LEAKS = 1_000;
const MAX_LINKS = 10_000;

/** A link that lives sends padding at least every ten seconds (padding-spec 2), or was asked not to. */
const SILENCE_SECONDS = 20;

/** A leak that began when Tor's links had ended. */
export interface FailOpen {
  readonly record: FlowRecord;
  /** When the last link of Tor's was heard of. */
  readonly torEnded: Moment;
}

/** Never matches by itself: made from what FailOpenWatch finds. */
export const failOpen: Rule = {
  name: "fail-open",
  severity: "leak",
  title: "When Tor's links ended, traffic went on without them.",
  remedy:
    "Let the firewall refuse all that is not tor's, whether tor runs or not: leek relays list --nftables prints the sets; and let services " +
    "require tor (systemd: BindsTo=tor@default.service).",
  match: () => undefined,
};

/**
 * Finds leaks that begin within seconds of the end of Tor's links: programs that do without when Tor fails. Flows are told
 * in the order in which they end, so nothing is known before the end.
 */
export class FailOpenWatch {
  readonly #links: { readonly first: number; readonly last: Moment; readonly isClosed: boolean }[] = [];
  readonly #leaks: FlowRecord[] = [];

  torLink({ flow }: FlowRecord): void {
    if (this.#links.length >= MAX_LINKS) return;
    const isClosed = flow.tcpState === "closed" || flow.tcpState === "closing" || flow.tcpState === "reset";
    this.#links.push({ first: toSeconds(flow.first), last: flow.last, isClosed });
  }

  leak(record: FlowRecord): void {
    if (this.#leaks.length < MAX_LEAKS) this.#leaks.push(record);
  }

  /**
   * @param within - Seconds.
   * @param captureEnd - Seconds since 1970-01-01 UTC: a link that was silent for long before it had ended.
   */
  found(within: number, captureEnd: number): FailOpen[] {
    const links = this.#links.toSorted((x, y) => x.first - y.first);
    const found: FailOpen[] = [];
    for (const record of this.#leaks) {
      const start = toSeconds(record.flow.first);
      let torEnded: Moment | undefined;
      let isUp = false;
      for (const { first, last, isClosed } of links) {
        if (first > start) break;
        const isOver = isClosed || captureEnd - toSeconds(last) > SILENCE_SECONDS;
        if (!isOver || toSeconds(last) >= start) isUp = true;
        else if (torEnded === undefined || toSeconds(torEnded) < toSeconds(last)) torEnded = last;
      }
      if (!isUp && torEnded !== undefined && start - toSeconds(torEnded) <= within) found.push({ record, torEnded });
    }
    return found;
  }
}

function toSeconds({ seconds, nanoseconds }: Moment): number {
  return seconds + nanoseconds / 1e9;
}
