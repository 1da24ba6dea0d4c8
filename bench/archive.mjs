/**
 * `node bench/archive.mjs`: a month of hourly consensuses of 9,000 relays, as a `.tar.xz`, and what the archive makes of it:
 * how long the import takes with its index, how large that is, and how long a question to it takes, each in a process of
 * its own. Needs xz. Takes some five minutes, most of them for making the month, which stays in bench/data.
 *
 * Options: --hours N, --relays N, --rounds N (of the questions), --skip-build (of dist/).
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildSync } from "esbuild";
import { createTarPacker } from "modern-tar";
import { ensureDist } from "../scripts/dist.mjs";
import { formatConsensus, formatDocumentTime, generateRelays, seededRandom } from "./consensus-generator.mjs";
import { hasGnuTime, measure, measureWall } from "./measure.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const LEEK = join(ROOT, "bin", "leek.js");
const TARGETS = { importMs: 120_000, indexBytes: 30e6, lookupMs: 150, verifyMs: 250 };
/** 2026-10-01 00:00:00 UTC. */
const START = Date.UTC(2026, 9, 1) / 1000;
/** Per hour: relays that leave and relays that come, and relays whose flags change. */
const CHURN = 0.003;
const FLAG_FLIPS = 0.01;
const AUTHORITIES = 9;

const { values: options } = parseArgs({
  options: {
    hours: { type: "string", default: "720" },
    relays: { type: "string", default: "9000" },
    rounds: { type: "string", default: "11" },
    "skip-build": { type: "boolean", default: false },
  },
});
const hours = Number(options.hours);
const count = Number(options.relays);

/** Scripts in TypeScript, for processes that import from src/ and test/. */
function bundle(/** @type {string} */ contents, /** @type {string} */ outfile) {
  buildSync({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile,
  });
  return outfile;
}

/**
 * The relays of each hour, by the hour before.
 *
 * @returns {Generator<ReturnType<typeof generateRelays>>}
 */
function* relaysByHour() {
  const random = seededRandom(7);
  const spare = generateRelays({ count: Math.ceil(count * (1 + CHURN * hours)), seed: 3 });
  // Those that will come are spread over the whole list, as identities are.
  const order = spare.map((relay) => ({ relay, key: random() })).sort((x, y) => x.key - y.key);
  const queue = order.map(({ relay }) => relay);
  let listed = queue.splice(0, count);
  for (let hour = 0; hour < hours; hour++) {
    yield [...listed].sort((x, y) => Buffer.compare(x.identity, y.identity));
    listed = listed.filter((relay) => {
      if (random() >= CHURN) return true;
      // Half of those that leave come back some day.
      if (random() < 0.5) queue.splice(Math.floor(random() * queue.length), 0, relay);
      return false;
    });
    listed.push(...queue.splice(0, count - listed.length));
    listed = listed.map((relay) => {
      if (random() >= FLAG_FLIPS) return relay;
      const flag = random() < 0.5 ? "Stable" : "Guard";
      const without = relay.flags.filter((it) => it !== flag);
      return { ...relay, flags: without.length < relay.flags.length ? without : [...without, flag].sort() };
    });
  }
}

/** Makes the month, unless it is there: archive, certificates, torrc. */
async function makeMonth() {
  const folder = join(ROOT, "bench", "data", `archive-${hours}-${count}`);
  const month = {
    folder,
    tar: join(folder, "month.tar.xz"),
    certificates: join(folder, "certs"),
    torrc: join(folder, "torrc"),
  };
  if (existsSync(month.tar)) return month;
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`Making ${hours} consensuses of ${count} relays ...\n`);
  const started = performance.now();
  const script = bundle('export * from "./test/relays/signed-documents.js";', join(folder, "signing.mjs"));
  const { makeAuthority, makeCertificate, signDocument } = await import(pathToFileURL(script).href);
  const authorities = Array.from({ length: AUTHORITIES }, (_, i) => makeAuthority(`authority${i + 1}`));
  writeFileSync(month.certificates, authorities.map((it) => makeCertificate(it)).join(""));
  const lines = authorities.map(
    (it) => `DirAuthority ${it.nickname} v3ident=${it.v3Identity} 192.0.2.1:80 ${it.v3Identity}\n`,
  );
  writeFileSync(month.torrc, lines.join(""));
  const xz = spawn("xz", ["-T0", "-3", "-c"], { stdio: ["pipe", "pipe", "inherit"] });
  const file = createWriteStream(`${month.tar}.part`);
  xz.stdout.pipe(file);
  const { readable, controller } = createTarPacker();
  const writing = (async () => {
    for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (readable))) {
      if (!xz.stdin.write(chunk)) await once(xz.stdin, "drain");
    }
    xz.stdin.end();
  })();
  let hour = 0;
  for (const relays of relaysByHour()) {
    const validAfter = START + hour * 3600;
    const text = formatConsensus(relays, { validAfter, annotated: true, seed: Math.floor(hour / 6) });
    const bytes = Buffer.from(signDocument(text, authorities, "sha256"), "latin1");
    const name = `${formatDocumentTime(validAfter).replace(/[ :]/g, "-")}-consensus-microdesc`;
    const body = controller.add({ name, size: bytes.length, type: "file" }).getWriter();
    await body.write(bytes);
    await body.close();
    hour++;
  }
  controller.finalize();
  await writing;
  await once(file, "close");
  renameSync(`${month.tar}.part`, month.tar);
  process.stderr.write(`made in ${Math.round((performance.now() - started) / 1000)} s\n`);
  return month;
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((x, y) => x - y)[values.length >> 1] ?? Number.NaN;
}

/** @param {string} what @param {string} figure @param {boolean} [isGood] */
function tell(what, figure, isGood) {
  const verdict = isGood === undefined ? "" : isGood ? "pass" : "FAIL";
  process.stdout.write(`${what.padEnd(46)} ${figure.padStart(12)}  ${verdict}\n`);
  if (isGood === false) process.exitCode = 1;
}

const month = await makeMonth();
if (!options["skip-build"]) await ensureDist();
const scratch = mkdtempSync(join(tmpdir(), "leek-bench-archive-"));
try {
  const data = join(scratch, "data");
  const trust = ["--authorities-from", month.torrc];
  const at = ["--data-dir", data, ...trust];
  tell("month.tar.xz", `${(statSync(month.tar).size / 1e6).toFixed(1)} MB`);
  const imported = measure([process.execPath, LEEK, "relays", "import", month.certificates, month.tar, ...at]);
  tell("import", `${(imported.wallMs / 1000).toFixed(1)} s`, imported.wallMs < TARGETS.importMs);
  if (hasGnuTime) tell("  peak memory", `${(imported.peakBytes / 1e6).toFixed(0)} MB`);
  const kept = spawnSync("du", ["-sb", data], { encoding: "utf8" }).stdout.split("\t")[0];
  tell("  documents on disk", `${(Number(kept) / 1e6).toFixed(1)} MB`);

  const [document = ""] = spawnSync("find", [data, "-name", "*-consensus-microdesc.gz"], {
    encoding: "utf8",
  }).stdout.split("\n");
  const verify = [process.execPath, LEEK, "relays", "verify", document, "--certs", month.certificates, ...trust];
  const verifying = median(Array.from({ length: 5 }, () => measureWall(verify)));
  tell("verifying one consensus, whole process", `${verifying.toFixed(0)} ms`, verifying < TARGETS.verifyMs);

  const address = generateRelays({ count: Math.ceil(count * (1 + CHURN * hours)), seed: 3 })[0]?.address ?? "192.0.2.1";
  /** @param {number} [hour] */
  const question = (hour = 0) => {
    const time = formatDocumentTime(START + hour * 3600);
    const words = [process.execPath, LEEK, "relays", "lookup", address, "--at", time, ...at];
    // 1 and 2 are answers too: not listed, no document. The shell takes a millisecond.
    return ["sh", "-c", '"$@" || [ $? -le 2 ]', "sh", ...words];
  };
  const indexes = readdirSync(data).filter((name) => name.startsWith(".leek-index"));
  const bytes = indexes.reduce((sum, name) => sum + statSync(join(data, name)).size, 0);
  tell("size of the index", `${(bytes / 1e6).toFixed(1)} MB`, indexes.length > 0 && bytes < TARGETS.indexBytes);
  /** @type {number[]} */
  const times = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    times.push(measureWall(question(Math.floor((hours * round) / Number(options.rounds)))));
  }
  tell("leek relays lookup, whole process", `${median(times).toFixed(0)} ms`, median(times) < TARGETS.lookupMs);
  // A document more: what an hourly update costs.
  const [first = ""] = readdirSync(join(data, "microdescs-2026-10", "consensus-microdesc", "01"));
  const path = join(data, "microdescs-2026-10", "consensus-microdesc", "01", first);
  renameSync(path, join(scratch, "away"));
  measureWall(question());
  renameSync(join(scratch, "away"), path);
  tell("one document more: until the answer", `${measureWall(question()).toFixed(0)} ms`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
