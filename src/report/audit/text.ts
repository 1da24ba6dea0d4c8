import { type AuditReport, SEVERITIES, type Severity } from "../../audit/index.js";
import { escapeText } from "../../base/index.js";
import { plural } from "../numbers.js";
import { findingText } from "./finding-text.js";
import { coverageRows, HEADINGS, reasonsHeading, severityOverrides, verdictText } from "./wording.js";
import { wrapped } from "./wrap.js";

const LABEL_WIDTH = 11;

/** The report for people: verdict, why it is not sure, findings, exceptions, coverage. Ends with a line end; times are UTC. */
export function auditText(report: AuditReport): string {
  const sections = [
    wrapped("", verdictText(report), 2),
    reasons(report),
    ...SEVERITIES.map((severity) => findings(report, severity)),
    exceptions(report),
    coverage(report),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function reasons(report: AuditReport): string[] {
  if (report.reasons.length === 0) return [];
  return [
    reasonsHeading(report),
    ...report.reasons.flatMap(({ code, text, details, remedy }) => [
      ...wrapped(`  ${code}: `, details === "" ? text : `${text} ${escapeText(details)}`, 8),
      ...wrapped("      What to do: ", remedy, 8),
    ]),
  ];
}

function findings({ findings: all, analysis }: AuditReport, severity: Severity): string[] {
  const ofSeverity = all.filter((finding) => finding.severity === severity);
  if (ofSeverity.length === 0) return [];
  const told = new Map<string, string>();
  const lines = ofSeverity.flatMap((finding) => {
    const above = told.get(finding.remedy);
    if (above === undefined) told.set(finding.remedy, finding.id);
    return findingText(finding, analysis.fractionDigits, above);
  });
  return [HEADINGS[severity], ...lines];
}

function exceptions(report: AuditReport): string[] {
  const overrides = severityOverrides(report);
  if (report.exceptions.length === 0 && overrides.length === 0) return [];
  return [
    "Exceptions that the policy made",
    ...report.exceptions.flatMap(({ because, flows, packets, bytes }) =>
      wrapped(
        "  ",
        `${escapeText(because)}: ${plural(flows, "flow")}, ${plural(packets, "packet")}, ${plural(bytes, "byte")}`,
        6,
      ),
    ),
    ...(overrides.length === 0 ? [] : wrapped("  ", `Severities: ${overrides.join(", ")}`, 6)),
  ];
}

function coverage(report: AuditReport): string[] {
  return [
    "Coverage",
    ...coverageRows(report, escapeText).flatMap(([label, text]) =>
      wrapped(`  ${label.padEnd(LABEL_WIDTH)}`, text, 2 + LABEL_WIDTH),
    ),
  ];
}
