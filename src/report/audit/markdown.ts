import { type AuditReport, type Finding, SEVERITIES } from "../../audit/index.js";
import type { FractionDigits } from "../../base/index.js";
import { DISCLOSURE_WORDS } from "../disclosure-words.js";
import { count } from "../numbers.js";
import { code, prose } from "./markdown-text.js";
import {
  audience,
  coverageRows,
  flowText,
  processText,
  proofText,
  reasonsHeading,
  SHOWN_FACTS,
  SHOWN_FLOWS,
  severityOverrides,
  sizeText,
  verdictText,
} from "./wording.js";

/** The report for an issue or a pull request: GitHub Flavored Markdown, with a line end. Nothing in it from strangers is active. */
export function auditMarkdown(report: AuditReport, version: string): string {
  const sections = [
    [`## leek audit: ${report.verdict}`],
    [prose(verdictText(report))],
    reasons(report),
    ...findings(report),
    exceptions(report),
    coverage(report),
    [`leek ${prose(version)}; times are UTC, packets are numbered from 1.`],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function reasons(report: AuditReport): string[] {
  if (report.reasons.length === 0) return [];
  return [
    `### ${reasonsHeading(report)}`,
    "",
    ...report.reasons.flatMap(({ code: name, text, details, remedy }) => [
      `- ${code(name)}: ${prose(text)}${details === "" ? "" : ` ${code(details)}`}`,
      `  - What to do: ${prose(remedy)}`,
    ]),
  ];
}

function findings({ findings: all, analysis }: AuditReport): string[][] {
  if (all.length === 0) return [];
  const rows = all.map(({ severity, id, title, flowCount, packets, bytes }) =>
    row([severity, code(id), prose(title), count(flowCount), count(packets), count(bytes)]),
  );
  const counts = SEVERITIES.map((severity) => {
    const number = all.filter((finding) => finding.severity === severity).length;
    return `${severity}: ${number}`;
  });
  return [
    ["### Findings", "", `${counts.join(", ")}.`],
    [
      row(["severity", "finding", "what", "flows", "packets", "bytes"]),
      row(["-", "-", "-", "-:", "-:", "-:"]),
      ...rows,
    ],
    ...all.map((finding) => details(finding, analysis.fractionDigits)),
  ];
}

/** HTML around it holds no text from strangers: the summary names the rule alone. */
function details(finding: Finding, digits: FractionDigits): string[] {
  const { rule, severity, id, title, flows, disclosed, process, remedy } = finding;
  return [
    "<details>",
    `<summary>${severity}: <code>${rule}</code></summary>`,
    "",
    `${code(id)}: ${prose(title)}`,
    "",
    `- ${prose(sizeText(finding, digits))}`,
    ...flows.slice(0, SHOWN_FLOWS).map((flow) => `  - ${code(flowText(flow))}`),
    ...more(flows.length - SHOWN_FLOWS),
    ...(process === undefined ? [] : [`- Program: ${processText(process, code)}`]),
    ...(disclosed.length === 0 ? [] : [`- ${audience(finding)}`]),
    ...disclosed.slice(0, SHOWN_FACTS).map(({ kind, value }) => `  - ${DISCLOSURE_WORDS[kind]}: ${code(value)}`),
    ...more(disclosed.length - SHOWN_FACTS),
    `- Proof: ${proofText(finding)}`,
    `- What to do: ${prose(remedy)}`,
    "",
    "</details>",
  ];
}

function more(left: number): string[] {
  return left > 0 ? [`  - and ${count(left)} more`] : [];
}

function exceptions(report: AuditReport): string[] {
  const overrides = severityOverrides(report);
  if (report.exceptions.length === 0 && overrides.length === 0) return [];
  return [
    "### Exceptions that the policy made",
    "",
    ...(report.exceptions.length === 0
      ? []
      : [
          row(["because", "flows", "packets", "bytes"]),
          row(["-", "-:", "-:", "-:"]),
          ...report.exceptions.map(({ because, flows, packets, bytes }) =>
            row([code(because), count(flows), count(packets), count(bytes)]),
          ),
        ]),
    ...(overrides.length === 0 ? [] : ["", `Severities: ${overrides.map(code).join(", ")}`]),
  ];
}

function coverage(report: AuditReport): string[] {
  const rows = coverageRows(report, code).map(([label, text]) => row([label, text]));
  return ["### Coverage", "", row(["", ""]), row(["-", "-"]), ...rows];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
