import type { FlowFacts } from "../flow-facts.js";
import { discloseMac, isMac } from "../wire-values.js";

/** Where the link-layer address begins, by type: behind a time, or not. */
const ADDRESS_AT: Readonly<Record<number, number>> = { 1: 8, 3: 4 };

/**
 * Discloses the link-layer address within a DHCP unique identifier [start, end), where it has one.
 *
 * Source: RFC 8415 11.2 and 11.4.
 */
export function discloseDuid(facts: FlowFacts, view: DataView, start: number, end: number): void {
  // type 2, hardware type 2, ...
  if (end - start < 4) return;
  const addressAt = ADDRESS_AT[view.getUint16(start)];
  if (addressAt === undefined) return;
  const at = start + addressAt;
  if (isMac(view.getUint16(start + 2), end - at)) discloseMac(facts, view, at);
}
