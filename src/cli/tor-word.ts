import type { Bridge, TorConnection } from "../relays/index.js";
import { ControlConnection, parseControlAddress } from "../tor-control/index.js";
import { controlCredentials } from "./control-credentials.js";

/** What the local tor says of its own links. */
export interface TorWord {
  readonly bridges: readonly Bridge[];
  readonly connections: readonly TorConnection[];
}

/**
 * Asks the local tor once, now.
 *
 * @throws {LeekError} see ControlConnection.
 */
export async function askTor(control: string): Promise<TorWord> {
  const tor = await ControlConnection.open(parseControlAddress(control), controlCredentials());
  try {
    const bridges = await tor.bridges();
    const at = Math.floor(Date.now() / 1000);
    const connections = (await tor.orConnections())
      .filter(({ status }) => status === "CONNECTED")
      .flatMap(({ fingerprint, nickname, endpoints }) =>
        endpoints
          // A bridge whose line has no fingerprint may be another one.
          .filter(({ source }) => source !== "bridge-without-fingerprint")
          .map(({ address, port }) => ({ address, port, fingerprint, nickname, at })),
      );
    return { bridges, connections };
  } finally {
    await tor.close();
  }
}
