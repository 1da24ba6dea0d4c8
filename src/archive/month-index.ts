import { createHash } from "node:crypto";
import type { IpAddress } from "../net/index.js";
import type { ConsensusAnomalies, ConsensusFlavor, EndpointSource, Verification } from "../relays/index.js";

/** A consensus that the index was made from. Times are seconds since 1970-01-01 UTC. */
export interface IndexedDocument {
  readonly path: string;
  readonly flavor: ConsensusFlavor;
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
  readonly distSeconds: number;
  readonly relays: number;
  readonly anomalies: Readonly<ConsensusAnomalies>;
  readonly verification: Verification;
}

/** "used": its relays are in the index. "spare": another of the same time is. "refused": it is not verified. */
export type SourceState = "used" | "spare" | "refused";

/** A file as it was when the index was made. */
export interface SourceFile {
  readonly path: string;
  /** Size, times and inode: whatever tells that it is the same file with the same content. */
  readonly stamp: string;
  readonly state: SourceState;
}

/** What an index says besides its tables. */
export interface MonthMeta {
  /** Of the authorities that vouch for the documents. */
  readonly trust: string;
  /** Of the certificates that were there. */
  readonly certificates: string;
  readonly sources: readonly SourceFile[];
  /** By time. */
  readonly documents: readonly IndexedDocument[];
  readonly nicknames: readonly string[];
  /** As in an `s` line. */
  readonly flagSets: readonly string[];
}

/** Role of an endpoint, as numbers for the tables. */
export const OR_ROLE = 0;
export const DIR_ROLE = 1;

/** An endpoint of a relay, and in which documents. */
export interface EndpointRow extends IpAddress {
  readonly port: number;
  readonly role: number;
  /** Number of the relay. */
  readonly relay: number;
  /** Runs of consecutive documents: first, last, first, last, ... */
  readonly runs: readonly number[];
}

export interface RelayRow {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  /** First document, last document, nickname, flag set; first ... */
  readonly states: readonly number[];
}

export interface MonthTables {
  readonly meta: MonthMeta;
  readonly endpoints: readonly EndpointRow[];
  readonly relays: readonly RelayRow[];
}

/*
 * The file, in the byte order of the machine that made it, all numbers of 32 bits:
 *   magic (8 bytes), byte order mark, length of all, SHA-1 of what follows the header (20 bytes), zeros up to 64
 *   counts: IPv4 endpoints n, IPv6 endpoints m, relays r, numbers in runs, numbers in states, bytes of meta
 *   IPv4: addresses n, ports n, relays n, offsets in runs n + 1
 *   IPv6: the four words of addresses m each, ports m, relays m, offsets in runs m + 1
 *   fingerprints (20 bytes each) r, offsets in states r + 1
 *   runs, states, meta as JSON
 * A port has its role in bit 16. Endpoints are sorted by address, each word as a signed number, then port.
 */
const MAGIC = "leekix02";
const BYTE_ORDER_MARK = 0x01020304;
const HEADER_BYTES = 64;
const COUNTS = 6;
const FINGERPRINT_BYTES = 20;

/** @returns The file's bytes. */
export function encodeMonth({ meta, endpoints, relays }: MonthTables): Buffer {
  const sorted = endpoints.filter(({ runs }) => runs.length > 0).sort(compareEndpoints);
  const ipv4 = sorted.filter(({ version }) => version === 4);
  const ipv6 = sorted.filter(({ version }) => version === 6);
  const metaBytes = Buffer.from(JSON.stringify(meta));
  const runs = sorted.reduce((sum, row) => sum + row.runs.length, 0);
  const states = relays.reduce((sum, row) => sum + row.states.length, 0);
  const words =
    COUNTS +
    ipv4.length * 4 +
    1 +
    ipv6.length * 7 +
    1 +
    relays.length * (FINGERPRINT_BYTES / 4 + 1) +
    1 +
    runs +
    states;
  const bytes = Buffer.alloc(HEADER_BYTES + words * 4 + metaBytes.length);
  const table = new Int32Array(bytes.buffer, bytes.byteOffset, (bytes.length - metaBytes.length) >> 2);
  let at = HEADER_BYTES / 4;
  const put = (value: number) => {
    table[at++] = value;
  };
  for (const count of [ipv4.length, ipv6.length, relays.length, runs, states, metaBytes.length]) put(count);
  let offset = 0;
  for (const rows of [ipv4, ipv6]) {
    if (rows === ipv6) for (const word of ["a", "b", "c"] as const) for (const row of rows) put(row[word]);
    for (const row of rows) put(row.d);
    for (const row of rows) put(row.port | (row.role << 16));
    for (const row of rows) put(row.relay);
    for (const row of rows) {
      put(offset);
      offset += row.runs.length;
    }
    put(offset);
  }
  for (const { fingerprint } of relays) {
    bytes.write(fingerprint, at * 4, "hex");
    at += FINGERPRINT_BYTES / 4;
  }
  offset = 0;
  for (const row of relays) {
    put(offset);
    offset += row.states.length;
  }
  put(offset);
  for (const row of sorted) for (const value of row.runs) put(value);
  for (const row of relays) for (const value of row.states) put(value);
  metaBytes.copy(bytes, at * 4);
  bytes.write(MAGIC, 0, "latin1");
  table[2] = BYTE_ORDER_MARK;
  table[3] = bytes.length;
  checksum(bytes).copy(bytes, 16);
  return bytes;
}

/** The relays of a month of consensuses by address, read from a file as it lies in memory. */
export class MonthIndex implements EndpointSource {
  readonly meta: MonthMeta;
  readonly relayCount: number;
  readonly #ipv4: EndpointTable;
  readonly #ipv6: EndpointTable;
  readonly #fingerprints: Buffer;
  readonly #stateOffsets: Int32Array;
  readonly #runs: Int32Array;
  readonly #states: Int32Array;
  readonly #flags: (readonly string[] | undefined)[] = [];
  #byFingerprint: Map<string, number> | undefined;

  private constructor(bytes: Buffer) {
    const all = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    let at = HEADER_BYTES / 4;
    const take = (length: number) => {
      if (!(length >= 0 && at + length <= all.length)) throw new RangeError("A table is longer than the file");
      at += length;
      return all.subarray(at - length, at);
    };
    const [ipv4 = 0, ipv6 = 0, relays = 0, runs = 0, states = 0, metaBytes = 0] = take(COUNTS);
    this.relayCount = relays;
    this.#ipv4 = new EndpointTable([], take(ipv4), take(ipv4), take(ipv4), take(ipv4 + 1));
    this.#ipv6 = new EndpointTable(
      [take(ipv6), take(ipv6), take(ipv6)],
      take(ipv6),
      take(ipv6),
      take(ipv6),
      take(ipv6 + 1),
    );
    const fingerprints = take((relays * FINGERPRINT_BYTES) / 4);
    this.#fingerprints = Buffer.from(fingerprints.buffer, fingerprints.byteOffset, fingerprints.byteLength);
    this.#stateOffsets = take(relays + 1);
    this.#runs = take(runs);
    this.#states = take(states);
    if (at * 4 + metaBytes !== bytes.length) throw new RangeError("The file is longer than its tables");
    this.meta = JSON.parse(bytes.toString("utf8", at * 4));
  }

  /** @returns undefined for what is no whole index, or one of another version or machine. */
  static decode(bytes: Buffer): MonthIndex | undefined {
    if (bytes.length < HEADER_BYTES || bytes.byteOffset % 4 !== 0) return undefined;
    if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    const [mark, length] = new Uint32Array(bytes.buffer, bytes.byteOffset + 8, 2);
    if (mark !== BYTE_ORDER_MARK || length !== bytes.length) return undefined;
    if (!checksum(bytes).equals(bytes.subarray(16, 36))) return undefined;
    try {
      return new MonthIndex(bytes);
    } catch {
      return undefined;
    }
  }

  /** The endpoints at an address. */
  find(address: IpAddress): EndpointRow[] {
    const table = this.#table(address.version);
    return this.#rows(table, address, address);
  }

  /** The endpoints in the /24 (IPv4) or /48 (IPv6) of an address. */
  near({ version, a, b, d }: IpAddress): EndpointRow[] {
    if (version === 4) {
      const from: IpAddress = { version, a: 0, b: 0, c: 0, d: d & ~0xff };
      return this.#rows(this.#ipv4, from, { ...from, d: d | 0xff });
    }
    const lowest = -(2 ** 31);
    const from: IpAddress = { version, a, b: b & ~0xffff, c: lowest, d: lowest };
    return this.#rows(this.#ipv6, from, { version, a, b: b | 0xffff, c: ~lowest, d: ~lowest });
  }

  /**
   * Calls `visit` for the endpoints at an address that a document lists, by port, until it returns true. Allocates
   * nothing. The words are those of `IpAddress`.
   */
  visitListed(
    document: number,
    version: 4 | 6,
    a: number,
    b: number,
    c: number,
    d: number,
    visit: (port: number, role: number, relay: number) => boolean,
  ): void {
    const table = this.#table(version);
    for (let i = table.lowerBoundOf(a, b, c, d); i < table.length && table.compareTo(i, a, b, c, d) === 0; i++) {
      if (!this.#isListed(table, i, document)) continue;
      const port = table.ports[i]!;
      if (visit(port & 0xffff, port >>> 16, table.relays[i]!)) return;
    }
  }

  /** The endpoints that a document lists, by address and port: all, or those of a relay. */
  *listed(document: number, relay?: number): Generator<EndpointRow> {
    for (const [version, table] of [[4, this.#ipv4] as const, [6, this.#ipv6] as const]) {
      for (let i = 0; i < table.length; i++) {
        if (relay !== undefined && table.relays[i] !== relay) continue;
        if (this.#isListed(table, i, document)) yield this.#row(table, version, i);
      }
    }
  }

  /** Where the state of a relay in a document stands in `states`: -1 when the document does not list it. */
  stateIn(document: number, relay: number): number {
    const states = this.states(relay);
    for (let at = 0; at < states.length; at += 4) {
      if (states[at]! <= document && document <= states[at + 1]!) return at;
    }
    return -1;
  }

  #isListed(table: EndpointTable, row: number, document: number): boolean {
    const end = table.runOffsets[row + 1]!;
    for (let at = table.runOffsets[row]!; at < end; at += 2) {
      if (this.#runs[at]! <= document && document <= this.#runs[at + 1]!) return true;
    }
    return false;
  }

  /** All endpoints, for making a new index from this one. */
  *endpoints(): Generator<EndpointRow> {
    for (const [version, table] of [[4, this.#ipv4] as const, [6, this.#ipv6] as const]) {
      for (let i = 0; i < table.length; i++) yield this.#row(table, version, i);
    }
  }

  fingerprint(relay: number): string {
    const start = relay * FINGERPRINT_BYTES;
    return this.#fingerprints.toString("hex", start, start + FINGERPRINT_BYTES).toUpperCase();
  }

  /** The relay with this fingerprint, -1 when there is none. Made ready at the first question. */
  findFingerprint(fingerprint: string): number {
    this.#byFingerprint ??= new Map(Array.from({ length: this.relayCount }, (_, i) => [this.fingerprint(i), i]));
    return this.#byFingerprint.get(fingerprint) ?? -1;
  }

  /** The same list for all relays with these flags. */
  flags(flagSet: number): readonly string[] {
    let flags = this.#flags[flagSet];
    if (flags === undefined) {
      flags = (this.meta.flagSets[flagSet] ?? "").split(" ").filter((flag) => flag !== "");
      this.#flags[flagSet] = flags;
    }
    return flags;
  }

  /** Of all documents of the month. */
  forEachEndpoint(visit: (a: number, b: number, c: number, d: number, port: number) => void): void {
    for (const table of [this.#ipv4, this.#ipv6]) {
      const [as, bs, cs] = table.wide;
      for (let i = 0; i < table.length; i++) {
        visit(as?.[i] ?? 0, bs?.[i] ?? 0, cs?.[i] ?? 0, table.d[i]!, table.ports[i]! & 0xffff);
      }
    }
  }

  /** As in RelayRow. */
  states(relay: number): Int32Array {
    return this.#states.subarray(this.#stateOffsets[relay], this.#stateOffsets[relay + 1]);
  }

  #table(version: 4 | 6): EndpointTable {
    return version === 4 ? this.#ipv4 : this.#ipv6;
  }

  #rows(table: EndpointTable, from: IpAddress, to: IpAddress): EndpointRow[] {
    const rows: EndpointRow[] = [];
    for (let i = table.lowerBound(from); i < table.length && table.compare(i, to) <= 0; i++) {
      rows.push(this.#row(table, from.version, i));
    }
    return rows;
  }

  #row(table: EndpointTable, version: 4 | 6, i: number): EndpointRow {
    const [a, b, c] = table.wide;
    return {
      version,
      a: a?.[i] ?? 0,
      b: b?.[i] ?? 0,
      c: c?.[i] ?? 0,
      d: table.d[i]!,
      port: table.ports[i]! & 0xffff,
      role: table.ports[i]! >>> 16,
      relay: table.relays[i]!,
      runs: [...this.#runs.subarray(table.runOffsets[i], table.runOffsets[i + 1])],
    };
  }
}

class EndpointTable {
  constructor(
    /** The words `a`, `b` and `c`; none for IPv4. */
    readonly wide: readonly Int32Array[],
    readonly d: Int32Array,
    readonly ports: Int32Array,
    readonly relays: Int32Array,
    readonly runOffsets: Int32Array,
  ) {}

  get length(): number {
    return this.d.length;
  }

  /** Below, at or above 0: whether the address of a row is before, at or after this one. */
  compare(row: number, { a, b, c, d }: IpAddress): number {
    return this.compareTo(row, a, b, c, d);
  }

  compareTo(row: number, a: number, b: number, c: number, d: number): number {
    const [as, bs, cs] = this.wide;
    if (as !== undefined) {
      const difference = as[row]! - a || bs![row]! - b || cs![row]! - c;
      if (difference !== 0) return difference;
    }
    return this.d[row]! - d;
  }

  lowerBound({ a, b, c, d }: IpAddress): number {
    return this.lowerBoundOf(a, b, c, d);
  }

  lowerBoundOf(a: number, b: number, c: number, d: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareTo(middle, a, b, c, d) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareEndpoints(x: EndpointRow, y: EndpointRow): number {
  return (
    x.version - y.version ||
    x.a - y.a ||
    x.b - y.b ||
    x.c - y.c ||
    x.d - y.d ||
    x.port - y.port ||
    x.role - y.role ||
    x.relay - y.relay
  );
}

function checksum(bytes: Buffer): Buffer {
  return createHash("sha1").update(bytes.subarray(HEADER_BYTES)).digest();
}
