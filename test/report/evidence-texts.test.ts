import { describe, expect, it } from "vitest";
import type { Evidence } from "../../src/classify/index.js";
import { EvidenceTexts } from "../../src/report/evidence-texts.js";

const consensus: Evidence = {
  kind: "consensus",
  fingerprint: "997010675837E17006D8F3B371E5C88EB061F4FE",
  nickname: "examplerelay",
  flags: ["Exit", 'Fa"st', "Guard"],
  freshness: "fresh",
  flavor: "microdesc",
  validAfter: "2026-11-22T10:00:00Z",
  source: 'a "quoted"\\directory/é\n/consensus',
};

/** With the listing where the directory puts it: before the document. */
function inOrder(listing: { readonly listedFrom?: string; readonly listedUntil?: string }): Evidence {
  const { flavor, validAfter, source, ...relay } = consensus as Evidence & { readonly kind: "consensus" };
  return { ...relay, ...listing, flavor, validAfter, source };
}

describe("EvidenceTexts", () => {
  it.each<{ evidence: readonly Evidence[] }>([
    { evidence: [consensus] },
    { evidence: [{ ...consensus, flags: [], freshness: "reachable" }] },
    { evidence: [inOrder({ listedFrom: "2026-11-22T10:00:00Z" })] },
    { evidence: [inOrder({ listedUntil: "2026-11-22T11:00:00Z" })] },
    { evidence: [inOrder({ listedFrom: "2026-11-22T10:00:00Z", listedUntil: "2026-11-22T11:00:00Z" })] },
    { evidence: [consensus, { kind: "not-listed" }] },
    { evidence: [{ kind: "bridge", fingerprint: undefined, transport: "obfs4" }] },
    { evidence: [] },
  ])("writes what JSON.stringify writes, the first time and again: $evidence", ({ evidence }) => {
    const texts = new EvidenceTexts();
    expect(texts.text(evidence)).toBe(JSON.stringify(evidence));
    expect(texts.text(evidence)).toBe(JSON.stringify(evidence));
  });
});
