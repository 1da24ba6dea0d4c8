import type { Protocol } from "../../apps/index.js";
import type { RuleName } from "../finding.js";
import { hitIf, type Rule, type Subject } from "../rule.js";
import { isOutside } from "./dns.js";

/** Names from which Bitcoin nodes learn their first peers: chainparams.cpp of Bitcoin Core. */
const SEEDS =
  /(?:^|\.)(?:seed\.bitcoin\.sipa\.be|dnsseed\.bluematt\.me|dnsseed\.bitcoin\.dashjr(?:-list-of-p2p-nodes)?\.(?:org|us)|seed\.bitcoinstats\.com|seed\.bitcoin\.jonasschnelli\.ch|seed\.btc\.petertodd\.(?:org|net)|seed\.bitcoin\.sprovoost\.nl|dnsseed\.emzy\.de|seed\.bitcoin\.wiz\.biz|seed\.mainnet\.achownodes\.xyz|testnet-seed\.bitcoin\.jonasschnelli\.ch|seed\.tbtc\.petertodd\.(?:org|net)|testnet-seed\.bluematt\.me|seed\.testnet\.bitcoin\.sprovoost\.nl|seed\.testnet4?\.(?:bitcoin\.sprovoost\.nl|wiz\.biz)|seed\.signet\.bitcoin\.sprovoost\.nl|seed\.signet\.achownodes\.xyz)$/i;

const BITCOIN_REMEDY =
  "In bitcoin.conf: proxy=127.0.0.1:9050, onlynet=onion (or accept clearnet peers through exits), listenonion=1, listen=1 with " +
  "bind=127.0.0.1, dnsseed=0, discover=0.";

/** Asking for them by name tells that a Bitcoin node starts here. */
export const dnsSeed: Rule = {
  name: "dns-seed",
  severity: "leak",
  title: "A Bitcoin node asks for its first peers by name, outside of Tor.",
  remedy: `dnsseed=0 and dns=0 in bitcoin.conf, or proxy=127.0.0.1:9050, which turns both off. ${BITCOIN_REMEDY}`,
  discloses: ["dns-question"],
  match: (subject) =>
    hitIf(
      isOutside(subject) &&
        subject.facts?.disclosures.some(({ kind, value }) => kind === "dns-question" && SEEDS.test(value)) === true,
    ),
};

/** Programs whose TCP connections to the internet are to peers. */
const BITCOIN_PROGRAMS: ReadonlySet<string> = new Set([
  "bitcoind",
  "bitcoin-qt",
  "bitcoin-node",
  "bitcoin-gui",
  "btcd",
  "bcoin",
]);

/**
 * v1 by its messages. v2, and a peer that never answered, by shape and port, or by what else is known: the capture's DNS
 * had the address from a seed, or the program is a Bitcoin node. That is no proof of Bitcoin, but a leak all the same.
 */
export const bitcoinP2p: Rule = {
  name: "bitcoin-p2p",
  severity: "leak",
  title: "A Bitcoin node talks to a peer outside of Tor.",
  remedy: BITCOIN_REMEDY,
  match: (subject) => hitIf(subject.isClearnet && (speaks(subject, ["bitcoin", "bitcoin-v2"]) || isToPeer(subject))),
};

function isToPeer({ record, facts, direction }: Subject): boolean {
  if (record.flow.transport !== "tcp" || direction === "inbound" || facts?.by === "content") return false;
  const program = record.process?.process?.name;
  return record.names.some((name) => SEEDS.test(name)) || (program !== undefined && BITCOIN_PROGRAMS.has(program));
}

/** A wallet that asks a server in the clear tells it, and the path, that the wallet is here. */
export const electrum: Rule = peers(
  "electrum",
  ["electrum"],
  "A wallet asks an Electrum server outside of Tor.",
  "Start Electrum with --proxy socks5:127.0.0.1:9050 (or -1 -p), and use a server with an onion name.",
);

export const lightning: Rule = peers(
  "lightning",
  ["lightning"],
  "A Lightning node talks to a peer outside of Tor.",
  "LND: tor.active=1, tor.streamisolation=1, tor.skip-proxy-for-clearnet-targets=0. Core Lightning: proxy=127.0.0.1:9050 and always-use-proxy=true.",
);

export const moneroP2p: Rule = peers(
  "monero-p2p",
  ["monero"],
  "A Monero node talks to a peer outside of Tor.",
  "monerod: --tx-proxy=tor,127.0.0.1:9050, --proxy=127.0.0.1:9050, --p2p-bind-ip=127.0.0.1, --no-igd.",
);

function peers(name: RuleName, protocols: readonly Protocol[], title: string, remedy: string): Rule {
  return {
    name,
    severity: "leak",
    title,
    remedy,
    match: (subject) => hitIf(subject.isClearnet && speaks(subject, protocols)),
  };
}

function speaks({ facts }: Subject, protocols: readonly Protocol[]): boolean {
  return facts?.protocol !== undefined && protocols.includes(facts.protocol);
}
