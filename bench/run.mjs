/**
 * `npm run bench`: leek beside its peers, whole processes on the same file in the same run. See bench/README.md.
 *
 * Options: --rounds N, --packets N and --flows N (for a try), --slow (tshark too), --leek-only.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ensureDist } from "../scripts/dist.mjs";
import { SetupError } from "../scripts/project.mjs";
import { FULL_FLOWS, FULL_PACKETS, generate } from "./generate.mjs";
import { hasGnuTime, measure, measureWall, median, RunError } from "./measure.mjs";
import { isInstalled, PEERS } from "./peers.mjs";

const BENCH = dirname(fileURLToPath(import.meta.url));
const LEEK = [process.execPath, join(dirname(BENCH), "bin", "leek.js")];
const ANALYZE_JSON = "leek analyze --json";
const JSON_HEADERS_ONLY = "leek analyze --json --headers-only";
const ANALYZE = "leek analyze";
const HEADERS_ONLY = "leek analyze --headers-only";
const PRINT_PLAIN = "leek print --plain";
const SHORT_RUNS = 21;
const MEMORY_LIMIT_MB = 200;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    packets: { type: "string", default: String(FULL_PACKETS) },
    flows: { type: "string", default: String(FULL_FLOWS) },
    slow: { type: "boolean", default: false },
    "leek-only": { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const packets = Number(options.packets);
const flows = Number(options.flows);

/** @typedef {import("./measure.mjs").Cost} Cost */
/** @typedef {{ name: string, command: string[], isSlow: boolean, costs: Cost[], error?: string }} Contestant */
/** @typedef {{ what: string, measured: string, limit: string, holds: boolean | undefined }} Target */

try {
  await ensureDist();
} catch (error) {
  // The peers can still be measured.
  if (!(error instanceof SetupError)) throw error;
  progress(`leek could not be built, so its rows will be missing. ${error.message}`);
}
progress(`Making the capture (${packets} packets, ${flows} flows) unless it is there ...`);
const big = generate({ packets, flows });
// As many flows, so that only the size of the capture differs.
const quarter = generate({ packets: Math.round(packets / 4), flows });

/** @type {string[]} */
const absent = [];
const contestants = makeContestants();
const folder = mkdtempSync(join(tmpdir(), "leek-bench-"));
try {
  race(contestants, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const report = [...describeRun(), "", ...table(contestants), "", ...targetTable(checkTargets()), ""].join("\n");
console.log(report);
mkdirSync(join(BENCH, "results"), { recursive: true });
const file = join(BENCH, "results", `${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.md`);
writeFileSync(file, report);
progress(`Written to ${file}`);

/** @returns {Contestant[]} */
function makeContestants() {
  /** @type {Contestant[]} */
  const leeks = [
    [ANALYZE_JSON, ...leekArgs("analyze", "--json")],
    [JSON_HEADERS_ONLY, ...leekArgs("analyze", "--json", "--headers-only")],
    [ANALYZE, ...leekArgs("analyze")],
    [HEADERS_ONLY, ...leekArgs("analyze", "--headers-only")],
    [PRINT_PLAIN, ...LEEK, "print", "--plain", big.capture],
    ["leek print", ...leekArgs("print")],
  ].map(([name = "", ...command]) => ({ name, command, isSlow: false, costs: [] }));
  /** @type {Contestant[]} */
  const peers = [];
  for (const { name, program, package_, args, isSlow = false } of options["leek-only"] ? [] : PEERS) {
    if (isSlow && !options.slow) continue;
    if (!isInstalled(program)) absent.push(`${name} (${package_})`);
    else peers.push({ name, command: [program, ...args(big.capture)], isSlow, costs: [] });
  }
  return [...leeks, ...peers];
}

/** @param {string[]} args */
function leekArgs(...args) {
  return [...LEEK, ...args, big.capture, "--consensus", big.consensus];
}

/**
 * Rounds of all contestants in turn, so that a noisy minute of the machine falls on all of them alike. The round
 * before the first warms the page cache and is not counted.
 *
 * @param {Contestant[]} contestants
 * @param {string} folder
 */
function race(contestants, folder) {
  for (let round = 0; round <= rounds; round++) {
    for (const contestant of contestants) {
      if (contestant.error !== undefined || (contestant.isSlow && round !== 1)) continue;
      progress(`${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}: ${contestant.name}`);
      try {
        const cost = measure(contestant.command, folder);
        if (round > 0) contestant.costs.push(cost);
      } catch (error) {
        if (!(error instanceof RunError)) throw error;
        contestant.error = error.message;
      }
    }
  }
}

function describeRun() {
  const [cpu] = cpus();
  const megabytes = Math.round(big.facts.fileBytes / 1e6);
  return [
    `${big.facts.packets} packets, ${megabytes} MB, ${big.facts.flows} flows; median of ${rounds} rounds; page cache warm.`,
    `Node.js ${process.version}, ${cpus().length} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB.`,
    ...(absent.length > 0 ? [`Not installed: ${absent.join(", ")}.`] : []),
    ...(hasGnuTime ? [] : ["GNU time is not installed (Debian package `time`): no CPU time, no peak memory."]),
  ];
}

/** @param {Contestant[]} contestants */
function table(contestants) {
  const reference = wallOf(ANALYZE_JSON);
  const rows = contestants.map(({ name, costs, error }) => {
    if (error !== undefined) return `| ${name} | failed (${error}) | | | |`;
    const wall = median(costs.map((cost) => cost.wallMs));
    const cpu = median(costs.map((cost) => cost.cpuMs));
    const peak = peakOf(costs);
    return `| ${name} | ${seconds(wall)} | ${seconds(cpu)} | ${megabytes(peak)} | ${ratio(wall / reference)} |`;
  });
  return [
    `| program | wall | user + sys | peak memory | wall beside ${ANALYZE_JSON} |`,
    "| --- | ---: | ---: | ---: | ---: |",
    ...rows,
  ];
}

/** @returns {Target[]} */
function checkTargets() {
  const analyze = wallOf(ANALYZE_JSON);
  const printing = wallOf(PRINT_PLAIN);
  const small = attempt(() => measure([...LEEK, "analyze", "--json", quarter.capture, "--consensus", big.consensus]));
  const leeks = contestants.filter(({ name }) => name.startsWith("leek "));
  const peak = Math.max(...leeks.map(({ costs }) => peakOf(costs)));
  const version = shortRun([...LEEK, "--version"]);
  const bare = shortRun([process.execPath, "-e", "0"]);
  const lookup = (/** @type {string} */ consensus) =>
    shortRun([...LEEK, "relays", "lookup", big.relay, "--at", big.relayTime, "--consensus", consensus]);
  const load = lookup(big.consensus) - lookup(big.tinyConsensus);
  return [
    target(
      "`analyze --json --headers-only` beside `capinfos -c`",
      wallOf(JSON_HEADERS_ONLY) / wallOf("capinfos -c"),
      "at most 1.2",
      (x) => x <= 1.2,
    ),
    target(
      "`analyze` beside the same with `--headers-only`",
      wallOf(ANALYZE) / wallOf(HEADERS_ONLY),
      "at most 1.6",
      (x) => x <= 1.6,
    ),
    target(
      "`analyze --json` beside the same with `--headers-only`",
      analyze / wallOf(JSON_HEADERS_ONLY),
      "at most 1.6",
      (x) => x <= 1.6,
    ),
    target("`analyze --json` beside `cat` (the limit)", analyze / wallOf("cat"), "", undefined),
    target("`tcpdump -n -r` beside `print --plain`", wallOf("tcpdump -n -r") / printing, "at least 4", (x) => x >= 4),
    target("peak memory, MB", peak / 1e6, `under ${MEMORY_LIMIT_MB}`, (x) => x < MEMORY_LIMIT_MB),
    target(
      "peak memory beside that on a quarter of the capture",
      peakOf(costsOf(ANALYZE_JSON)) / (small?.peakBytes ?? Number.NaN),
      "about 1",
      (x) => x < 1.25,
    ),
    target(
      `\`leek --version\` (${version.toFixed(0)} ms) beside \`node -e 0\``,
      version / bare,
      "at most 1.5",
      (x) => x <= 1.5,
    ),
    target(
      "9,000 relays load in, ms (`relays lookup`, beside a consensus of one relay)",
      load,
      "under 60",
      (x) => x < 60,
    ),
  ];
}

/**
 * @param {string} what
 * @param {number} value NaN when something that it needs gave no figure.
 * @param {string} limit
 * @param {((value: number) => boolean) | undefined} holds
 * @returns {Target}
 */
function target(what, value, limit, holds) {
  const isKnown = Number.isFinite(value);
  return { what, measured: isKnown ? value.toPrecision(3) : "-", limit, holds: isKnown ? holds?.(value) : undefined };
}

/** @param {Target[]} targets */
function targetTable(targets) {
  const rows = targets.map(({ what, measured, limit, holds }) => {
    const outcome = holds === undefined ? "" : holds ? "pass" : "**fail**";
    return `| ${what} | ${measured} | ${limit} | ${outcome} |`;
  });
  return ["| target | measured | limit | |", "| --- | ---: | --- | --- |", ...rows];
}

/** @param {string} name */
function costsOf(name) {
  return contestants.find((contestant) => contestant.name === name)?.costs ?? [];
}

/** @param {readonly Cost[]} costs */
function peakOf(costs) {
  return costs.length === 0 ? Number.NaN : Math.max(...costs.map((cost) => cost.peakBytes));
}

/** @param {string} name */
function wallOf(name) {
  return median(costsOf(name).map((cost) => cost.wallMs));
}

/**
 * @param {string[]} command
 * @returns {number} Milliseconds; NaN when it failed.
 */
function shortRun(command) {
  progress(command.slice(1).join(" "));
  return attempt(() => median(Array.from({ length: SHORT_RUNS }, () => measureWall(command)))) ?? Number.NaN;
}

/**
 * @template T
 * @param {() => T} run
 * @returns {T | undefined}
 */
function attempt(run) {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    progress(error.message);
    return undefined;
  }
}

/** @param {number} ms */
function seconds(ms) {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(2)} s` : "-";
}

/** @param {number} bytes */
function megabytes(bytes) {
  return Number.isFinite(bytes) ? `${Math.round(bytes / 1e6)} MB` : "-";
}

/** @param {number} value */
function ratio(value) {
  return Number.isFinite(value) ? value.toFixed(2) : "-";
}

/** @param {string} line */
function progress(line) {
  process.stderr.write(`${line}\n`);
}
