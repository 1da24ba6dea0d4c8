import type { AuditReport, Finding, FindingFlow, Severity } from "../../audit/index.js";
import { type FractionDigits, formatIsoTime } from "../../base/index.js";
import type { Moment } from "../../flows/index.js";
import { formatEndpoint } from "../../net/index.js";
import { spanOf } from "../../pipeline/index.js";
import { count, duration, plural } from "../numbers.js";

// What all reports for people say in the same words. Names come from strangers: `quote` makes them safe for the format.

export const HEADINGS: Readonly<Record<Severity, string>> = { leak: "Leaks", warning: "Warnings", note: "Notes" };

/** Of one finding; the JSON has up to a hundred. */
export const SHOWN_FLOWS = 5;
export const SHOWN_FACTS = 6;
const SHOWN_PROOF = 8;
const SHOWN_DOCUMENTS = 3;

/** One sentence, the verdict first. A clean one that needed a policy for it says so. */
export function verdictText(report: AuditReport): string {
  switch (report.verdict) {
    case "leak": {
      const leaks = report.findings.filter(({ severity }) => severity === "leak").map(({ rule }) => rule);
      return `LEAK: traffic of the node went around Tor: ${[...new Set(leaks)].join(", ")}.`;
    }
    case "inconclusive":
      return "INCONCLUSIVE: no leak was found, but one could have gone unnoticed.";
    case "clean":
      return usedPolicy(report)
        ? "CLEAN, but for what the policy lets pass, see below: nothing else went around Tor, and nothing could have gone unnoticed."
        : "CLEAN: nothing of the node's traffic went around Tor, and nothing could have gone unnoticed.";
  }
}

/** Above the reasons; what they mean depends on the verdict. */
export function reasonsHeading({ verdict }: AuditReport): string {
  return verdict === "leak" ? "More could have gone unnoticed" : "Why";
}

function usedPolicy({ exceptions, policy, findings }: AuditReport): boolean {
  return exceptions.length > 0 || findings.some(({ rule }) => policy.severities.has(rule));
}

/** `dns: note`, for each rule whose severity the policy sets. */
export function severityOverrides({ policy }: AuditReport): string[] {
  return [...policy.severities].map(([rule, severity]) => `${rule}: ${severity}`);
}

export function momentText({ seconds, nanoseconds }: Moment, digits: FractionDigits): string {
  return formatIsoTime(seconds, nanoseconds, digits);
}

/** `1 flow, 2 packets, 166 bytes, 2026-11-22T10:00:00.000000Z to 2026-11-22T10:00:00.000438Z`. */
export function sizeText({ flowCount, packets, bytes, first, last }: Finding, digits: FractionDigits): string {
  const times = `${momentText(first, digits)} to ${momentText(last, digits)}`;
  return `${plural(flowCount, "flow")}, ${plural(packets, "packet")}, ${plural(bytes, "byte")}, ${times}`;
}

/** `udp 192.0.2.1 > 198.51.100.53:53`; without the port of whoever asked, which means nothing. */
export function flowText({ transport, originator, responder }: FindingFlow): string {
  return `${transport} ${originator.address} > ${formatEndpoint(responder)}`;
}

/** Who learned what the finding discloses, beside the responder. */
export function audience({ rule, severity }: Finding): string {
  if (rule === "socks-address") return "The proxy was told:";
  if (rule === "lan-announcement" && severity !== "leak") return "Anybody on the LAN could read:";
  return "Anybody on the path could read:";
}

/** `packets 109, 110`; the first ones. */
export function proofText({ proof }: Finding): string {
  const shown = proof.slice(0, SHOWN_PROOF).map(String).join(", ");
  return `${proof.length === 1 ? "packet" : "packets"} ${shown}${proof.length > SHOWN_PROOF ? ", ..." : ""}`;
}

/** `tor (123), tor@default.service`. */
export function processText(
  { name, pid, unit, container }: NonNullable<Finding["process"]>,
  quote: (text: string) => string,
): string {
  const where = unit ?? container;
  return `${quote(name)} (${pid})${where === undefined ? "" : `, ${quote(where)}`}`;
}

/** How much of the truth the capture holds: labels and what stands beside them. */
export function coverageRows(report: AuditReport, quote: (text: string) => string): [label: string, text: string][] {
  const { coverage, role, policy, analysis } = report;
  const { durationSeconds, dropped, missingTcpBytes, cutPackets, auditedFlows, torFlows, otherFlows } = coverage;
  const { unjudgedFlows } = coverage;
  const sources = analysis.sources.map(({ name }) => quote(name)).join(", ");
  return [
    ["Sources", `${sources}; ${duration(durationSeconds)}, ${plural(analysis.packets, "packet")}`],
    ["Node", nodeText(report, quote)],
    ["Role", role],
    ...(policy.name === undefined ? [] : [["Policy", quote(policy.name)] satisfies [string, string]]),
    [
      "Flows",
      `${count(auditedFlows)} audited, ${count(torFlows)} of them Tor's` +
        `${unjudgedFlows === 0 ? "" : `, ${count(unjudgedFlows)} that could not be judged`}; ${count(otherFlows)} of other machines`,
    ],
    [
      "Lost",
      `while capturing: ${dropped === undefined ? "not known" : plural(dropped, "packet")}; ` +
        `on the way there: ${plural(missingTcpBytes, "byte")} that TCP acknowledged`,
    ],
    ["Cut", `${plural(cutPackets, "packet")} outside of Tor`],
    ["Documents", documentsText(report, quote)],
  ];
}

function nodeText({ node: { addresses, inferred } }: AuditReport, quote: (text: string) => string): string {
  const all = addresses.map(quote).join(", ");
  if (!inferred) return all;
  const seen = all === "" ? "no address of its own was seen" : `${all}, by what was seen`;
  return `not named, so everybody's traffic was audited; ${seen}`;
}

function documentsText({ analysis, coverage }: AuditReport, quote: (text: string) => string): string {
  const documents = analysis.directory.documentsFor(spanOf(analysis));
  const shown = documents
    .slice(0, SHOWN_DOCUMENTS)
    .map(({ flavor, validAfter, verification }) => {
      return `${flavor} of ${quote(validAfter)} (${verification?.state ?? "unverified"})`;
    })
    .join(", ");
  const more = documents.length > SHOWN_DOCUMENTS ? ` and ${count(documents.length - SHOWN_DOCUMENTS)} more` : "";
  return documents.length === 0 ? "none" : `${shown}${more}; ${REACH[coverage.documents]}`;
}

const REACH = {
  full: "they reach all of the capture",
  partial: "they reach a part of the capture",
  none: "they reach nothing of the capture",
} as const;
