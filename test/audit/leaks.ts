import type { RuleName, Severity } from "../../src/audit/index.js";
import { message, version } from "../apps/bitcoin/messages.js";
import { framed } from "../apps/dns/messages.js";
import { ntpMessage, pcpMap, stunSamples } from "../apps/lan/samples.js";
import { cryptoFrame, initial } from "../apps/quic/packets.js";
import { clientHello } from "../apps/tls/hellos.js";
import {
  ascii,
  concat,
  dns,
  dnsQuery,
  hex,
  icmpEcho,
  icmpv6,
  ipip,
  ipv4,
  ipv4Bytes,
  ipv6,
  tcp,
} from "../support/packet-builder.js";
import { connection, datagram, ip, type Said, tlsWords } from "./traffic.js";

/** One kind of leak, made with the packets of its kind. */
export interface Leak {
  readonly what: string;
  readonly rule: RuleName;
  readonly severity: Severity;
  /** Findings beside that of the rule. */
  readonly also?: readonly string[];
  /** `kind: value` of what must be told. */
  readonly disclosed: readonly string[];
  /** Whether it is one too when the other end is on the LAN. */
  readonly onLan?: true;
  /** From one address to another. */
  readonly frames: (src: string, dst: string) => readonly Uint8Array[];
}

export const ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";

// BOLT 8, appendix A.
const ACT_ONE = hex(
  "00036360e856310ce5d294e8be33fc807077dc56ac80d95d9cd4ddbd21325eff73f70df6086551151f58b8afe6c195782c6a",
);
const ACT_TWO = hex(
  "0002466d7fcae563e5cb09a0d1870bb580344804617879a14949cf22285f1bae3f276e2470b93aac583c9ef6eafca3f730ae",
);
/** A handshake's header of Monero's (docs/LEVIN_PROTOCOL.md), and the beginning of its body with the network's id. */
const LEVIN = concat(
  hex("0121010101010101 3700000000000000 01 e9030000 00000000 01000000 01000000"),
  hex(
    "011101010101020101 08 09 6e6f64655f64617461 0c 04 0a 6e6574776f726b5f6964 0a40 1230f171610441611731008216a1a110",
  ),
  new Uint8Array(8),
);
export const OPAQUE = Uint8Array.from({ length: 40 }, (_, i) => 0x80 | ((i * 37) & 0x7f));

const overTcp = (dstPort: number, ...said: readonly Said[]) => {
  return (src: string, dst: string) => connection({ src, dst, dstPort }, said);
};
const overUdp = (dstPort: number, payload: Uint8Array) => {
  return (src: string, dst: string) => [datagram({ src, dst, dstPort }, payload)];
};
const get = (host: string, path = "/") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: program/1.0\r\n\r\n`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const isIpv6 = (address: string) => address.includes(":");

export const LEAKS: readonly Leak[] = [
  {
    what: "a DNS question over UDP",
    rule: "dns",
    severity: "leak",
    disclosed: ["dns-question: www.example.com"],
    onLan: true,
    frames: overUdp(53, dnsQuery("www.example.com")),
  },
  {
    what: "a DNS question over TCP",
    rule: "dns",
    severity: "leak",
    disclosed: ["dns-question: www.example.com"],
    onLan: true,
    frames: overTcp(53, [0, framed(dnsQuery("www.example.com"))]),
  },
  {
    what: "a DNS question on another port",
    rule: "dns",
    severity: "leak",
    disclosed: ["dns-question: www.example.com"],
    onLan: true,
    frames: overUdp(5300, dnsQuery("www.example.com")),
  },
  {
    what: "something on DNS's port",
    rule: "dns",
    severity: "leak",
    disclosed: [],
    onLan: true,
    frames: overUdp(53, OPAQUE),
  },
  {
    what: "the name of an onion service in a DNS question",
    rule: "dns-onion-name",
    severity: "leak",
    also: ["dns leak"],
    disclosed: [`onion-name: ${ONION}`],
    onLan: true,
    frames: overUdp(53, dnsQuery(ONION)),
  },
  {
    what: "DNS over TLS",
    rule: "dns-encrypted",
    severity: "leak",
    disclosed: ["server-name: dns.example.net"],
    onLan: true,
    frames: overTcp(853, ...tlsWords("dns.example.net", ">100", "<100")),
  },
  {
    what: "DNS over HTTPS",
    rule: "dns-encrypted",
    severity: "leak",
    disclosed: ["server-name: cloudflare-dns.com"],
    onLan: true,
    frames: overTcp(443, ...tlsWords("cloudflare-dns.com", ">100", "<100")),
  },
  {
    what: "a question for Bitcoin's seeds",
    rule: "dns-seed",
    severity: "leak",
    disclosed: ["dns-question: seed.bitcoin.sipa.be"],
    onLan: true,
    frames: overUdp(53, dnsQuery("seed.bitcoin.sipa.be")),
  },
  {
    what: "Bitcoin between peers",
    rule: "bitcoin-p2p",
    severity: "leak",
    disclosed: ["bitcoin-chain: main", "bitcoin-height: 900000"],
    frames: overTcp(8333, [0, message("version", version())], [1, message("verack")]),
  },
  {
    what: "a wallet's question to an Electrum server",
    rule: "electrum",
    severity: "leak",
    disclosed: ["software: electrum/4.5.8"],
    frames: overTcp(50_001, [
      0,
      line({ jsonrpc: "2.0", method: "server.version", params: ["electrum/4.5.8", "1.4"], id: 0 }),
    ]),
  },
  {
    what: "Lightning between peers",
    rule: "lightning",
    severity: "leak",
    disclosed: [],
    frames: overTcp(9735, [0, ACT_ONE], [1, ACT_TWO]),
  },
  {
    what: "Monero between peers",
    rule: "monero-p2p",
    severity: "leak",
    disclosed: [],
    frames: overTcp(18_080, [0, LEVIN]),
  },
  {
    what: "BitTorrent between peers",
    rule: "bittorrent",
    severity: "leak",
    disclosed: [`info-hash: ${"ab".repeat(20)}`],
    frames: overTcp(6881, [
      0,
      concat(
        [19],
        ascii("BitTorrent protocol"),
        new Uint8Array(8),
        hex("ab".repeat(20)),
        ascii("-TR4000-abcdefghijkl"),
      ),
    ]),
  },
  {
    what: "packages over HTTP",
    rule: "update-server",
    severity: "leak",
    disclosed: ["http-host: deb.debian.org"],
    frames: overTcp(80, [0, get("deb.debian.org", "/debian/dists/stable/InRelease")]),
  },
  {
    what: "packages over TLS",
    rule: "update-server",
    severity: "leak",
    disclosed: ["server-name: deb.debian.org"],
    frames: overTcp(443, ...tlsWords("deb.debian.org")),
  },
  {
    what: "a page over HTTP",
    rule: "http",
    severity: "leak",
    disclosed: ["http-host: www.example.com", "user-agent: program/1.0"],
    frames: overTcp(80, [0, get("www.example.com")]),
  },
  {
    what: "a page over TLS",
    rule: "tls",
    severity: "leak",
    disclosed: ["server-name: www.example.com"],
    frames: overTcp(443, ...tlsWords("www.example.com", ">300", "<900")),
  },
  {
    what: "a page over QUIC",
    rule: "quic",
    severity: "leak",
    disclosed: ["server-name: www.example.com"],
    frames: overUdp(
      443,
      initial({
        frames: cryptoFrame(0, clientHello({ serverName: "www.example.com", alpn: ["h3"], versions: [0x0304] })),
      }),
    ),
  },
  {
    what: "something over UDP on QUIC's port",
    rule: "quic",
    severity: "leak",
    disclosed: [],
    frames: overUdp(443, OPAQUE),
  },
  {
    what: "a question for the time",
    rule: "ntp",
    severity: "leak",
    disclosed: [],
    frames: overUdp(123, ntpMessage(3)),
  },
  {
    what: "an echo request",
    rule: "icmp",
    severity: "leak",
    disclosed: [],
    frames: (src, dst) => [ip(src, dst, isIpv6(src) ? icmpv6(128, 0, [0, 1, 0, 1]) : icmpEcho(false, 1, 1))],
  },
  {
    what: "a STUN request",
    rule: "stun",
    severity: "leak",
    disclosed: [],
    frames: overUdp(19_302, Object.values(stunSamples)[0]!),
  },
  {
    what: "SSH",
    rule: "ssh",
    severity: "leak",
    disclosed: ["software: OpenSSH_9.6"],
    frames: overTcp(22, [0, "SSH-2.0-OpenSSH_9.6\r\n"], [1, "SSH-2.0-OpenSSH_9.2\r\n"]),
  },
  {
    what: "mail",
    rule: "mail",
    severity: "leak",
    disclosed: ["host-name: alices-laptop"],
    frames: overTcp(25, [1, "220 mail.example.com ESMTP Postfix\r\n"], [0, "EHLO alices-laptop\r\n"]),
  },
  {
    what: "a port mapping",
    rule: "port-mapping",
    severity: "warning",
    disclosed: [],
    onLan: true,
    frames: overUdp(5351, pcpMap),
  },
  {
    what: "a TCP connection of which nothing is understood",
    rule: "other-tcp",
    severity: "leak",
    disclosed: [],
    frames: overTcp(4000, [0, OPAQUE]),
  },
  {
    what: "a TCP connection that nobody answers",
    rule: "other-tcp",
    severity: "leak",
    disclosed: [],
    frames: (src, dst) => connection({ src, dst, dstPort: 4000 }).slice(0, 1),
  },
  {
    what: "a datagram of which nothing is understood",
    rule: "other-udp",
    severity: "leak",
    disclosed: [],
    frames: overUdp(4000, OPAQUE),
  },
  {
    what: "another IP protocol",
    rule: "other-ip",
    severity: "leak",
    disclosed: [],
    frames: (src, dst) => [
      isIpv6(src)
        ? ip(src, dst, { protocol: 50, bytes: OPAQUE, checksumOffset: undefined })
        : ip(src, dst, OPAQUE, { protocol: 50 }),
    ],
  },
];

/** What is told by multicast or broadcast, so that there is no other end to be changed. */
export const mdnsAnswer = (src: string) =>
  datagram(
    { src, dst: "224.0.0.251", srcPort: 5353, dstPort: 5353 },
    dns({
      id: 0,
      response: true,
      answers: [{ name: "alices-laptop.local", type: 1, data: Uint8Array.from(ipv4Bytes("192.168.1.10")) }],
    }),
  );

/** A connection inside of a 6in4, or an IP-in-IP tunnel. */
export const tunnelled = (outerSrc: string, outerDst: string, innerSrc: string, innerDst: string) => {
  const inner = tcp({ srcPort: 50_000, dstPort: 80, flags: 2 });
  return ip(
    outerSrc,
    outerDst,
    ipip(
      isIpv6(innerSrc) ? ipv6({ src: innerSrc, dst: innerDst }, inner) : ipv4({ src: innerSrc, dst: innerDst }, inner),
    ),
  );
};
