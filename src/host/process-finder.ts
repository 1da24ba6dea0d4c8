import { type HostProcess, parseUsers, readProcess } from "./process-info.js";
import { readText } from "./read-text.js";
import { type FoundSockets, type ProcessQuery, SocketFinder } from "./socket-finder.js";
import { type Holders, SocketHolders } from "./socket-holders.js";
import { TimeShare } from "./time-share.js";

/**
 * The process at the local end of a flow, and how sure that is.
 *
 * exact: one process has a socket with this very 5-tuple. by-port: only the local port fits, or several processes share
 * the socket. unknown: no socket, nobody to be seen with it, or several programs that it could be.
 */
export type ProcessMatch =
  | { readonly confidence: "exact" | "by-port"; readonly process: HostProcess }
  | { readonly confidence: "unknown"; readonly process?: undefined };

export interface ProcessFinderOptions {
  /** Where procfs is. */
  readonly proc?: string;
  readonly passwd?: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

const UNKNOWN: ProcessMatch = { confidence: "unknown" };
/** Looking may take this share of the time, and so much at a stretch. */
const SHARE_OF_TIME = 0.1;
const BURST_MS = 200;
const MAX_PASSWD_BYTES = 1 << 24;
/** The first process hands sockets on to services (systemd.socket(5)), and keeps them itself. */
const INIT = 1;
/** Processes looked at to see whether all are one program. */
const MAX_COMPARED = 16;

/** Finds the processes of flows through /proc. */
export class ProcessFinder {
  readonly #proc: string;
  readonly #now: () => number;
  readonly #sockets: SocketFinder;
  readonly #holders: SocketHolders;
  readonly #users: ReadonlyMap<number, string>;
  readonly #time: TimeShare;
  /** Processes read for the batch, by number and namespace: many flows are one program's. */
  readonly #read = new Map<string, HostProcess | undefined>();

  constructor({ proc = "/proc", passwd = "/etc/passwd", now }: ProcessFinderOptions) {
    this.#proc = proc;
    this.#now = now;
    this.#sockets = new SocketFinder(proc, now);
    this.#holders = new SocketHolders(proc, now);
    this.#users = parseUsers(readText(passwd, MAX_PASSWD_BYTES) ?? "");
    this.#time = new TimeShare(SHARE_OF_TIME, BURST_MS, now());
  }

  /** Milliseconds to wait before the next `find`, so that looking does not take up a core. */
  get pause(): number {
    return this.#time.pauseAt(this.#now());
  }

  /** Processes whose descriptors may not be read, at the last look: one of them may hold what is unknown. */
  get unreadable(): number {
    return this.#holders.unreadable;
  }

  /** The process of each flow, in their order. Whatever cannot be read leaves them unknown. */
  find(queries: readonly ProcessQuery[]): ProcessMatch[] {
    const start = this.#now();
    const sockets = this.#sockets.find(queries);
    const inodes = new Set(sockets.flatMap((found) => found?.inodes ?? []));
    const holders = inodes.size === 0 ? undefined : this.#holders.find(inodes);
    this.#read.clear();
    const matches = sockets.map((found) =>
      found === undefined || holders === undefined ? UNKNOWN : this.#match(found, holders),
    );
    this.#time.spend(start, this.#now());
    return matches;
  }

  #match({ exact, inodes, networkNamespace }: FoundSockets, { byInode, complete }: Holders): ProcessMatch {
    const pids = [...new Set(inodes.flatMap((inode) => byInode.get(inode) ?? []))].sort((a, b) => a - b);
    const candidates = pids.length > 1 ? pids.filter((pid) => pid !== INIT) : pids;
    const [first, ...others] = candidates
      .slice(0, MAX_COMPARED)
      .flatMap((pid) => this.#process(pid, networkNamespace) ?? []);
    if (first === undefined) return UNKNOWN;
    if (exact && complete && pids.length === 1) return { confidence: "exact", process: first };
    // Of processes that share one socket, one handed it to the others. Those with a socket each have only the port in
    // common, and if they are not one program, there is no telling which of them it was.
    const isOneProgram = others.every(({ name, uid }) => name === first.name && uid === first.uid);
    return inodes.length > 1 && !isOneProgram ? UNKNOWN : { confidence: "by-port", process: first };
  }

  #process(pid: number, networkNamespace: number | undefined): HostProcess | undefined {
    const key = `${pid} ${networkNamespace}`;
    if (!this.#read.has(key)) {
      this.#read.set(
        key,
        readProcess(this.#proc, pid, networkNamespace, (uid) => this.#users.get(uid)),
      );
    }
    return this.#read.get(key);
  }
}
