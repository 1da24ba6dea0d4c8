/**
 * The words of pcap-filter expressions that libpcap's scanner knows, by what they mean for the names around them.
 *
 * Source: libpcap scanner.l and grammar.y, 1.8 to 1.10. A word that is missing here is taken for a name, and at worst
 * refused; a word that stands here but not in the installed libpcap could make libpcap look it up. Hence NEWER_WORDS.
 */
export type WordRole =
  /** Puts a name where libpcap looks it up in the DNS (or in /etc/networks, and then the DNS). */
  | "host-type"
  /** Puts a name where libpcap looks it up in /etc/services, /etc/protocols or its own tables. */
  | "local-type"
  /** May be followed by one name, from a fixed list of libpcap's. */
  | "fixed-name"
  | "direction"
  /** Link-level protocols: after them `host NAME` means /etc/ethers. */
  | "link-protocol"
  | "logic"
  /** Any other keyword, and constants such as tcp-syn. */
  | "other";

const WORDS_BY_ROLE: Readonly<Record<WordRole, string>> = {
  "host-type": "host net gateway",
  "local-type": "port portrange proto protochain",
  "fixed-name": "type subtype dir direction llc on ifname rset ruleset reason action",
  direction: "src dst addr1 address1 addr2 address2 addr3 address3 addr4 address4 ra ta",
  "link-protocol": "link ether ppp slip fddi tr wlan",
  logic: "and or not",
  other: `
    arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp carp radio ip6 icmp6 ah esp atalk aarp decnet lat sca moprc mopdl
    iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui
    mask less greater byte broadcast multicast len length inbound outbound vlan mpls pppoed pppoes geneve
    lane metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect rnr rulenum srnr subrulenum
    fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls
    icmptype icmpcode icmp-echoreply icmp-unreach icmp-sourcequench icmp-redirect icmp-echo icmp-routeradvert
    icmp-routersolicit icmp-timxceed icmp-paramprob icmp-tstamp icmp-tstampreply icmp-ireq icmp-ireqreply icmp-maskreq
    icmp-maskreply tcpflags tcp-fin tcp-syn tcp-rst tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr`,
};

/** Keywords that came after 1.8, with the minor version of libpcap 1 that brought them. */
const NEWER_WORDS: ReadonlyMap<string, number> = new Map([
  ["ifindex", 10],
  ["vxlan", 11],
]);

const ROLES: ReadonlyMap<string, WordRole> = new Map(
  Object.entries(WORDS_BY_ROLE).flatMap(([role, words]) =>
    words
      .trim()
      .split(/\s+/)
      .map((word) => [word, role as WordRole] as const),
  ),
);

/** @param minorVersion - Of libpcap 1; 0 when unknown. */
export function wordRole(word: string, minorVersion: number): WordRole | undefined {
  const since = NEWER_WORDS.get(word);
  if (since !== undefined) return minorVersion >= since ? "other" : undefined;
  return ROLES.get(word);
}
