import { type Cidr, type Policy, parseCidr } from "../../audit/index.js";
import { escapeText } from "../../base/index.js";
import type { AuditArguments } from "../arguments/audit-arguments.js";
import { usageError } from "../arguments/usage-error.js";
import { loadPolicy } from "./audit-policy.js";

/**
 * The policy with what the command line says, which goes before it.
 *
 * @throws {LeekError} LEEK_USAGE when --node is no address; see loadPolicy.
 */
export async function auditSettings(options: AuditArguments): Promise<Policy> {
  const nodes = (options.node ?? []).map(rangeOf);
  const policy = await loadPolicy(options.policy);
  return {
    ...policy,
    nodes: [...policy.nodes, ...nodes],
    role: options.role ?? policy.role,
    minDurationSeconds: options.minDuration ?? policy.minDurationSeconds,
  };
}

function rangeOf(text: string): Cidr {
  const range = parseCidr(text);
  if (range === undefined) throw usageError(`${escapeText(text)} is no address.`, "--node takes ADDR or ADDR/LENGTH.");
  return range;
}
