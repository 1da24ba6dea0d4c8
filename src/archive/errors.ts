import { type ErrorKind, escapeText, LeekError, systemErrorCode } from "../base/index.js";

const WRITE_ERRORS: Readonly<Record<string, readonly [kind: ErrorKind, reason: string, hint: string]>> = {
  ENOSPC: ["io", "the disk is full", "Make room (leek relays prune), or choose another disk with --data-dir."],
  EDQUOT: ["io", "the disk quota is used up", "Make room (leek relays prune), or choose another disk with --data-dir."],
  EFBIG: ["io", "the file may not grow further", "Raise the limit (ulimit -f)."],
  EIO: ["io", "the disk reports an error", "Check the disk, and what the system's log says of it."],
  EACCES: ["permission", "permission denied", "Choose a folder that you may write to with --data-dir."],
  EPERM: ["permission", "operation not permitted", "Choose a folder that you may write to with --data-dir."],
  EROFS: ["permission", "the file system is read-only", "Choose a folder that you may write to with --data-dir."],
  ENOTDIR: ["io", "a file is in the way of a folder", "Choose another folder with --data-dir."],
  EEXIST: ["io", "a file is in the way of a folder", "Choose another folder with --data-dir."],
  EISDIR: ["io", "a folder is in its way", "Move that folder away, or choose another with --data-dir."],
  ENOENT: ["io", "its folder has gone", "Run it again; another program removes files there."],
};

/** The error of a document that cannot be kept. What is kept already is as it was. */
export function archiveWriteError(error: unknown, path: string): LeekError {
  const message = error instanceof Error ? error.message : String(error);
  const [kind, reason, hint] = WRITE_ERRORS[systemErrorCode(error) ?? ""] ?? [
    "io",
    message,
    "Check the disk, and what the system's log says of it.",
  ];
  return new LeekError(
    "LEEK_ARCHIVE_WRITE",
    kind,
    `Cannot write ${escapeText(path)}: ${escapeText(reason)}; what was kept before is unharmed.`,
    { hint, cause: error },
  );
}

/** The error of a kept document, or one to be imported, whose compression is damaged. */
export function damagedCompression(path: string, format: string, cause: unknown): LeekError {
  return new LeekError(
    "LEEK_ARCHIVE_DAMAGED",
    "bad-data",
    `Cannot read ${escapeText(path)}: its ${format} compression is damaged or cut short.`,
    { hint: "Take it again from where it came.", cause },
  );
}
