import type { Command } from "commander";
import { positive } from "./quantities.js";
import { usageError } from "./usage-error.js";

/** What commander makes of the options below. */
export interface EvidenceArguments {
  /** The folder to make. */
  readonly evidence?: string;
  /** MiB. */
  readonly evidenceLimit?: number;
  readonly redact?: boolean;
  /** Where a live audit keeps the packets. */
  readonly w?: string;
}

const DEFAULT_LIMIT_MIB = 100;

/** The options by which an audit keeps what proves its findings. */
export function evidenceOptions(command: Command): Command {
  return command
    .option("--evidence <dir>", "keep packets, findings and digests that prove leaks and warnings in this new folder")
    .option("--evidence-limit <MiB>", `of packets in it, at most; ${DEFAULT_LIMIT_MIB} unless told`, positive)
    .option("--redact", "with --evidence: other addresses and names in place of all but relays', no payload")
    .option("-w <file>", "with -i: keep the packets in this file, as pcapng; --evidence needs it");
}

export function limitBytes({ evidenceLimit = DEFAULT_LIMIT_MIB }: EvidenceArguments): number {
  return evidenceLimit * 2 ** 20;
}

/**
 * @param isLive - Which packets are offending is known when their flow has ended: then they are read from a file.
 * @throws {LeekError} LEEK_USAGE.
 */
export function checkEvidence({ evidence, evidenceLimit, redact, w }: EvidenceArguments, isLive: boolean): void {
  if (w !== undefined && !isLive) throw usageError("-w keeps packets of an interface.", "Name one with -i.");
  if (w === "-") throw usageError("Standard output is for the report.", "Name a file with -w FILE.");
  if (evidence === undefined) {
    if (redact === true) throw usageError("There is nothing to redact.", "Name a folder with --evidence.");
    if (evidenceLimit !== undefined) throw usageError("--evidence-limit is for --evidence.", "Name a folder with it.");
    return;
  }
  if (!isLive || w !== undefined) return;
  throw usageError("--evidence needs a capture that can be read twice.", "Keep the packets too, with -w FILE.");
}
