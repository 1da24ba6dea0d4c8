import { formatAddress, type IpAddress } from "../net/index.js";
import type { Consensus, ConsensusRelay, EndpointSource, RelayIdentity } from "./consensus.js";
import { type ConsensusAnomalies, parseBody } from "./consensus-body.js";
import { consensusTooLarge } from "./consensus-error.js";
import { type ConsensusFlavor, type ConsensusPreamble, parsePreamble } from "./consensus-preamble.js";
import { EndpointIndex, type VisitEndpoint } from "./endpoint-index.js";
import type { RelayTable } from "./relay-table.js";
import type { Verification } from "./verify/verification.js";

/** Ten times today's 3 MB; also bounds what a hostile document can make leek keep. */
export const MAX_CONSENSUS_BYTES = 32 * 2 ** 20;

/**
 * How long after valid-until an honest client may go on using a consensus: `REASONABLY_LIVE_TIME` in C tor.
 * In seconds.
 */
const REASONABLY_LIVE_SECONDS = 86400;

/**
 * A consensus: which relays there were, by address and port, and for which time it speaks. Times are seconds since
 * 1970-01-01 UTC. Relays are known by their index, 0 to `relayCount - 1`, in the order of the document.
 */
export class ConsensusDocument implements Consensus {
  readonly flavor: ConsensusFlavor;
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
  readonly distSeconds: number;
  /** The first moment at which a client may have had the document: authorities hand it out a little early. */
  readonly reachFrom: number;
  /** The last moment at which an honest client may have used it (dir-spec 5.1; C tor's "reasonably live"). */
  readonly reachUntil: number;
  readonly relayCount: number;

  /** Use `parseConsensus`. */
  constructor(
    /** The document's path, or whatever names where it came from. */
    readonly source: string,
    preamble: ConsensusPreamble,
    private readonly relays: RelayTable,
    private readonly ipv4: EndpointIndex,
    private readonly ipv6: EndpointIndex,
    readonly anomalies: Readonly<ConsensusAnomalies>,
    /** Who vouches for it; undefined when nobody looked. */
    readonly verification?: Verification,
  ) {
    this.flavor = preamble.flavor;
    this.validAfter = preamble.validAfter;
    this.freshUntil = preamble.freshUntil;
    this.validUntil = preamble.validUntil;
    this.distSeconds = preamble.distSeconds;
    this.reachFrom = reachFrom(preamble);
    this.reachUntil = reachUntil(preamble);
    this.relayCount = relays.length;
  }

  /**
   * The relay whose OR port this is, or -1. Allocates nothing. The words are those of `IpAddress`.
   */
  lookup(version: 4 | 6, a: number, b: number, c: number, d: number, port: number): number {
    return this.endpoints(version).find(a, b, c, d, port);
  }

  /** Like `lookup`, for a relay's DirPort, which only IPv4 addresses have. */
  lookupDirPort(version: 4 | 6, d: number, port: number): number {
    if (version === 6 || port === 0) return -1;
    const { ipv4, relays } = this;
    for (let i = ipv4.firstOf(0, 0, 0, d); i >= 0; i = ipv4.nextOf(i)) {
      const relay = ipv4.ownerAt(i);
      if (relays.dirPorts[relay] === port && relays.addresses[relay] === d) return relay;
    }
    return -1;
  }

  /** Some relay that has an OR port at this address, and that port. */
  lookupAnyPort(
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
  ): { readonly relay: number; readonly port: number } | undefined {
    const endpoints = this.endpoints(version);
    const position = endpoints.firstOf(a, b, c, d);
    return position < 0 ? undefined : { relay: endpoints.ownerAt(position), port: endpoints.portAt(position) };
  }

  /** All relays with an OR port at this address, each once, by OR port. */
  lookupAddress(version: 4 | 6, a: number, b: number, c: number, d: number): number[] {
    const endpoints = this.endpoints(version);
    const found = new Set<number>();
    for (let i = endpoints.firstOf(a, b, c, d); i >= 0; i = endpoints.nextOf(i)) found.add(endpoints.ownerAt(i));
    return [...found];
  }

  /** The relay with this fingerprint of 40 hex digits, or -1. Not for each flow. */
  findFingerprint(fingerprint: string): number {
    return this.relays.find(fingerprint);
  }

  /** 40 upper-case hex digits. The relay must exist. */
  fingerprint(index: number): string {
    return this.relays.fingerprint(index);
  }

  /** @throws {RangeError} When there is no such relay. */
  identity(index: number): RelayIdentity {
    const { relays } = this;
    if (!(index >= 0 && index < relays.length)) throw new RangeError(`No relay ${index} in ${this.source}`);
    return { nickname: relays.nickname(index), fingerprint: relays.fingerprint(index), flags: relays.flags(index) };
  }

  /**
   * Everything the document says of a relay. Walks through all endpoints: for lookups by people, not for each flow.
   *
   * @throws {RangeError} When there is no such relay.
   */
  relay(index: number): ConsensusRelay {
    const identity = this.identity(index);
    const { relays } = this;
    const dirPort = relays.dirPorts[index]!;
    const address = formatAddress(4, 0, 0, 0, relays.addresses[index]!);
    const orPort = relays.orPorts[index]!;
    const primary = (other: { address: string; port: number }) => other.address === address && other.port === orPort;
    return {
      ...identity,
      address,
      orPort,
      dirPort: dirPort === 0 ? undefined : dirPort,
      orAddresses: [...this.ipv4.endpointsOf(index), ...this.ipv6.endpointsOf(index)].filter(
        (other) => !primary(other),
      ),
    };
  }

  /** A relay's DirPort, 0 for none, and the word `d` of its address, which is always IPv4. */
  dirEndpoint(relay: number): { readonly d: number; readonly port: number } {
    return { d: this.relays.addresses[relay]!, port: this.relays.dirPorts[relay]! };
  }

  get endpointSource(): EndpointSource {
    return this;
  }

  /** Calls `visit` once for each OR port, with its address and relay. */
  forEachEndpoint(visit: VisitEndpoint): void {
    this.ipv4.forEachEndpoint(visit);
    this.ipv6.forEachEndpoint(visit);
  }

  /** The OR ports at this address, each with its relay, by port. */
  portsAt(
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
  ): { readonly relay: number; readonly port: number }[] {
    const endpoints = this.endpoints(version);
    const found = [];
    for (let i = endpoints.firstOf(a, b, c, d); i >= 0; i = endpoints.nextOf(i)) {
      found.push({ relay: endpoints.ownerAt(i), port: endpoints.portAt(i) });
    }
    return found;
  }

  /**
   * Everything the document says of all relays, in its order, which is by fingerprint. Walks through all endpoints
   * once, where asking for each relay would do so each time.
   */
  allRelays(): ConsensusRelay[] {
    const { relays } = this;
    const list = Array.from({ length: relays.length }, (_, index) => {
      const dirPort = relays.dirPorts[index]!;
      return {
        ...this.identity(index),
        address: formatAddress(4, 0, 0, 0, relays.addresses[index]!),
        orPort: relays.orPorts[index]!,
        dirPort: dirPort === 0 ? undefined : dirPort,
        orAddresses: [] as { address: string; port: number }[],
      };
    });
    for (const endpoints of [this.ipv4, this.ipv6]) {
      endpoints.forEachEndpoint((a, b, c, d, port, owner) => {
        const relay = list[owner]!;
        const address = formatAddress(endpoints.version, a, b, c, d);
        if (port !== relay.orPort || address !== relay.address) relay.orAddresses.push({ address, port });
      });
    }
    return list;
  }

  /**
   * Relays in the same /24 (IPv4) or /48 (IPv6), with the address that makes them neighbours; those at the address
   * itself included. By address and OR port.
   */
  neighbours(address: IpAddress): { readonly relay: number; readonly address: IpAddress; readonly port: number }[] {
    return this.endpoints(address.version).neighbours(address);
  }

  private endpoints(version: 4 | 6): EndpointIndex {
    return version === 4 ? this.ipv4 : this.ipv6;
  }
}

/**
 * Reads a consensus of either flavor. The bytes are not kept.
 *
 * @param source - Names the document in errors and evidence: its path.
 * @param verification - What verifyConsensus says of these bytes.
 * @throws {LeekError} LEEK_CONSENSUS_UNKNOWN, LEEK_CONSENSUS_IS_VOTE, LEEK_CONSENSUS_MALFORMED,
 *   LEEK_CONSENSUS_TOO_LARGE.
 */
export function parseConsensus(bytes: Uint8Array, source: string, verification?: Verification): ConsensusDocument {
  if (bytes.length > MAX_CONSENSUS_BYTES) throw consensusTooLarge(source, MAX_CONSENSUS_BYTES);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const preamble = parsePreamble(text, source);
  const body = parseBody(text, preamble, source);
  const ipv4 = new EndpointIndex(body.ipv4);
  const ipv6 = new EndpointIndex(body.ipv6);
  return new ConsensusDocument(source, preamble, body.relays, ipv4, ipv6, body.anomalies, verification);
}

/** First moment, in seconds UTC, at which a client may have had a document with this preamble. */
export function reachFrom(preamble: ConsensusPreamble): number {
  return preamble.validAfter - preamble.distSeconds;
}

/** Last moment, in seconds UTC, at which an honest client may have used a document with this preamble. */
export function reachUntil(preamble: ConsensusPreamble): number {
  return preamble.validUntil + REASONABLY_LIVE_SECONDS;
}
