import { type Command, InvalidArgumentError, Option } from "commander";
import { type Cidr, type Policy, PRESET_NAMES, type PresetName, parseCidr, ROLES, type Role } from "../audit/index.js";
import { durationSeconds } from "./quantities.js";

/** What commander makes of the options below. */
export interface AuditArguments {
  readonly node?: readonly Cidr[];
  readonly role?: Role;
  readonly policy?: string;
  readonly baseline?: string;
  readonly saveBaseline?: string;
  readonly init?: PresetName | true;
  readonly minDuration?: number;
  readonly expectBootstrap?: boolean;
  readonly trustUnverified?: boolean;
  readonly drops?: number;
  readonly canary?: boolean;
}

/** The options of an audit. */
export function auditOptions(command: Command): Command {
  return command
    .option("--node <address>", "an address of the audited node, or ADDR/LENGTH (repeatable)", collectCidr)
    .addOption(new Option("--role <role>", "what the node is to Tor; client unless told").choices(ROLES))
    .option("--policy <file>", "a policy: a file, or a preset by its name")
    .option("--baseline <file>", "report only what a former run did not find: its --save-baseline file")
    .option("--save-baseline <file>", "save whom the node talks to, and what was found, for --baseline")
    .addOption(new Option("--init [preset]", "print a policy to start from, and do nothing else").choices(PRESET_NAMES))
    .option("--min-duration <time>", "inconclusive when the capture is shorter: 30s, 10m, 2h", durationSeconds)
    .option("--expect-bootstrap", "the capture has the system's start: leaks before Tor is up are told apart")
    .option("--trust-unverified", "relay documents count though their signatures were not verified")
    .option("--canary", "with -i and --duration: send a harmless packet past Tor, first and last, that must be found")
    .option("--drops <n>", "packets that the recorder said it lost, for captures that do not say so", wholeNumber);
}

/** The policy with what the command line says, which goes before it. */
export function withArguments(policy: Policy, options: AuditArguments): Policy {
  return {
    ...policy,
    nodes: [...policy.nodes, ...(options.node ?? [])],
    role: options.role ?? policy.role,
    minDurationSeconds: options.minDuration ?? policy.minDurationSeconds,
  };
}

function collectCidr(text: string, before: readonly Cidr[] = []): Cidr[] {
  const range = parseCidr(text);
  if (range === undefined) throw new InvalidArgumentError("it must be an address, or ADDR/LENGTH.");
  return [...before, range];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("it must be a whole number.");
  return Number(text);
}
