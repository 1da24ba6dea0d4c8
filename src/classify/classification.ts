import type { CellShapeFigures } from "../apps/index.js";
import type { LocalRange } from "../net/index.js";
import type { RelayMatch } from "../relays/index.js";

/**
 * What a flow is. `tor-suspected` is what looks like Tor by its packets alone: no list has it. `undecoded` holds frames in
 * which leek could not read an IP header although there may be one: no class of traffic, but a hole in what was seen.
 */
export const FLOW_CLASSES = ["tor", "tor-suspected", "clearnet", "local", "non-ip", "undecoded"] as const;
export type FlowClass = (typeof FLOW_CLASSES)[number];

/** Why a flow has its class. */
export type Evidence =
  | RelayMatch
  /** Both ends are on this machine, link or site. */
  | { readonly kind: "special-range"; readonly range: LocalRange }
  /** A document reaches the flow's start, and neither it nor any built-in or configured list has the address. */
  | { readonly kind: "not-listed" }
  /** No document reaches the flow's start, so that a relay could not have been recognised. */
  | { readonly kind: "no-document" }
  /** The sizes of a TLS connection's records are those of Tor's cells, and what can be read of its names has Tor's form. */
  | ({ readonly kind: "cell-shape" } & CellShapeFigures)
  /** Local addresses inside a tunnel (IP protocol number) whose own ends are internet addresses. */
  | { readonly kind: "tunnel"; readonly protocol: number };

export interface Classification {
  readonly flowClass: FlowClass;
  readonly evidence: readonly Evidence[];
}
