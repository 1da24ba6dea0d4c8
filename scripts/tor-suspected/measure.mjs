#!/usr/bin/env node
/** How well the sizes of TLS records tell Tor from other traffic: the tables of docs/tor-suspected.md. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildSync } from "esbuild";
import { seededRandom } from "../../bench/consensus-generator.mjs";
import { ROOT } from "../project.mjs";
import { RELAYS } from "../tornet/plan.mjs";
import { MODELS } from "./models.mjs";
import { SERVER, WEB_KINDS } from "./plan.mjs";

/** @typedef {import("./follow.js").TlsLink} TlsLink */
/** @typedef {import("./follow.js").TlsRecord} TlsRecord */
/** @typedef {{ file: string, kind: string, isTor: boolean, mimics: boolean, link: TlsLink }} Labelled */

const HELP = `Usage: node scripts/tor-suspected/measure.mjs [--captures DIR] [--flows N]

Prints tables in Markdown: of the captures that record.mjs made in DIR (default: the fixtures), and of N made-up
connections of each kind (default: 20,000).`;

const { values: options } = parseArgs({
  options: {
    captures: { type: "string", default: join(ROOT, "fixtures") },
    flows: { type: "string", default: "20000" },
    help: { type: "boolean" },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const { followLinks, isGivenUp, CellShape, CellCount, protectionOf } = await load();

const TLS_1_3 = { version: 0x0304, cipherSuite: 0x1302 };
/** A link of more cells than this must be suspected. */
const FEW_CELLS = 20;
const CELL_BYTES = 514;
const ENTER_RATIO = 9;
const SEED = 7;
const NOTHING_SEEN = {
  originator: "",
  responder: "",
  isSuspected: false,
  figures: new CellShape().figures(),
  hello: undefined,
  certificate: undefined,
};
/** Names under which each connection is judged: its own, and what it would be taken for with others. */
const NAMES = /** @type {const} */ (["own", "of Tor's form", "unseen"]);

const links = await readCaptures(options.captures);
const torLinks = links.filter(({ isTor, link }) => isTor && cellsOf(link) > FEW_CELLS);
printRecall();
printBursts();
printLosses();
printMidStream();
printWeb();
printBars(printGenerated());

/** @returns {Promise<typeof import("./follow.js")>} */
async function load() {
  // Among the modules, so that packages are found.
  const folder = mkdtempSync(join(ROOT, "node_modules", ".cache-"));
  try {
    const outfile = join(folder, "follow.mjs");
    const entry = join(ROOT, "scripts", "tor-suspected", "follow.ts");
    buildSync({ entryPoints: [entry], bundle: true, platform: "node", format: "esm", packages: "external", outfile });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} directory */
async function readCaptures(directory) {
  const orPorts = new Set(
    RELAYS.flatMap(({ address, orPort, ipv6 }) => [
      `${address}:${orPort}`,
      ...(ipv6 ? [`${ipv6.address}:${ipv6.orPort}`] : []),
    ]),
  );
  const kinds = new Map(WEB_KINDS.map((kind) => [`${SERVER}:${kind.port}`, kind]));
  /** @type {Labelled[]} */
  const found = [];
  for (const name of readdirSync(directory)
    .filter((it) => it.endsWith(".pcap"))
    .sort()) {
    const file = basename(name, ".pcap");
    await followLinks(join(directory, name), (link) => {
      const isTor = orPorts.has(link.responder);
      const kind = kinds.get(link.responder);
      found.push({ file, isTor, kind: isTor ? "Tor" : (kind?.what ?? "HTTPS"), mimics: kind?.mimics === true, link });
    });
  }
  return found;
}

/**
 * Whether a connection is suspected at its end, or was ever.
 *
 * @param {TlsLink} link
 * @param {(typeof NAMES)[number]} [names]
 * @param {readonly TlsRecord[]} [records]
 */
function judge(link, names = "own", records = link.records) {
  const shape = new CellShape();
  if (names === "of Tor's form") shape.hello("www.abcdefgh.com", false);
  else if (names === "own" && link.hello) shape.hello(link.hello.serverName, link.hello.wasResolved);
  const agreed = names === "unseen" ? undefined : (link.agreed ?? TLS_1_3);
  if (agreed) shape.agreed(agreed.version, agreed.cipherSuite);
  if (names === "own" && link.certificate) shape.certificate(link.certificate.subject, link.certificate.issuer);
  let after = 0;
  let seen = 0;
  for (const { side, type, bodyBytes } of records) {
    seen++;
    shape.record(side, type, bodyBytes);
    if (after === 0 && shape.isSuspected) after = seen;
    if (isGivenUp(shape)) break;
  }
  return { atEnd: shape.isSuspected, ever: after > 0, after, figures: shape.figures() };
}

/** @param {TlsLink} link */
function overheadOf({ agreed = TLS_1_3 }) {
  return protectionOf(agreed.version, agreed.cipherSuite)?.overhead ?? 0;
}

/** Cells that both sides sent, counted without what is measured here: by bytes behind the opening. @param {TlsLink} link */
function cellsOf(link) {
  const bytes = link.records
    .filter(({ type }) => type === 23)
    .map(({ side, bodyBytes }) => ({ side, plain: bodyBytes - overheadOf(link) }));
  const cells = (/** @type {0 | 1} */ from) => {
    const sizes = bytes.filter(({ side }) => side === from).map(({ plain }) => plain);
    // The client's last record before cells is VERSIONS, the relay's the one with VERSIONS to NETINFO.
    const opening = link.hello
      ? sizes.findIndex((size) => (from === 0 ? size === 11 : size > 1_900 && size < 2_200))
      : -1;
    return Math.floor(sum(sizes.slice(opening + 1)) / CELL_BYTES);
  };
  return cells(0) + cells(1);
}

/**
 * The most bursts of both sides at which `ENTER_RATIO` held, and whether they were of different lengths then.
 *
 * @param {TlsLink} link
 */
function burstsOf(link) {
  const client = new CellCount();
  const server = new CellCount();
  let bursts = 0;
  let isVaried = false;
  for (const { side, type, bodyBytes } of link.records) {
    if (type !== 23) continue;
    (side === 0 ? client : server).take(bodyBytes - overheadOf(link), 0);
    const isEnough = [client, server].every((it) => it.bursts > 0 && it.whole >= it.others * ENTER_RATIO);
    if (!isEnough || client.bursts + server.bursts <= bursts) continue;
    bursts = client.bursts + server.bursts;
    isVaried = client.isVaried || server.isVaried;
  }
  return { bursts, isVaried };
}

function printRecall() {
  console.log(`## Links of Tor with more than ${FEW_CELLS} cells\n`);
  row([
    "capture",
    "links",
    "TLS",
    "suspected",
    "not",
    "cells",
    "records",
    "whole cells",
    "decided after records: median, most",
  ]);
  rule(9);
  const groups = groupBy(torLinks, ({ file, link }) => `${file}|${beginningOf(link)}`);
  for (const [group, members] of groups) {
    const [file = "", beginning = ""] = group.split("|");
    const verdicts = members.map(({ link }) => judge(link));
    const suspected = verdicts.filter(({ atEnd }) => atEnd).length;
    const records = sum(verdicts.map(({ figures }) => figures.records));
    const whole = sum(verdicts.map(({ figures }) => figures.wholeCells));
    const after = verdicts
      .filter(({ ever }) => ever)
      .map(({ after: it }) => it)
      .sort((a, b) => a - b);
    row([
      `${file}${beginning}`,
      members.length,
      [
        ...new Set(members.map(({ link }) => (link.agreed?.version === 0x0303 ? "1.2" : link.agreed ? "1.3" : "?"))),
      ].join(", "),
      suspected,
      members.length - suspected,
      sum(members.map(({ link }) => cellsOf(link))),
      records,
      percent(whole, records),
      `${after[after.length >> 1] ?? "-"}, ${after.at(-1) ?? "-"}`,
    ]);
  }
  console.log();
  const few = links.filter(({ isTor, link }) => isTor && link.hello && cellsOf(link) > 0 && cellsOf(link) <= FEW_CELLS);
  const suspected = few.filter(({ link }) => judge(link).atEnd).length;
  console.log(`Of ${few.length} links with 1 to ${FEW_CELLS} cells ${suspected} are suspected.\n`);
}

/** @param {TlsLink} link */
function beginningOf({ hello }) {
  return hello === undefined ? ", from its midst" : "";
}

/** From where one cell ends to where the next one does at a record's end, without what is measured here. */
function printBursts() {
  /** @type {Map<number, number>} */
  const lengths = new Map();
  let mostCells = 0;
  for (const { link } of torLinks) {
    for (const from of [0, 1]) {
      let isPlaced = false;
      let records = 0;
      let bytes = 0;
      for (const { side, type, bodyBytes } of link.records) {
        if (type !== 23 || side !== from) continue;
        records++;
        bytes += bodyBytes - overheadOf(link);
        const isWhole = (bodyBytes - overheadOf(link)) % CELL_BYTES === 0;
        if (isPlaced ? bytes % CELL_BYTES !== 0 : !isWhole) continue;
        if (isPlaced) lengths.set(records, (lengths.get(records) ?? 0) + 1);
        if (isPlaced) mostCells = Math.max(mostCells, bytes / CELL_BYTES);
        [isPlaced, records, bytes] = [true, 0, 0];
      }
    }
  }
  console.log(`## Bursts of those links: at most ${mostCells} cells\n`);
  const sorted = [...lengths].sort(([a], [b]) => a - b);
  row(["records in a burst", ...sorted.map(([length]) => length)]);
  rule(sorted.length + 1);
  row(["bursts", ...sorted.map(([, count]) => count)]);
  console.log();
}

function printLosses() {
  const random = seededRandom(SEED);
  console.log("## Links of Tor of which records were lost\n");
  row(["lost records", "links", "suspected at their end", "ever"]);
  rule(4);
  const whole = torLinks.filter(({ link }) => link.hello !== undefined);
  for (const share of [0, 0.001, 0.01, 0.03, 0.1]) {
    const verdicts = whole.map(({ link }) => {
      const left = link.records.filter(() => random() >= share);
      return judge(link, "own", left);
    });
    row([`${share * 100} %`, whole.length, percentOf(verdicts, "atEnd"), percentOf(verdicts, "ever")]);
  }
  console.log();
}

function printMidStream() {
  const random = seededRandom(SEED);
  console.log("## Links of Tor that are seen from a random record on, with no names\n");
  row(["cells seen", "links", "suspected"]);
  rule(3);
  const cut = torLinks
    .flatMap((it) => Array.from({ length: 5 }, () => it))
    .map(({ link }) => ({ ...link, records: link.records.slice(Math.floor(random() * link.records.length)) }))
    .map((link) => ({ cells: cellsOf(link), verdict: judge(link, "unseen") }));
  for (const [least, most] of [
    [21, 50],
    [51, 100],
    [101, 500],
    [501, Infinity],
  ]) {
    const some = cut.filter(({ cells }) => cells >= Number(least) && cells <= Number(most));
    row([
      most === Infinity ? `from ${least}` : `${least} to ${most}`,
      some.length,
      percent(some.filter(({ verdict }) => verdict.atEnd).length, some.length),
    ]);
  }
  console.log();
}

function printWeb() {
  console.log("## Recorded connections that are not Tor's: ever suspected, by their names\n");
  row(["kind", "connections", "records", ...NAMES]);
  rule(6);
  const others = links.filter(({ isTor }) => !isTor);
  for (const [kind, members] of groupBy(others, ({ kind: it, mimics }) => `${it}${mimics ? " (Tor's sizes)" : ""}`)) {
    const counts = NAMES.map((names) => members.filter(({ link }) => judge(link, names).ever).length);
    row([kind, members.length, sum(members.map(({ link }) => link.records.length)), ...counts]);
  }
  console.log();
}

/** @returns What `burstsOf` says of each. */
function printGenerated() {
  const random = seededRandom(SEED);
  const count = Number(options.flows);
  console.log(`## ${count.toLocaleString("en")} made-up connections of each kind: ever suspected\n`);
  row(["kind", "records", "name of Tor's form", "no names seen"]);
  rule(4);
  /** @type {ReturnType<typeof burstsOf>[]} */
  const bursts = [];
  for (const { what, make } of MODELS) {
    let [records, named, unnamed] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const link = linkOf(make(random));
      records += link.records.length;
      if (judge(link, "of Tor's form").ever) named++;
      if (judge(link, "unseen").ever) unnamed++;
      bursts.push(burstsOf(link));
    }
    row([what, records, named, unnamed]);
  }
  console.log();
  return bursts;
}

/** @param {import("./models.mjs").Plain[]} plain @returns {TlsLink} */
function linkOf(plain) {
  const records = plain.map(([side, bytes]) => ({ side, type: 23, bodyBytes: bytes + 17 }));
  return { ...NOTHING_SEEN, records, agreed: TLS_1_3 };
}

/** @param {ReturnType<typeof burstsOf>[]} madeUp */
function printBars(madeUp) {
  console.log("## What bars of so many bursts would let pass, whatever the names\n");
  row(["bursts", "made-up connections", "with different lengths", "recorded ones that are not Tor's", "Tor links"]);
  rule(5);
  const web = links.filter(({ isTor, mimics }) => !isTor && !mimics).map(({ link }) => burstsOf(link));
  const tor = torLinks.filter(({ link }) => link.hello !== undefined).map(({ link }) => burstsOf(link));
  for (const bar of [2, 3, 4, 6, 8, 12, 16, 24]) {
    const passing = [madeUp, madeUp.filter(({ isVaried }) => isVaried), web, tor].map(
      (some) => some.filter(({ bursts }) => bursts >= bar).length,
    );
    row([bar, ...passing]);
  }
  row(["of", madeUp.length, madeUp.length, web.length, tor.length]);
  console.log();
}

/** @param {readonly (string | number)[]} cells */
function row(cells) {
  console.log(`| ${cells.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell)).join(" | ")} |`);
}

/** @param {number} columns */
function rule(columns) {
  console.log(`|${" --- |".repeat(columns)}`);
}

/**
 * As Map.groupBy, which Node 20 lacks.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 */
function groupBy(items, keyOf) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** @param {number} part @param {number} whole */
function percent(part, whole) {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(2)} %`;
}

/** @param {readonly { atEnd: boolean, ever: boolean }[]} verdicts @param {"atEnd" | "ever"} when */
function percentOf(verdicts, when) {
  return percent(verdicts.filter((verdict) => verdict[when]).length, verdicts.length);
}
