import type { DisclosureKind, FlowFacts } from "../apps/index.js";

/** What flows of one class disclose of one kind. */
export interface DisclosedTotal {
  readonly kind: DisclosureKind;
  /** Flows that disclose something of this kind. */
  readonly flows: number;
  /** Different values, those first seen in front; at most MAX_VALUES. */
  readonly values: readonly string[];
  /** Whether there were others. */
  readonly hasMore: boolean;
}

/** For one class and kind: what a report shows, and enough to tell ten from thousands. */
const MAX_VALUES = 1_000;

interface Kept {
  flows: number;
  /** Number of the flow that counted last, see DisclosedTotals. */
  lastFlow: number;
  readonly values: Set<string>;
  lastValue: string | undefined;
  hasMore: boolean;
}

/** What somebody on the path learns from all flows of a class. */
export class DisclosedTotals {
  readonly #kinds = new Map<DisclosureKind, Kept>();
  /** Flows added, those that disclose nothing left out. */
  #flows = 0;

  add({ disclosures }: FlowFacts): void {
    this.#flows++;
    for (const { kind, value } of disclosures) {
      const kept = this.#kept(kind);
      if (kept.lastFlow !== this.#flows) {
        kept.lastFlow = this.#flows;
        kept.flows++;
      }
      addValue(kept, value);
    }
  }

  merge(other: DisclosedTotals): void {
    for (const [kind, { flows, values, hasMore }] of other.#kinds) {
      const kept = this.#kept(kind);
      kept.flows += flows;
      for (const value of values) addValue(kept, value);
      kept.hasMore ||= hasMore;
    }
  }

  /** By number of flows. */
  totals(): DisclosedTotal[] {
    return [...this.#kinds]
      .map(([kind, { flows, values, hasMore }]) => ({ kind, flows, values: [...values], hasMore }))
      .sort((left, right) => right.flows - left.flows);
  }

  #kept(kind: DisclosureKind): Kept {
    let kept = this.#kinds.get(kind);
    if (kept === undefined) {
      kept = { flows: 0, lastFlow: 0, values: new Set(), lastValue: undefined, hasMore: false };
      this.#kinds.set(kind, kept);
    }
    return kept;
  }
}

function addValue(kept: Kept, value: string): void {
  // A look into the set hashes the text, which is new with each flow: not where nothing can change, nor for what most
  // flows have in common, such as a fingerprint.
  if (kept.hasMore || value === kept.lastValue) return;
  kept.lastValue = value;
  if (kept.values.has(value)) return;
  if (kept.values.size < MAX_VALUES) kept.values.add(value);
  else kept.hasMore = true;
}
