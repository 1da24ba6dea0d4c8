import { type Archive, ArchiveIndex } from "../../archive/index.js";
import type { AuthoritySet, Consensus, KeyCertificate, TimeSpan } from "../../relays/index.js";
import { StatusLine } from "../output/status-line.js";
import { openArchive } from "./open-archive.js";

/** What the archive has for a span of time. */
export interface KeptConsensuses {
  readonly consensuses: readonly Consensus[];
  /** Read when they are asked for: most who ask have nothing to verify with them. */
  readonly certificates: () => readonly KeyCertificate[];
}

/** Opens the archive, and brings its index up to date: the first time after documents came takes long. */
export async function keptConsensuses(
  directory: string,
  authorities: AuthoritySet,
  span: TimeSpan,
): Promise<KeptConsensuses> {
  const archive = openArchive({ dataDir: directory }, authorities);
  return { consensuses: await indexed(archive, span), certificates: () => archive.certificates() };
}

/** The same for an archive that is open. */
export async function indexed(archive: Archive, span?: TimeSpan): Promise<readonly Consensus[]> {
  const line = new StatusLine();
  try {
    const { consensuses } = await ArchiveIndex.open(archive, {
      ...(span === undefined ? {} : { span }),
      onProgress: (done, total) => line.show(() => `Reading kept documents: ${done} of ${total}`),
    });
    return consensuses;
  } finally {
    line.end();
  }
}

/** Paths of the exit lists in the archive. */
export function keptExitLists(directory: string, authorities: AuthoritySet, span: TimeSpan): string[] {
  return openArchive({ dataDir: directory }, authorities)
    .exitLists(span)
    .map(({ path }) => path);
}
