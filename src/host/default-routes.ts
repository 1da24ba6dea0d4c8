/** What the kernel sets for a route that is in use, and for one that refuses packets (linux/route.h). */
const RTF_UP = 0x1;
const RTF_REJECT = 0x200;
/** Lines with the destination 0, before they are split: routers of providers have a million others. */
const IPV4_LINES = /^\S+\s+00000000\s.*$/gm;
const IPV6_LINES = /^0{32}\s+00\s.*$/gm;

interface Route {
  /** Undefined for a route that refuses: nothing carries what it takes. */
  readonly name: string | undefined;
  readonly metric: number;
}

/**
 * The interface that carries the IPv4 default route of the main table: of several, that of the lowest metric. Policy
 * rules (ip-rule(8)), by which some VPNs lead packets elsewhere, are not looked at.
 *
 * @param text - Of /proc/net/route: a heading, then Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask, ...;
 *   numbers in hex but for the metric. Other lines are left out.
 * @returns undefined also where a route that refuses (`ip route add unreachable default`) comes first.
 */
export function ipv4DefaultRoute(text: string): string | undefined {
  const routes = fields(text, IPV4_LINES).flatMap(([name, , , flags, , , metric, mask]) =>
    mask === "00000000" ? route(name, hex(flags), decimal(metric)) : [],
  );
  return first(routes);
}

/**
 * The same for IPv6, where the file has the routes of all tables.
 *
 * @param text - Of /proc/net/ipv6_route: destination, prefix length, source, its prefix length, next hop, metric,
 *   references, uses, flags, interface; all numbers in hex.
 */
export function ipv6DefaultRoute(text: string): string | undefined {
  const routes = fields(text, IPV6_LINES).flatMap(([, , , sourceLength, , metric, , , flags, name]) =>
    sourceLength === "00" ? route(name, hex(flags), hex(metric)) : [],
  );
  return first(routes);
}

function fields(text: string, lines: RegExp): string[][] {
  return (text.match(lines) ?? []).map((line) => line.trim().split(/\s+/));
}

function route(name: string | undefined, flags: number | undefined, metric: number | undefined): Route[] {
  if (name === undefined || flags === undefined || metric === undefined) return [];
  if ((flags & RTF_REJECT) !== 0) return [{ name: undefined, metric }];
  return (flags & RTF_UP) === 0 ? [] : [{ name, metric }];
}

function hex(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function first(routes: readonly Route[]): string | undefined {
  return [...routes].sort((left, right) => left.metric - right.metric)[0]?.name;
}
