import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ConsensusDocument } from "../../src/relays/consensus-document.js";
import { DocumentTimes } from "../../src/relays/document-times.js";
import { listingSpans } from "../../src/relays/listing-span.js";

// Few moments, so that many fall together; lives of any length, as a hostile document may have.
const moment = fc.integer({ min: 0, max: 40 });
const times = fc
  .record({ validAfter: moment, early: fc.integer({ min: 0, max: 5 }), life: fc.integer({ min: 0, max: 40 }) })
  .map(({ validAfter, early, life }) => ({
    validAfter,
    reachFrom: validAfter - early,
    reachUntil: validAfter + life,
  }));

describe("DocumentTimes", () => {
  it("finds what asking each document finds, whatever was asked before", () => {
    const asked = fc.array(fc.integer({ min: -10, max: 90 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(times, { maxLength: 20 }), asked, (list, moments) => {
        const documents = list.sort((x, y) => x.validAfter - y.validAfter) as unknown as ConsensusDocument[];
        const found = new DocumentTimes(documents);
        for (const seconds of moments) {
          const reaching = documents.filter((it) => it.reachFrom <= seconds && seconds <= it.reachUntil);
          const begun = reaching.filter((it) => it.validAfter <= seconds);
          const early = reaching.filter((it) => it.validAfter > seconds);
          expect(found.reaching(seconds)).toEqual([...begun.reverse(), ...early]);
        }
      }),
    );
  });
});

describe("listingSpans", () => {
  it("has each listed hour in one span, none that is not listed, and no gap within a span", () => {
    const hours = fc.array(fc.record({ isListed: fc.boolean(), gap: fc.constantFrom(0, 0, 0, 1, 5) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(hours, (made) => {
        let at = 0;
        const documents = made.map(({ gap }) => {
          const validAfter = (at + gap) * 3600;
          at += gap + 1;
          return { validAfter, freshUntil: validAfter + 3600 };
        });
        const spans = listingSpans(documents, (i) => made[i]!.isListed).map((span) => ({
          ...span,
          first: Date.parse(span.from) / 1000,
          last: Date.parse(span.until) / 1000,
        }));
        for (const [i, { validAfter, freshUntil }] of documents.entries()) {
          const inside = spans.filter(({ first, last }) => first <= validAfter && freshUntil <= last);
          expect(inside).toHaveLength(made[i]!.isListed ? 1 : 0);
        }
        for (const { first, last, documents: count, before, after } of spans) {
          expect(last - first).toBe(count * 3600);
          const at = (seconds: number) => documents.some(({ validAfter }) => validAfter === seconds);
          expect(before).toBe(at(first - 3600) ? "not-listed" : "no-document");
          expect(after).toBe(at(last) ? "not-listed" : "no-document");
        }
      }),
    );
  });
});
