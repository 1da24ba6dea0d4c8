/**
 * Makes what bench/run.mjs measures on, in bench/data/: `node bench/generate.mjs [--packets N] [--flows N] [--force]`.
 * What is already there and up to date is kept.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generateCapture } from "./capture-generator.mjs";
import { DEFAULT_VALID_AFTER, formatConsensus, generateRelays } from "./consensus-generator.mjs";

export const FULL_PACKETS = 3_000_000;
export const FULL_FLOWS = 20_000;
const RELAYS = 9000;

const BENCH = dirname(fileURLToPath(import.meta.url));
const MAKERS = [
  "background.mjs",
  "capture-generator.mjs",
  "consensus-generator.mjs",
  "conversation.mjs",
  "frame-writer.mjs",
  "generate.mjs",
  "payloads.mjs",
  "traffic-plan.mjs",
];
export const DATA = join(BENCH, "data");

/**
 * @typedef {object} BenchData
 * @property {string} capture Path.
 * @property {string} consensus Path.
 * @property {string} tinyConsensus Path of one with a single relay, which is in the other too.
 * @property {string} relay That relay's `address:orPort`.
 * @property {string} relayTime A time for which both are valid, ISO 8601.
 * @property {import("./capture-generator.mjs").CaptureFacts} facts
 */

/**
 * @param {object} [options]
 * @param {number} [options.packets]
 * @param {number} [options.flows]
 * @param {string} [options.directory] Made if missing.
 * @param {boolean} [options.force] Makes anew what is up to date.
 * @returns {BenchData}
 */
export function generate({ packets = FULL_PACKETS, flows = FULL_FLOWS, directory = DATA, force = false } = {}) {
  mkdirSync(directory, { recursive: true });
  const capture = join(directory, `capture-${packets}-${flows}.pcap`);
  const consensus = join(directory, "consensus-microdesc");
  const tinyConsensus = join(directory, "consensus-microdesc-one-relay");
  const relays = generateRelays({ count: RELAYS });
  const first = relays.slice(0, 1);
  const made = {
    capture,
    consensus,
    tinyConsensus,
    relay: first.map((relay) => `${relay.address}:${relay.orPort}`).join(),
    relayTime: new Date(DEFAULT_VALID_AFTER * 1000).toISOString(),
  };
  const manifest = `${capture}.json`;
  const maker = fingerprint();
  const known = force ? undefined : readManifest(manifest);
  if (known?.maker === maker && sizeOf(capture) === known.facts.fileBytes && sizeOf(tinyConsensus) > 0) {
    return { ...made, facts: known.facts };
  }
  writeFileSync(consensus, formatConsensus(relays, { validAfter: DEFAULT_VALID_AFTER }));
  writeFileSync(tinyConsensus, formatConsensus(first, { validAfter: DEFAULT_VALID_AFTER }));
  // Within the hour in which the consensus is fresh.
  const facts = generateCapture(capture, { packets, flows, relays, start: DEFAULT_VALID_AFTER + 15, seconds: 3570 });
  writeFileSync(manifest, `${JSON.stringify({ maker, facts }, undefined, 2)}\n`);
  return { ...made, facts };
}

/** Changes when the files do that decide what is made. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const name of MAKERS) hash.update(readFileSync(join(BENCH, name)));
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {{ maker: string, facts: import("./capture-generator.mjs").CaptureFacts } | undefined}
 */
function readManifest(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      packets: { type: "string", default: String(FULL_PACKETS) },
      flows: { type: "string", default: String(FULL_FLOWS) },
      directory: { type: "string", default: DATA },
      force: { type: "boolean", default: false },
    },
  });
  const { packets, flows, directory, force } = values;
  const start = performance.now();
  const made = generate({ packets: Number(packets), flows: Number(flows), directory, force });
  console.log(JSON.stringify(made, undefined, 2));
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s`);
}
