import { formatIsoSeconds } from "../base/index.js";
import { formatIpAddress, type IpAddress } from "../net/index.js";
import type { ConsensusDocument, ConsensusRelay } from "./consensus-document.js";
import { isCurrent } from "./known-relays.js";
import { distanceFromReach, documentEvidence, freshnessAt, type RelayDirectory } from "./relay-directory.js";
import type { DocumentEvidence, Freshness, Listing } from "./relay-match.js";

/**
 * Whether an address was a relay's, in the three answers of ExoneraTor and one between them. "address-only": listed,
 * but not with this OR port. "no-data": no document reaches the time asked about, so nobody can say.
 */
export type LookupAnswer = "listed" | "address-only" | "not-listed" | "no-data";

/** A document that lists a relay at the address asked about. */
export interface ListingDocument extends DocumentEvidence {
  /** Whether it reaches the time asked about; undefined when no time was given. */
  readonly freshness: Freshness | "out-of-reach" | undefined;
}

/** A relay at the address asked about. */
export interface LookedUpRelay extends ConsensusRelay {
  /** Its OR ports at that very address. */
  readonly portsAtAddress: readonly number[];
  /** The documents that list it there, the one to be believed first in front. */
  readonly documents: readonly ListingDocument[];
}

/** An address known without a consensus. */
export interface KnownListing {
  readonly listing: Exclude<Listing, "consensus">;
  readonly role: "or" | "dir";
  readonly port: number;
  readonly nickname: string | undefined;
  readonly fingerprint: string | undefined;
  /** False for an authority outside the time in which releases carried it. */
  readonly current: boolean;
}

export interface Neighbour {
  readonly address: string;
  readonly port: number;
  readonly nickname: string;
  readonly fingerprint: string;
}

export interface RelayLookup {
  readonly address: string;
  readonly port: number | undefined;
  /** ISO 8601, UTC. */
  readonly at: string | undefined;
  readonly answer: LookupAnswer;
  /** Relays at the address in any document, those in documents that reach the time first. */
  readonly relays: readonly LookedUpRelay[];
  readonly known: readonly KnownListing[];
  /** Where no relay has the address itself: relays near it, by the best document at hand; at most 16. */
  readonly neighbours: readonly Neighbour[];
  /** What "near" means: /24 for IPv4, /48 for IPv6, as in ExoneraTor. */
  readonly neighbourPrefix: 24 | 48;
}

const MAX_NEIGHBOURS = 16;

/**
 * Was this address a relay's?
 *
 * @param port - Undefined asks about any port.
 * @param seconds - Since 1970-01-01 UTC; undefined asks all documents at hand.
 */
export function lookupRelay(
  directory: RelayDirectory,
  address: IpAddress,
  port: number | undefined,
  seconds: number | undefined,
): RelayLookup {
  const newestFirst = [...directory.consensuses].reverse();
  const reaching = seconds === undefined ? newestFirst : directory.reaching(seconds);
  const others = newestFirst.filter((consensus) => !reaching.includes(consensus));
  const relays = relaysAt([...reaching, ...others], address, seconds);
  const inReach = relays.filter((relay) => relay.documents.some(({ freshness }) => freshness !== "out-of-reach"));
  const nearby = relays.length === 0 ? (reaching[0] ?? others[0]) : undefined;
  return {
    address: formatIpAddress(address),
    port,
    at: seconds === undefined ? undefined : formatIsoSeconds(seconds),
    answer: reaching.length === 0 ? "no-data" : answerOf(inReach, port),
    relays,
    known: knownAt(directory, address, seconds),
    neighbours: nearby === undefined ? [] : neighboursOf(nearby, address),
    neighbourPrefix: address.version === 4 ? 24 : 48,
  };
}

function answerOf(relays: readonly LookedUpRelay[], port: number | undefined): LookupAnswer {
  if (relays.length === 0) return "not-listed";
  const listed = port === undefined || relays.some((relay) => relay.portsAtAddress.includes(port));
  return listed ? "listed" : "address-only";
}

/** One entry for each relay and set of ports; what else changed over time is told by the first document. */
function relaysAt(documents: readonly ConsensusDocument[], address: IpAddress, seconds?: number): LookedUpRelay[] {
  const { version, a, b, c, d } = address;
  const text = formatIpAddress(address);
  const found = new Map<string, LookedUpRelay & { readonly documents: ListingDocument[] }>();
  for (const consensus of documents) {
    const document = { ...documentEvidence(consensus), freshness: freshnessOf(consensus, seconds) };
    for (const index of consensus.lookupAddress(version, a, b, c, d)) {
      const relay = consensus.relay(index);
      const endpoints = [{ address: relay.address, port: relay.orPort }, ...relay.orAddresses];
      const portsAtAddress = endpoints.filter((it) => it.address === text).map((it) => it.port);
      const key = `${relay.fingerprint} ${portsAtAddress}`;
      const entry = found.get(key);
      if (entry === undefined) found.set(key, { ...relay, portsAtAddress, documents: [document] });
      else entry.documents.push(document);
    }
  }
  return [...found.values()];
}

function freshnessOf(consensus: ConsensusDocument, seconds: number | undefined): ListingDocument["freshness"] {
  if (seconds === undefined) return undefined;
  return distanceFromReach(consensus, seconds) === 0 ? freshnessAt(consensus, seconds) : "out-of-reach";
}

function knownAt(directory: RelayDirectory, address: IpAddress, seconds: number | undefined): KnownListing[] {
  const { version, a, b, c, d } = address;
  return directory.known.at(version, a, b, c, d).map((known) => {
    const { listing, role, port, nickname, fingerprint } = known;
    // Without a time, "current" means that the newest release has it.
    const current = seconds === undefined ? known.until === Infinity : isCurrent(known, seconds);
    return { listing, role, port, nickname, fingerprint, current };
  });
}

function neighboursOf(consensus: ConsensusDocument, address: IpAddress): Neighbour[] {
  return consensus
    .neighbours(address)
    .slice(0, MAX_NEIGHBOURS)
    .map((near) => {
      const { nickname, fingerprint } = consensus.identity(near.relay);
      return { address: formatIpAddress(near.address), port: near.port, nickname, fingerprint };
    });
}
