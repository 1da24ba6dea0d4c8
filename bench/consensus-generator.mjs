// Consensus documents with made-up relays, the same ones for the same seed: for bench/ and for test/relays.
// The layout is that of dir-spec 3.4.1 (ns) and 3.9.2 (microdesc), with the line lengths of today's public network.

/**
 * @typedef {object} GeneratedRelay
 * @property {string} nickname
 * @property {Buffer} identity 20 bytes.
 * @property {string} fingerprint 40 upper-case hex digits, of `identity`.
 * @property {string} address Dotted quad.
 * @property {number} orPort
 * @property {number} dirPort 0 = none.
 * @property {{ address: string, port: number } | undefined} ipv6 In the text of inet_ntop().
 * @property {string[]} flags Sorted.
 * @property {number} bandwidth
 */

/**
 * @typedef {object} RelayOptions
 * @property {number} [count] Default 9,000, the size of the public network.
 * @property {number} [seed]
 * @property {number} [ipv6Share] Share of relays with an `a` line, 0 to 1.
 * @property {number} [dirPortShare] 0 to 1; nearly none are left on today's network.
 */

/**
 * @typedef {object} ConsensusOptions
 * @property {"ns" | "microdesc"} [flavor]
 * @property {number} [validAfter] Seconds since 1970-01-01 UTC; freshUntil is 1 h and validUntil 3 h later.
 * @property {number} [freshSeconds]
 * @property {number} [validSeconds]
 * @property {number} [distSeconds]
 * @property {boolean} [annotated] Puts CollecTor's `@type` line in front.
 * @property {number} [seed]
 */

/** 2026-11-22 10:00:00 UTC. */
export const DEFAULT_VALID_AFTER = Date.UTC(2026, 10, 22, 10) / 1000;

/**
 * A small seeded generator (mulberry32): the same numbers on every machine, which Math.random cannot give.
 *
 * @param {number} seed
 * @returns {() => number} Numbers in [0, 1).
 */
export function seededRandom(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const COMMON_OR_PORTS = [443, 9001, 9001, 9001, 443, 443, 9002, 8443, 80, 9100, 9030, 444, 9000, 8080];
const NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/**
 * Made-up relays, sorted by identity as in a consensus. No two share an address and port; every tenth address
 * carries two relays. First octets are those of ordinary unicast space: no private, loopback or documentation ranges.
 *
 * @param {RelayOptions} [options]
 * @returns {GeneratedRelay[]}
 */
export function generateRelays(options = {}) {
  const { count = 9000, seed = 1, ipv6Share = 0.5, dirPortShare = 0.05 } = options;
  const random = seededRandom(seed);
  const below = (/** @type {number} */ limit) => Math.floor(random() * limit);
  /** @type {Set<string>} */
  const taken = new Set();
  /** @type {GeneratedRelay[]} */
  const relays = [];
  let address = "";
  while (relays.length < count) {
    if (relays.length % 10 !== 9) address = `${20 + below(60)}.${below(256)}.${below(256)}.${1 + below(254)}`;
    const orPort = random() < 0.9 ? COMMON_OR_PORTS[below(COMMON_OR_PORTS.length)] : 1024 + below(60000);
    const endpoint = `${address}:${orPort}`;
    if (orPort === undefined || taken.has(endpoint)) continue;
    taken.add(endpoint);
    const identity = Buffer.alloc(20);
    for (let i = 0; i < 20; i++) identity[i] = below(256);
    const group = () => below(65536).toString(16);
    const flags = ["Running", "V2Dir", "Valid"];
    if (random() < 0.9) flags.push("Fast");
    if (random() < 0.8) flags.push("Stable");
    if (random() < 0.5) flags.push("HSDir");
    if (random() < 0.5) flags.push("Guard");
    if (random() < 0.25) flags.push("Exit");
    if (random() < 0.02) flags.push("StaleDesc");
    relays.push({
      nickname: Array.from({ length: 1 + below(19) }, () => NAME_LETTERS[below(NAME_LETTERS.length)]).join(""),
      identity,
      fingerprint: identity.toString("hex").toUpperCase(),
      address,
      orPort,
      dirPort: random() < dirPortShare ? (orPort === 9030 ? 9031 : 9030) : 0,
      // The third group is never 0, so inet_ntop() shortens exactly the four groups before the last.
      ipv6:
        random() < ipv6Share
          ? {
              address: `2a0${below(8)}:${group()}:${(1 + below(65535)).toString(16)}::${(1 + below(65535)).toString(16)}`,
              port: orPort,
            }
          : undefined,
      flags: flags.sort(),
      bandwidth: below(100000),
    });
  }
  return relays.sort((a, b) => Buffer.compare(a.identity, b.identity));
}

/** @param {Buffer} bytes */
function base64(bytes) {
  return bytes.toString("base64").replace(/=+$/, "");
}

/**
 * `YYYY-MM-DD HH:MM:SS`.
 *
 * @param {number} seconds
 */
export function formatDocumentTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * The text of a consensus with these relays. The signatures are of the right shape and sign nothing.
 *
 * @param {readonly GeneratedRelay[]} relays
 * @param {ConsensusOptions} [options]
 * @returns {string} ASCII.
 */
export function formatConsensus(relays, options = {}) {
  const { flavor = "microdesc", validAfter = DEFAULT_VALID_AFTER, distSeconds = 300, seed = 1 } = options;
  const freshUntil = validAfter + (options.freshSeconds ?? 3600);
  const validUntil = validAfter + (options.validSeconds ?? 10800);
  const random = seededRandom(seed);
  const digest = (/** @type {number} */ length) =>
    Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  const protocols =
    "Conflux=1 Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=1-2 Link=1-5 LinkAuth=1,3 Microdesc=1-2 Padding=2 Relay=1-4";
  /** @type {string[]} */
  const lines = [];
  if (options.annotated)
    lines.push(
      flavor === "ns" ? "@type network-status-consensus-3 1.0" : "@type network-status-microdesc-consensus-3 1.0",
    );
  lines.push(
    flavor === "ns" ? "network-status-version 3" : "network-status-version 3 microdesc",
    "vote-status consensus",
    "consensus-method 33",
    `valid-after ${formatDocumentTime(validAfter)}`,
    `fresh-until ${formatDocumentTime(freshUntil)}`,
    `valid-until ${formatDocumentTime(validUntil)}`,
    `voting-delay 300 ${distSeconds}`,
    "client-versions 0.4.8.12,0.4.8.13,0.4.9.11",
    "server-versions 0.4.8.12,0.4.8.13,0.4.9.11",
    "known-flags Authority BadExit Exit Fast Guard HSDir MiddleOnly NoEdConsensus Running Stable StaleDesc Sybil V2Dir Valid",
    `recommended-client-protocols ${protocols}`,
    `recommended-relay-protocols ${protocols}`,
    "required-client-protocols Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2-4",
    "required-relay-protocols Cons=2 Desc=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=2 Relay=2-4",
    "params CircuitPriorityHalflifeMsec=30000 DoSCircuitCreationEnabled=1 nf_ito_high=9500 nf_ito_low=1500",
    `shared-rand-previous-value 9 ${digest(32).toString("base64")}`,
    `shared-rand-current-value 9 ${digest(32).toString("base64")}`,
  );
  for (let i = 1; i <= 9; i++) {
    lines.push(
      `dir-source authority${i} ${digest(20).toString("hex").toUpperCase()} 192.0.2.${i} 192.0.2.${i} 80 443`,
      `contact Authority ${i} <operator AT example dot com>`,
      `vote-digest ${digest(20).toString("hex").toUpperCase()}`,
    );
  }
  for (const relay of relays) {
    const identity = base64(relay.identity);
    const where = `${relay.address} ${relay.orPort} ${relay.dirPort}`;
    lines.push(
      flavor === "ns"
        ? `r ${relay.nickname} ${identity} ${base64(digest(20))} ${formatDocumentTime(validAfter - 7200)} ${where}`
        : `r ${relay.nickname} ${identity} 2038-01-01 00:00:00 ${where}`,
    );
    if (relay.ipv6 !== undefined) lines.push(`a [${relay.ipv6.address}]:${relay.ipv6.port}`);
    if (flavor === "microdesc") lines.push(`m ${base64(digest(32))}`);
    lines.push(`s ${relay.flags.join(" ")}`, "v Tor 0.4.8.13", `pr ${protocols}`, `w Bandwidth=${relay.bandwidth}`);
    if (flavor === "ns") lines.push(relay.flags.includes("Exit") ? "p accept 80,443" : "p reject 1-65535");
  }
  lines.push("directory-footer", "bandwidth-weights Wbd=0 Wbe=0 Wbg=4198 Wbm=10000 Wdb=10000 Web=10000 Wed=10000");
  for (let i = 1; i <= 9; i++) {
    const algorithm = flavor === "ns" ? "" : "sha256 ";
    lines.push(
      `directory-signature ${algorithm}${digest(20).toString("hex").toUpperCase()} ${digest(20).toString("hex").toUpperCase()}`,
      "-----BEGIN SIGNATURE-----",
      ...(digest(256)
        .toString("base64")
        .match(/.{1,64}/g) ?? []),
      "-----END SIGNATURE-----",
    );
  }
  return `${lines.join("\n")}\n`;
}
