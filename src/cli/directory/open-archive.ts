import { Archive, type Writer } from "../../archive/index.js";
import { systemErrorCode } from "../../base/index.js";
import type { AuthoritySet } from "../../relays/index.js";
import { type DataDirectoryOptions, dataDirectory } from "./data-directory.js";

/** The archive of kept documents; see `dataDirectory`. */
export function openArchive(options: DataDirectoryOptions, authorities: AuthoritySet): Archive {
  return Archive.open(dataDirectory(options), { authorities, writer: thisProcess() });
}

function thisProcess(): Writer {
  return { processId: process.pid, isRunning, now: Date.now };
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Another user's process is one all the same.
    return systemErrorCode(error) === "EPERM";
  }
}
