import type { AuditReport, Finding } from "../../audit/index.js";
import { type FractionDigits, formatIsoTime } from "../../base/index.js";
import type { Moment } from "../../flows/index.js";
import type { Endpoint } from "../../net/index.js";
import { spanOf } from "../../pipeline/index.js";
import { classesJson } from "../json.js";

/** The document `leek/audit@1` (docs/schemas/audit.json), with a line end. */
export function auditJson(report: AuditReport, version: string): string {
  return `${JSON.stringify(auditDocument(report, version), undefined, 2)}\n`;
}

/** The same as an object; its members stand in the order of reading. */
export function auditDocument(report: AuditReport, version: string): object {
  const { analysis, coverage, policy } = report;
  const digits = analysis.fractionDigits;
  return {
    schema: "leek/audit@1",
    leek: version,
    verdict: report.verdict,
    reasons: report.reasons.map(({ code, text, remedy, details }) => ({ code, text, details, remedy })),
    node: report.node,
    role: report.role,
    policy: {
      name: policy.name ?? null,
      severities: Object.fromEntries(policy.severities),
      exceptions: policy.allow.length,
    },
    findings: report.findings.map((finding) => findingJson(finding, digits)),
    exceptions: report.exceptions,
    coverage: {
      sources: analysis.sources.map(({ name }) => name),
      first: moment(analysis.first, digits),
      last: moment(analysis.last, digits),
      ...coverage,
      dropped: coverage.dropped ?? null,
      consensuses: analysis.directory
        .documentsFor(spanOf(analysis))
        .map(({ source, flavor, validAfter, verification }) => ({
          source,
          flavor,
          validAfter,
          verification: verification?.state ?? "unverified",
        })),
    },
    classes: classesJson(analysis),
  };
}

export function findingJson(finding: Finding, digits: FractionDigits): object {
  return {
    id: finding.id,
    rule: finding.rule,
    severity: finding.severity,
    title: finding.title,
    disclosed: finding.disclosed,
    flows: finding.flows.map(({ transport, originator, responder }) => ({
      transport,
      originator: endpoint(originator),
      responder: endpoint(responder),
    })),
    flowCount: finding.flowCount,
    packets: finding.packets,
    bytes: finding.bytes,
    first: moment(finding.first, digits),
    last: moment(finding.last, digits),
    process: finding.process ?? null,
    proof: finding.proof,
    remedy: finding.remedy,
  };
}

function endpoint({ address, port }: Endpoint): object {
  return { address, port: port ?? null };
}

function moment(time: Moment | undefined, digits: FractionDigits): string | null {
  return time === undefined ? null : formatIsoTime(time.seconds, time.nanoseconds, digits);
}
