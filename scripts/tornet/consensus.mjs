/** The consensus documents that the authorities made: read just enough of them, keep copies. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * @typedef {object} ListedRelay
 * @property {string} nickname
 * @property {string} fingerprint - 40 upper-case hex digits.
 * @property {string} address
 * @property {number} orPort
 * @property {number} dirPort - 0 for none.
 * @property {string | undefined} ipv6 - `[address]:port` of its `a` line.
 * @property {readonly string[]} flags
 */

/**
 * @typedef {object} Consensus
 * @property {Date} validAfter
 * @property {Date} validUntil
 * @property {number} signatures - How many authorities signed.
 * @property {readonly ListedRelay[]} relays
 */

/**
 * Reads an ns-flavored consensus (dir-spec §3.4.1).
 *
 * @param {string} text
 * @returns {Consensus}
 */
export function parseConsensus(text) {
  return {
    validAfter: timeOf(text, "valid-after"),
    validUntil: timeOf(text, "valid-until"),
    signatures: text.match(/^directory-signature /gm)?.length ?? 0,
    relays: text
      .split(/^(?=r )/m)
      .slice(1)
      .map(parseEntry),
  };
}

/**
 * @param {string} text
 * @param {string} keyword
 */
function timeOf(text, keyword) {
  const [, time] = new RegExp(`^${keyword} (.*)$`, "m").exec(text) ?? [];
  if (!time) throw new Error(`This consensus has no ${keyword} line`);
  return new Date(`${time.replace(" ", "T")}Z`);
}

/**
 * @param {string} entry
 * @returns {ListedRelay}
 */
function parseEntry(entry) {
  // r nickname identity digest date time address orPort dirPort
  const [, nickname = "", identity = "", , , , address = "", orPort, dirPort] =
    entry.split("\n", 1)[0]?.split(" ") ?? [];
  return {
    nickname,
    fingerprint: Buffer.from(identity, "base64").toString("hex").toUpperCase(),
    address,
    orPort: Number(orPort),
    dirPort: Number(dirPort),
    ipv6: /^a (.*)$/m.exec(entry)?.[1],
    flags: /^s (.*)$/m.exec(entry)?.[1]?.split(" ") ?? [],
  };
}

/**
 * Copies what a tor with both flavors (an authority, a directory cache) holds now.
 *
 * @param {string} dataDirectory - Of that tor.
 * @param {string} target - Made if absent. The documents are named as in CollecTor's archives, by their valid-after.
 * @returns {Promise<string[]>} The names of the files: ns flavor, microdesc flavor, certificates.
 */
export async function copyDocuments(dataDirectory, target) {
  const { validAfter } = parseConsensus(await readFile(join(dataDirectory, "cached-consensus"), "utf8"));
  const time = validAfter.toISOString().slice(0, 19).replace(/[T:]/g, "-");
  const copies = {
    "cached-consensus": `${time}-consensus`,
    "cached-microdesc-consensus": `${time}-consensus-microdesc`,
    "cached-certs": "cached-certs",
  };
  await mkdir(target, { recursive: true });
  // Written anew, because a copy would also take over that only root may read it.
  for (const [from, to] of Object.entries(copies)) {
    await writeFile(join(target, to), await readFile(join(dataDirectory, from)));
  }
  return Object.values(copies);
}
