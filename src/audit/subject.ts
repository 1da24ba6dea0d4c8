import { type FlowFacts, isTorServerName } from "../apps/index.js";
import type { LocalRange } from "../net/index.js";
import type { FlowRecord } from "../pipeline/index.js";
import { directionOf, isLoopback } from "./direction.js";
import type { AuditedNode } from "./node.js";
import type { PacketWatch } from "./packet-watch.js";
import type { Direction, Role, Subject } from "./rule.js";

/**
 * A flow as the audited node sees it.
 *
 * @param watch - Left out where nobody looked at packets: whoever sent any then said something.
 */
export function subjectOf(record: FlowRecord, node: AuditedNode, role: Role, watch?: PacketWatch): Subject {
  const { flow, classification, facts } = record;
  const direction = directionOf(flow, node);
  const remote = direction === "inbound" ? flow.originator : flow.responder;
  const { flowClass, evidence } = classification;
  const isOnLink = isNeighbourDiscovery(record);
  const isClearnet =
    ((flowClass === "clearnet" || flowClass === "tor-suspected") && !isOnLink) ||
    // Whoever comes to a relay's own OR port may say what he likes.
    (flowClass === "tor" && direction !== "inbound" && isNoLink(record)) ||
    (flowClass === "local" && leavesSite(record, direction));
  const kind = evidence[0]?.kind;
  return {
    record,
    direction,
    role,
    remote,
    isClearnet,
    isLan: (flowClass === "local" || isOnLink) && !isClearnet && !isLoopback(flow) && direction !== "internal",
    isRefused: isRefused(record, node, direction, watch),
    isUnjudged: isClearnet && (kind === "no-document" || kind === "consensus-out-of-reach"),
    exit: isClearnet && direction === "inbound" ? watch?.exitAt(remote.address, flow.first.seconds) : undefined,
    facts,
  };
}

/** The kind of the end that is not on the internet; undefined where both are. */
export function localKindOf({ flow }: FlowRecord): LocalRange | undefined {
  return flow.originatorRange ?? flow.responderRange;
}

/** Where that end is; the originator where both ends are on the internet, or none. */
export function localSideOf({ flow }: FlowRecord): "originator" | "responder" {
  return flow.originatorRange === undefined && flow.responderRange !== undefined ? "responder" : "originator";
}

/**
 * Links to relays are TLS. Bridges may be spoken to in any way, by transports that imitate other protocols, and what tor
 * itself tells needs no second opinion.
 */
function isNoLink({ classification: { evidence }, facts }: FlowRecord): boolean {
  const kind = evidence[0]?.kind;
  if (kind === "bridge" || kind === "tor-control") return false;
  if (facts?.beginsUnlikeTls === true) return true;
  // Tor makes its names up, and offers no protocol (tor-spec 2).
  const name = facts?.details.get("serverName");
  if (typeof name === "string" && (!isTorServerName(name) || facts?.details.has("alpn") === true)) return true;
  return facts?.by === "content" && facts.protocol !== undefined && facts.protocol !== "tls";
}

/**
 * Addresses that are not on the internet, and yet not of this site: shared ones (RFC 6598) are the provider's. And what
 * goes from an IPv4 link-local address to the internet is not forwarded by the book (RFC 3927 7), but it is by Linux.
 */
function leavesSite({ flow }: FlowRecord, direction: Direction): boolean {
  const { originatorRange, responderRange, ipVersion } = flow;
  if (direction === "internal") return false;
  const [own, remote] = direction === "inbound" ? [responderRange, originatorRange] : [originatorRange, responderRange];
  if (remote === "shared") return true;
  return ipVersion === 4 && own === "link-local" && remote === undefined;
}

/** Router and neighbour discovery, redirects: routers drop them (RFC 4861 3.1: hop limit 255), so they stay on the link. */
const NEIGHBOUR_DISCOVERY: readonly string[] = [
  "router-solicitation",
  "router-advertisement",
  "neighbor-solicitation",
  "neighbor-advertisement",
  "redirect",
];

function isNeighbourDiscovery({ flow, facts }: FlowRecord): boolean {
  return flow.transport === "icmp6" && hasOnlyTypes(flow, facts, NEIGHBOUR_DISCOVERY);
}

/** What is read of an ICMP flow; its later messages are not known. */
const MAX_ICMP_MESSAGES = 1024;

/** Whether all messages of an ICMP flow are of these types. */
export function hasOnlyTypes(
  { packets }: FlowRecord["flow"],
  facts: FlowFacts | undefined,
  types: readonly string[],
): boolean {
  if (facts?.protocol !== "icmp" || packets.originator + packets.responder > MAX_ICMP_MESSAGES) return false;
  const seen = facts.detailOf("types");
  return Array.isArray(seen) && seen.length > 0 && seen.every((type) => types.includes(String(type)));
}

function isRefused(
  { flow }: FlowRecord,
  node: AuditedNode,
  direction: Direction,
  watch: PacketWatch | undefined,
): boolean {
  const own = direction === "inbound" ? "responder" : "originator";
  const sent = flow.packets[own];
  const said = watch?.saidBy(flow.row, own);
  const isSilent = sent === 0 || (flow.transport === "tcp" && said?.something === false);
  if (direction === "inbound") return isSilent;
  // Answers to what was sent in the node's name are refused by resets (backscatter). Where nothing tells which side is the
  // node, or a connection had been, that is no excuse.
  if (direction !== "outbound" || sent === 0 || !isSilent || flow.tunnel !== undefined) return false;
  const isOwn = node.ranges !== undefined || flow.originatorRange !== undefined;
  return isOwn && watch?.saidBy(flow.row, "responder").data === false;
}
