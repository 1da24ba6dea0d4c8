import type { Hit, Rule, Subject } from "./rule.js";

/** Never matches by itself: told where a baseline has no such contact, and no other rule says more. */
export const newContact: Rule = {
  name: "new-contact",
  severity: "note",
  title: "The node talks to somebody on its network whom the baseline does not have.",
  remedy: "See what it is (leek explain); if it is meant to be, save the baseline anew: --save-baseline.",
  match: () => undefined,
};

export function newContactHit({ record: { classification } }: Subject): Hit {
  return classification.flowClass === "tor"
    ? { title: "The node uses Tor, and did not when the baseline was saved." }
    : {};
}
