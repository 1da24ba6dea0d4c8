/**
 * The plan of the private network: who has which address, port and name. Data only.
 *
 * All addresses of the "internet" side come from the ranges reserved for documentation
 * (RFC 5737: 198.51.100.0/24 and 203.0.113.0/24; RFC 3849: 2001:db8::/32), so nothing in a capture
 * can be mistaken for a machine of the real internet, even if a packet escaped.
 */

/**
 * @typedef {object} RelayPlan
 * @property {string} nickname
 * @property {string} address - IPv4 address.
 * @property {number} orPort
 * @property {{ address: string, orPort: number }} [ipv6] - A second OR port, on IPv6.
 * @property {number} [dirPort] - Plaintext HTTP. Since tor 0.4.6 only authorities get theirs into the consensus.
 * @property {readonly ("authority" | "guard" | "middle" | "exit" | "bridge")[]} roles - Guards and exits get the flag of
 *   that name, the others do not.
 */

/** @type {readonly RelayPlan[]} */
export const RELAYS = [
  { nickname: "authority1", address: "198.51.100.11", orPort: 5000, dirPort: 7000, roles: ["authority"] },
  { nickname: "authority2", address: "198.51.100.12", orPort: 5000, dirPort: 7000, roles: ["authority"] },
  { nickname: "authority3", address: "198.51.100.13", orPort: 5000, dirPort: 7000, roles: ["authority"] },
  { nickname: "guard9999", address: "198.51.100.21", orPort: 9999, roles: ["guard"] },
  {
    nickname: "guardIPv6",
    address: "198.51.100.22",
    orPort: 443,
    // Another port than on IPv4: whoever matches an address with the wrong family's port is caught.
    ipv6: { address: "2001:db8:100::22", orPort: 4443 },
    roles: ["guard"],
  },
  { nickname: "guard9001", address: "198.51.100.23", orPort: 9001, roles: ["guard"] },
  // Shares the address of guard9001: a relay is an address and a port, not an address.
  { nickname: "twin36123", address: "198.51.100.23", orPort: 36123, roles: ["middle"] },
  { nickname: "mirror9030", address: "198.51.100.25", orPort: 9001, dirPort: 9030, roles: ["middle"] },
  { nickname: "exit443", address: "198.51.100.31", orPort: 443, roles: ["exit"] },
  { nickname: "bridge8443", address: "198.51.100.77", orPort: 8443, roles: ["bridge"] },
];

/** The machine under observation: the client tor, the visitors and their leaks run here. */
export const NODE = {
  interface: "eth0",
  mac: "02:00:00:00:50:02",
  address: "192.168.50.2",
  prefix: 24,
  ipv6: "2001:db8:50::2",
  ipv6Prefix: 64,
};

/** The other end of the node's only cable. Its IPv6 side is link-local, as on most home routers. */
export const GATEWAY = {
  interface: "home0",
  mac: "02:00:00:00:50:01",
  address: "192.168.50.1",
  prefix: 24,
  ipv6: "fe80::1",
  ipv6Prefix: 64,
};

/**
 * @typedef {object} ServicePlan
 * @property {"http" | "https" | "dns" | "bitcoin" | "ntp" | "echo" | "ssh"} kind
 * @property {string} address
 * @property {number} port
 */

/** Servers of the internet side, all run by servers/main.mjs. @type {readonly ServicePlan[]} */
export const INTERNET_SERVICES = [
  { kind: "dns", address: "203.0.113.53", port: 53 },
  { kind: "http", address: "203.0.113.80", port: 80 },
  { kind: "https", address: "203.0.113.80", port: 443 },
  { kind: "http", address: "2001:db8:113::80", port: 80 },
  { kind: "https", address: "2001:db8:113::80", port: 443 },
  { kind: "bitcoin", address: "203.0.113.83", port: 8333 },
  { kind: "bitcoin", address: "2001:db8:113::83", port: 8333 },
  { kind: "ntp", address: "203.0.113.123", port: 123 },
  { kind: "echo", address: "203.0.113.7", port: 7 },
  // On the address of a listed relay, but not on its OR port: going there is not using Tor.
  { kind: "http", address: "198.51.100.21", port: 80 },
  { kind: "ssh", address: "198.51.100.21", port: 22 },
];

/** What the client's onion service shows to its visitors; listens on the node's loopback. @type {ServicePlan} */
export const ONION_SITE = { kind: "http", address: "127.0.0.1", port: 8080 };

/** The ports of the client tor on the node. The usual ones, so that tools recognise them. */
export const CLIENT_PORTS = { socks: 9050, control: 9051 };

/**
 * What the DNS server answers. Anything else is NXDOMAIN.
 *
 * @type {Readonly<Record<string, { readonly A?: readonly string[], readonly AAAA?: readonly string[] }>>}
 */
export const ZONE = {
  "www.example.com": { A: ["203.0.113.80"], AAAA: ["2001:db8:113::80"] },
  "cdn.example.net": {
    A: ["203.0.113.80", "203.0.113.81", "203.0.113.82"],
    AAAA: ["2001:db8:113::80", "2001:db8:113::81"],
  },
  "seed.bitcoin.example.org": { A: ["203.0.113.83"], AAAA: ["2001:db8:113::83"] },
};
