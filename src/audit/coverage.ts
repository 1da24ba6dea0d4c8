import { formatIsoSeconds, linkTypeName } from "../base/index.js";
import type { SourceInfo } from "../capture/index.js";
import { type AnalysisResult, spanOf } from "../pipeline/index.js";
import type { AuditedNode } from "./node.js";
import type { Policy } from "./policy.js";
import type { TcpLoss } from "./tcp-loss.js";
import { type Reason, type ReasonCode, reason } from "./verdict.js";

/** What is known of lost packets, beside what the capture says of itself. */
export interface LossKnowledge {
  /** What the user says that the recorder said; undefined when nothing. */
  readonly stated: number | undefined;
}

/** How much of the truth the capture holds. */
export interface AuditCoverage {
  /** Seconds between the first and the last packet. */
  readonly durationSeconds: number;
  /** Packets that were lost while capturing; undefined when nobody says. */
  readonly dropped: number | undefined;
  readonly cutPackets: number;
  /** Bytes that TCP acknowledged and the capture does not have. */
  readonly missingTcpBytes: number;
  readonly auditedFlows: number;
  /** Of machines that are not the node. */
  readonly otherFlows: number;
  /** Flows of which no document in reach says whether they go to relays. */
  readonly unjudgedFlows: number;
  readonly torFlows: number;
  readonly documents: "full" | "partial" | "none";
}

export interface Evidence {
  readonly analysis: AnalysisResult;
  readonly policy: Policy;
  readonly node: AuditedNode;
  readonly trustUnverified: boolean;
  readonly isFiltered: boolean;
  readonly loss: LossKnowledge;
  readonly upstream: TcpLoss;
  readonly cutPackets: number;
  readonly audited: number;
  readonly otherHosts: number;
  readonly unjudged: number;
  /** Flows that look like Tor and are in no list. */
  readonly unlisted: number;
  readonly unnamed: number;
  readonly torFlows: number;
  readonly outside: number;
  /** What was sent or planted and not found, a sentence each. */
  readonly canariesMissed: readonly string[];
  /** Flows to proxies on the LAN. */
  readonly lanProxies: number;
  /** Interfaces with a default route that are not captured. */
  readonly otherWaysOut?: readonly string[] | undefined;
}

/** Link types of which a frame begins with its IP header: tunnels, mostly (DLT_RAW, LINKTYPE_RAW, IPV4, IPV6). */
const RAW_LINK_TYPES = new Set([12, 14, 101, 228, 229]);
const TUNNEL_NAMES = /^(?:tun|tap|wg|ppp|utun|ipsec|gre|sit|vti|tailscale|nordlynx|proton)/;

/**
 * Frames that carry no IP inside and go no farther than the link, as `etherTypeName` names them. Others may carry
 * anything: MACsec, or a mesh's own header in front of a whole frame.
 */
const LINK_FRAMES = new Set([
  "ARP",
  "RARP",
  "802.3 LLC",
  "Wake-on-LAN",
  "PPPoE discovery",
  "EAPOL",
  "LLDP",
  "PTP",
  "loopback test",
  // Multiple stream, VLAN and MAC registration (IEEE 802.1Q); LACP (802.3 annex 57A); connectivity faults (802.1ag).
  "ethertype 0x22ea",
  "ethertype 0x88f5",
  "ethertype 0x88f6",
  "ethertype 0x8809",
  "ethertype 0x8902",
  // Management of HomePlug, IEEE 1905, Realtek and MikroTik devices; 802.11 key exchange before roaming.
  "ethertype 0x88e1",
  "ethertype 0x8912",
  "ethertype 0x893a",
  "ethertype 0x8899",
  "ethertype 0x88bf",
  "ethertype 0x88c7",
]);

/** Finds whatever could have let a leak escape notice. */
export function findReasons(evidence: Evidence): { reasons: Reason[]; coverage: AuditCoverage } {
  const { analysis, audited, otherHosts, unjudged, torFlows, upstream, cutPackets } = evidence;
  const span = spanOf(analysis);
  const documents = span === undefined ? "none" : analysis.directory.coverage(span.first, span.last).level;
  const durationSeconds =
    analysis.first === undefined || analysis.last === undefined
      ? 0
      : analysis.last.seconds - analysis.first.seconds + (analysis.last.nanoseconds - analysis.first.nanoseconds) / 1e9;
  const coverage: AuditCoverage = {
    durationSeconds,
    dropped: droppedOf(analysis.sources, evidence.loss),
    cutPackets,
    missingTcpBytes: upstream.bytes,
    auditedFlows: audited,
    otherFlows: otherHosts,
    unjudgedFlows: unjudged,
    torFlows,
    documents,
  };
  const found = [
    ...ofLoss(evidence, coverage),
    ...ofReading(evidence),
    ...ofDocuments(evidence, coverage),
    ...ofPlace(evidence),
    ...ofExpectations(evidence, coverage),
  ];
  return { reasons: found.map(([code, details]) => reason(code, details)), coverage };
}

type Found = readonly [code: ReasonCode, details?: string];

function* ofLoss({ upstream }: Evidence, { dropped }: AuditCoverage): Generator<Found> {
  if (dropped === undefined) yield ["drops-unknown"];
  else if (dropped > 0) yield ["packets-dropped", `${counted(dropped, "packets")}.`];
  if (upstream.bytes > 0) yield ["upstream-loss", `${upstream.bytes} bytes in ${upstream.gaps} places.`];
}

function* ofReading({ analysis, cutPackets, isFiltered }: Evidence): Generator<Found> {
  for (const { name, damage } of analysis.sources) {
    if (damage !== undefined) yield ["capture-damaged", `${name}: ${damage.message}`];
  }
  const undecoded = analysis.classes.undecoded.packets;
  const strange = [...analysis.nonIp].filter(([name]) => !LINK_FRAMES.has(name));
  if (undecoded > 0) yield ["undecoded-frames", `${counted(undecoded, "frames")}.`];
  else if (strange.length > 0) {
    const frames = strange.reduce((sum, [, { packets }]) => sum + packets, 0);
    yield ["undecoded-frames", `${counted(frames, "frames")}: ${strange[0]![0]}${strange.length > 1 ? ", ..." : ""}.`];
  }
  const count = (code: string) => analysis.anomalies.get(code) ?? 0;
  const headersCut = count("transport-header-cut") + count("malformed-transport-header");
  if (cutPackets > 0 || headersCut > 0)
    yield ["snaplen-short", `${counted(Math.max(cutPackets, headersCut), "packets")} outside of Tor.`];
  if (count("fragment-without-first") > 0)
    yield ["fragments-lost", `${counted(count("fragment-without-first"), "fragments")}.`];
  const crowded = count("flow-table-full") + count("stream-memory-full");
  if (crowded > 0) yield ["too-many-flows", `${counted(crowded, "flows")}.`];
  const filters = analysis.sources.flatMap(({ interfaces }) => interfaces.flatMap(({ filter }) => filter ?? []));
  if (filters.length > 0) yield ["filtered", `The recorder's own: ${filters.join(", ")}.`];
  else if (isFiltered) yield ["filtered"];
}

function* ofDocuments(evidence: Evidence, { documents }: AuditCoverage): Generator<Found> {
  const { analysis, trustUnverified, unjudged, unlisted, policy } = evidence;
  if (documents !== "full") {
    const span = spanOf(analysis);
    const gap = span === undefined ? undefined : analysis.directory.coverage(span.first, span.last).gaps[0];
    yield [
      "no-consensus",
      gap === undefined ? "" : `None reaches ${formatIsoSeconds(gap.first)} to ${formatIsoSeconds(gap.last)}.`,
    ];
  }
  const unverified = analysis.directory
    .documentsFor(spanOf(analysis))
    .filter(({ verification }) => verification?.state !== "verified");
  if (unverified.length > 0 && !trustUnverified) {
    yield [
      "unverified-consensus",
      `${unverified.length}: ${unverified[0]!.source}${unverified.length > 1 ? ", ..." : ""}`,
    ];
  }
  if (unlisted > 0) yield ["tor-unlisted", `${counted(unlisted, "flows")}.`];
  if (unjudged > 0)
    yield policy.role === "exit"
      ? ["exit-unattributed", `${counted(unjudged, "flows")}.`]
      : ["flows-unjudged", `${counted(unjudged, "flows")}.`];
}

function* ofPlace({
  analysis,
  audited,
  outside,
  node,
  unnamed,
  lanProxies,
  otherWaysOut = [],
}: Evidence): Generator<Found> {
  if (audited === 0) yield ["nothing-seen"];
  else if (outside === 0) yield ["only-loopback"];
  for (const { name, format, interfaces } of analysis.sources) {
    const tunnel = interfaces.find(
      // A file's name is nobody's interface.
      ({ linkType, name: face = format === "live" ? name : "" }) =>
        RAW_LINK_TYPES.has(linkType) || TUNNEL_NAMES.test(face),
    );
    if (tunnel !== undefined) yield ["tunnel-interface", `${tunnel.name ?? name}, ${linkTypeName(tunnel.linkType)}.`];
  }
  if (unnamed > 0) yield ["addresses-unnamed", `${counted(unnamed, "flows")}; the node is ${node.names.join(", ")}.`];
  if (lanProxies > 0) yield ["proxy-on-lan", `${counted(lanProxies, "flows")}.`];
  if (otherWaysOut.length > 0) yield ["other-interfaces", `${otherWaysOut.join(", ")}.`];
}

function* ofExpectations(
  { policy, torFlows, canariesMissed }: Evidence,
  { durationSeconds }: AuditCoverage,
): Generator<Found> {
  for (const missed of canariesMissed) yield ["canary-missed", missed];
  if (policy.expectTor && torFlows === 0) yield ["no-tor-traffic"];
  const { minDurationSeconds } = policy;
  if (minDurationSeconds !== undefined && durationSeconds < minDurationSeconds) {
    yield ["too-short", `${durationSeconds.toFixed(1)} s of ${minDurationSeconds} s.`];
  }
}

/** What the capture says, and the user; undefined when nobody says of all interfaces, and none of any. */
function droppedOf(sources: readonly SourceInfo[], { stated }: LossKnowledge): number | undefined {
  let dropped = stated ?? 0;
  let isKnown = true;
  for (const { interfaces, anomalies } of sources) {
    dropped += anomalies.get("cap-queue-full") ?? 0;
    if (interfaces.length === 0) isKnown = false;
    for (const face of interfaces) {
      if (face.dropped === undefined) isKnown = false;
      else dropped += face.dropped;
    }
  }
  return dropped > 0 || isKnown || stated !== undefined ? dropped : undefined;
}

/** @param things - In the plural, with an s at its end. */
function counted(count: number, things: string): string {
  return `${count} ${count === 1 ? things.slice(0, -1) : things}`;
}
