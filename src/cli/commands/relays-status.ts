import { type ArchiveStatus, archiveStatus, type KindStatus } from "../../archive/index.js";
import { escapeText, formatIsoSeconds } from "../../base/index.js";
import type { DataDirectoryOptions } from "../directory/data-directory.js";
import { type TrustOptions, trustedNetwork } from "../directory/directory-options.js";
import { openArchive } from "../directory/open-archive.js";
import { ExitStatus } from "../output/exit-status.js";
import { TextOutput } from "../output/output.js";
import { StatusLine } from "../output/status-line.js";

export interface RelaysStatusOptions extends DataDirectoryOptions, TrustOptions {
  readonly json: boolean;
  readonly verify: boolean;
}

const SHOWN_GAPS = 10;
const NAMES = { ns: "consensuses", microdesc: "microdesc consensuses", "exit-list": "exit lists" } as const;

/** `leek relays status`: what is kept. Exit status: 0, or 65 when --verify found something that does not verify. */
export function relaysStatus(options: RelaysStatusOptions): number {
  const archive = openArchive(options, trustedNetwork(options).authorities);
  const line = new StatusLine();
  const status = archiveStatus(archive, options.verify, (done, total) =>
    line.show(() => `${done} of ${total} verified`),
  );
  line.end();
  const out = new TextOutput();
  out.write(options.json ? `${JSON.stringify(documentOf(status), undefined, 2)}\n` : describe(status));
  out.flush();
  return status.verified === undefined || status.verified.problems.length === 0 ? ExitStatus.Ok : ExitStatus.BadData;
}

function documentOf({ directory, bytes, kinds, certificates, verified }: ArchiveStatus) {
  const time = (seconds: number | undefined) => (seconds === undefined ? undefined : formatIsoSeconds(seconds));
  return {
    schema: "leek/relays-status@1",
    directory,
    bytes,
    documents: kinds.map((it) => ({
      ...it,
      first: time(it.first),
      last: time(it.last),
      gaps: it.gaps.map(({ after, before, missing }) => ({ after: time(after), before: time(before), missing })),
    })),
    certificates: certificates.map((it) => ({ ...it, expires: time(it.expires) })),
    verified,
  };
}

function describe({ directory, bytes, kinds, certificates, verified }: ArchiveStatus): string {
  const lines = [`${escapeText(directory)}: ${megabytes(bytes)}`];
  for (const kind of kinds) lines.push(...kindLines(kind));
  const held = certificates.map((it) => it.expires);
  const count = certificates.reduce((sum, it) => sum + it.count, 0);
  lines.push(`  ${count} key certificates of ${certificates.length} authorities`);
  for (const { identity, expires } of certificates) lines.push(`    ${identity} until ${formatIsoSeconds(expires)}`);
  if (held.length === 0) lines.push("    Nothing can be verified without them: import certs.tar.xz or cached-certs.");
  if (verified !== undefined) {
    lines.push(`  ${verified.count} consensuses verified, ${verified.problems.length} not`);
    for (const { path, reason } of verified.problems) lines.push(`    ${escapeText(path)}: ${escapeText(reason)}`);
  }
  return `${lines.join("\n")}\n`;
}

function kindLines({ kind, count, bytes, first, last, gaps, missing }: KindStatus): string[] {
  if (first === undefined || last === undefined) return [`  0 ${NAMES[kind]}`];
  const span = `${formatIsoSeconds(first)} to ${formatIsoSeconds(last)}`;
  const lines = [`  ${count} ${NAMES[kind]}, ${span}, ${megabytes(bytes)}`];
  if (missing > 0) lines.push(`    ${missing} hours missing:`);
  for (const gap of gaps.slice(0, SHOWN_GAPS)) {
    const hours = gap.missing === 1 ? "1 hour" : `${gap.missing} hours`;
    lines.push(`      ${hours} after ${formatIsoSeconds(gap.after)}`);
  }
  if (gaps.length > SHOWN_GAPS) lines.push(`      and ${gaps.length - SHOWN_GAPS} more gaps`);
  return lines;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
