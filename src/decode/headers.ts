/** What became of a packet, or of one layer of it. */
export const DecodeStatus = {
  Ok: 0,
  /** A whole frame that carries something other than IP; `etherType` says what. */
  NonIp: 1,
  /** The capture's snaplen cut a header that leek needs. */
  Truncated: 2,
  /** A header contradicts its RFC. */
  Malformed: 3,
  /** A link type or framing that leek does not decode. */
  Unsupported: 4,
  /** Link-layer encryption (802.11 protected frames, ECP of PPP): what is inside cannot be seen. */
  Encrypted: 5,
} as const;
export type DecodeStatus = (typeof DecodeStatus)[keyof typeof DecodeStatus];

/** Where in a fragmented datagram a packet stands. Only the first fragment carries ports. */
export const Fragment = { None: 0, First: 1, Later: 2 } as const;
export type Fragment = (typeof Fragment)[keyof typeof Fragment];

export const TcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/**
 * Values of `etherType` for frames that have none. All lie below 0x0600, where IEEE 802.3 has lengths, so they cannot
 * be mistaken for an EtherType.
 */
export const NoEtherType = {
  LLC: 0,
  WLAN_MANAGEMENT: 1,
  WLAN_CONTROL: 2,
  PPP_CONTROL: 3,
  OTHER_FAMILY: 4,
} as const;

/**
 * The headers of one packet as numbers. One object is overwritten for every packet; it is valid until the next
 * `decodePacket` call. Offsets refer to the packet's buffer.
 *
 * Numbers of 32 bits are signed (`| 0`), because V8 keeps those unboxed.
 */
export class PacketHeaders {
  /** Ok when an IP header was read; the IP fields mean something only then. */
  status: DecodeStatus = DecodeStatus.Ok;
  /** EtherType of the innermost link layer, or a `NoEtherType`. */
  etherType = 0;

  /** 4 or 6; 0 unless `status` is Ok. */
  ipVersion = 0;
  /** Source address as four words; an IPv4 address stands in `srcD` and the others are 0. */
  srcA = 0;
  srcB = 0;
  srcC = 0;
  srcD = 0;
  dstA = 0;
  dstB = 0;
  dstC = 0;
  dstD = 0;
  /** Upper-layer protocol, behind IPv6 extension headers. */
  protocol = 0;
  fragment: Fragment = Fragment.None;
  /** Fragment identification, 16 bits in IPv4 and 32 bits in IPv6. */
  fragmentId = 0;

  /** Ok when ports (TCP, UDP, SCTP) were read; NonIp stands for "this protocol has none". */
  transportStatus: DecodeStatus = DecodeStatus.Ok;
  /** Set when at least four bytes of the transport header were captured, else 0. */
  srcPort = 0;
  dstPort = 0;
  /** TCP only: the eight flag bits, see TcpFlag. 0 for anything else. */
  tcpFlags = 0;
  tcpSeq = 0;
  tcpAck = 0;
  /** First byte behind the transport header; the end of the headers when there is none. */
  payloadStart = 0;
  /** Just past the last captured payload byte: link-layer padding is not payload. */
  payloadEnd = 0;
  /** Payload bytes on the wire, by the IP length; may exceed `payloadEnd - payloadStart`. */
  payloadLength = 0;

  /** IP protocol (4, 41 or 47) of the tunnel around this packet; 0 for none. Addresses above are the inner ones. */
  tunnel = 0;
  outerVersion = 0;
  outerSrcA = 0;
  outerSrcB = 0;
  outerSrcC = 0;
  outerSrcD = 0;
  outerDstA = 0;
  outerDstB = 0;
  outerDstC = 0;
  outerDstD = 0;

  // Hand-over between layers; meaningless to others.
  /** Where the next layer starts. */
  nextStart = 0;
  /** Just past the next layer's last captured byte. */
  nextEnd = 0;
  /** Just past the next layer's last byte on the wire, as an offset, even where it was not captured. */
  nextWireEnd = 0;
}
