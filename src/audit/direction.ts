import type { Flow } from "../flows/index.js";
import type { AuditedNode } from "./node.js";
import type { Direction } from "./rule.js";

/** Which way a flow goes, as the audited node sees it. */
export function directionOf(flow: Flow, node: AuditedNode): Direction {
  const { originator, responder, tunnel } = flow;
  // No other machine's loopback is in a capture.
  if (isLoopback(flow)) return "internal";
  const isOriginator = node.has(originator.address);
  // Not known: everybody's traffic is audited, and who is on the internet is not the node.
  if (isOriginator === undefined) {
    return flow.originatorRange === undefined && flow.responderRange !== undefined ? "inbound" : "outbound";
  }
  const isResponder = node.has(responder.address) === true;
  if (isOriginator && isResponder) {
    const isSame = originator.address === responder.address;
    // Between two machines of a range there is a network.
    return isSame || (node.isSingle(originator.address) && node.isSingle(responder.address)) ? "internal" : "outbound";
  }
  if (isOriginator) return "outbound";
  if (isResponder) return "inbound";
  // Inside its tunnels the node may have addresses that nobody named.
  if (tunnel !== undefined && node.has(tunnel.source)) return "outbound";
  if (tunnel !== undefined && node.has(tunnel.destination)) return "inbound";
  // A machine without an address yet asks for one (DHCP, neighbour discovery), or speaks on its link by another.
  if (flow.originatorRange === "unspecified") return "outbound";
  return "foreign";
}

export function isLoopback({ originatorRange, responderRange }: Flow): boolean {
  return originatorRange === "loopback" || responderRange === "loopback";
}
