import { formatIpAddress } from "../../net/index.js";
import type { TorConnection } from "../../relays/index.js";
import type { OrConnection } from "../../tor-control/index.js";

/** How long after its end was noticed a connection may still have begun: packets and answers take different ways. */
const SLACK_SECONDS = 60;
/** How long what has ended is remembered, for packets that come late. */
const KEEP_SECONDS = 3600;
/** A relay of the public network has some thousands. */
const MAX_CONNECTIONS = 32_768;

/** The OR connections of a tor over time: when each was there first, and when it was gone. */
export class TorConnections {
  readonly #known = new Map<string, TorConnection>();

  /** By the time at which tor named them first. */
  get all(): TorConnection[] {
    return [...this.#known.values()];
  }

  /**
   * Takes in connections that tor named.
   *
   * @param at - When; seconds since 1970-01-01 UTC.
   * @returns Whether anything is new.
   */
  add(connections: readonly OrConnection[], at: number): boolean {
    let changed = false;
    for (const [key, connection] of connected(connections, at)) {
      const known = this.#known.get(key);
      if (known !== undefined && known.until === undefined) continue;
      if (known === undefined && this.#known.size >= MAX_CONNECTIONS) continue;
      this.#known.set(key, known === undefined ? connection : { ...known, until: undefined });
      changed = true;
    }
    return changed;
  }

  /** Takes in all connections that there are: those that are not among them have ended. */
  replace(connections: readonly OrConnection[], at: number): boolean {
    const present = connected(connections, at);
    const changed = this.#endThose((key) => !present.has(key), at);
    return this.add(connections, at) || changed;
  }

  /** Nobody tells any more what there is. */
  endAll(at: number): boolean {
    return this.#endThose(() => true, at);
  }

  #endThose(ended: (key: string) => boolean, at: number): boolean {
    let changed = false;
    for (const [key, known] of this.#known) {
      if (known.until === undefined) {
        if (!ended(key)) continue;
        this.#known.set(key, { ...known, until: at + SLACK_SECONDS });
        changed = true;
      } else if (known.until < at - KEEP_SECONDS) this.#known.delete(key);
    }
    return changed;
  }
}

/** Those that stand, by where they go and to whom; each may go to one of several addresses. */
function connected(connections: readonly OrConnection[], at: number): Map<string, TorConnection> {
  const found = new Map<string, TorConnection>();
  for (const { status, fingerprint, nickname, endpoints } of connections) {
    if (status !== "CONNECTED") continue;
    for (const { address, port, source } of endpoints) {
      // A bridge whose line has no fingerprint may be another one.
      if (source === "bridge-without-fingerprint") continue;
      found.set(`${formatIpAddress(address)} ${port} ${fingerprint}`, { address, port, fingerprint, nickname, at });
    }
  }
  return found;
}
