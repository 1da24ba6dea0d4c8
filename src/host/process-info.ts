import { containerOf, unitOf } from "./cgroup.js";
import { readText } from "./read-text.js";

/** A process of this machine. Its own words (name, command line) are untrusted text. */
export interface HostProcess {
  readonly pid: number;
  /** At most 15 bytes, as the kernel keeps it; see processName. */
  readonly name: string;
  /** Arguments, joined by blanks and cut; secrets among them are not recognised. */
  readonly commandLine: string;
  readonly uid: number | undefined;
  /** Of this machine; undefined for a user of a container. */
  readonly user: string | undefined;
  /** The systemd unit: `tor@default.service`. */
  readonly unit: string | undefined;
  /** The container: 12 digits of its identifier, or its name. */
  readonly container: string | undefined;
  /** The inode of its network namespace, when that is not leek's own. */
  readonly networkNamespace: number | undefined;
}

const MAX_NAME = 15;
const MAX_COMMAND_LINE = 512;
/** More bytes than that are never read: a command line can have megabytes. */
const MAX_COMMAND_LINE_BYTES = 4 * MAX_COMMAND_LINE;

/**
 * Reads what /proc tells of a process.
 *
 * @param proc - Where procfs is.
 * @param userOf - The name of a user.
 * @returns undefined when it has gone.
 */
export function readProcess(
  proc: string,
  pid: number,
  networkNamespace: number | undefined,
  userOf: (uid: number) => string | undefined,
): HostProcess | undefined {
  const read = (file: string, maxBytes?: number) => readText(`${proc}/${pid}/${file}`, maxBytes);
  const threadName = read("comm")?.replace(/\n$/, "");
  if (threadName === undefined) return undefined;
  const words = read("cmdline", MAX_COMMAND_LINE_BYTES) ?? "";
  const uid = effectiveUid(read("status") ?? "");
  const cgroup = read("cgroup") ?? "";
  const container = containerOf(cgroup);
  return {
    pid,
    name: processName(threadName, words),
    commandLine: commandLine(words),
    uid,
    // A container has users of its own, by the same numbers. Root is root everywhere.
    user: uid === undefined || (container !== undefined && uid !== 0) ? undefined : userOf(uid),
    unit: unitOf(cgroup),
    container,
    networkNamespace,
  };
}

/**
 * The name that the kernel keeps is that of the main thread. Node.js, since version 24, calls it `MainThread`, which tells
 * nobody anything: then it is the program's.
 *
 * @param threadName - Of /proc/PID/comm.
 * @param words - Of /proc/PID/cmdline.
 */
export function processName(threadName: string, words: string): string {
  if (threadName !== "MainThread") return threadName;
  return /^(?:[^\0]*\/)?([^/\0]+)/.exec(words)?.[1]?.slice(0, MAX_NAME) ?? threadName;
}

/** @param text - Of /proc/PID/cmdline: arguments, each ended by a NUL. */
export function commandLine(text: string): string {
  const joined = text.replace(/\0+$/, "").replaceAll("\0", " ");
  return joined.length > MAX_COMMAND_LINE ? `${joined.slice(0, MAX_COMMAND_LINE)}...` : joined;
}

/** @param status - Of /proc/PID/status; `Uid:` has the real, effective, saved and filesystem one. */
export function effectiveUid(status: string): number | undefined {
  // A name in the lines before cannot look like this one: the kernel escapes line ends in it.
  const uid = /^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** User names by uid from the text of /etc/passwd. NSS is not asked: it may use the network. */
export function parseUsers(passwd: string): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  for (const line of passwd.split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (name !== "" && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}
