import { type Command, InvalidArgumentError, Option } from "commander";
import type { PresetName, Role } from "../../audit/index.js";
import { collect } from "./directory-arguments.js";
import { durationSeconds } from "./quantities.js";

// Here and not by the audit's own lists, which would load the audit for each --help and every other command.
const ROLES: Readonly<Record<Role, true>> = { client: true, bridge: true, relay: true, exit: true };
const PRESETS: Readonly<Record<PresetName, true>> = {
  "bitcoin-onion-only": true,
  "bitcoin-over-tor": true,
  workstation: true,
  relay: true,
};

/** What commander makes of the options below. */
export interface AuditArguments {
  /** ADDR or ADDR/LENGTH each. */
  readonly node?: readonly string[];
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
    .option("--node <address>", "an address of the audited node, or ADDR/LENGTH (repeatable)", collect)
    .addOption(new Option("--role <role>", "what the node is to Tor; client unless told").choices(Object.keys(ROLES)))
    .option("--policy <file>", "a policy: a file, or a preset by its name")
    .option("--baseline <file>", "report only what a former run did not find: its --save-baseline file")
    .option("--save-baseline <file>", "save whom the node talks to, and what was found, for --baseline")
    .addOption(
      new Option("--init [preset]", "print a policy to start from, and do nothing else").choices(Object.keys(PRESETS)),
    )
    .option("--min-duration <time>", "inconclusive when the capture is shorter: 30s, 10m, 2h", durationSeconds)
    .option("--expect-bootstrap", "the capture has the system's start: leaks before Tor is up are told apart")
    .option("--trust-unverified", "relay documents count though their signatures were not verified")
    .option("--canary", "with -i and --duration: send a harmless packet past Tor, first and last, that must be found")
    .option("--drops <n>", "packets that the recorder said it lost, for captures that do not say so", wholeNumber);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("it must be a whole number.");
  return Number(text);
}
