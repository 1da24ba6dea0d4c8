/** IP protocol numbers that the code names (IANA "Assigned Internet Protocol Numbers"). */
export const IpProtocol = {
  HOPOPT: 0,
  ICMP: 1,
  IGMP: 2,
  IPV4: 4,
  TCP: 6,
  UDP: 17,
  IPV6: 41,
  IPV6_ROUTE: 43,
  IPV6_FRAG: 44,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  IPV6_NONXT: 59,
  IPV6_OPTS: 60,
  SCTP: 132,
  UDPLITE: 136,
  MOBILITY: 135,
  HIP: 139,
  SHIM6: 140,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  0: "hopopt",
  1: "icmp",
  2: "igmp",
  4: "ipip",
  6: "tcp",
  8: "egp",
  17: "udp",
  33: "dccp",
  41: "6in4",
  46: "rsvp",
  47: "gre",
  50: "esp",
  51: "ah",
  58: "icmp6",
  59: "ipv6-nonxt",
  88: "eigrp",
  89: "ospf",
  103: "pim",
  112: "vrrp",
  115: "l2tp",
  132: "sctp",
  136: "udplite",
};

/** `tcp`, `udp`, `icmp`, ...; `ip-proto-N` for a number without a common name. */
export function ipProtocolName(protocol: number): string {
  return NAMES[protocol] ?? `ip-proto-${protocol}`;
}

/** EtherType values that the code names (IEEE 802 Numbers). */
export const EtherType = {
  IPV4: 0x0800,
  ARP: 0x0806,
  VLAN: 0x8100,
  QINQ: 0x88a8,
  QINQ_OLD: 0x9100,
  IPV6: 0x86dd,
  MPLS: 0x8847,
  MPLS_MULTICAST: 0x8848,
  PPPOE_DISCOVERY: 0x8863,
  PPPOE_SESSION: 0x8864,
  EAPOL: 0x888e,
  LLDP: 0x88cc,
  TEB: 0x6558,
} as const;

const ETHER_NAMES: Readonly<Record<number, string>> = {
  2054: "ARP",
  2114: "Wake-on-LAN",
  32821: "RARP",
  34887: "MPLS",
  34915: "PPPoE discovery",
  34916: "PPPoE session",
  34958: "EAPOL",
  35020: "LLDP",
  35045: "MACsec",
  35063: "PTP",
  36864: "loopback test",
};

/**
 * The name of what a frame carries when that is not IP.
 *
 * @param etherType - The EtherType; a value below 0x0600 is an 802.3 length, so the frame carries LLC.
 */
export function etherTypeName(etherType: number): string {
  if (etherType < 0x0600) return "802.3 LLC";
  return ETHER_NAMES[etherType] ?? `ethertype 0x${etherType.toString(16).padStart(4, "0")}`;
}
