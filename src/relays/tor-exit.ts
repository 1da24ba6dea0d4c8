import type { IpAddress } from "../net/index.js";
import type { RelayDirectory } from "./relay-directory.js";

/** A relay by which Tor's traffic leaves. */
export interface TorExit {
  readonly fingerprint: string;
  readonly nickname: string;
}

/**
 * The exit at an address: a relay with the flag Exit, by a document in reach of the moment. Some exits send from another
 * address than that of their OR port; only exit lists tell of these.
 *
 * Source: dir-spec 3.4.1 (`r`, `a` and `s` lines).
 *
 * @param seconds - Since 1970-01-01 UTC.
 */
export function exitAt(directory: RelayDirectory, address: IpAddress, seconds: number): TorExit | undefined {
  if (!directory.mayList(address)) return undefined;
  const { version, a, b, c, d } = address;
  for (const consensus of directory.reaching(seconds)) {
    for (const { relay } of consensus.portsAt(version, a, b, c, d)) {
      const { fingerprint, nickname, flags } = consensus.identity(relay);
      if (flags.includes("Exit")) return { fingerprint, nickname };
    }
  }
  return undefined;
}
