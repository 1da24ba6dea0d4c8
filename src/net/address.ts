import { formatIpv4, parseIpv4 } from "./ipv4.js";

/**
 * An IP address of either version. Four signed 32-bit words in network order; an IPv4 address stands in `d` alone,
 * with `a`, `b` and `c` zero.
 */
export interface IpAddress {
  readonly version: 4 | 6;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

export interface Endpoint {
  /** In the canonical text of `formatAddress`. */
  readonly address: string;
  /** 0 to 65535; undefined for protocols without ports. */
  readonly port: number | undefined;
}

const HEX_GROUP = /^[0-9a-f]{1,4}$/i;

/** The canonical text: dotted quad, or RFC 5952 (lower case, longest zero run as `::`), as inet_ntop() writes it. */
export function formatAddress(version: 4 | 6, a: number, b: number, c: number, d: number): string {
  return version === 4 ? formatIpv4(d) : formatIpv6(a, b, c, d);
}

export function formatIpAddress(address: IpAddress): string {
  return formatAddress(address.version, address.a, address.b, address.c, address.d);
}

function formatIpv6(a: number, b: number, c: number, d: number): string {
  // ::ffff:0:0/96 and the deprecated ::/96 keep their dotted tail (RFC 5952 5); ::1 and :: are not of that kind.
  if (a === 0 && b === 0) {
    if (c === 0xffff) return `::ffff:${formatIpv4(d)}`;
    if (c === 0 && d >>> 16 !== 0) return `::${formatIpv4(d)}`;
  }
  const groups = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff, c >>> 16, c & 0xffff, d >>> 16, d & 0xffff];
  let runStart = -1;
  let runLength = 1; // A single zero group is not shortened (RFC 5952 4.2.2).
  for (let i = 0; i < 8; ) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > runLength) {
      runStart = i;
      runLength = j - i;
    }
    i = j + 1;
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (runStart < 0) return text(groups);
  return `${text(groups.slice(0, runStart))}::${text(groups.slice(runStart + runLength))}`;
}

/**
 * Reads an IPv4 or IPv6 address (RFC 4291 2.2, without zone and brackets).
 *
 * @returns undefined when the text is no address.
 */
export function parseAddress(text: string): IpAddress | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { version: 4, a: 0, b: 0, c: 0, d: ipv4 };
  // Mostly it is a host's name.
  if (!text.includes(":")) return undefined;
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => (groups[i]! << 16) | groups[i + 1]!);
  return { version: 6, a: a!, b: b!, c: c!, d: d! };
}

// Not by net.isIPv6(): compiling its expression takes milliseconds of every start.
function ipv6Groups(text: string): number[] | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const groups = groupsOf(text, true);
    return groups?.length === 8 ? groups : undefined;
  }
  const left = groupsOf(text.slice(0, gap), false);
  const right = groupsOf(text.slice(gap + 2), true);
  // The gap stands for one group at least.
  if (left === undefined || right === undefined || left.length + right.length > 7) return undefined;
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** @param isEnd - Only the last two groups of all may be written as dotted quad. */
function groupsOf(text: string, isEnd: boolean): number[] | undefined {
  const groups: number[] = [];
  if (text === "") return groups;
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (HEX_GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const dotted = isEnd && i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (dotted === undefined) return undefined;
      groups.push(dotted >>> 16, dotted & 0xffff);
    }
  }
  return groups;
}

/** `192.0.2.1:443`, `[2001:db8::1]:443`; without a port the address alone. */
export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.port === undefined) return endpoint.address;
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

/**
 * Reads `ADDR`, `ADDR:PORT`, `[ADDR6]:PORT` or bare `ADDR6`.
 *
 * @returns undefined when the text is none of these or the port is outside 1 to 65535.
 */
export function parseEndpoint(text: string): { address: IpAddress; port: number | undefined } | undefined {
  const bare = parseAddress(text);
  if (bare !== undefined) return { address: bare, port: undefined };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const address = parseAddress(match[1] ?? match[2]!);
  if (address === undefined || (match[1] !== undefined && address.version === 4)) return undefined;
  if (match[3] === undefined) return { address, port: undefined };
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 ? { address, port } : undefined;
}
