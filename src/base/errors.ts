/** What went wrong, in the classes that scripts can act on; `cli/` turns them into sysexits codes. */
export type ErrorKind =
  | "usage"
  | "bad-data"
  | "no-input"
  | "unavailable"
  | "software"
  | "io"
  | "permission"
  | "configuration";

export interface LeekErrorDetails {
  /** The next step for the user, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * Every error that a user may see: a stable `code`, a message that names the thing, a hint with the next step.
 *
 * @example new LeekError("LEEK_CAPTURE_NOT_FOUND", "no-input", "Cannot open a.pcap: no such file.", { hint: "..." })
 */
export class LeekError extends Error {
  override readonly name: string = "LeekError";
  readonly hint: string | undefined;

  constructor(
    readonly code: `LEEK_${string}`,
    readonly kind: ErrorKind,
    message: string,
    details: LeekErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.hint = details.hint;
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `EACCES`, ...), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Turns a Node.js system error about a file into a LeekError of the right kind.
 *
 * @param what - What the file was to be, for the message: "capture", "consensus".
 */
export function fileError(error: unknown, what: string, path: string): LeekError {
  const cause = { cause: error };
  switch (systemErrorCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return new LeekError("LEEK_FILE_NOT_FOUND", "no-input", `Cannot open ${what} ${path}: no such file.`, {
        ...cause,
        hint: "Check the path.",
      });
    case "EACCES":
    case "EPERM":
      return new LeekError("LEEK_FILE_PERMISSION", "permission", `Cannot open ${what} ${path}: permission denied.`, {
        ...cause,
        hint: "Run as a user who may read it, or copy it first.",
      });
    case "EISDIR":
      return new LeekError("LEEK_FILE_IS_DIRECTORY", "no-input", `Cannot read ${what} ${path}: it is a directory.`, {
        ...cause,
        hint: "Name a file.",
      });
    default: {
      const reason = error instanceof Error ? error.message : String(error);
      return new LeekError("LEEK_FILE_IO", "io", `Cannot read ${what} ${path}: ${reason}`, cause);
    }
  }
}
