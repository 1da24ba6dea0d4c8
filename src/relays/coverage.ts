/** A span of whole seconds since 1970-01-01 UTC, both ends included. */
export interface TimeSpan {
  readonly first: number;
  readonly last: number;
}

/** How far the documents at hand speak for a capture's time. */
export interface Coverage {
  readonly level: "full" | "partial" | "none";
  /** What no document reaches, in order; the whole span when the level is "none". */
  readonly gaps: readonly TimeSpan[];
}

/** The union of spans: in order, with neither overlaps nor neighbours. */
export function mergeSpans(spans: readonly TimeSpan[]): TimeSpan[] {
  const merged: TimeSpan[] = [];
  for (const span of [...spans].sort((x, y) => x.first - y.first)) {
    const before = merged.at(-1);
    if (before !== undefined && span.first <= before.last + 1) {
      merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, span.last) };
    } else merged.push(span);
  }
  return merged;
}

/** @param covered - As `mergeSpans` gives them. */
export function coverageOf(covered: readonly TimeSpan[], { first, last }: TimeSpan): Coverage {
  const gaps: TimeSpan[] = [];
  let next = first;
  for (const span of covered) {
    if (span.last < next) continue;
    if (span.first > last) break;
    if (span.first > next) gaps.push({ first: next, last: span.first - 1 });
    next = span.last + 1;
  }
  if (next <= last) gaps.push({ first: next, last });
  if (gaps.length === 0) return { level: "full", gaps };
  const [gap] = gaps;
  return { level: gap!.first === first && gap!.last === last ? "none" : "partial", gaps };
}
