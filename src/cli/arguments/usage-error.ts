import { LeekError } from "../../base/index.js";

/** The error of a command line that cannot be carried out. @param hint - What to write in its place. */
export function usageError(message: string, hint: string): LeekError {
  return new LeekError("LEEK_USAGE", "usage", message, { hint });
}
