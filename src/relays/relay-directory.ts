import { formatIsoSeconds } from "../base/index.js";
import type { IpAddress } from "../net/index.js";
import { AUTHORITIES, AUTHORITIES_RELEASE, type Authority } from "./authorities.js";
import type { Bridge } from "./bridge-line.js";
import type { Consensus } from "./consensus.js";
import type { ConsensusAnomalies } from "./consensus-body.js";
import type { ConsensusFlavor } from "./consensus-preamble.js";
import { type Coverage, coverageOf, mergeSpans, type TimeSpan } from "./coverage.js";
import { DocumentTimes } from "./document-times.js";
import { FALLBACK_RELEASE } from "./fallback-directories.js";
import {
  builtInFallbacks,
  CONNECTION_SECONDS,
  type FallbackDirectory,
  isCurrent,
  type KnownEndpoint,
  KnownRelays,
  type TorConnection,
} from "./known-relays.js";
import { ListedAddresses } from "./listed-addresses.js";
import { neighboursInTime, type TimeNeighbours } from "./listing-span.js";
import type { DocumentEvidence, Freshness, RelayMatch } from "./relay-match.js";
import type { Verification } from "./verify/verification.js";

export interface RelayDirectoryOptions {
  /** In any order, of either flavor. */
  readonly documents?: readonly Consensus[];
  readonly bridges?: readonly Bridge[];
  /** What the local tor says of itself. */
  readonly connections?: readonly TorConnection[];
  /** Documents that were used and are not held any more, oldest first: only reports still name them. */
  readonly former?: readonly FormerDocument[];
  /** Default: those built into tor. A private network has its own. */
  readonly authorities?: readonly Authority[];
  /** Default: those built into tor. */
  readonly fallbacks?: readonly FallbackDirectory[];
}

/** A document as a report names it; times are ISO 8601, UTC. */
export interface DocumentSummary {
  readonly source: string;
  readonly flavor: ConsensusFlavor;
  readonly validAfter: string;
  readonly freshUntil: string;
  readonly validUntil: string;
  readonly relays: number;
  readonly anomalies: Readonly<ConsensusAnomalies>;
  /** Who vouches for it; undefined when nobody looked. */
  readonly verification: Verification | undefined;
}

/** What is left of a document that was let go. */
export interface FormerDocument {
  readonly summary: DocumentSummary;
  readonly reachFrom: number;
  readonly reachUntil: number;
}

/** What may change about a directory while a capture runs; what is absent stays as it is. */
export type DirectoryChanges = Pick<RelayDirectoryOptions, "documents" | "bridges" | "connections" | "former">;

/** Everything that is known of relays, asked by address, port and time. Does not change once made. */
export class RelayDirectory {
  /** By valid-after, oldest first; at the same moment the microdesc flavor, which clients use, comes last. */
  readonly consensuses: readonly Consensus[];
  readonly known: KnownRelays;
  readonly #options: RelayDirectoryOptions;
  readonly #connections: readonly TorConnection[];
  readonly #former: readonly FormerDocument[];
  readonly #listed: ListedAddresses;
  readonly #reach: readonly TimeSpan[];
  readonly #times: DocumentTimes;
  /** Made when it is first asked for. */
  #neighbours: ReadonlyMap<Consensus, TimeNeighbours> | undefined;
  readonly #evidence: Map<Consensus, Map<number, RelayMatch>>;
  /** By endpoint: the documents that list it. */
  readonly #listing: Map<string, readonly Consensus[]>;

  /** @param before - One with the same or similar documents: what was worked out for them is not done again. */
  constructor(options: RelayDirectoryOptions = {}, before?: RelayDirectory) {
    this.#options = options;
    this.#former = options.former ?? [];
    this.known = new KnownRelays(
      options.bridges ?? [],
      options.authorities ?? AUTHORITIES,
      options.fallbacks ?? builtInFallbacks(),
      options.connections,
    );
    this.#connections = options.connections ?? [];
    const isSame = before !== undefined && before.#options.documents === options.documents;
    this.consensuses = isSame ? before.consensuses : [...(options.documents ?? [])].sort(byTime);
    const sources = new Set(this.consensuses.map(({ endpointSource }) => endpointSource));
    this.#listed = new ListedAddresses(sources, this.known, before === undefined ? undefined : before.#listed);
    this.#evidence = isSame ? before.#evidence : new Map();
    this.#listing = isSame ? before.#listing : new Map();
    if (isSame) {
      this.#times = before.#times;
      this.#neighbours = before.#neighbours;
      this.#reach = before.#reach;
      return;
    }
    this.#times = new DocumentTimes(this.consensuses);
    this.#reach = mergeSpans(
      this.consensuses.map(({ reachFrom, reachUntil }) => ({ first: reachFrom, last: reachUntil })),
    );
  }

  /** The directory that knows this too. Costs little where the documents are the same, or most of them. */
  with(changes: DirectoryChanges): RelayDirectory {
    return new RelayDirectory({ ...this.#options, ...changes }, this);
  }

  /**
   * The documents for a report: those that reach a part of a capture's time, of what may be years. All of them where
   * none does.
   */
  documentsFor(span: TimeSpan | undefined): DocumentSummary[] {
    const reaches = ({ reachFrom, reachUntil }: { readonly reachFrom: number; readonly reachUntil: number }) =>
      span === undefined || (reachFrom <= span.last && reachUntil >= span.first);
    const former = this.#former.filter(reaches).map(({ summary }) => summary);
    const reaching = this.consensuses.filter(reaches).map(summaryOf);
    return former.length + reaching.length > 0 ? [...former, ...reaching] : this.consensuses.map(summaryOf);
  }

  /** Whether some document reaches this moment, so that "not listed" means something. */
  reaches(seconds: number): boolean {
    const reach = this.#reach;
    for (let i = reach.length - 1; i >= 0; i--) {
      if (seconds >= reach[i]!.first) return seconds <= reach[i]!.last;
    }
    return false;
  }

  /** False, without looking into documents, for nearly all addresses that nobody lists at any time. */
  mayList({ a, b, c, d }: IpAddress): boolean {
    return this.#listed.mayHave(a, b, c, d);
  }

  /**
   * How much of a capture's time the documents reach.
   *
   * @param first - Of its first packet; seconds since 1970-01-01 UTC. Not after `last`.
   */
  coverage(first: number, last: number): Coverage {
    const former = this.#former.map(({ reachFrom, reachUntil }) => ({ first: reachFrom, last: reachUntil }));
    return coverageOf(former.length === 0 ? this.#reach : mergeSpans([...former, ...this.#reach]), { first, last });
  }

  /**
   * What an endpoint was at that moment. Of several answers the strongest: an OR port by a consensus in reach (the
   * newest valid one first, then older ones, then one handed out early), then bridge, authority, fallback; then what
   * is no link: a directory port, an OR port out of reach, a former authority, a relay's address on another port.
   *
   * The words are those of `IpAddress`. Answers are shared and must not be changed.
   *
   * @param isTcp - OR and directory ports are TCP; over anything else only the address can match.
   * @param seconds - Since 1970-01-01 UTC.
   * @returns undefined, after some 100 ns, for an address that nobody lists.
   */
  match(
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
    port: number,
    isTcp: boolean,
    seconds: number,
  ): RelayMatch | undefined {
    if (!this.#listed.mayHave(a, b, c, d)) return undefined;
    if (isTcp && this.#connections.length > 0) {
      const own = this.known
        .at(version, a, b, c, d)
        .find((it) => it.listing === "tor-control" && it.port === port && isCurrent(it, seconds));
      if (own !== undefined) return knownOrPort(own);
    }
    const reaching = this.reaching(seconds);
    if (isTcp) {
      for (const consensus of reaching) {
        const relay = consensus.lookup(version, a, b, c, d, port);
        if (relay < 0) continue;
        this.#neighbours ??= neighboursInTime(this.consensuses);
        const { before, after } = this.#neighbours.get(consensus)!;
        const joined = before !== undefined && before.lookup(version, a, b, c, d, port) < 0;
        const left = after !== undefined && after.lookup(version, a, b, c, d, port) < 0;
        return this.#consensusMatch(
          consensus,
          relay,
          freshnessAt(consensus, seconds),
          joined,
          left ? after : undefined,
        );
      }
    }
    const known = this.known.at(version, a, b, c, d);
    if (isTcp) {
      const orPort = known.find((it) => it.role === "or" && it.port === port && isCurrent(it, seconds));
      if (orPort !== undefined) return knownOrPort(orPort);
      for (const consensus of reaching) {
        const relay = consensus.lookupDirPort(version, d, port);
        if (relay < 0) continue;
        const { fingerprint, nickname } = consensus.identity(relay);
        return { kind: "dir-port", listing: "consensus", fingerprint, nickname, ...documentEvidence(consensus) };
      }
      const ofAuthority = known.filter((it) => it.listing === "authority" && it.port === port);
      const dirPort = ofAuthority.find((it) => it.role === "dir" && isCurrent(it, seconds));
      if (dirPort !== undefined) {
        const { fingerprint, nickname } = dirPort;
        return { kind: "dir-port", listing: "authority", fingerprint, nickname };
      }
      const outOfReach = this.#outOfReach(version, a, b, c, d, port, seconds);
      if (outOfReach !== undefined) return outOfReach;
      if (ofAuthority[0] !== undefined) return formerAuthority(ofAuthority[0]);
    }
    return otherPortByConsensus(reaching, version, a, b, c, d) ?? otherPortByKnown(known, seconds);
  }

  /** The documents in reach of a moment, the one to be believed first in front. */
  reaching(seconds: number): readonly Consensus[] {
    return this.#times.reaching(seconds);
  }

  /**
   * @param joined - The document before does not list the endpoint.
   * @param leftBy - The document after, when it does not.
   */
  #consensusMatch(
    consensus: Consensus,
    index: number,
    freshness: Freshness,
    joined: boolean,
    leftBy: Consensus | undefined,
  ): RelayMatch {
    let ofDocument = this.#evidence.get(consensus);
    if (ofDocument === undefined) {
      ofDocument = new Map();
      this.#evidence.set(consensus, ofDocument);
    }
    // A relay's IPv4 and IPv6 endpoints may come and go at different times.
    const key = (index * 3 + FRESHNESSES.indexOf(freshness)) * 4 + (joined ? 2 : 0) + (leftBy === undefined ? 0 : 1);
    let match = ofDocument.get(key);
    if (match === undefined) {
      const { fingerprint, nickname, flags } = consensus.identity(index);
      const { flavor, validAfter, source } = documentEvidence(consensus);
      match = {
        kind: "consensus",
        fingerprint,
        nickname,
        flags,
        freshness,
        ...(joined ? { listedFrom: validAfter } : {}),
        ...(leftBy === undefined ? {} : { listedUntil: formatIsoSeconds(leftBy.validAfter) }),
        flavor,
        validAfter,
        source,
      };
      ofDocument.set(key, match);
    }
    return match;
  }

  /** By the document whose reach is nearest in time. */
  #outOfReach(
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
    port: number,
    seconds: number,
  ): RelayMatch | undefined {
    let nearest: { consensus: Consensus; distance: number } | undefined;
    for (const consensus of this.#listingEver(version, a, b, c, d, port)) {
      const distance = distanceFromReach(consensus, seconds);
      if (distance === 0 || (nearest !== undefined && Math.abs(distance) >= Math.abs(nearest.distance))) continue;
      nearest = { consensus, distance };
    }
    if (nearest === undefined) return undefined;
    const { consensus, distance } = nearest;
    const { fingerprint, nickname, flags } = consensus.identity(consensus.lookup(version, a, b, c, d, port));
    return {
      kind: "consensus-out-of-reach",
      fingerprint,
      nickname,
      flags,
      secondsOutOfReach: distance,
      ...documentEvidence(consensus),
    };
  }

  /** All documents, at whatever time, that list this OR port. Each endpoint is looked for once, not for each flow. */
  #listingEver(version: 4 | 6, a: number, b: number, c: number, d: number, port: number): readonly Consensus[] {
    if (!this.#listed.mayHavePort(a, b, c, d, port)) return [];
    const key = `${version} ${a} ${b} ${c} ${d} ${port}`;
    let listing = this.#listing.get(key);
    if (listing === undefined) {
      listing = this.consensuses.filter((consensus) => consensus.lookup(version, a, b, c, d, port) >= 0);
      if (this.#listing.size === MAX_REMEMBERED_ENDPOINTS) this.#listing.clear();
      this.#listing.set(key, listing);
    }
    return listing;
  }
}

/** What reports still need of a document that is let go. */
export function formerDocument(consensus: Consensus): FormerDocument {
  const { reachFrom, reachUntil } = consensus;
  return { summary: summaryOf(consensus), reachFrom, reachUntil };
}

/** At 720 documents each, some 24 MB. */
const MAX_REMEMBERED_ENDPOINTS = 4096;

function summaryOf(consensus: Consensus): DocumentSummary {
  return {
    source: consensus.source,
    flavor: consensus.flavor,
    validAfter: formatIsoSeconds(consensus.validAfter),
    freshUntil: formatIsoSeconds(consensus.freshUntil),
    validUntil: formatIsoSeconds(consensus.validUntil),
    relays: consensus.relayCount,
    anomalies: consensus.anomalies,
    verification: consensus.verification,
  };
}

const FRESHNESSES: readonly Freshness[] = ["fresh", "valid", "reachable"];

/** How well a document that reaches this moment covers it. */
export function freshnessAt(consensus: Consensus, seconds: number): Freshness {
  if (seconds < consensus.freshUntil) return "fresh";
  return seconds <= consensus.validUntil ? "valid" : "reachable";
}

/** 0 inside the document's reach, else the seconds past its end, or (negative) until its beginning. */
export function distanceFromReach(consensus: Consensus, seconds: number): number {
  if (seconds < consensus.reachFrom) return seconds - consensus.reachFrom;
  return Math.max(0, seconds - consensus.reachUntil);
}

const evidenceOfDocuments = new WeakMap<Consensus, DocumentEvidence>();

/** The same object for each piece of evidence from one document: thousands of flows share it. */
export function documentEvidence(consensus: Consensus): DocumentEvidence {
  let evidence = evidenceOfDocuments.get(consensus);
  if (evidence === undefined) {
    const { flavor, source, validAfter } = consensus;
    evidence = { flavor, validAfter: formatIsoSeconds(validAfter), source };
    evidenceOfDocuments.set(consensus, evidence);
  }
  return evidence;
}

function byTime(x: Consensus, y: Consensus): number {
  if (x.validAfter !== y.validAfter) return x.validAfter - y.validAfter;
  if (x.flavor !== y.flavor) return x.flavor === "ns" ? -1 : 1;
  return x.source < y.source ? -1 : Number(x.source > y.source);
}

function knownOrPort({ listing, fingerprint, nickname, transport, from }: KnownEndpoint): RelayMatch {
  switch (listing) {
    case "tor-control":
      return { kind: "tor-control", fingerprint, nickname, at: formatIsoSeconds(from + CONNECTION_SECONDS) };
    case "bridge":
      return { kind: "bridge", fingerprint, transport };
    case "authority":
      return { kind: "authority", fingerprint, nickname, release: AUTHORITIES_RELEASE };
    case "fallback":
      return { kind: "fallback", fingerprint, release: FALLBACK_RELEASE.release };
  }
}

function formerAuthority({ fingerprint, nickname, from, until }: KnownEndpoint): RelayMatch {
  return {
    kind: "former-authority",
    fingerprint,
    nickname,
    since: Number.isFinite(from) ? formatIsoSeconds(from) : undefined,
    until: Number.isFinite(until) ? formatIsoSeconds(until) : undefined,
  };
}

function otherPortByConsensus(
  reaching: readonly Consensus[],
  version: 4 | 6,
  a: number,
  b: number,
  c: number,
  d: number,
): RelayMatch | undefined {
  for (const consensus of reaching) {
    const found = consensus.lookupAnyPort(version, a, b, c, d);
    if (found === undefined) continue;
    const { fingerprint, nickname } = consensus.identity(found.relay);
    const listed = { listing: "consensus", fingerprint, nickname, orPort: found.port } as const;
    return { kind: "relay-address-other-port", ...listed, ...documentEvidence(consensus) };
  }
  return undefined;
}

function otherPortByKnown(known: readonly KnownEndpoint[], seconds: number): RelayMatch | undefined {
  const listed = known.find((it) => it.role === "or" && it.listing !== "tor-control" && isCurrent(it, seconds));
  if (listed === undefined) return undefined;
  const { listing, fingerprint, nickname, port: orPort } = listed;
  return { kind: "relay-address-other-port", listing, fingerprint, nickname, orPort };
}
