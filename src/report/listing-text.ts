import { minuteText } from "../base/index.js";
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
