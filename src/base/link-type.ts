/**
 * LINKTYPE_ numbers as they stand in capture files.
 *
 * Source: draft-ietf-opsawg-pcaplinktype; names as libpcap's pcap_datalink_val_to_name() gives them.
 */
export const LinkType = {
  NULL: 0,
  EN10MB: 1,
  PPP: 9,
  /** DLT_RAW of most systems, found in files of careless writers. */
  RAW_DLT: 12,
  /** DLT_RAW of OpenBSD, likewise. */
  RAW_OPENBSD: 14,
  PPP_SERIAL: 50,
  PPP_ETHER: 51,
  RAW: 101,
  IEEE802_11: 105,
  LOOP: 108,
  LINUX_SLL: 113,
  IEEE802_11_RADIO: 127,
  IPV4: 228,
  IPV6: 229,
  NFLOG: 239,
  LINUX_SLL2: 276,
} as const;

/** Those that leek decodes, and others that users meet, so that a report can name what it could not read. */
const NAMES: Readonly<Record<number, string>> = {
  0: "NULL",
  1: "EN10MB",
  6: "IEEE802",
  7: "ARCNET",
  8: "SLIP",
  9: "PPP",
  10: "FDDI",
  12: "RAW",
  14: "RAW",
  50: "PPP_SERIAL",
  51: "PPP_ETHER",
  101: "RAW",
  104: "C_HDLC",
  105: "IEEE802_11",
  107: "FRELAY",
  108: "LOOP",
  113: "LINUX_SLL",
  117: "PFLOG",
  119: "PRISM_HEADER",
  127: "IEEE802_11_RADIO",
  143: "DOCSIS",
  147: "USER0",
  149: "USER2",
  163: "IEEE802_11_RADIO_AVS",
  187: "BLUETOOTH_HCI_H4",
  189: "USB_LINUX",
  192: "PPI",
  195: "IEEE802_15_4",
  201: "BLUETOOTH_HCI_H4_WITH_PHDR",
  220: "USB_LINUX_MMAPPED",
  228: "IPV4",
  229: "IPV6",
  239: "NFLOG",
  249: "USBPCAP",
  251: "BLUETOOTH_LE_LL",
  253: "NETLINK",
  258: "PKTAP",
  276: "LINUX_SLL2",
};

/** The link type's name without its LINKTYPE_ prefix, or `LINKTYPE_<number>` for one that leek has no name for. */
export function linkTypeName(linkType: number): string {
  return NAMES[linkType] ?? `LINKTYPE_${linkType}`;
}
