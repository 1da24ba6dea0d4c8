import { escapeText, formatIsoSeconds, LeekError } from "../../base/index.js";
import { formatIpAddress } from "../../net/index.js";
import { type ConsensusFlavor, verificationText } from "../../relays/index.js";
import type { DataDirectoryOptions } from "../directory/data-directory.js";
import { type TrustOptions, trustedNetwork } from "../directory/directory-options.js";
import { indexed } from "../directory/kept-consensuses.js";
import { openArchive } from "../directory/open-archive.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";
import { ArchiveUpdate, type UpdatedDocument } from "../update/archive-update.js";
import { updateFromCollector } from "../update/update-from-collector.js";
import { type NetworkOptions, updateFromNetwork } from "../update/update-from-network.js";
import { TorFiles, type TorState, updateFromControl } from "../update/update-from-tor.js";

export type UpdateSource = "control" | "files" | "network" | "collector";

export interface RelaysUpdateOptions extends TrustOptions, DataDirectoryOptions, NetworkOptions {
  /** Where to ask; default: all that may have documents of this network. Always in the order of UpdateSource. */
  readonly from?: readonly UpdateSource[];
  /** Address of tor's control port; default: where it usually is. */
  readonly control?: string;
  readonly flavor: ConsensusFlavor | "both";
  readonly json: boolean;
}

/**
 * `leek relays update`: takes the current consensus into the archive. The only command that uses the network, and only
 * when the local tor has no current one.
 */
export async function relaysUpdate(options: RelaysUpdateOptions): Promise<number> {
  const { authorities, named } = trustedNetwork(options);
  const archive = openArchive(options, authorities);
  const update = new ArchiveUpdate(archive, options.flavor, Date.now() / 1000);
  const sources = options.from ?? defaultSources(options, named === undefined);
  const files = sources.includes("files") ? new TorFiles(update) : undefined;
  await files?.offerCertificates();
  const tor = sources.includes("control") ? await updateFromControl(update, options.control) : undefined;
  await files?.offerConsensuses();
  const asksCollector = sources.includes("collector");
  if (sources.includes("network") && update.wanted.size > 0) {
    await updateFromNetwork(update, options, authorities, !asksCollector);
  }
  if (asksCollector && update.wanted.size > 0) await updateFromCollector(update, options);
  update.giveUp();
  for (const problem of update.problems) say(problem);
  if (update.wanted.size > 0) {
    throw new LeekError(
      "LEEK_UPDATE_FAILED",
      "unavailable",
      `There is no current ${[...update.wanted].join(" or ")} consensus to be had; what was kept is as it was.`,
      { hint: "See above why. Start tor, name its control port with --control, or directory servers with --mirror." },
    );
  }
  // Whoever asks next shall not wait for it.
  await indexed(archive, { first: update.now, last: update.now });
  report(update.documents, tor, options.json);
  return ExitStatus.Ok;
}

/** The Tor Project's CollecTor knows the public network only, and who names servers means these. */
function defaultSources({ mirror, collector }: RelaysUpdateOptions, isPublic: boolean): UpdateSource[] {
  const hasCollector = collector !== undefined || (isPublic && mirror === undefined);
  return ["control", "files", "network", ...(hasCollector ? (["collector"] as const) : [])];
}

function report(documents: readonly UpdatedDocument[], tor: TorState | undefined, isJson: boolean): void {
  const out = new TextOutput();
  if (isJson) {
    out.write(
      `${JSON.stringify({ schema: "leek/relays-update@1", documents, tor: tor === undefined ? undefined : torJson(tor) }, undefined, 2)}\n`,
    );
  } else {
    for (const { from, flavor, validAfter, validUntil, kept, verification } of documents) {
      const valid = `valid ${validAfter} to ${validUntil}`;
      out.write(
        `${flavor} consensus from ${escapeText(from)}: ${valid}, ${verificationText(verification)}, ${KEPT[kept]}\n`,
      );
    }
    if (tor !== undefined) {
      out.write(`tor ${escapeText(tor.version)} at ${escapeText(tor.control)}: `);
      out.write(
        `${tor.guards.length} guards, ${tor.bridges.length} bridges, ${tor.orConnections.length} OR connections\n`,
      );
    }
  }
  out.flush();
}

/** Addresses and times as they stand in all other documents. */
function torJson(tor: TorState): object {
  return {
    ...tor,
    guards: tor.guards.map(({ since, ...guard }) => ({
      ...guard,
      since: since === undefined ? undefined : formatIsoSeconds(since),
    })),
    orConnections: tor.orConnections.map((connection) => ({
      ...connection,
      endpoints: connection.endpoints.map(({ address, ...endpoint }) => ({
        address: formatIpAddress(address),
        ...endpoint,
      })),
    })),
  };
}

const KEPT: Readonly<Record<UpdatedDocument["kept"], string>> = {
  added: "kept",
  replaced: "kept in place of a worse one",
  present: "kept already",
  better: "a better one is kept already",
  refused: "refused",
};
