export type { AuditCoverage, LossKnowledge } from "./coverage.js";
export type { ExceptionUse } from "./exceptions.js";
export { type Finding, type FindingFlow, RULE_NAMES, type RuleName, SEVERITIES, type Severity } from "./finding.js";
export { type AuditOptions, type AuditReport, LeakAudit } from "./leak-audit.js";
export { AuditedNode, type Cidr, formatCidr, parseCidr } from "./node.js";
export { PacketWatch } from "./packet-watch.js";
export { type AllowedFlow, DEFAULT_POLICY, type Policy } from "./policy.js";
export { ROLES, type Role } from "./rule.js";
export { REASONS, type Reason, type ReasonCode, type Verdict } from "./verdict.js";
