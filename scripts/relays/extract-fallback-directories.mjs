// Writes src/relays/fallback-directories.ts from the list that is compiled into a tor binary.
//
//   node scripts/relays/extract-fallback-directories.mjs [/usr/sbin/tor] [YYYY-MM-DD, the release's date]
//
// tor carries its list as one string per fallback directory: IPv4 [":" dirport] " orport=" N " id=" HEX40
// [" ipv6=[" IPv6 "]:" port]. The date goes into the evidence, so give that of the release.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const [binary = "/usr/sbin/tor", releaseDate = ""] = process.argv.slice(2);
if (!/^\d{4}-\d{2}(-\d{2})?$/.test(releaseDate)) {
  console.error("usage: extract-fallback-directories.mjs TOR-BINARY RELEASE-DATE");
  process.exit(64);
}
const version = /^Tor version (\S+?)\.?$/m.exec(execFileSync(binary, ["--version"], { encoding: "utf8" }))?.[1];
const entry = /(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)? orport=(\d+) id=([0-9A-F]{40})(?: ipv6=(\[[0-9a-f:]+\]:\d+))?/g;
const lines = [...readFileSync(binary, "latin1").matchAll(entry)].map(
  ([, address, orPort, id, ipv6]) => `${address}:${orPort} ${id}${ipv6 === undefined ? "" : ` ${ipv6}`}`,
);
if (version === undefined || lines.length === 0) throw new Error(`No list of fallback directories in ${binary}`);

writeFileSync(
  new URL("../../src/relays/fallback-directories.ts", import.meta.url),
  `// Made by scripts/relays/extract-fallback-directories.mjs from tor ${version}; do not edit.

/** The release whose list this is, and when it came out: the relays are those of that time. */
export const FALLBACK_RELEASE = { release: "tor ${version}", date: "${releaseDate}" } as const;

/**
 * Relays compiled into tor, which a client without a consensus contacts first: IPv4 ":" ORPort SP fingerprint
 * [SP "[" IPv6 "]:" ORPort], one a line, ${lines.length} of them.
 */
export const FALLBACK_DIRECTORIES = \`
${lines.join("\n")}
\`;
`,
);
console.log(`${lines.length} fallback directories of tor ${version}`);
