import type { AuditReport, Finding, Severity, Verdict } from "../../audit/index.js";
import { escapeText, formatIsoTime } from "../../base/index.js";
import { formatEndpoint } from "../../net/index.js";
import { DISCLOSURE_WORDS } from "../disclosure-words.js";
import { count, duration, plural } from "../numbers.js";

/** Of a finding; the JSON has more. */
const SHOWN_FLOWS = 5;
const SHOWN_FACTS = 6;
const SHOWN_PROOF = 8;
const WIDTH = 100;

const VERDICTS: Readonly<Record<Verdict, string>> = {
  clean: "CLEAN: nothing of the node's traffic went around Tor, and nothing could have escaped notice.",
  leak: "LEAK: traffic of the node went around Tor.",
  inconclusive: "INCONCLUSIVE: no leak was found, but one could have escaped notice.",
};
const HEADINGS: Readonly<Record<Severity, string>> = { leak: "Leaks", warning: "Warnings", note: "Notes" };

/** The report for people: verdict, why it is not sure, findings, coverage, exceptions. Ends with a line end; times are UTC. */
export function auditText(report: AuditReport): string {
  const sections = [
    [VERDICTS[report.verdict]],
    reasons(report),
    ...(["leak", "warning", "note"] as const).map((severity) => findings(report, severity)),
    exceptions(report),
    coverage(report),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function reasons({ verdict, reasons: all }: AuditReport): string[] {
  if (all.length === 0) return [];
  const heading = verdict === "leak" ? "And more could have escaped notice" : "Why";
  return [
    heading,
    ...all.flatMap(({ code, text, details, remedy }) => [
      ...wrapped(`  ${code}: `, `${text}${details === "" ? "" : ` ${escapeText(details)}`}`),
      ...wrapped("      What to do: ", remedy),
    ]),
  ];
}

function findings(report: AuditReport, severity: Severity): string[] {
  const ofSeverity = report.findings.filter((finding) => finding.severity === severity);
  if (ofSeverity.length === 0) return [];
  return [HEADINGS[severity], ...ofSeverity.flatMap((finding) => findingLines(finding, report))];
}

function findingLines(finding: Finding, { analysis: { fractionDigits } }: AuditReport): string[] {
  const { id, title, flows, flowCount, packets, bytes, first, last, disclosed, process, proof, remedy } = finding;
  const time = (moment: typeof first) => formatIsoTime(moment.seconds, moment.nanoseconds, fractionDigits);
  const lines = [
    ...wrapped(`  ${escapeText(id)}: `, escapeText(title)),
    `      ${plural(flowCount, "flow")}, ${plural(packets, "packet")}, ${count(bytes)} bytes; ${time(first)} to ${time(last)}`,
  ];
  for (const { transport, originator, responder } of flows.slice(0, SHOWN_FLOWS)) {
    lines.push(`      ${transport} ${originator.address} > ${formatEndpoint(responder)}`);
  }
  if (flowCount > SHOWN_FLOWS && flows.length > SHOWN_FLOWS)
    lines.push(`      and others: ${count(flows.length - SHOWN_FLOWS)} more ends`);
  if (process !== undefined)
    lines.push(`      Program: ${escapeText(process.name)} (${process.pid})${processDetails(process)}`);
  if (disclosed.length > 0) {
    lines.push("      It told everybody on the path:");
    for (const { kind, value } of disclosed.slice(0, SHOWN_FACTS)) {
      lines.push(...wrapped("        ", `${DISCLOSURE_WORDS[kind]}: ${escapeText(value)}`));
    }
    if (disclosed.length > SHOWN_FACTS)
      lines.push(`        and ${plural(disclosed.length - SHOWN_FACTS, "more fact")}`);
  }
  const shown = proof.slice(0, SHOWN_PROOF).join(", ");
  lines.push(
    `      Proof: ${proof.length === 1 ? "packet" : "packets"} ${shown}${proof.length > SHOWN_PROOF ? ", ..." : ""}`,
  );
  lines.push(...wrapped("      What to do: ", remedy));
  return lines;
}

function processDetails({ unit, container }: NonNullable<Finding["process"]>): string {
  const where = unit ?? container;
  return where === undefined ? "" : `, ${escapeText(where)}`;
}

function exceptions({ exceptions: used, policy }: AuditReport): string[] {
  const overrides = [...policy.severities].map(([rule, severity]) => `${rule}: ${severity}`);
  if (used.length === 0 && overrides.length === 0) return [];
  return [
    "Exceptions that were made",
    ...used.map(
      ({ because, flows, packets }) =>
        `  ${escapeText(because)}: ${plural(flows, "flow")}, ${plural(packets, "packet")}`,
    ),
    ...(overrides.length === 0 ? [] : [`  Severities by the policy: ${overrides.join(", ")}`]),
  ];
}

function coverage({ coverage: it, node, role, policy, analysis }: AuditReport): string[] {
  const addresses = node.addresses.length === 0 ? "not known" : node.addresses.map(escapeText).join(", ");
  const lost = it.dropped === undefined ? "not known" : count(it.dropped);
  return [
    "Coverage",
    `  Sources    ${analysis.sources.map(({ name }) => escapeText(name)).join(", ")}; ${duration(it.durationSeconds)}, ${plural(analysis.packets, "packet")}`,
    `  Node       ${addresses}${node.inferred ? " (by its traffic; everybody's was audited)" : ""}; role ${role}`,
    ...(policy.name === undefined ? [] : [`  Policy     ${escapeText(policy.name)}`]),
    `  Flows      ${count(it.auditedFlows)} audited, ${count(it.torFlows)} of them Tor; ${count(it.otherFlows)} of other machines`,
    `  Lost       ${lost} while capturing; ${count(it.missingTcpBytes)} bytes that TCP acknowledged; ${plural(it.cutPackets, "packet")} cut`,
    `  Documents  ${DOCUMENTS[it.documents]}`,
  ];
}

const DOCUMENTS = {
  full: "reach all of the capture",
  partial: "reach a part of the capture",
  none: "reach nothing of the capture",
} as const;

/** Words in lines of WIDTH, those after the first indented as the text of the first. */
function wrapped(prefix: string, text: string): string[] {
  const indent = " ".repeat(Math.min(prefix.length, 8));
  const lines: string[] = [];
  let line = prefix;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}
