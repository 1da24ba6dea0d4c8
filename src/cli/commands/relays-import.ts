import { type ImportCount, type ImportProgress, type ImportReport, importFiles } from "../../archive/index.js";
import { escapeText } from "../../base/index.js";
import type { DataDirectoryOptions } from "../directory/data-directory.js";
import { type TrustOptions, trustedNetwork } from "../directory/directory-options.js";
import { indexed } from "../directory/kept-consensuses.js";
import { openArchive } from "../directory/open-archive.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";
import { StatusLine } from "../output/status-line.js";

export interface RelaysImportOptions extends DataDirectoryOptions, TrustOptions {
  readonly json: boolean;
}

/** So many problems are told one by one; --json has more. */
const SHOWN_PROBLEMS = 10;

/** `leek relays import FILE...`: takes documents into the archive. Exit status: 0, or 65 when something was refused. */
export async function relaysImport(paths: readonly string[], options: RelaysImportOptions): Promise<number> {
  const archive = openArchive(options, trustedNetwork(options).authorities);
  const line = new StatusLine();
  let report: ImportReport;
  try {
    // --certs names files of certificates, as everywhere; here they are imported like the others.
    report = await importFiles(archive, [...(options.certs ?? []), ...paths], (progress) =>
      line.show(() => progressText(progress)),
    );
  } finally {
    line.end();
  }
  // Whoever asks next shall not wait for it.
  await indexed(archive);
  const out = new TextOutput();
  if (options.json) {
    const document = { schema: "leek/relays-import@1", directory: archive.directory, ...report };
    out.write(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    out.write(describe(report, archive.directory));
    for (const { message } of report.problems.slice(0, SHOWN_PROBLEMS)) say(message);
    const more = report.problemCount - SHOWN_PROBLEMS;
    if (more > 0) say(`${more} more like these; --json tells of them.`);
    if (report.unverified > 0) say(remedy(report.unverified));
  }
  out.flush();
  return report.problemCount === 0 ? ExitStatus.Ok : ExitStatus.BadData;
}

function describe(report: ImportReport, directory: string): string {
  const lines = [
    countText(report.consensuses, "consensus", "consensuses"),
    countText(report.certificates, "key certificate", "key certificates"),
    countText(report.exitLists, "exit list", "exit lists"),
  ].filter((line) => line !== undefined);
  if (lines.length === 0) lines.push("nothing");
  const refused = report.invalid + report.unverified;
  const rest = [
    refused > 0 ? `Refused: ${report.invalid} invalid, ${report.unverified} unverified.` : undefined,
    report.foreignCertificates > 0
      ? `Left out: ${report.foreignCertificates} key certificates of authorities that leek does not know.`
      : undefined,
    report.other > 0 ? `Passed over: ${report.other} that are none of these.` : undefined,
  ].filter((line) => line !== undefined);
  return `${[`Into ${escapeText(directory)}:`, ...lines.map((line) => `  ${line}`), ...rest].join("\n")}\n`;
}

function countText({ added, replaced, present }: ImportCount, one: string, many: string): string | undefined {
  const all = added + replaced + present;
  if (all === 0) return undefined;
  const parts = [`${added} added`];
  if (replaced > 0) parts.push(`${replaced} replaced by better ones`);
  if (present > 0) parts.push(`${present} there already`);
  return `${all} ${all === 1 ? one : many}: ${parts.join(", ")}`;
}

function remedy(count: number): string {
  const what = count === 1 ? "1 consensus was" : `${count} consensuses were`;
  return (
    `${what} not taken, as nothing is kept unverified. Import key certificates too: CollecTor's certs.tar.xz, or tor's ` +
    "cached-certs. For a private network, name its authorities with --authorities-from."
  );
}

function progressText({ bytesRead, totalBytes, documents }: ImportProgress): string {
  const read = `${(bytesRead / 1e6).toFixed(1)} MB read`;
  const share = totalBytes === undefined || totalBytes === 0 ? "" : `, ${Math.floor((bytesRead / totalBytes) * 100)} %`;
  return `${read}${share}, ${documents} document${documents === 1 ? "" : "s"}`;
}
