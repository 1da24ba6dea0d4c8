import type { AuditReport } from "../audit/index.js";
import { TextOutput } from "./output.js";
import { version } from "./version.js";

/** The report for people; the document leek/audit@1; SARIF 2.1.0 and JUnit XML for CI systems; Markdown for an issue. */
export const AUDIT_FORMATS = ["text", "json"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** Writes a report to standard output. */
export async function auditOutput(report: AuditReport, format: AuditFormat): Promise<void> {
  const out = new TextOutput();
  out.write(await render(report, format));
  out.flush();
}

async function render(report: AuditReport, format: AuditFormat): Promise<string> {
  const { auditJson, auditText } = await import("../report/audit/index.js");
  switch (format) {
    case "text":
      return auditText(report);
    case "json":
      return auditJson(report, version());
  }
}
