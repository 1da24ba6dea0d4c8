import type { Artifact, Location, Log, Message, ReportingDescriptor, Result, Run } from "sarif";
import { ALL_RULES, type AuditReport, type Finding, REASONS, type Rule, type Severity } from "../../audit/index.js";
import { escapeText, type FractionDigits } from "../../base/index.js";
import type { SourceInfo } from "../../capture/index.js";
import { DISCLOSURE_WORDS } from "../disclosure-words.js";
import { findingJson } from "./json.js";
import { audience, flowText, proofText, SHOWN_FACTS, SHOWN_FLOWS, sizeText, verdictText } from "./wording.js";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const LEVELS = { leak: "error", warning: "warning", note: "note" } as const satisfies Record<Severity, string>;

/** No rule of the audit's: what stands for an inconclusive run, which must not look like one without results. */
const VERDICT_RULE: ReportingDescriptor = {
  id: "verdict",
  name: "Verdict",
  shortDescription: { text: "Whether a leak could have gone unnoticed." },
  help: { text: "See the notifications of this run: each has its remedy." },
};

/**
 * The report as SARIF 2.1.0 (OASIS), with a line end. An inconclusive run has `executionSuccessful` false and a result of
 * the kind `open`, so that nobody takes the lack of other results for a pass.
 *
 * @param exitCode - Of leek, for this verdict.
 */
export function auditSarif(report: AuditReport, version: string, exitCode: number): string {
  const rules = ruleDescriptors(report.findings);
  const reasonCodes = Object.keys(REASONS);
  const run: Run = {
    tool: {
      driver: {
        name: "leek",
        version,
        semanticVersion: version,
        rules,
        notifications: Object.entries(REASONS).map(([id, { text, remedy }]) => ({
          id,
          name: pascalCase(id),
          shortDescription: message(text),
          help: message(remedy),
          defaultConfiguration: { level: "warning" },
        })),
      },
    },
    invocations: [
      {
        executionSuccessful: report.verdict !== "inconclusive",
        exitCode,
        toolExecutionNotifications: report.reasons.map(({ code, text, details, remedy }) => ({
          descriptor: { id: code, index: reasonCodes.indexOf(code) },
          level: "warning",
          message: message([text, escapeText(details), remedy].filter((part) => part !== "").join(" ")),
        })),
      },
    ],
    artifacts: artifacts(report.analysis.sources),
    results: results(report, rules),
    properties: { verdict: report.verdict, node: report.node, role: report.role, exceptions: report.exceptions },
  };
  const log: Log = { version: "2.1.0", $schema: SCHEMA, runs: [run] };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function results(report: AuditReport, rules: readonly ReportingDescriptor[]): Result[] {
  const { findings, analysis } = report;
  const indexes = new Map(rules.map(({ id }, i) => [id, i]));
  const places = new Map<string, number>();
  const all = findings.map((finding): Result => {
    const place = (places.get(finding.id) ?? 0) + 1;
    places.set(finding.id, place);
    return {
      ruleId: finding.rule,
      ruleIndex: indexes.get(finding.rule),
      level: LEVELS[finding.severity],
      message: message(resultText(finding, analysis.fractionDigits)),
      locations: [location(finding, analysis.sources)],
      // The same finding in the next run, for systems that tell new ones from old ones.
      partialFingerprints: { "leekFinding/v1": place === 1 ? finding.id : `${finding.id}#${place}` },
      occurrenceCount: finding.flowCount,
      properties: findingJson(finding, analysis.fractionDigits),
    };
  });
  if (report.verdict !== "inconclusive") return all;
  const codes = report.reasons.map(({ code }) => code).join(", ");
  const open: Result = {
    ruleId: VERDICT_RULE.id,
    ruleIndex: indexes.get(VERDICT_RULE.id),
    kind: "open",
    level: "none",
    message: message(`${verdictText(report)} Why: ${codes}.`),
    partialFingerprints: { "leekFinding/v1": VERDICT_RULE.id },
  };
  return [open, ...all];
}

function ruleDescriptors(findings: readonly Finding[]): ReportingDescriptor[] {
  const rules = new Map<string, Pick<Rule, "name" | "severity" | "title" | "remedy">>(
    ALL_RULES.map((rule) => [rule.name, rule]),
  );
  for (const finding of findings) {
    if (!rules.has(finding.rule)) rules.set(finding.rule, { ...finding, name: finding.rule });
  }
  const descriptors = [...rules.values()].map(({ name, severity, title, remedy }) => ({
    id: name,
    name: pascalCase(name),
    shortDescription: message(title),
    help: message(remedy),
    defaultConfiguration: { level: LEVELS[severity] },
  }));
  return [...descriptors, VERDICT_RULE];
}

function resultText(finding: Finding, digits: FractionDigits): string {
  const { title, flows, disclosed } = finding;
  const ends = flows.slice(0, SHOWN_FLOWS).map(flowText).join(", ");
  const facts = disclosed
    .slice(0, SHOWN_FACTS)
    .map(({ kind, value }) => `${DISCLOSURE_WORDS[kind]}: ${escapeText(value)}`)
    .join(", ");
  const told = facts === "" ? "" : ` ${audience(finding)} ${facts}.`;
  return `${escapeText(title)} ${sizeText(finding, digits)}: ${ends}.${told} Proof: ${proofText(finding)}.`;
}

/** Packets are no lines of the file, so they are logical. Of several captures it is not known which one has them. */
function location({ proof }: Finding, sources: readonly SourceInfo[]): Location {
  const uri = sources.length === 1 ? uriOf(sources[0]!) : undefined;
  return {
    ...(uri === undefined ? {} : { physicalLocation: { artifactLocation: { uri, index: 0 } } }),
    logicalLocations: proof.map((packet) => ({
      name: String(packet),
      fullyQualifiedName: `packet ${packet}`,
      kind: "packet",
    })),
  };
}

/** Each once, though it was named twice (§3.14.15). */
function artifacts(sources: readonly SourceInfo[]): Artifact[] {
  const byName = new Map(sources.map((source) => [source.name, source]));
  return [...byName.values()].map((source) => {
    const uri = uriOf(source);
    return {
      ...(uri === undefined ? {} : { location: { uri } }),
      description: message(escapeText(source.name)),
      roles: ["analysisTarget"],
    };
  });
}

/** Of a file, relative as it was given; undefined for standard input and interfaces. */
function uriOf({ name, format }: SourceInfo): string | undefined {
  if (format === "live" || name === "-") return undefined;
  // A lone surrogate has no URI.
  const path = name
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .split("/")
    .map(encodeURIComponent)
    .join("/");
  return path.startsWith("/") ? `file://${path}` : path;
}

/** Braces are placeholders' and stand twice (§3.11.5); a link (§3.11.6) cannot be made of a name. */
function message(text: string): Message & { text: string } {
  return { text: text.replaceAll("](", "\\x5d(").replace(/[{}]/g, "$&$&") };
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
