import { readdirSync, readlinkSync } from "node:fs";
import { systemErrorCode } from "../base/index.js";
import { processes } from "./process-ids.js";

/** A look that takes longer is broken off: a machine with a hundred thousand open files. */
const MAX_LOOK_MS = 1_000;
/** Of one process; a process can open as many as it likes. */
const MAX_DESCRIPTORS = 1 << 16;
const REMEMBERED = 64;
const NOT_ALLOWED: ReadonlySet<string | undefined> = new Set(["EACCES", "EPERM"]);

/** What a look has found. */
export interface Holders {
  /** The processes that hold each socket, lowest number first; nothing for one that nobody is seen with. */
  readonly byInode: ReadonlyMap<number, readonly number[]>;
  /** Whether all processes were looked at that may be. */
  readonly complete: boolean;
}

/**
 * Which processes hold which sockets, from /proc/PID/fd. Every answer is from a fresh look at all processes: a socket
 * can have come to another process since the last one.
 */
export class SocketHolders {
  readonly #proc: string;
  readonly #now: () => number;
  /** Processes that held what was looked for, the last ones last. */
  #recent: readonly number[] = [];
  /** Processes whose descriptors may not be read, at the last look. */
  unreadable = 0;

  /** @param now - Milliseconds of a clock that never goes back. */
  constructor(proc: string, now: () => number) {
    this.#proc = proc;
    this.#now = now;
  }

  find(inodes: ReadonlySet<number>): Holders {
    const found = new Map<number, Set<number>>();
    const until = this.#now() + MAX_LOOK_MS;
    let complete = true;
    this.unreadable = 0;
    for (const pid of this.#inOrder()) {
      if (this.#now() > until) {
        complete = false;
        break;
      }
      const whole = this.#visit(pid, (inode) => {
        if (!inodes.has(inode)) return;
        const holders = found.get(inode);
        if (holders === undefined) found.set(inode, new Set([pid]));
        else holders.add(pid);
      });
      complete &&= whole;
    }
    const byInode = new Map([...found].map(([inode, pids]) => [inode, [...pids].sort((a, b) => a - b)]));
    this.#remember(byInode.values());
    return { byInode, complete };
  }

  /** All processes, with those first that held something lately, should there be no time for all. */
  #inOrder(): Iterable<number> {
    const all = new Set(processes(this.#proc));
    return new Set([...this.#recent.filter((pid) => all.has(pid)), ...all]);
  }

  #remember(holders: Iterable<readonly number[]>): void {
    const now = new Set([...holders].flat());
    this.#recent = [...this.#recent.filter((pid) => !now.has(pid)), ...now].slice(-REMEMBERED);
  }

  /** @returns false when the process has more descriptors than are looked at. */
  #visit(pid: number, take: (inode: number) => void): boolean {
    const path = `${this.#proc}/${pid}/fd`;
    try {
      // In one go: asking for them piece by piece takes more than twice as long.
      const descriptors = readdirSync(path);
      for (const descriptor of descriptors.slice(0, MAX_DESCRIPTORS)) {
        const inode = socketInode(`${path}/${descriptor}`);
        if (inode !== undefined) take(inode);
      }
      return descriptors.length <= MAX_DESCRIPTORS;
    } catch (error) {
      // Others have ended meanwhile.
      if (NOT_ALLOWED.has(systemErrorCode(error))) this.unreadable++;
      return true;
    }
  }
}

function socketInode(path: string): number | undefined {
  try {
    const target = readlinkSync(path);
    return target.startsWith("socket:[") ? Number(target.slice("socket:[".length, -1)) : undefined;
  } catch {
    return undefined;
  }
}
