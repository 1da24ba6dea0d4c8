import type { FlowRecord } from "../pipeline/index.js";
import type { AuditedNode } from "./node.js";
import type { Direction, Role, Subject } from "./rule.js";

/** A flow as the audited node sees it. */
export function subjectOf(record: FlowRecord, node: AuditedNode, role: Role): Subject {
  const { flow, classification, facts } = record;
  const direction = directionOf(record, node);
  const remote = direction === "inbound" ? flow.originator : flow.responder;
  const { flowClass, evidence } = classification;
  const isClearnet = flowClass === "clearnet" || flowClass === "tor-suspected";
  const stays = flow.originatorRange === "loopback" || flow.responderRange === "loopback";
  const kind = evidence[0]?.kind;
  return {
    record,
    direction,
    role,
    remote,
    isClearnet,
    isLan: flowClass === "local" && !stays && direction !== "internal",
    isUnjudged: isClearnet && (kind === "no-document" || kind === "consensus-out-of-reach"),
    facts,
  };
}

function directionOf({ flow }: FlowRecord, node: AuditedNode): Direction {
  const { originator, responder } = flow;
  const isOriginator = node.has(originator.address);
  // Not known: everybody's traffic is audited, and who is on the internet is not the node.
  if (isOriginator === undefined) {
    return flow.originatorRange === undefined && flow.responderRange !== undefined ? "inbound" : "outbound";
  }
  const isResponder = node.has(responder.address) === true;
  if (isOriginator) return isResponder ? "internal" : "outbound";
  if (isResponder) return "inbound";
  // A machine without an address yet asks for one (DHCP, neighbour discovery), or speaks on its link by another.
  if (flow.originatorRange === "unspecified") return "outbound";
  return "foreign";
}
