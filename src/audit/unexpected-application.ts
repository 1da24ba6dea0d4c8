import type { Protocol } from "../apps/index.js";
import type { Rule, Subject } from "./rule.js";

/** Never matches by itself: what is expected stands in the policy. */
export const unexpectedApplication: Rule = {
  name: "unexpected-application",
  severity: "warning",
  title: "Something is spoken on the machine or on its network that the policy does not expect.",
  remedy: "Stop what speaks it, or add it to the policy: expect, applications.",
  match: () => undefined,
};

/**
 * Whether a flow that does not leave the site speaks something else than what is expected. What leaves it is judged by the
 * other rules. Only what was said counts: sizes and ports are no proof.
 */
export function isUnexpected({ record, isClearnet, facts }: Subject, expected: readonly Protocol[]): boolean {
  if (expected.length === 0 || isClearnet || record.classification.flowClass === "tor") return false;
  return facts?.protocol !== undefined && facts.by === "content" && !expected.includes(facts.protocol);
}
