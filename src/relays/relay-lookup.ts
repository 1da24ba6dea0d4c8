import { formatIsoSeconds } from "../base/index.js";
import { formatIpAddress, type IpAddress } from "../net/index.js";
import type { Consensus, ConsensusRelay } from "./consensus.js";
import { mergeSpans } from "./coverage.js";
import { EXIT_ADDRESS_SECONDS, ExitAddresses, type ExitList } from "./exit-list.js";
import { isCurrent } from "./known-relays.js";
import { byHour, type DocumentHour, type ListingSpan, listingSpans } from "./listing-span.js";
import { distanceFromReach, documentEvidence, freshnessAt, type RelayDirectory } from "./relay-directory.js";
import type { DocumentEvidence, Freshness, Listing } from "./relay-match.js";

/**
 * Whether an address was a relay's, in the three answers of ExoneraTor and two between them. "address-only": listed,
 * but not with this OR port. "exit-address": Tor traffic left from it, as an exit list says, but no relay listed it.
 * "no-data": no document reaches the time asked about, so nobody can say.
 */
export type LookupAnswer = "listed" | "exit-address" | "address-only" | "not-listed" | "no-data";

/** A document that lists a relay at the address asked about. */
export interface ListingDocument extends DocumentEvidence {
  /** Whether it reaches the time asked about; undefined when no time was given. */
  readonly freshness: Freshness | "out-of-reach" | undefined;
}

/** A relay at the address asked about. */
export interface LookedUpRelay extends ConsensusRelay {
  /** Its OR ports at that very address. */
  readonly portsAtAddress: readonly number[];
  /** The one to be believed first of those that list it there; nickname and flags are this one's. */
  readonly document: ListingDocument;
  /** As in evidence: where the hours around that document disagree. Absent when no time was given. */
  readonly listedFrom?: string;
  readonly listedUntil?: string;
  /** When documents list it there with these ports, oldest first. */
  readonly spans: readonly ListingSpan[];
}

/** A relay whose traffic left from the address asked about, by exit lists. */
export interface LookedUpExit {
  readonly fingerprint: string;
  /** By the consensus for which the address counts, or any at hand. */
  readonly nickname: string | undefined;
  /** Whether it counts for the time asked about: seen at most 24 hours before a consensus of then that lists the relay. */
  readonly counts: boolean;
  /** From a probe that came out there to 24 hours after the last one; ISO 8601, UTC. Oldest first. */
  readonly spans: readonly { readonly from: string; readonly until: string }[];
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
  /** By the exit lists at hand. */
  readonly exits: readonly LookedUpExit[];
  /** Where no relay has the address itself: relays near it, by the best document at hand; at most 16. */
  readonly neighbours: readonly Neighbour[];
  /** What "near" means: /24 for IPv4, /48 for IPv6, as in ExoneraTor. */
  readonly neighbourPrefix: 24 | 48;
}

const MAX_NEIGHBOURS = 16;

/**
 * Answers questions about addresses from the documents at hand. What all questions share is made once, so that a list
 * of thousands takes no more than its own time.
 */
export class RelayLookups {
  readonly #directory: RelayDirectory;
  readonly #exitAddresses: ExitAddresses;
  readonly #newestFirst: readonly Consensus[];
  readonly #hours: readonly Hour[];
  readonly #hourOf = new Map<Consensus, number>();

  constructor(directory: RelayDirectory, exitLists: Iterable<ExitList> = []) {
    this.#directory = directory;
    this.#exitAddresses = new ExitAddresses(exitLists);
    this.#newestFirst = [...directory.consensuses].reverse();
    this.#hours = byHour(directory.consensuses).map((documents) => ({
      documents,
      validAfter: documents[0]!.validAfter,
      freshUntil: Math.max(...documents.map(({ freshUntil }) => freshUntil)),
    }));
    for (const [position, { documents }] of this.#hours.entries()) {
      for (const document of documents) this.#hourOf.set(document, position);
    }
  }

  /**
   * Was this address a relay's?
   *
   * @param port - Undefined asks about any port.
   * @param seconds - Since 1970-01-01 UTC; undefined asks all documents at hand.
   */
  ask(address: IpAddress, port: number | undefined, seconds: number | undefined): RelayLookup {
    const reaching = seconds === undefined ? this.#newestFirst : this.#directory.reaching(seconds);
    const relays = this.#directory.mayList(address) ? this.#relaysAt(reaching, address, port, seconds) : [];
    const inReach = relays.filter(({ document }) => document.freshness !== "out-of-reach");
    const exits = this.#exitsAt(address, seconds);
    const nearby = relays.length === 0 ? (reaching[0] ?? this.#newestFirst[0]) : undefined;
    return {
      address: formatIpAddress(address),
      port,
      at: seconds === undefined ? undefined : formatIsoSeconds(seconds),
      answer: reaching.length === 0 ? "no-data" : answerOf(inReach, exits, port),
      relays,
      known: knownAt(this.#directory, address, seconds),
      exits,
      neighbours: nearby === undefined ? [] : neighboursOf(nearby, address),
      neighbourPrefix: address.version === 4 ? 24 : 48,
    };
  }

  /** One entry for each relay and set of ports, those that documents in reach list first. */
  #relaysAt(
    reaching: readonly Consensus[],
    address: IpAddress,
    port: number | undefined,
    seconds: number | undefined,
  ): LookedUpRelay[] {
    const { version, a, b, c, d } = address;
    const found = new Map<string, Found>();
    const visit = (consensus: Consensus) => {
      const portsOf = new Map<number, number[]>();
      for (const { relay, port } of consensus.portsAt(version, a, b, c, d)) {
        const ports = portsOf.get(relay);
        if (ports === undefined) portsOf.set(relay, [port]);
        else ports.push(port);
      }
      for (const [relay, ports] of portsOf) {
        const key = `${consensus.fingerprint(relay)} ${ports}`;
        const entry = found.get(key);
        const hour = this.#hourOf.get(consensus)!;
        if (entry === undefined) found.set(key, { consensus, relay, ports, hours: new Set([hour]) });
        else entry.hours.add(hour);
      }
    };
    for (const consensus of reaching) visit(consensus);
    if (seconds !== undefined) {
      const isReaching = new Set(reaching);
      for (const consensus of this.#newestFirst) if (!isReaching.has(consensus)) visit(consensus);
    }
    return [...found.values()].map(({ consensus, relay, ports, hours }) => {
      const asked = port !== undefined && ports.includes(port) ? port : ports[0]!;
      const match =
        seconds === undefined ? undefined : this.#directory.match(version, a, b, c, d, asked, true, seconds);
      const isSame = match?.kind === "consensus" && match.fingerprint === consensus.fingerprint(relay);
      const { listedFrom, listedUntil } = isSame ? match : {};
      return {
        ...consensus.relay(relay),
        portsAtAddress: ports,
        document: { ...documentEvidence(consensus), freshness: freshnessOf(consensus, seconds) },
        ...(listedFrom === undefined ? {} : { listedFrom }),
        ...(listedUntil === undefined ? {} : { listedUntil }),
        spans: listingSpans(this.#hours, (position) => hours.has(position)),
      };
    });
  }

  /** The documents of the last hour before a moment that reach it. */
  #hourInForce(seconds: number): Hour[] {
    const [first] = this.#directory.reaching(seconds);
    if (first === undefined || first.validAfter > seconds) return [];
    return [this.#hours[this.#hourOf.get(first)!]!];
  }

  #exitsAt(address: IpAddress, seconds: number | undefined): LookedUpExit[] {
    if (address.version !== 4) return [];
    const hours = seconds === undefined ? this.#hours : this.#hourInForce(seconds);
    return this.#exitAddresses.at(address.d).map(({ fingerprint, seen }) => {
      const spans = mergeSpans(seen.map((first) => ({ first, last: first + EXIT_ADDRESS_SECONDS })));
      const inSpan = (time: number) => spans.some(({ first, last }) => time >= first && time < last);
      const listing = hours
        .flatMap(({ documents }) => documents)
        .filter((consensus) => inSpan(consensus.validAfter) && consensus.findFingerprint(fingerprint) >= 0);
      const named = listing.at(-1);
      return {
        fingerprint,
        nickname: named?.identity(named.findFingerprint(fingerprint)).nickname,
        counts: listing.length > 0,
        spans: spans.map(({ first, last }) => ({ from: formatIsoSeconds(first), until: formatIsoSeconds(last) })),
      };
    });
  }
}

/** Documents of one moment, of either flavor. */
interface Hour extends DocumentHour {
  readonly documents: readonly Consensus[];
}

interface Found {
  /** The first that was asked. */
  readonly consensus: Consensus;
  readonly relay: number;
  readonly ports: readonly number[];
  readonly hours: Set<number>;
}

/** One question; of several, ask one RelayLookups. */
export function lookupRelay(
  directory: RelayDirectory,
  address: IpAddress,
  port: number | undefined,
  seconds: number | undefined,
): RelayLookup {
  return new RelayLookups(directory).ask(address, port, seconds);
}

function answerOf(
  relays: readonly LookedUpRelay[],
  exits: readonly LookedUpExit[],
  port: number | undefined,
): LookupAnswer {
  const isExit = exits.some(({ counts }) => counts);
  if (relays.length === 0 && !isExit) return "not-listed";
  if (port === undefined) return relays.length > 0 ? "listed" : "exit-address";
  return relays.some((relay) => relay.portsAtAddress.includes(port)) ? "listed" : "address-only";
}

function freshnessOf(consensus: Consensus, seconds: number | undefined): ListingDocument["freshness"] {
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

function neighboursOf(consensus: Consensus, address: IpAddress): Neighbour[] {
  return consensus
    .neighbours(address)
    .slice(0, MAX_NEIGHBOURS)
    .map((near) => {
      const { nickname, fingerprint } = consensus.identity(near.relay);
      return { address: formatIpAddress(near.address), port: near.port, nickname, fingerprint };
    });
}
