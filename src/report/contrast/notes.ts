import { escapeText, formatIsoSeconds } from "../../base/index.js";
import type { SourceInfo } from "../../capture/index.js";
import { type AnalysisResult, type EndpointTotals, spanOf } from "../../pipeline/index.js";
import { plural } from "../numbers.js";

/** What each anomaly code means, for people. Codes without a text here are shown as they are. */
const ANOMALIES: Readonly<Record<string, string>> = {
  "transport-header-cut": "packets whose TCP or UDP header the snaplen cut; their ports may be unknown",
  "malformed-transport-header": "packets with a malformed TCP or UDP header",
  "header-cut": "packets whose link or IP header the snaplen cut; what they are is unknown",
  "malformed-header": "packets with a malformed link or IP header; what they are is unknown",
  "encrypted-frame": "frames encrypted on the link (802.11); what they carry is unknown",
  "unsupported-link-type": "packets of a link type that leek does not decode",
  "fragment-without-first": "later IP fragments without their first one; they count for flows without ports",
  "cap-queue-full": "packets that the backend cap gave and leek was too slow to take; they are lost",
  "stream-memory-full": "directions of TCP whose beginnings were not read, because too many began at once",
  "flow-table-full": "flows that ended early because too many were alive; they may appear in several parts",
};

/** Codes that a note about the source tells better. */
const TOLD_BY_SOURCE = new Set([
  "cut-short",
  "bad-record-length",
  "bad-block-length",
  "bad-block",
  "unknown-interface",
  "bad-compression",
  "interface-gone",
  "capture-failed",
]);

/**
 * Everything that limits what the report can claim: documents that do not cover the capture, damage, lost packets,
 * packets that were not understood. One sentence each.
 */
export function findNotes(result: AnalysisResult, endpoints: EndpointTotals): string[] {
  return [
    ...coverageNotes(result),
    ...trustNotes(result),
    ...result.sources.flatMap(sourceNotes),
    ...(endpoints.unlisted === 0
      ? []
      : [`The endpoint tables lack ${plural(endpoints.unlisted, "flow")}: there were too many endpoints.`]),
    ...[...result.unsupportedLinkTypes].map(
      ([name, { packets }]) => `${plural(packets, "packet")} of link type ${name}, which leek does not decode.`,
    ),
    ...[...result.anomalies]
      .filter(([code]) => !TOLD_BY_SOURCE.has(code) && code !== "unsupported-link-type")
      .map(([code, times]) => `${times.toLocaleString("en-US")} ${ANOMALIES[code] ?? code}.`),
  ];
}

function coverageNotes({ directory, first, last }: AnalysisResult): string[] {
  if (first === undefined || last === undefined) return ["The capture holds no packet to judge."];
  const coverage = directory.coverage(first.seconds, last.seconds);
  if (coverage.level === "full") return [];
  if (directory.consensuses.length === 0) {
    return [
      "No Tor consensus was given, so relays cannot be told from other hosts: all internet traffic but that of " +
        "built-in and configured addresses shows as clearnet. Give one with --consensus FILE.",
    ];
  }
  const gaps = coverage.gaps.map((gap) => `${formatIsoSeconds(gap.first)} to ${formatIsoSeconds(gap.last)}`);
  const which = coverage.level === "none" ? "no part" : "only a part";
  return [
    `The consensus documents given cover ${which} of the capture; not covered: ${gaps.join(", ")}. Relays used then ` +
      "show as clearnet. Give the documents of that time with --consensus.",
  ];
}

/** Whoever can slip an address into a list can hide a leak, so what nobody vouches for is said. */
function trustNotes(result: AnalysisResult): string[] {
  const documents = result.directory.documentsFor(spanOf(result));
  const unverified = documents.flatMap(({ source, verification }) =>
    verification?.state === "unverified" ? [{ source, reason: verification.reason }] : [],
  );
  const [first] = unverified;
  if (first === undefined) return [];
  const which =
    unverified.length === 1
      ? `The consensus ${escapeText(first.source)} is`
      : `${unverified.length} of ${documents.length} consensus documents are`;
  return [
    `${which} unverified: ${first.reason}. What is called tor rests on trust in whoever gave it. Key certificates are ` +
      "given with --certs.",
  ];
}

function sourceNotes(source: SourceInfo): string[] {
  const notes: string[] = [];
  const name = escapeText(source.name);
  if (source.format === "live" && source.damage !== undefined) {
    notes.push(`${source.damage.message} What came before was analysed.`);
  } else if (source.damage !== undefined) {
    const { message, record, offset } = source.damage;
    notes.push(`${name} is damaged at record ${record}, byte ${offset}: ${message} What came before was analysed.`);
  }
  const dropped = source.interfaces.reduce((sum, face) => sum + (face.dropped ?? 0), 0);
  if (dropped > 0) notes.push(`${name} lacks ${plural(dropped, "packet")} that were dropped while it was captured.`);
  if (source.format === "live" && source.interfaces.some((face) => face.dropped === undefined)) {
    notes.push(`How many packets of ${name} were lost is unknown: this backend cannot count them.`);
  }
  return notes;
}
