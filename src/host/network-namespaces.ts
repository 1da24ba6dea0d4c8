import { readlinkSync } from "node:fs";
import { processes } from "./process-ids.js";

/** How long the list is believed. */
const LIST_MS = 2_000;
/** Processes kept for each namespace, for they end. */
const MAX_PROCESSES = 4;
/** Machines with more containers than that are not looked at whole. */
const MAX_NAMESPACES = 256;

/** A network namespace other than leek's own. */
export interface NetworkNamespace {
  readonly inode: number;
  /** Its sockets and addresses: /proc/PID/net. */
  readonly folder: string;
}

/** The other network namespaces of this machine that have processes, and may be looked into. */
export class NetworkNamespaces {
  readonly #proc: string;
  readonly #now: () => number;
  #processes: ReadonlyMap<number, readonly number[]> = new Map();
  #until = Number.NEGATIVE_INFINITY;

  /** @param now - Milliseconds of a clock that never goes back. */
  constructor(proc: string, now: () => number) {
    this.#proc = proc;
    this.#now = now;
  }

  list(): NetworkNamespace[] {
    if (this.#now() >= this.#until) {
      this.#processes = this.#look();
      this.#until = this.#now() + LIST_MS;
    }
    return [...this.#processes].flatMap(([inode, pids]) => {
      // The number of a process that has ended may be another's by now.
      const pid = pids.find((candidate) => this.#namespaceOf(String(candidate)) === inode);
      return pid === undefined ? [] : [{ inode, folder: `${this.#proc}/${pid}/net` }];
    });
  }

  #look(): ReadonlyMap<number, readonly number[]> {
    const own = this.#namespaceOf("self");
    const found = new Map<number, number[]>();
    for (const pid of processes(this.#proc)) {
      const inode = this.#namespaceOf(String(pid));
      if (inode === undefined || inode === own) continue;
      const pids = found.get(inode);
      if (pids !== undefined && pids.length < MAX_PROCESSES) pids.push(pid);
      else if (pids === undefined && found.size < MAX_NAMESPACES) found.set(inode, [pid]);
    }
    return found;
  }

  #namespaceOf(pid: string): number | undefined {
    try {
      const inode = /^net:\[(\d+)\]$/.exec(readlinkSync(`${this.#proc}/${pid}/ns/net`))?.[1];
      return inode === undefined ? undefined : Number(inode);
    } catch {
      return undefined;
    }
  }
}
