const NAMES: Readonly<Record<number, string>> = {
  2048: "IPv4",
  34887: "MPLS unicast",
  34888: "MPLS multicast",
  34525: "IPv6",
  33024: "802.1Q",
  37120: "802.1Q-9100",
  34984: "802.1Q-QinQ",
  37376: "802.1Q-9200",
  35045: "802.1AE MACsec",
  512: "PUP",
  2054: "ARP",
  32821: "Reverse ARP",
  1536: "NS",
  1280: "Sprite",
  4096: "Trail",
  24577: "MOP DL",
  24578: "MOP RC",
  24579: "DN",
  24580: "LAT",
  24583: "SCA",
  25944: "TEB",
  32824: "Lanbridge",
  32828: "DEC DNS",
  32830: "DEC DTS",
  32859: "VEXP",
  32860: "VPROD",
  32923: "Appletalk",
  33011: "Appletalk ARP",
  33079: "IPX",
  34827: "PPP",
  34824: "MPCP",
  34825: "Slow Protocols",
  34915: "PPPoE D",
  34916: "PPPoE S",
  34958: "EAPOL",
  34969: "Realtek protocols",
  34927: "MS NLB heartbeat",
  34928: "Jumbo",
  35151: "NSH",
  36864: "Loopback",
  65278: "OSI",
  254: "GRE-OSI",
  43981: "CFM (old)",
  35074: "CFM",
  35130: "IEEE1905.1",
  35020: "LLDP",
  35018: "TIPC",
  1799: "GeoNet (old)",
  35143: "GeoNet",
  4369: "CALM FAST",
  34978: "AoE",
  35063: "PTP",
  53899: "Arista Vendor Specific Protocol",
};

/** tcpdump's name of an EtherType, or `unknown` for one that it has no name for. */
export function etherTypeLabel(type: number, unknown: string): string {
  return NAMES[type] ?? unknown;
}

/** `ethertype IPv4 (0x0800)`; the name alone in a quiet line. */
export function etherTypeText(type: number, quiet: boolean): string {
  const number = `0x${type.toString(16).padStart(4, "0")}`;
  return quiet
    ? etherTypeLabel(type, `Unknown Ethertype (${number})`)
    : `ethertype ${etherTypeLabel(type, "Unknown")} (${number})`;
}

/** Values up to this are lengths of IEEE 802.3 frames rather than types. */
export const MAX_LENGTH_FIELD = 1500;
