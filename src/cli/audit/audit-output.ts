import type { AuditReport, Verdict } from "../../audit/index.js";
import { ExitStatus } from "../output/exit-status.js";
import { TextOutput } from "../output/output.js";
import { version } from "../version.js";

/** The report for people; the document leek/audit@1; SARIF 2.1.0 and JUnit XML for CI systems; Markdown for an issue. */
export const AUDIT_FORMATS = ["text", "json", "sarif", "junit", "markdown"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

export const VERDICT_STATUS: Readonly<Record<Verdict, number>> = {
  clean: ExitStatus.Ok,
  leak: ExitStatus.Leak,
  inconclusive: ExitStatus.Inconclusive,
};

/** Writes a report to standard output. */
export async function auditOutput(report: AuditReport, format: AuditFormat): Promise<void> {
  const out = new TextOutput();
  out.write(await render(report, format));
  out.flush();
}

async function render(report: AuditReport, format: AuditFormat): Promise<string> {
  const { auditJson, auditJunit, auditMarkdown, auditSarif, auditText } = await import("../../report/audit/index.js");
  switch (format) {
    case "text":
      return auditText(report);
    case "json":
      return auditJson(report, version());
    case "sarif":
      return auditSarif(report, version(), VERDICT_STATUS[report.verdict]);
    case "junit":
      return auditJunit(report, version());
    case "markdown":
      return auditMarkdown(report, version());
  }
}
