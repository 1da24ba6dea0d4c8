import type { IpAddress } from "../net/index.js";
import type { Authority } from "./authorities.js";
import type { Bridge } from "./bridge-line.js";
import { EndpointIndex, EndpointList } from "./endpoint-index.js";
import { EndpointReading, readEndpoint } from "./endpoint-text.js";
import { FALLBACK_DIRECTORIES } from "./fallback-directories.js";

/** A relay that tor knows before it has a consensus. */
export interface FallbackDirectory {
  readonly fingerprint: string;
  /** `address:port` and `[address]:port`, the IPv4 one first. */
  readonly orEndpoints: readonly string[];
}

/** An endpoint that is known without any consensus, and why. */
export interface KnownEndpoint {
  readonly address: IpAddress;
  readonly port: number;
  readonly listing: "tor-control" | "bridge" | "authority" | "fallback";
  readonly role: "or" | "dir";
  readonly fingerprint: string | undefined;
  readonly nickname: string | undefined;
  /** Of a bridge: its pluggable transport. */
  readonly transport: string | undefined;
  /**
   * The time in which it was so, seconds since 1970-01-01 UTC; infinite where open. Only authorities have dates: the
   * fallback list's relays are chosen for having been there for long.
   */
  readonly from: number;
  readonly until: number;
}

/** An OR connection that the local tor says it has. */
export interface TorConnection {
  readonly address: IpAddress;
  readonly port: number;
  /** 40 upper-case hex digits; undefined where tor does not say. */
  readonly fingerprint: string | undefined;
  readonly nickname: string | undefined;
  /** When tor said so first; seconds since 1970-01-01 UTC. */
  readonly at: number;
  /**
   * Until when a connection may have begun to be this one, where tor said that it ended: its address may be another's
   * later. Undefined while nobody said so.
   */
  readonly until?: number | undefined;
}

/** How long before tor's word a connection may have begun: clients keep guards for months, so this is the cautious side. */
export const CONNECTION_SECONDS = 86_400;

const TIMELESS = { from: -Infinity, until: Infinity } as const;

/** Bridges, authorities and fallback directories, found by address. In this order where one address is several. */
export class KnownRelays {
  readonly #endpoints: KnownEndpoint[] = [];
  readonly #ipv4: EndpointIndex;
  readonly #ipv6: EndpointIndex;

  constructor(
    bridges: readonly Bridge[],
    authorities: readonly Authority[],
    fallbacks: readonly FallbackDirectory[],
    connections: readonly TorConnection[] = [],
  ) {
    for (const { address, port, fingerprint, nickname, at, until = Infinity } of connections) {
      const when = { from: at - CONNECTION_SECONDS, until };
      const who = { fingerprint, nickname, transport: undefined, ...when };
      this.#endpoints.push({ address, port, listing: "tor-control", role: "or", ...who });
    }
    for (const { address, port, fingerprint, transport, isPlaceholder } of bridges) {
      const who = { fingerprint, transport, nickname: undefined, ...TIMELESS };
      if (!isPlaceholder) this.#endpoints.push({ address, port, listing: "bridge", role: "or", ...who });
    }
    for (const authority of authorities) this.#addAuthority(authority);
    for (const { fingerprint, orEndpoints } of fallbacks) {
      const who = { fingerprint, transport: undefined, nickname: undefined, ...TIMELESS };
      for (const text of orEndpoints) {
        this.#endpoints.push({ ...dataEndpoint(text), listing: "fallback", role: "or", ...who });
      }
    }
    const lists = { 4: new EndpointList(4, this.#endpoints.length), 6: new EndpointList(6, this.#endpoints.length) };
    this.#endpoints.forEach(({ address: { version, a, b, c, d }, port }, owner) => {
      lists[version].push(a, b, c, d, port, owner);
    });
    this.#ipv4 = new EndpointIndex(lists[4]);
    this.#ipv6 = new EndpointIndex(lists[6]);
  }

  /** Everything known at this address, on any port. */
  at(version: 4 | 6, a: number, b: number, c: number, d: number): KnownEndpoint[] {
    const index = version === 4 ? this.#ipv4 : this.#ipv6;
    const owners: number[] = [];
    for (let i = index.firstOf(a, b, c, d); i >= 0; i = index.nextOf(i)) owners.push(index.ownerAt(i));
    return owners.sort((x, y) => x - y).map((owner) => this.#endpoints[owner]!);
  }

  /** Calls `visit` once for each distinct address. */
  forEachAddress(visit: (a: number, b: number, c: number, d: number) => void): void {
    this.#ipv4.forEachAddress(visit);
    this.#ipv6.forEachAddress(visit);
  }

  #addAuthority(authority: Authority): void {
    const from = authority.since === undefined ? -Infinity : Date.parse(authority.since) / 1000;
    const until = authority.until === undefined ? Infinity : Date.parse(authority.until) / 1000 + 86399;
    const { address, orPort, dirPort, ipv6, nickname, fingerprint } = authority;
    const known = { listing: "authority", nickname, fingerprint, transport: undefined, from, until } as const;
    if (orPort !== undefined) this.#endpoints.push({ ...dataEndpoint(`${address}:${orPort}`), role: "or", ...known });
    if (ipv6 !== undefined) this.#endpoints.push({ ...dataEndpoint(ipv6), role: "or", ...known });
    this.#endpoints.push({ ...dataEndpoint(`${address}:${dirPort}`), role: "dir", ...known });
  }
}

/** Whether that was so at this moment. */
export function isCurrent(known: KnownEndpoint, seconds: number): boolean {
  return seconds >= known.from && seconds <= known.until;
}

/** The fallback directories that tor carries. */
export function builtInFallbacks(): FallbackDirectory[] {
  return FALLBACK_DIRECTORIES.trim()
    .split("\n")
    .map((line) => {
      const [ipv4 = "", fingerprint = "", ipv6] = line.split(" ");
      return { fingerprint, orEndpoints: ipv6 === undefined ? [ipv4] : [ipv4, ipv6] };
    });
}

/** An endpoint out of a data table; a table with a wrong one is a defect, which a test finds. */
function dataEndpoint(text: string): { address: IpAddress; port: number } {
  const reading = new EndpointReading();
  if (!readEndpoint(text, 0, text.length, reading)) throw new RangeError(`Not an address and port: ${text}`);
  const { version, a, b, c, d, port } = reading;
  return { address: { version, a, b, c, d }, port };
}
