import type { RelayMatch } from "../relays/index.js";

type Listed = Pick<RelayMatch & { readonly kind: "consensus" }, "listedFrom" | "listedUntil">;

/**
 * Where documents of neighbouring hours disagree on a relay: `listed from 2026-11-22 10:00 UTC`, `listed until ...`,
 * or both. Empty where they agree.
 */
export function listingText({ listedFrom, listedUntil }: Listed): string {
  const parts = [
    ...(listedFrom === undefined ? [] : [`from ${minuteText(listedFrom)}`]),
    ...(listedUntil === undefined ? [] : [`until ${minuteText(listedUntil)}`]),
  ];
  return parts.length === 0 ? "" : `listed ${parts.join(" ")} UTC`;
}

/**
 * `2026-11-22 10:00` for `2026-11-22T10:00:00Z`; with seconds where there are some: documents of the public network begin
 * on the hour, those of a private one at any second.
 */
export function minuteText(time: string): string {
  return time.replace("T", " ").replace(/(?::00)?Z$/, "");
}
