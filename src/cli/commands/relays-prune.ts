import { pruneArchive } from "../../archive/index.js";
import { formatIsoSeconds, parseUtcTime } from "../../base/index.js";
import { AuthoritySet } from "../../relays/index.js";
import { usageError } from "../arguments/usage-error.js";
import type { DataDirectoryOptions } from "../directory/data-directory.js";
import { openArchive } from "../directory/open-archive.js";
import { ExitStatus } from "../output/exit-status.js";
import { TextOutput } from "../output/output.js";

export interface RelaysPruneOptions extends DataDirectoryOptions {
  /** How much to keep: `30d`, `12h`, `8w`. */
  readonly keep: string | undefined;
  /** What is older than this goes; with `keep`, what is older than that much before it. */
  readonly before: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const SECONDS: Readonly<Record<string, number>> = { h: 3600, d: 86_400, w: 7 * 86_400, y: 365 * 86_400 };

/** `leek relays prune`: removes old documents. */
export function relaysPrune(options: RelaysPruneOptions): number {
  const { keep, before, dryRun } = options;
  if (keep === undefined && before === undefined) {
    throw usageError("Nothing says what is to go.", "Say how much to keep: --keep 30d, or --before 2026-11-22.");
  }
  const end = before === undefined ? Math.floor(Date.now() / 1000) : parseUtcTime(before);
  if (end === undefined) throw usageError(`${before} is no time.`, 'Write it in UTC: --before "2026-11-22 10:00".');
  const seconds = end - (keep === undefined ? 0 : durationOf(keep));
  // Pruning trusts nobody: what is removed by its time needs no signatures.
  const archive = openArchive(options, AuthoritySet.builtIn());
  const report = pruneArchive(archive, seconds, dryRun);
  const out = new TextOutput();
  if (options.json) {
    const document = { schema: "leek/relays-prune@1", directory: archive.directory, before: formatIsoSeconds(seconds) };
    out.write(`${JSON.stringify({ ...document, dryRun, ...report }, undefined, 2)}\n`);
  } else {
    const what = `${report.consensuses} consensuses, ${report.exitLists} exit lists, ${report.certificates} certificates`;
    const verb = dryRun ? "Would remove" : "Removed";
    out.write(`${verb} ${what} from before ${formatIsoSeconds(seconds)}: ${(report.bytes / 1e6).toFixed(1)} MB.\n`);
  }
  out.flush();
  return ExitStatus.Ok;
}

function durationOf(text: string): number {
  const match = /^(\d{1,6})([hdwy])$/.exec(text);
  if (match === null)
    throw usageError(`${text} is no span of time.`, "Write 30d for thirty days; h, d, w and y are known.");
  return Number(match[1]) * SECONDS[match[2]!]!;
}
