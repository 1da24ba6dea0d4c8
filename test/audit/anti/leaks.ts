import { CLIENT_PORTS, GATEWAY, NODE } from "../../../scripts/tornet/plan.mjs";
import { type AuditLab, STRANGER } from "./audit-lab.js";

const RESOLVER = "203.0.113.53";
const WEB = "203.0.113.80";
const WEB_IPV6 = "2001:db8:113::80";
export const SOCKS = `127.0.0.1:${CLIENT_PORTS.socks}`;
/** Where the node's tor answers DNS questions, once it was asked to. */
export const DNS_PORT = 5300;
/** Routes lead there, and nobody answers. */
const NOBODY = "203.0.113.200";
/** Shared address space (RFC 6598): the provider's. */
const PROVIDER = "100.64.3.3";
const EXIT = { address: "198.51.100.31", orPort: 443 };
/** Of the right form, and nobody's. */
export const SOME_ONION = `${"leek".repeat(14)}.onion`;

/** One way to go around Tor. */
export interface Leak {
  /** The rule that must find it. */
  readonly rule: string;
  /** What makes it: the row's name in docs/audit-tests.md. */
  readonly by: string;
  readonly make: (lab: AuditLab) => Promise<unknown>;
  /** Whom it reaches: an address in the finding. */
  readonly to: string;
  /** What is told, at least: kind and value. */
  readonly tells?: readonly (readonly [kind: string, value: string])[];
  /** Rules that find it too. */
  readonly also?: readonly string[];
  /** The finding's id, where the rule has several. */
  readonly id?: string;
  /** Severity, where it is no leak. */
  readonly severity?: "warning" | "note";
}

const dig = (...words: readonly string[]) => ["dig", "+tries=1", "+time=2", ...words];
const curl = (...words: readonly string[]) => ["curl", "-s", "-k", "-m", "10", ...words];
/** Sends a name in TLS, whatever the resolver says of it. */
const resolved = (name: string, port: number) => ["--resolve", `${name}:${port}:${WEB}`];

export const LEAKS: readonly Leak[] = [
  {
    rule: "dns",
    by: "dig asks a resolver on the internet over UDP",
    make: (lab) => lab.run(...dig(`@${RESOLVER}`, "www.example.com")),
    to: RESOLVER,
    tells: [["dns-question", "www.example.com"]],
  },
  {
    rule: "dns",
    by: "dig asks over TCP",
    make: (lab) => lab.run(...dig("+tcp", `@${RESOLVER}`, "www.example.com")),
    to: RESOLVER,
    tells: [["dns-question", "www.example.com"]],
  },
  {
    rule: "dns",
    by: "dig asks the router's resolver",
    make: (lab) => lab.run(...dig(`@${GATEWAY.address}`, "www.example.com")),
    to: GATEWAY.address,
    tells: [["dns-question", "www.example.com"]],
  },
  {
    rule: "dns-onion-name",
    by: "dig asks for an onion name",
    make: (lab) => lab.run(...dig(`@${RESOLVER}`, SOME_ONION)),
    to: RESOLVER,
    tells: [["onion-name", SOME_ONION]],
    also: ["dns"],
  },
  {
    rule: "dns-encrypted",
    by: "dig +tls (DNS over TLS)",
    make: (lab) => lab.run(...dig("+tls", `@${STRANGER}`, "www.example.com")),
    to: STRANGER,
  },
  {
    rule: "dns-encrypted",
    by: "curl to a resolver's name (DNS over HTTPS)",
    make: (lab) => lab.run(...curl(...resolved("dns.google", 443), "https://dns.google/dns-query")),
    to: WEB,
    tells: [["server-name", "dns.google"]],
  },
  {
    rule: "dns-seed",
    by: "dig asks for a name of Bitcoin Core's seeds",
    make: (lab) => lab.run(...dig(`@${RESOLVER}`, "seed.bitcoin.sipa.be")),
    to: RESOLVER,
    tells: [["dns-question", "seed.bitcoin.sipa.be"]],
  },
  {
    rule: "bitcoin-p2p",
    by: "a Bitcoin handshake (v1)",
    make: (lab) => lab.tornet.visitor.visit("bitcoin", { address: "203.0.113.83", port: 8333 }),
    to: "203.0.113.83",
    tells: [["user-agent", "/Satoshi:29.0.0/"]],
  },
  {
    rule: "electrum",
    by: "a wallet's questions, in lines of JSON",
    make: (lab) => lab.say("electrum", STRANGER),
    to: STRANGER,
  },
  {
    rule: "lightning",
    by: "acts one and two of BOLT 8",
    make: (lab) => lab.say("lightning", STRANGER),
    to: STRANGER,
  },
  {
    rule: "monero-p2p",
    by: "Levin's handshake with Monero's network id",
    make: (lab) => lab.say("monero", STRANGER),
    to: STRANGER,
  },
  {
    rule: "bittorrent",
    by: "a peer's handshake",
    make: (lab) => lab.say("bittorrent", STRANGER),
    to: STRANGER,
  },
  {
    rule: "update-server",
    by: "curl to a package server's name",
    make: (lab) => lab.run(...curl(...resolved("deb.debian.org", 80), "http://deb.debian.org/debian/")),
    to: WEB,
    tells: [["http-host", "deb.debian.org"]],
  },
  {
    rule: "http",
    by: "curl, plain HTTP",
    make: (lab) => lab.run(...curl(...resolved("www.example.com", 80), "http://www.example.com/page")),
    to: WEB,
    tells: [
      ["http-host", "www.example.com"],
      ["http-path", "/page"],
    ],
  },
  {
    rule: "http",
    by: "curl, plain HTTP to a relay's OR port",
    make: (lab) => lab.run(...curl(`http://${EXIT.address}:${EXIT.orPort}/page`)),
    to: EXIT.address,
    tells: [["http-path", "/page"]],
  },
  {
    rule: "tls",
    by: "openssl s_client",
    make: (lab) => lab.run("openssl", "s_client", "-connect", `${WEB}:443`, "-servername", "www.example.com"),
    to: WEB,
    tells: [["server-name", "www.example.com"]],
  },
  {
    rule: "quic",
    by: "an Initial packet",
    make: (lab) => lab.say("quic", STRANGER),
    to: STRANGER,
    tells: [["server-name", "www.example.com"]],
  },
  {
    rule: "ntp",
    by: "rdate -n",
    make: (lab) => lab.run("rdate", "-n", "-p", "203.0.113.123"),
    to: "203.0.113.123",
  },
  {
    rule: "icmp",
    by: "ping",
    make: (lab) => lab.run("ping", "-n", "-c", "1", "-W", "1", WEB),
    to: WEB,
  },
  {
    rule: "icmp",
    by: "ping over IPv6",
    make: (lab) => lab.run("ping", "-6", "-n", "-c", "1", "-W", "1", WEB_IPV6),
    to: WEB_IPV6,
    also: ["ipv6"],
  },
  {
    rule: "stun",
    by: "stun asks for the external address",
    make: (lab) => lab.run("timeout", "1", "stun", STRANGER),
    to: STRANGER,
  },
  {
    rule: "ssh",
    by: "ssh",
    make: (lab) => lab.run("ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", STRANGER),
    to: STRANGER,
  },
  {
    rule: "mail",
    by: "curl, SMTP",
    make: (lab) => lab.run(...curl(`smtp://${STRANGER}/node.example.com`, "-X", "NOOP")),
    to: STRANGER,
  },
  {
    rule: "port-mapping",
    by: "natpmpc asks the router for a port",
    make: (lab) => lab.run("natpmpc", "-g", GATEWAY.address, "-a", "8333", "8333", "tcp"),
    to: GATEWAY.address,
    severity: "warning",
  },
  {
    rule: "port-mapping",
    by: "upnpc looks for the router, and asks it for a port",
    // Though the router's address outside (-i) is one of documentation's.
    make: (lab) => lab.run("upnpc", "-i", "-a", NODE.address, "8333", "8333", "tcp"),
    to: GATEWAY.address,
    severity: "warning",
    tells: [["service-name", "urn:schemas-upnp-org:service:WANIPConnection:1"]],
  },
  {
    rule: "lan-proxy",
    by: "curl -x asks the router for a web site",
    make: (lab) => lab.run("curl", "-s", "-m", "1", "-x", `http://${GATEWAY.address}:40000`, "http://www.example.com/"),
    to: GATEWAY.address,
    severity: "warning",
  },
  {
    rule: "lan-announcement",
    by: "the machine's name over mDNS",
    make: (lab) => lab.say("mdns"),
    to: "224.0.0.251",
    severity: "note",
    tells: [["host-name", "hals-laptop.local"]],
  },
  {
    rule: "lan-announcement",
    by: "udhcpc asks for an address, with the machine's name",
    // Nobody answers; and `true` is the program that would set the address.
    make: (lab) =>
      lab.run(
        ...["busybox", "udhcpc", "-i", NODE.interface, "-f", "-n", "-q", "-t", "1", "-T", "1", "-s", "/bin/true"],
        ...["-x", "hostname:hals-laptop"],
      ),
    to: "255.255.255.255",
    severity: "note",
    tells: [
      ["host-name", "hals-laptop"],
      ["mac-address", NODE.mac],
    ],
  },
  {
    rule: "lan-announcement",
    by: "the machine's name over LLMNR",
    make: (lab) => lab.say("llmnr"),
    to: "224.0.0.252",
    severity: "note",
    tells: [["host-name", "hals-laptop"]],
  },
  {
    rule: "lan-announcement",
    by: "the machine's name over NetBIOS",
    make: (lab) => lab.say("netbios"),
    to: "192.168.50.255",
    severity: "note",
    tells: [["host-name", "HALS-LAPTOP"]],
  },
  {
    rule: "lan-announcement",
    by: "a media server's NOTIFY over SSDP",
    make: (lab) => lab.say("ssdp-notify"),
    to: "239.255.255.250",
    severity: "note",
    tells: [["software", "Debian DLNADOC/1.50 UPnP/1.0 MiniDLNA/1.3.0"]],
  },
  {
    rule: "tunnel",
    by: "GRE with a datagram inside",
    make: (lab) => lab.sendRaw("gre", NOBODY),
    to: NOBODY,
  },
  {
    rule: "ipv6",
    by: "curl over IPv6",
    make: (lab) => lab.run(...curl("-6", `http://[${WEB_IPV6}]/`)),
    to: WEB_IPV6,
    also: ["http"],
  },
  {
    rule: "other-tcp",
    by: "text that no protocol says",
    make: (lab) => lab.say("text", STRANGER),
    to: STRANGER,
  },
  {
    rule: "other-tcp",
    by: "curl, and nobody answers",
    make: (lab) => lab.run("curl", "-s", "-m", "1", `http://${NOBODY}/`),
    to: NOBODY,
  },
  {
    rule: "other-udp",
    by: "a datagram that no protocol says",
    make: (lab) => lab.say("datagram", STRANGER),
    to: STRANGER,
  },
  {
    rule: "other-udp",
    by: "a datagram to the provider's own addresses",
    make: (lab) => lab.say("datagram", PROVIDER),
    to: PROVIDER,
  },
  {
    rule: "other-ip",
    by: "an SCTP packet",
    make: (lab) => lab.sendRaw("sctp", NOBODY),
    to: NOBODY,
  },
  {
    rule: "relay-other-port",
    by: "curl to a web server on a relay's address",
    make: (lab) => lab.run(...curl("http://198.51.100.21/")),
    to: "198.51.100.21",
  },
  {
    rule: "directory-port",
    by: "curl fetches keys from an authority's directory port",
    make: (lab) => lab.run(...curl("http://198.51.100.11:7000/tor/keys/all")),
    to: "198.51.100.11",
  },
  {
    rule: "inbound",
    by: "curl from the internet to a service of the node",
    async make(lab) {
      const service = await lab.serve(NODE.address, 8333);
      await lab.runOutside(...curl("--interface", STRANGER, `http://${NODE.address}:8333/`));
      await service.ended;
    },
    to: NODE.address,
  },
  {
    rule: "inbound",
    by: "curl over Tor to the same, by its address",
    async make(lab) {
      const service = await lab.serve(NODE.address, 8333);
      await lab.run(...curl("--socks5", SOCKS, `http://${NODE.address}:8333/`));
      await service.ended;
    },
    to: NODE.address,
    id: "inbound:tor-exit",
  },
  {
    rule: "inbound",
    by: "curl from the internet to a closed port",
    make: (lab) => lab.runOutside(...curl("--interface", STRANGER, `http://${NODE.address}:8334/`)),
    to: NODE.address,
    severity: "note",
  },
];

/** The same programs and words, and nothing that goes around Tor: through it, or no farther than the machine or its router. */
export const NO_LEAKS: readonly ((lab: AuditLab) => Promise<unknown>)[] = [
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, `http://${lab.tornet.onionHost}/`)),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, "http://www.example.com/page")),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, "https://www.example.com/")),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, `http://[${WEB_IPV6}]/`)),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, "http://203.0.113.80/")),
  (lab) => lab.run(...curl("-x", `socks5h://${SOCKS}`, `smtp://${STRANGER}/node.example.com`, "-X", "NOOP")),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, "http://198.51.100.21/")),
  (lab) => lab.run(...curl("--socks5-hostname", SOCKS, "http://198.51.100.11:7000/tor/keys/all")),
  (lab) => lab.tornet.visitor.visit("bitcoin", { address: "203.0.113.83", port: 8333, socks: "5 isolated" }),
  (lab) => lab.tornet.visitor.visit("ssh", { address: STRANGER, port: 22, socks: "5" }),
  (lab) => lab.run(...dig("-p", String(DNS_PORT), "@127.0.0.1", "www.example.com")),
  (lab) => lab.run(...dig("-p", String(DNS_PORT), "@127.0.0.1", "seed.bitcoin.sipa.be")),
  (lab) => lab.run(...dig("-p", String(DNS_PORT), "@127.0.0.1", SOME_ONION)),
  (lab) => lab.run("ping", "-n", "-c", "1", "-W", "1", GATEWAY.address),
  (lab) => lab.run("ping", "-6", "-n", "-c", "1", "-W", "1", `${GATEWAY.ipv6}%${NODE.interface}`),
  // The router's services may be asked for anything but names, and for a way in.
  (lab) => lab.say("datagram", GATEWAY.address),
];
