import { grown } from "../base/index.js";
import { formatIpAddress, type IpAddress } from "../net/index.js";

/** No signed word is smaller. */
const SMALLEST = -(2 ** 31);

/** Endpoints of one IP version being collected; the four words follow `IpAddress`. */
export class EndpointList {
  length = 0;
  a: Int32Array;
  b: Int32Array;
  c: Int32Array;
  d: Int32Array;
  port: Uint16Array;
  owner: Int32Array;

  /** @param capacity - How many to make room for at first; the list grows as needed. */
  constructor(
    readonly version: 4 | 6,
    capacity: number,
  ) {
    const wide = version === 6 ? capacity : 0;
    this.a = new Int32Array(wide);
    this.b = new Int32Array(wide);
    this.c = new Int32Array(wide);
    this.d = new Int32Array(capacity);
    this.port = new Uint16Array(capacity);
    this.owner = new Int32Array(capacity);
  }

  /**
   * Adds an endpoint. Port 0 means "none" in every document, so such an endpoint is left out.
   *
   * @param owner - Number by which the caller knows whose endpoint this is.
   */
  push(a: number, b: number, c: number, d: number, port: number, owner: number): void {
    if (port === 0) return;
    if (this.length === this.d.length) this.grow();
    const i = this.length++;
    if (this.version === 6) {
      this.a[i] = a;
      this.b[i] = b;
      this.c[i] = c;
    }
    this.d[i] = d;
    this.port[i] = port;
    this.owner[i] = owner;
  }

  private grow(): void {
    const capacity = Math.max(16, this.d.length * 2);
    if (this.version === 6) {
      this.a = grown(this.a, new Int32Array(capacity));
      this.b = grown(this.b, new Int32Array(capacity));
      this.c = grown(this.c, new Int32Array(capacity));
    }
    this.d = grown(this.d, new Int32Array(capacity));
    this.port = grown(this.port, new Uint16Array(capacity));
    this.owner = grown(this.owner, new Int32Array(capacity));
  }
}

/** The address as in `IpAddress`, the port, the owner, and the IP version. */
export type VisitEndpoint = (
  a: number,
  b: number,
  c: number,
  d: number,
  port: number,
  owner: number,
  version: 4 | 6,
) => void;

/**
 * Endpoints of one IP version, sorted by address and then port, each with its owner.
 *
 * Sorted columns rather than a hash table: a document made by an enemy cannot make it slow by colliding, the ports of
 * one address and the neighbours of an address lie side by side, and there is nothing to tune. Looking up one of
 * 9,000 addresses takes 13 steps; `RelayDirectory` asks only about addresses that it may hold.
 */
export class EndpointIndex {
  readonly length: number;
  readonly version: 4 | 6;
  private readonly a: Int32Array;
  private readonly b: Int32Array;
  private readonly c: Int32Array;
  private readonly d: Int32Array;
  private readonly port: Uint16Array;
  private readonly owner: Int32Array;

  constructor(list: EndpointList) {
    const order = sortedOrder(list);
    const length = order.length;
    const wide = list.version === 6 ? length : 0;
    this.length = length;
    this.version = list.version;
    this.a = new Int32Array(wide);
    this.b = new Int32Array(wide);
    this.c = new Int32Array(wide);
    this.d = new Int32Array(length);
    this.port = new Uint16Array(length);
    this.owner = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      const from = order[i]!;
      this.d[i] = list.d[from]!;
      this.port[i] = list.port[from]!;
      this.owner[i] = list.owner[from]!;
    }
    for (let i = 0; i < wide; i++) {
      const from = order[i]!;
      this.a[i] = list.a[from]!;
      this.b[i] = list.b[from]!;
      this.c[i] = list.c[from]!;
    }
  }

  /** The owner of this endpoint; of several, the one added first; -1 when there is none. Allocates nothing. */
  find(a: number, b: number, c: number, d: number, port: number): number {
    const i = this.lowerBound(a, b, c, d, port);
    return i < this.length && this.port[i] === port && this.hasAddress(i, a, b, c, d) ? this.owner[i]! : -1;
  }

  /** Position of the first endpoint with this address, or -1. Allocates nothing. */
  firstOf(a: number, b: number, c: number, d: number): number {
    const i = this.lowerBound(a, b, c, d, 0);
    return i < this.length && this.hasAddress(i, a, b, c, d) ? i : -1;
  }

  /** Position of the next endpoint with the same address as the one at `position`, or -1. */
  nextOf(position: number): number {
    const next = position + 1;
    if (next >= this.length || this.d[next] !== this.d[position]) return -1;
    if (this.version === 4) return next;
    const same = this.a[next] === this.a[position] && this.b[next] === this.b[position];
    return same && this.c[next] === this.c[position] ? next : -1;
  }

  ownerAt(position: number): number {
    return this.owner[position]!;
  }

  portAt(position: number): number {
    return this.port[position]!;
  }

  addressAt(position: number): IpAddress {
    const i = position;
    return this.version === 4
      ? { version: 4, a: 0, b: 0, c: 0, d: this.d[i]! }
      : { version: 6, a: this.a[i]!, b: this.b[i]!, c: this.c[i]!, d: this.d[i]! };
  }

  /**
   * Endpoints in the same /24 (IPv4) or /48 (IPv6), those at the address itself included, by address and port.
   */
  neighbours(near: IpAddress): { readonly relay: number; readonly address: IpAddress; readonly port: number }[] {
    const found = [];
    const wide = this.version === 6;
    // A prefix's lowest signed word is its lowest unsigned one too: a /24 does not straddle the sign.
    const b = near.b & ~0xffff;
    const d = near.d & ~0xff;
    const first = wide ? this.lowerBound(near.a, b, SMALLEST, SMALLEST, 0) : this.lowerBound(0, 0, 0, d, 0);
    for (let i = first; i < this.length; i++) {
      const inside = wide ? this.a[i] === near.a && (this.b[i]! & ~0xffff) === b : (this.d[i]! & ~0xff) === d;
      if (!inside) break;
      found.push({ relay: this.owner[i]!, address: this.addressAt(i), port: this.port[i]! });
    }
    return found;
  }

  /** The endpoints of one owner, found by walking through all. */
  endpointsOf(owner: number): { readonly address: string; readonly port: number }[] {
    const found = [];
    for (let i = this.owner.indexOf(owner); i >= 0; i = this.owner.indexOf(owner, i + 1)) {
      found.push({ address: formatIpAddress(this.addressAt(i)), port: this.port[i]! });
    }
    return found;
  }

  /** Calls `visit` once for each distinct address. */
  forEachAddress(visit: (a: number, b: number, c: number, d: number) => void): void {
    const wide = this.version === 6;
    for (let i = 0; i < this.length; i++) {
      if (i > 0 && this.nextOf(i - 1) === i) continue;
      visit(wide ? this.a[i]! : 0, wide ? this.b[i]! : 0, wide ? this.c[i]! : 0, this.d[i]!);
    }
  }

  /** Calls `visit` once for each endpoint, in order. */
  forEachEndpoint(visit: VisitEndpoint): void {
    const { version, port, owner } = this;
    const wide = version === 6;
    for (let i = 0; i < this.length; i++) {
      visit(
        wide ? this.a[i]! : 0,
        wide ? this.b[i]! : 0,
        wide ? this.c[i]! : 0,
        this.d[i]!,
        port[i]!,
        owner[i]!,
        version,
      );
    }
  }

  private hasAddress(i: number, a: number, b: number, c: number, d: number): boolean {
    if (this.d[i] !== d) return false;
    return this.version === 4 || (this.a[i] === a && this.b[i] === b && this.c[i] === c);
  }

  /** Position of the first endpoint that is not before this one; `length` when all are. */
  private lowerBound(a: number, b: number, c: number, d: number, port: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBefore(middle, a, b, c, d, port)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private isBefore(i: number, a: number, b: number, c: number, d: number, port: number): boolean {
    if (this.version === 6) {
      if (this.a[i] !== a) return this.a[i]! < a;
      if (this.b[i] !== b) return this.b[i]! < b;
      if (this.c[i] !== c) return this.c[i]! < c;
    }
    if (this.d[i] !== d) return this.d[i]! < d;
    return this.port[i]! < port;
  }
}

type Column = Int32Array | Uint16Array;

/** Indices of the list's endpoints by address, then port, then order of adding. */
function sortedOrder(list: EndpointList): Int32Array {
  const order = new Int32Array(list.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  const columns = list.version === 4 ? [list.d, list.port] : [list.a, list.b, list.c, list.d, list.port];
  sortRun(order, 0, order.length, columns, 0);
  return order;
}

/** Runs up to this long are sorted by insertion: two relays at an address are common, and not worth an array. */
const SHORT_RUN = 12;

/**
 * Sorts `order` between two positions by the columns from `level` on. Value and index share a 64-bit integer, because
 * sorting such an array without a comparator is native code: quick even in a process's first moment, never quadratic.
 */
function sortRun(order: Int32Array, from: number, to: number, columns: readonly Column[], level: number): void {
  if (to - from <= SHORT_RUN) {
    insertionSort(order, from, to, columns, level);
    return;
  }
  const column = columns[level]!;
  const keys = new BigInt64Array(to - from);
  const halves = new Int32Array(keys.buffer);
  for (let i = from, half = 0; i < to; i++, half += 2) {
    const index = order[i]!;
    halves[half + HIGH_HALF] = column[index]!;
    halves[half + 1 - HIGH_HALF] = index;
  }
  keys.sort();
  let runStart = from;
  for (let i = from, half = 0; i < to; i++, half += 2) {
    order[i] = halves[half + 1 - HIGH_HALF]!;
    if (half === 0 || halves[half + HIGH_HALF] === halves[half - 2 + HIGH_HALF]) continue;
    if (i - runStart > 1 && level + 1 < columns.length) sortRun(order, runStart, i, columns, level + 1);
    runStart = i;
  }
  if (to - runStart > 1 && level + 1 < columns.length) sortRun(order, runStart, to, columns, level + 1);
}

/** Which half of a 64-bit integer in memory holds its high bits: the second one on little-endian machines. */
const HIGH_HALF = new Int32Array(new BigInt64Array([1n]).buffer)[0] === 1 ? 1 : 0;

function insertionSort(order: Int32Array, from: number, to: number, columns: readonly Column[], level: number): void {
  for (let i = from + 1; i < to; i++) {
    const index = order[i]!;
    let place = i;
    while (place > from && isAfter(order[place - 1]!, index, columns, level)) {
      order[place] = order[place - 1]!;
      place--;
    }
    order[place] = index;
  }
}

/** Equal endpoints stand in order of adding, in which their indices already are. */
function isAfter(x: number, y: number, columns: readonly Column[], level: number): boolean {
  for (let i = level; i < columns.length; i++) {
    const difference = columns[i]![x]! - columns[i]![y]!;
    if (difference !== 0) return difference > 0;
  }
  return x > y;
}
