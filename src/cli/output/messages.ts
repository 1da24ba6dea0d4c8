import { escapeText, LeekError } from "../../base/index.js";
import { ExitStatus, exitStatusOf } from "./exit-status.js";

/** Says something to the user beside the output proper. */
export function say(text: string): void {
  process.stderr.write(`leek: ${text}\n`);
}

/**
 * Reports an error: what happened, and what to do.
 *
 * @returns The exit status for it.
 */
export function reportError(error: unknown): number {
  if (error instanceof LeekError) {
    say(escapeText(error.message));
    if (error.hint !== undefined) process.stderr.write(`      ${escapeText(error.hint)}\n`);
    return exitStatusOf(error.kind);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`internal error: ${text}`);
  process.stderr.write("      Please report this as a bug, with the command that you ran.\n");
  return ExitStatus.Software;
}
