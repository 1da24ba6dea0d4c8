/** How the scripts end: cleaned up, with an exit status that says why. */

import { RequirementError } from "./requirements.mjs";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** What shells report for a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** The user called the script in a wrong way. */
export class UsageError extends Error {}

/**
 * Runs the main part of a script.
 *
 * @param {(interrupted: AbortSignal) => Promise<void>} body - Must clean up when the signal comes: nothing ends by
 *   force. A second Ctrl-C does end it by force.
 */
export async function runScript(body) {
  const controller = new AbortController();
  for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(name, () => controller.abort(new Error(`Interrupted by ${name}`)));
  }
  try {
    await body(controller.signal);
    if (controller.signal.aborted) process.exitCode = EXIT_INTERRUPTED;
  } catch (error) {
    process.exitCode = controller.signal.aborted ? EXIT_INTERRUPTED : exitCodeOf(error);
    console.error(controller.signal.aborted ? String(controller.signal.reason) : messageOf(error));
  }
}

/** @param {unknown} error */
function exitCodeOf(error) {
  if (error instanceof RequirementError) return error.exitCode;
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

/** Expected errors speak for themselves; others need their stack. @param {unknown} error */
function messageOf(error) {
  return error instanceof RequirementError || error instanceof UsageError ? error.message : error;
}
