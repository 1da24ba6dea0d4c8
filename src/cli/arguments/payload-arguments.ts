import { type Command, InvalidArgumentError } from "commander";
import type { AnalysisOptions } from "../../pipeline/index.js";
import { positive } from "./quantities.js";

/** What commander makes of the options below. */
export interface PayloadOptions {
  readonly headersOnly?: boolean;
  /** MiB. */
  readonly payloadMemory?: number;
}

const DEFAULT_MIB = 64;
const MAX_MIB = 65_536;
/** Of one direction of TCP: a chain of certificates, or a ClientHello with large keys. */
const HEAD_BYTES = 16 * 1024;
/** Of the whole, for segments that came before their turn. */
const HELD_SHARE = 1 / 4;
/** What a fact takes, with its text. */
const FACT_BYTES = 256;

/** The options on what is read of payloads. */
export function payloadOptions(command: Command): Command {
  return command
    .option("--headers-only", "look at headers only: no names, no applications, no tor-suspected")
    .option("--payload-memory <MiB>", `for beginnings of connections, at most; ${DEFAULT_MIB} unless told`, mebibytes);
}

/** What an analysis is to read of payloads. */
export function payloadSettings(options: PayloadOptions): Pick<AnalysisOptions, "headersOnly" | "limits"> {
  const bytes = (options.payloadMemory ?? DEFAULT_MIB) * 1024 * 1024;
  const limits = {
    headBytes: HEAD_BYTES,
    heads: Math.floor(bytes / HEAD_BYTES),
    heldBytes: bytes * HELD_SHARE,
    facts: Math.floor(bytes / FACT_BYTES),
  };
  return { headersOnly: options.headersOnly === true, limits };
}

function mebibytes(text: string): number {
  const value = positive(text);
  if (value > MAX_MIB) throw new InvalidArgumentError(`it must be at most ${MAX_MIB}.`);
  return value;
}
