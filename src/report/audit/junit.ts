import { ALL_RULES, type AuditReport, type Finding, type Severity } from "../../audit/index.js";
import { escapeText, formatIsoSeconds } from "../../base/index.js";
import { plural } from "../numbers.js";
import { findingText } from "./finding-text.js";
import { coverageRows, HEADINGS, verdictText } from "./wording.js";
import { escapeXml } from "./xml-text.js";

/**
 * The report as JUnit XML, with a line end: a test case for each rule, which fails when there are leaks, and one for the
 * verdict, which is an error when it is inconclusive. Warnings and notes stand in the output of cases that pass.
 */
export function auditJunit(report: AuditReport, version: string): string {
  const cases = ruleNames(report).map((rule) => ruleCase(rule, report));
  const failures = cases.filter(({ isFailure }) => isFailure).length + (report.verdict === "leak" ? 1 : 0);
  const { coverage, analysis, role } = report;
  const counts = {
    tests: cases.length + 1,
    failures,
    errors: report.verdict === "inconclusive" ? 1 : 0,
    skipped: 0,
    time: coverage.durationSeconds.toFixed(3),
  };
  const suite = {
    name: "leek audit",
    ...counts,
    // JUnit's times have no zone; all of leek's are UTC.
    ...(analysis.first === undefined ? {} : { timestamp: formatIsoSeconds(analysis.first.seconds).replace(/Z$/, "") }),
  };
  const properties = { leek: version, verdict: report.verdict, role };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    "<testsuites>",
    `<testsuite${attributes(suite)}>`,
    "<properties>",
    ...Object.entries(properties).map(([name, value]) => `<property${attributes({ name, value })}/>`),
    "</properties>",
    verdictCase(report),
    ...cases.map(({ xml }) => xml),
    element("system-out", {}, coverageText(report)),
    "</testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

/** Those that can have findings, and whatever else has some. */
function ruleNames({ findings }: AuditReport): string[] {
  return [...new Set([...ALL_RULES.map(({ name }) => name), ...findings.map(({ rule }) => rule)])];
}

function ruleCase(rule: string, { findings, analysis }: AuditReport): { xml: string; isFailure: boolean } {
  const own = findings.filter((finding) => finding.rule === rule);
  const text = (severity: Severity) =>
    ofSeverity(own, severity).flatMap((finding) => findingText(finding, analysis.fractionDigits));
  const leaks = ofSeverity(own, "leak");
  const others = (["warning", "note"] as const).flatMap((severity) => {
    const lines = text(severity);
    return lines.length === 0 ? [] : [HEADINGS[severity], ...lines];
  });
  const children = [
    ...(leaks.length === 0
      ? []
      : [element("failure", { type: "leak", message: leakMessage(leaks) }, text("leak").join("\n"))]),
    ...(others.length === 0 ? [] : [element("system-out", {}, others.join("\n"))]),
  ];
  return { xml: testCase(rule, children), isFailure: leaks.length > 0 };
}

function leakMessage(leaks: readonly Finding[]): string {
  const title = escapeText(leaks[0]!.title);
  return leaks.length === 1 ? title : `${title} And ${plural(leaks.length - 1, "more leak")}.`;
}

/** A leak fails it too: nobody may look at this case alone and see a pass. */
function verdictCase(report: AuditReport): string {
  const reasons = report.reasons.map(
    ({ code, text, details, remedy }) => `${code}: ${details === "" ? text : `${text} ${details}`}\n    ${remedy}`,
  );
  const body = reasons.map((reason) => reason.split("\n").map(escapeText).join("\n")).join("\n");
  const message = verdictText(report);
  switch (report.verdict) {
    case "leak":
      return testCase("verdict", [element("failure", { type: "leak", message }, body)]);
    case "inconclusive":
      return testCase("verdict", [element("error", { type: "inconclusive", message }, body)]);
    case "clean":
      return testCase("verdict", [element("system-out", {}, message)]);
  }
}

function coverageText(report: AuditReport): string {
  const exceptions = report.exceptions.map(
    ({ because, flows, packets }) =>
      `Exception: ${escapeText(because)}: ${plural(flows, "flow")}, ${plural(packets, "packet")}`,
  );
  return [...coverageRows(report, escapeText).map(([label, text]) => `${label}: ${text}`), ...exceptions].join("\n");
}

function ofSeverity(findings: readonly Finding[], severity: Severity): Finding[] {
  return findings.filter((finding) => finding.severity === severity);
}

function testCase(name: string, children: readonly string[]): string {
  const start = `<testcase${attributes({ name, classname: "leek.audit", time: 0 })}`;
  return children.length === 0 ? `${start}/>` : [`${start}>`, ...children, "</testcase>"].join("\n");
}

function element(name: string, values: Readonly<Record<string, string>>, text: string): string {
  return `<${name}${attributes(values)}>${escapeXml(text)}</${name}>`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join("");
}
