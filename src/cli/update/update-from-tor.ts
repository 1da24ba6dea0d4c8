import { homedir } from "node:os";
import { readDocument } from "../../archive/index.js";
import { LeekError } from "../../base/index.js";
import { type ConsensusFiles, findLocalConsensus, formatBridge, torDataDirectories } from "../../relays/index.js";
import { ControlConnection, type EntryGuard, type OrConnection, parseControlAddress } from "../../tor-control/index.js";
import { controlCredentials } from "../directory/control-credentials.js";
import type { ArchiveUpdate } from "./archive-update.js";

/** What tor says of itself over its control port. */
export interface TorState {
  readonly control: string;
  readonly version: string;
  readonly guards: readonly EntryGuard[];
  readonly bridges: readonly string[];
  readonly orConnections: readonly OrConnection[];
}

const CONTROL_ADDRESSES = ["/run/tor/control", "127.0.0.1:9051", "127.0.0.1:9151"];

/** Tor's files on this machine. */
export class TorFiles {
  readonly #found: ConsensusFiles = findLocalConsensus(torDataDirectories(homedir()));

  constructor(private readonly update: ArchiveUpdate) {
    update.problems.push(...this.#found.notes.map(({ message }) => message));
  }

  /** Certificates cost nothing to look at, and whatever comes next is verified with them. */
  async offerCertificates(): Promise<void> {
    for (const path of this.#found.certificates) await this.#offer(path);
  }

  async offerConsensuses(): Promise<void> {
    for (const { path, preamble } of this.#found.files) {
      if (this.update.wanted.has(preamble.flavor)) await this.#offer(path);
    }
  }

  async #offer(path: string): Promise<void> {
    let bytes: Buffer;
    try {
      bytes = readDocument(path);
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
      this.update.problems.push(error.message);
      return;
    }
    await this.update.offer(bytes, path);
  }
}

/** The local tor, asked over its control port: nothing leaves the machine. */
export async function updateFromControl(
  update: ArchiveUpdate,
  address: string | undefined,
): Promise<TorState | undefined> {
  const addresses = address === undefined ? CONTROL_ADDRESSES : [address];
  for (const text of addresses) {
    let tor: ControlConnection | undefined;
    try {
      tor = await ControlConnection.open(parseControlAddress(text), controlCredentials());
      for (const flavor of [...update.wanted]) {
        const bytes = await tor.consensus(flavor);
        if (bytes === undefined) update.problems.push(`tor at ${text} has no ${flavor} consensus.`);
        else await update.offer(bytes, `tor at ${text}`);
      }
      return {
        control: text,
        version: await tor.version(),
        guards: await tor.entryGuards(),
        bridges: (await tor.bridges()).map(formatBridge),
        orConnections: await tor.orConnections(),
      };
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
      // Of the usual addresses most are nobody's.
      if (address !== undefined) throw error;
      if (error.code !== "LEEK_TOR_CONTROL_UNREACHABLE") update.problems.push(error.message);
    } finally {
      await tor?.close();
    }
  }
  return undefined;
}
