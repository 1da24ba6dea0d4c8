import { formatIsoSeconds } from "../base/index.js";
import type { Consensus } from "./consensus.js";

/** The documents of neighbouring hours, where they are at hand. */
export interface TimeNeighbours {
  readonly before: Consensus | undefined;
  readonly after: Consensus | undefined;
}

/**
 * For each document the one before and the one after it in time, of the same flavor where that hour has it. Documents
 * of the same hour are no neighbours, nor are those so far apart that no client can have gone from one to the other:
 * what happened in between is not known.
 *
 * @param documents - By valid-after, oldest first.
 */
export function neighboursInTime(documents: readonly Consensus[]): ReadonlyMap<Consensus, TimeNeighbours> {
  const neighbours = new Map<Consensus, TimeNeighbours>();
  const hours = byHour(documents);
  for (const [i, hour] of hours.entries()) {
    for (const document of hour) {
      const before = ofFlavor(hours[i - 1], document);
      const after = ofFlavor(hours[i + 1], document);
      neighbours.set(document, {
        before: before !== undefined && before.reachUntil >= document.validAfter ? before : undefined,
        after: after !== undefined && document.reachUntil >= after.validAfter ? after : undefined,
      });
    }
  }
  return neighbours;
}

/** Documents with the same valid-after, together. */
export function byHour(documents: readonly Consensus[]): Consensus[][] {
  const hours: Consensus[][] = [];
  for (const document of documents) {
    const hour = hours.at(-1);
    if (hour !== undefined && hour[0]!.validAfter === document.validAfter) hour.push(document);
    else hours.push([document]);
  }
  return hours;
}

function ofFlavor(hour: readonly Consensus[] | undefined, { flavor }: Consensus): Consensus | undefined {
  return hour?.find((document) => document.flavor === flavor) ?? hour?.[0];
}

/** What stands before or after a span: a document that does not list the relay there, or no document. */
export type SpanEdge = "not-listed" | "no-document";

/** Hours that follow each other without a gap, and in each of which a document lists a relay. ISO 8601, UTC. */
export interface ListingSpan {
  /** Valid-after of the first document. */
  readonly from: string;
  /** Fresh-until of the last one, which is the valid-after of the next where that is at hand. */
  readonly until: string;
  /** How many hours' documents say so; both flavors of an hour count once. */
  readonly documents: number;
  readonly before: SpanEdge;
  readonly after: SpanEdge;
}

/** When documents speak; seconds since 1970-01-01 UTC. */
export interface DocumentHour {
  readonly validAfter: number;
  readonly freshUntil: number;
}

/**
 * Merges hours into spans. An hour whose document is missing ends a span with "no-document": nobody can say what it
 * would have said.
 *
 * @param hours - All documents at hand, one for each hour, oldest first.
 * @param listed - Whether the document at that position lists the relay.
 * @returns Oldest first.
 */
export function listingSpans(hours: readonly DocumentHour[], listed: (position: number) => boolean): ListingSpan[] {
  const spans: ListingSpan[] = [];
  for (let i = 0; i < hours.length; ) {
    if (!listed(i)) {
      i++;
      continue;
    }
    let last = i;
    while (follows(hours, last) && listed(last + 1)) last++;
    spans.push({
      from: formatIsoSeconds(hours[i]!.validAfter),
      // A document that came before it was due ends the time of the one before.
      until: formatIsoSeconds(Math.min(hours[last]!.freshUntil, hours[last + 1]?.validAfter ?? Infinity)),
      documents: last - i + 1,
      before: i > 0 && follows(hours, i - 1) ? "not-listed" : "no-document",
      after: follows(hours, last) ? "not-listed" : "no-document",
    });
    i = last + 1;
  }
  return spans;
}

/** Whether the next document came when this one said that it was due. */
function follows(hours: readonly DocumentHour[], position: number): boolean {
  const next = hours[position + 1];
  return next !== undefined && next.validAfter <= hours[position]!.freshUntil;
}
