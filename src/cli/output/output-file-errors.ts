import { type ErrorKind, LeekError, systemErrorCode } from "../../base/index.js";

/** What a system error is for a user, and what they can do. */
type Told<Kind extends readonly unknown[]> = Readonly<Record<string, readonly [...Kind, reason: string, hint: string]>>;

const PERMISSION_HINT =
  "Choose a folder that the user may write to; with sudo, leek creates later files as who called it.";

const CREATE_ERRORS: Told<[ErrorKind]> = {
  EACCES: ["permission", "permission denied", PERMISSION_HINT],
  EPERM: ["permission", "operation not permitted", PERMISSION_HINT],
  EROFS: ["permission", "the file system is read-only", "Choose another file with -w."],
  ENOENT: ["io", "no such folder", "Make the folder first."],
  ENOTDIR: ["io", "no such folder", "Make the folder first."],
  EISDIR: ["io", "it is a folder", "Name a file in it."],
  ENOSPC: ["io", "the disk is full", "Make room, or choose another disk."],
};

const WRITE_ERRORS: Told<[]> = {
  ENOSPC: ["the disk is full", "Make room, or bound what is kept with -C SIZE -W COUNT."],
  EDQUOT: ["the disk quota is used up", "Make room, or bound what is kept with -C SIZE -W COUNT."],
  EFBIG: ["the file may not grow further", "Raise the limit (ulimit -f), or begin new files with -C SIZE."],
  EIO: ["the disk reports an error", "Check the disk, and what the system's log says of it."],
  EPIPE: ["its reader has gone", "Keep the reader running, or write to a file."],
};

/** The LEEK_OUTPUT_CREATE for a file that cannot be made or emptied. */
export function createError(error: unknown, path: string): LeekError {
  const code = systemErrorCode(error) ?? "";
  const [kind, reason, hint] = CREATE_ERRORS[code] ?? ["io", message(error), "Choose another file with -w."];
  return new LeekError("LEEK_OUTPUT_CREATE", kind, `Cannot create ${path}: ${reason}.`, { hint, cause: error });
}

/**
 * The LEEK_OUTPUT_IO for a file that takes no more.
 *
 * @param packets - How many whole packets the file has; undefined where that is not known.
 */
export function writeError(error: unknown, path: string, packets: number | undefined): LeekError {
  const code = systemErrorCode(error) ?? "";
  const [reason, hint] = WRITE_ERRORS[code] ?? [
    message(error),
    "Check the disk, and what the system's log says of it.",
  ];
  const safe =
    packets === undefined
      ? "what is in it may be cut short"
      : `it keeps ${packets} whole packet${packets === 1 ? "" : "s"}`;
  return new LeekError("LEEK_OUTPUT_IO", "io", `Cannot write on to ${path}: ${reason}; ${safe}.`, {
    hint,
    cause: error,
  });
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
