import { join } from "node:path";
import { formatIpAddress, type IpAddress } from "../net/index.js";
import {
  type Consensus,
  type ConsensusAnomalies,
  type ConsensusFlavor,
  type ConsensusRelay,
  type EndpointSource,
  type OrPort,
  type RelayIdentity,
  reachFrom,
  reachUntil,
  type Verification,
} from "../relays/index.js";
import { DIR_ROLE, type EndpointRow, type IndexedDocument, type MonthIndex, OR_ROLE } from "./month-index.js";

/** What one document of a month says, read from the month's index: opening it costs nothing. */
export class IndexedConsensus implements Consensus {
  readonly flavor: ConsensusFlavor;
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
  readonly distSeconds: number;
  readonly reachFrom: number;
  readonly reachUntil: number;
  readonly relayCount: number;
  readonly anomalies: Readonly<ConsensusAnomalies>;
  readonly verification: Verification;
  /** Of the whole month. */
  readonly endpointSource: EndpointSource;
  readonly #directory: string;
  readonly #path: string;
  readonly #index: MonthIndex;
  readonly #number: number;

  /** @param number - Of the document in the index. */
  constructor(directory: string, index: MonthIndex, document: IndexedDocument, number: number) {
    this.#directory = directory;
    this.#path = document.path;
    this.flavor = document.flavor;
    this.validAfter = document.validAfter;
    this.freshUntil = document.freshUntil;
    this.validUntil = document.validUntil;
    this.distSeconds = document.distSeconds;
    this.reachFrom = reachFrom(document);
    this.reachUntil = reachUntil(document);
    this.relayCount = document.relays;
    this.anomalies = document.anomalies;
    this.verification = document.verification;
    this.endpointSource = index;
    this.#index = index;
    this.#number = number;
  }

  get source(): string {
    return join(this.#directory, this.#path);
  }

  lookup(version: 4 | 6, a: number, b: number, c: number, d: number, port: number): number {
    let found = -1;
    this.#index.visitListed(this.#number, version, a, b, c, d, (listedPort, role, relay) => {
      if (listedPort !== port || role !== OR_ROLE) return false;
      found = relay;
      return true;
    });
    return found;
  }

  lookupDirPort(version: 4 | 6, d: number, port: number): number {
    let found = -1;
    if (version === 6) return found;
    this.#index.visitListed(this.#number, 4, 0, 0, 0, d, (listedPort, role, relay) => {
      if (listedPort !== port || role !== DIR_ROLE) return false;
      found = relay;
      return true;
    });
    return found;
  }

  lookupAnyPort(version: 4 | 6, a: number, b: number, c: number, d: number): OrPort | undefined {
    return this.portsAt(version, a, b, c, d)[0];
  }

  portsAt(version: 4 | 6, a: number, b: number, c: number, d: number): OrPort[] {
    const found: OrPort[] = [];
    this.#index.visitListed(this.#number, version, a, b, c, d, (port, role, relay) => {
      if (role === OR_ROLE) found.push({ relay, port });
      return false;
    });
    return found;
  }

  findFingerprint(fingerprint: string): number {
    const relay = this.#index.findFingerprint(fingerprint);
    return relay >= 0 && this.#index.stateIn(this.#number, relay) >= 0 ? relay : -1;
  }

  fingerprint(relay: number): string {
    return this.#index.fingerprint(relay);
  }

  identity(relay: number): RelayIdentity {
    const index = this.#index;
    const at = relay >= 0 && relay < index.relayCount ? index.stateIn(this.#number, relay) : -1;
    if (at < 0) throw new RangeError(`No relay ${relay} in ${this.source}`);
    const [, , nickname = 0, flagSet = 0] = index.states(relay).subarray(at, at + 4);
    const nicknames = index.meta.nicknames;
    return { nickname: nicknames[nickname] ?? "", fingerprint: index.fingerprint(relay), flags: index.flags(flagSet) };
  }

  relay(relay: number): ConsensusRelay {
    return relayOf(this.identity(relay), [...this.#index.listed(this.#number, relay)]);
  }

  allRelays(): ConsensusRelay[] {
    const rows = new Map<number, EndpointRow[]>();
    for (const row of this.#index.listed(this.#number)) {
      const ofRelay = rows.get(row.relay);
      if (ofRelay === undefined) rows.set(row.relay, [row]);
      else ofRelay.push(row);
    }
    const relays = Array.from(rows, ([relay, ofRelay]) => relayOf(this.identity(relay), ofRelay));
    return relays.sort((x, y) => (x.fingerprint < y.fingerprint ? -1 : 1));
  }

  neighbours(address: IpAddress): (OrPort & { readonly address: IpAddress })[] {
    return this.#index
      .near(address)
      .filter(({ role, runs }) => role === OR_ROLE && isInRuns(runs, this.#number))
      .map(({ relay, port, version, a, b, c, d }) => ({ relay, port, address: { version, a, b, c, d } }));
  }
}

function isInRuns(runs: readonly number[], document: number): boolean {
  for (let at = 0; at < runs.length; at += 2) {
    if (runs[at]! <= document && document <= runs[at + 1]!) return true;
  }
  return false;
}

/** The primary address is the IPv4 one (dir-spec 3.4.1); the index does not tell which of several that was. */
function relayOf(identity: RelayIdentity, rows: readonly EndpointRow[]): ConsensusRelay {
  const ports = rows.filter(({ role }) => role === OR_ROLE).map((row) => ({ address: formatIpAddress(row), row }));
  const primary = ports.find(({ row }) => row.version === 4) ?? ports[0]!;
  return {
    ...identity,
    address: primary.address,
    orPort: primary.row.port,
    dirPort: rows.find(({ role }) => role === DIR_ROLE)?.port,
    orAddresses: ports.filter((it) => it !== primary).map(({ address, row }) => ({ address, port: row.port })),
  };
}
