import type { Rule } from "./rule.js";

/** Never matches by itself: takes the place of other rules for flows that begin before Tor is up. */
export const startUp: Rule = {
  name: "start-up",
  severity: "leak",
  title: "Before Tor was up:",
  remedy:
    "Let services start after tor has bootstrapped (systemd: After= and Requires=tor@default.service, with a check of its control port), and let " +
    "the firewall refuse all that is not tor's from the start.",
  match: () => undefined,
};
