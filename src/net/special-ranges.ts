/** Why an address is not on the internet: it is reached on this machine, this link or this site only. */
export type LocalRange =
  | "loopback"
  | "private"
  | "link-local"
  | "unique-local"
  | "shared"
  | "multicast"
  | "broadcast"
  | "unspecified";

/**
 * Tells addresses that never leave the site from internet addresses. Documentation ranges (TEST-NET, 2001:db8::/32)
 * and other reserved blocks count as internet: traffic to them does leave, and a private test network uses them.
 *
 * Source: RFC 6890 (registries), RFC 1918, RFC 6598 (100.64/10), RFC 4193 (fc00::/7), RFC 4291 2.4 to 2.7.
 *
 * @returns undefined for an internet address. IPv4-mapped and NAT64 (RFC 6052, 64:ff9b::/96) addresses are judged by
 *   the IPv4 address inside.
 */
export function localRange(version: 4 | 6, a: number, b: number, c: number, d: number): LocalRange | undefined {
  if (version === 4 || embedsIpv4(a, b, c)) return localIpv4Range(d);
  const top = a >>> 16;
  if (a === 0 && b === 0 && c === 0) {
    if (d === 0) return "unspecified";
    if (d === 1) return "loopback";
  }
  if (top >>> 8 === 0xff) return "multicast";
  if ((top & 0xffc0) === 0xfe80) return "link-local";
  if ((top & 0xfe00) === 0xfc00) return "unique-local";
  return undefined;
}

/** True for ::ffff:0:0/96 and 64:ff9b::/96: the last 32 bits are the IPv4 address that is really reached. */
export function embedsIpv4(a: number, b: number, c: number): boolean {
  return (a === 0 && b === 0 && c === 0xffff) || (a === 0x0064ff9b && b === 0 && c === 0);
}

function localIpv4Range(address: number): LocalRange | undefined {
  const first = address >>> 24;
  const firstTwo = address >>> 16;
  if (first === 10 || (firstTwo & 0xfff0) === 0xac10 || firstTwo === 0xc0a8) return "private";
  if (first === 127) return "loopback";
  if (firstTwo === 0xa9fe) return "link-local";
  if ((firstTwo & 0xffc0) === 0x6440) return "shared";
  if (first >>> 4 === 0xe) return "multicast";
  if (address === -1) return "broadcast";
  if (first === 0) return "unspecified";
  return undefined;
}
