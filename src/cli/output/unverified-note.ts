import { escapeText } from "../../base/index.js";
import { type Consensus, verificationText } from "../../relays/index.js";
import { say } from "./messages.js";

/** Says when nobody vouches for what an answer rests on: whoever can slip an address into a list can hide a leak. */
export function sayUnverified(documents: readonly Consensus[]): void {
  const unverified = documents.filter(({ verification }) => verification?.state === "unverified");
  const [first] = unverified;
  if (first?.verification === undefined) return;
  const which =
    unverified.length === 1
      ? `The consensus ${escapeText(first.source)} is`
      : `${unverified.length} of ${documents.length} consensus documents are`;
  say(`${which} ${escapeText(verificationText(first.verification))}.`);
}
