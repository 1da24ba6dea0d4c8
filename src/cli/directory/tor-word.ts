import type { Bridge, TorConnection } from "../../relays/index.js";
import { ControlConnection, parseControlAddress } from "../../tor-control/index.js";
import { controlCredentials } from "./control-credentials.js";
import { TorConnections } from "./tor-connections.js";

/** What the local tor says of its own links. */
export interface TorWord {
  readonly bridges: readonly Bridge[];
  readonly connections: readonly TorConnection[];
}

/**
 * Opens the control port that the user named.
 *
 * @param signal - Ends the connection.
 * @throws {LeekError} see ControlConnection.
 */
export function openControl(control: string, signal?: AbortSignal): Promise<ControlConnection> {
  return ControlConnection.open(parseControlAddress(control), { ...controlCredentials(), signal });
}

/**
 * Asks the local tor once, now.
 *
 * @throws {LeekError} see ControlConnection.
 */
export async function askTor(control: string): Promise<TorWord> {
  const tor = await openControl(control);
  try {
    const bridges = await tor.bridges();
    const connections = new TorConnections();
    connections.add(await tor.orConnections(), Math.floor(Date.now() / 1000));
    return { bridges, connections: connections.all };
  } finally {
    await tor.close();
  }
}
