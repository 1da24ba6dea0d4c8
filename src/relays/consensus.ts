import type { IpAddress } from "../net/index.js";
import type { ConsensusAnomalies } from "./consensus-body.js";
import type { ConsensusPreamble } from "./consensus-preamble.js";
import type { Verification } from "./verify/verification.js";

/** Who a relay is. */
export interface RelayIdentity {
  readonly nickname: string;
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  readonly flags: readonly string[];
}

/** One relay as a consensus lists it. */
export interface ConsensusRelay extends RelayIdentity {
  /** The primary address, always IPv4. */
  readonly address: string;
  readonly orPort: number;
  /** Undefined where the document says 0. */
  readonly dirPort: number | undefined;
  /** Additional OR ports, from `a` lines; in practice at most one, IPv6. */
  readonly orAddresses: readonly { readonly address: string; readonly port: number }[];
}

/** The endpoints of a consensus, or of several that share a table. */
export interface EndpointSource {
  /** Calls `visit` once for each OR port, with its address. */
  forEachEndpoint(visit: (a: number, b: number, c: number, d: number, port: number) => void): void;
}

/**
 * What a consensus says, wherever it is read from: the document itself, or an index of many. Times are seconds since
 * 1970-01-01 UTC. Relays are known by numbers, which mean something to this consensus only.
 */
export interface Consensus extends ConsensusPreamble {
  /** The document's path, or whatever names where it came from. */
  readonly source: string;
  /** The first moment at which a client may have had the document: authorities hand it out a little early. */
  readonly reachFrom: number;
  /** The last moment at which an honest client may have used it (dir-spec 5.1; C tor's "reasonably live"). */
  readonly reachUntil: number;
  readonly relayCount: number;
  readonly anomalies: Readonly<ConsensusAnomalies>;
  /** Who vouches for it; undefined when nobody looked. */
  readonly verification?: Verification | undefined;
  /** All endpoints of this consensus, and perhaps those of others too. */
  readonly endpointSource: EndpointSource;
  /** The relay whose OR port this is, or -1. The words are those of `IpAddress`. */
  lookup(version: 4 | 6, a: number, b: number, c: number, d: number, port: number): number;
  /** Like `lookup`, for a relay's DirPort, which only IPv4 addresses have. */
  lookupDirPort(version: 4 | 6, d: number, port: number): number;
  /** Some relay that has an OR port at this address, and that port. */
  lookupAnyPort(version: 4 | 6, a: number, b: number, c: number, d: number): OrPort | undefined;
  /** The OR ports at this address, each with its relay, by port. */
  portsAt(version: 4 | 6, a: number, b: number, c: number, d: number): OrPort[];
  /** The relay with this fingerprint, 40 upper-case hex digits; -1 when there is none. */
  findFingerprint(fingerprint: string): number;
  /** 40 upper-case hex digits. @throws {RangeError} When there is no such relay. */
  fingerprint(relay: number): string;
  /** @throws {RangeError} When there is no such relay. */
  identity(relay: number): RelayIdentity;
  /** Everything it says of a relay. For people, not for each flow. @throws {RangeError} When there is no such relay. */
  relay(relay: number): ConsensusRelay;
  /** Everything it says of all relays, by fingerprint. */
  allRelays(): ConsensusRelay[];
  /** Relays in the same /24 (IPv4) or /48 (IPv6), with the address that makes them neighbours. By address and port. */
  neighbours(address: IpAddress): (OrPort & { readonly address: IpAddress })[];
}

export interface OrPort {
  readonly relay: number;
  readonly port: number;
}
