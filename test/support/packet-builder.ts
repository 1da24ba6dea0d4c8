import { type IpAddress, parseAddress } from "../../src/net/index.js";

/**
 * Composable builders of frames for tests. Each takes its header's fields (all optional but what identifies it) and
 * its payload, and gives bytes; checksums and lengths are right unless a field overrides them.
 *
 * @example
 * ethernet({ type: 0x0800 }, ipv4({ src: "192.0.2.1", dst: "198.51.100.7" }, tcp({ srcPort: 1, dstPort: 443 })))
 */

/** A transport message whose checksum covers the IP pseudo header; `ipv4` and `ipv6` fill it in. */
export interface Segment {
  readonly protocol: number;
  readonly bytes: Uint8Array;
  /** Where the 16-bit checksum stands; undefined when there is none, or it shall stay as given. */
  readonly checksumOffset: number | undefined;
}

export type Payload = Uint8Array | Segment;

const EMPTY = new Uint8Array(0);

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function u16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

export function u32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function u16le(value: number): number[] {
  return [value & 255, (value >>> 8) & 255];
}

function u32le(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255];
}

/** Bytes of a hex string; blanks and colons are ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/[\s:]/g, "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** `length` bytes counting 0, 1, 2, ... */
export function filler(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i & 255);
}

/** The internet checksum (RFC 1071) over the parts laid end to end; all but the last must be of even length. */
export function internetChecksum(...parts: readonly (Uint8Array | readonly number[])[]): number {
  const bytes = concat(...parts);
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipBytes(text: string, version: 4 | 6): number[] {
  const address: IpAddress | undefined = parseAddress(text);
  if (address === undefined || address.version !== version) throw new Error(`not an IPv${version} address: ${text}`);
  const { a, b, c, d } = address;
  return version === 4 ? u32(d) : [...u32(a), ...u32(b), ...u32(c), ...u32(d)];
}

export function ipv4Bytes(text: string): number[] {
  return ipBytes(text, 4);
}

export function ipv6Bytes(text: string): number[] {
  return ipBytes(text, 6);
}

function macBytes(text: string): Uint8Array {
  return hex(text);
}

// ---------------------------------------------------------------- link layers

export interface EthernetFields {
  readonly src?: string;
  readonly dst?: string;
  /** EtherType, or an 802.3 length below 0x0600. */
  readonly type?: number;
}

const SRC_MAC = "02:00:00:00:00:01";
const DST_MAC = "02:00:00:00:00:02";

/** EtherType of an IP packet by its version nibble. */
function etherTypeOf(payload: Uint8Array): number {
  return payload.length > 0 && payload[0]! >> 4 === 6 ? 0x86dd : 0x0800;
}

export function ethernet(fields: EthernetFields, payload: Uint8Array): Uint8Array {
  const type = fields.type ?? etherTypeOf(payload);
  return concat(macBytes(fields.dst ?? DST_MAC), macBytes(fields.src ?? SRC_MAC), u16(type), payload);
}

/** A tag and what follows it, to stand as payload of `ethernet({type: 0x8100})`, or of another tag for QinQ. */
export function vlanTag(
  fields: { readonly id?: number; readonly priority?: number; readonly dei?: boolean; readonly type?: number },
  payload: Uint8Array,
): Uint8Array {
  const tci = ((fields.priority ?? 0) << 13) | (fields.dei ? 0x1000 : 0) | (fields.id ?? 1);
  return concat(u16(tci), u16(fields.type ?? etherTypeOf(payload)), payload);
}

/** Ethernet with one 802.1Q tag. */
export function vlan(id: number, payload: Uint8Array): Uint8Array {
  return ethernet({ type: 0x8100 }, vlanTag({ id }, payload));
}

/** Ethernet with an outer 802.1ad and an inner 802.1Q tag. */
export function qinq(outerId: number, innerId: number, payload: Uint8Array): Uint8Array {
  return ethernet({ type: 0x88a8 }, vlanTag({ id: outerId, type: 0x8100 }, vlanTag({ id: innerId }, payload)));
}

/** An 802.3 frame: length field, then LLC bytes. */
export function ieee8023(llc: Uint8Array): Uint8Array {
  return ethernet({ type: llc.length }, llc);
}

/** LLC/SNAP header with an EtherType (RFC 1042). */
export function snap(payload: Uint8Array, type = etherTypeOf(payload), oui: readonly number[] = [0, 0, 0]): Uint8Array {
  return concat([0xaa, 0xaa, 3], oui, u16(type), payload);
}

export interface SllFields {
  /** 0 to us, 1 broadcast, 2 multicast, 3 other host, 4 sent by us. */
  readonly packetType?: number;
  readonly arphrd?: number;
  readonly address?: string;
  readonly protocol?: number;
}

function paddedAddress(text: string | undefined): { length: number; bytes: Uint8Array } {
  const address = macBytes(text ?? SRC_MAC);
  const bytes = new Uint8Array(8);
  bytes.set(address.subarray(0, 8));
  return { length: address.length, bytes };
}

/** LINKTYPE_LINUX_SLL. */
export function sll(fields: SllFields, payload: Uint8Array): Uint8Array {
  const address = paddedAddress(fields.address);
  return concat(
    u16(fields.packetType ?? 0),
    u16(fields.arphrd ?? 1),
    u16(address.length),
    address.bytes,
    u16(fields.protocol ?? etherTypeOf(payload)),
    payload,
  );
}

/** LINKTYPE_LINUX_SLL2. */
export function sll2(fields: SllFields & { readonly interfaceIndex?: number }, payload: Uint8Array): Uint8Array {
  const address = paddedAddress(fields.address);
  return concat(
    u16(fields.protocol ?? etherTypeOf(payload)),
    u16(0),
    u32(fields.interfaceIndex ?? 1),
    u16(fields.arphrd ?? 1),
    [fields.packetType ?? 0, address.length],
    address.bytes,
    payload,
  );
}

/** LINKTYPE_NULL: the address family in the writer's byte order. */
export function nullLink(
  payload: Uint8Array,
  { family, bigEndian = false }: { readonly family?: number; readonly bigEndian?: boolean } = {},
): Uint8Array {
  const value = family ?? (etherTypeOf(payload) === 0x86dd ? 30 : 2);
  return concat(bigEndian ? u32(value) : u32le(value), payload);
}

/** LINKTYPE_LOOP: always big-endian. */
export function loopLink(payload: Uint8Array, family?: number): Uint8Array {
  return nullLink(payload, { bigEndian: true, ...(family === undefined ? {} : { family }) });
}

function pppProtocolOf(payload: Uint8Array): number {
  return etherTypeOf(payload) === 0x86dd ? 0x57 : 0x21;
}

/** PPP with or without `FF 03`, with a protocol number of two bytes, or of one where `compressed`. */
export function ppp(
  payload: Uint8Array,
  fields: { readonly addressControl?: boolean; readonly compressed?: boolean; readonly protocol?: number } = {},
): Uint8Array {
  const protocol = fields.protocol ?? pppProtocolOf(payload);
  return concat(
    (fields.addressControl ?? true) ? [0xff, 3] : [],
    fields.compressed ? [protocol & 255] : u16(protocol),
    payload,
  );
}

/** The PPPoE session header with PPP inside; payload of `ethernet({type: 0x8864})`, and LINKTYPE_PPP_ETHER itself. */
export function pppoe(
  payload: Uint8Array,
  fields: { readonly session?: number; readonly code?: number; readonly protocol?: number } = {},
): Uint8Array {
  const inner = concat(u16(fields.protocol ?? pppProtocolOf(payload)), payload);
  return concat([0x11, fields.code ?? 0], u16(fields.session ?? 1), u16(inner.length), inner);
}

/** Cisco HDLC. */
export function chdlc(payload: Uint8Array, type = etherTypeOf(payload)): Uint8Array {
  return concat([0x0f, 0], u16(type), payload);
}

export interface Ieee80211Fields {
  /** Second byte of frame control: 1 to DS, 2 from DS, 0x40 protected. */
  readonly flags?: number;
  /** QoS data (subtype 8) instead of plain data (0). */
  readonly qos?: boolean;
  readonly subtype?: number;
}

/** An 802.11 data frame around LLC/SNAP bytes. */
export function ieee80211(fields: Ieee80211Fields, llc: Uint8Array): Uint8Array {
  const flags = fields.flags ?? 1;
  const subtype = fields.subtype ?? (fields.qos ? 8 : 0);
  return concat(
    [(subtype << 4) | 0x08, flags],
    u16le(0),
    macBytes("02:00:00:00:00:0a"),
    macBytes(SRC_MAC),
    macBytes(DST_MAC),
    u16le(0x10),
    (flags & 3) === 3 ? macBytes("02:00:00:00:00:0b") : [],
    subtype & 8 ? [0, 0] : [],
    llc,
  );
}

/** Radiotap in front of an 802.11 frame; `flags` is the radiotap flags field (0x10 FCS at the end, 0x20 pad). */
export function radiotap(frame: Uint8Array, flags?: number): Uint8Array {
  const fields = flags === undefined ? [] : [flags];
  return concat([0, 0], u16le(8 + fields.length), u32le(flags === undefined ? 0 : 2), fields, frame);
}

/** LINKTYPE_NFLOG with the payload as its last TLV. */
export function nflog(
  payload: Uint8Array,
  fields: { readonly group?: number; readonly bigEndian?: boolean; readonly family?: number } = {},
): Uint8Array {
  const order = fields.bigEndian ? u16 : u16le;
  const tlv = (type: number, value: Uint8Array) =>
    concat(order(value.length + 4), order(type), value, new Uint8Array(-value.length & 3));
  return concat(
    [fields.family ?? (etherTypeOf(payload) === 0x86dd ? 10 : 2), 0],
    u16(fields.group ?? 0),
    tlv(1, Uint8Array.of(8, 0, 3, 0)),
    tlv(10, Uint8Array.of(0)),
    tlv(9, payload),
  );
}

// ------------------------------------------------------------------------ ARP

export function arp(
  fields: {
    readonly operation?: number;
    readonly senderMac?: string;
    readonly senderIp?: string;
    readonly targetMac?: string;
    readonly targetIp?: string;
  } = {},
): Uint8Array {
  return concat(
    u16(1),
    u16(0x0800),
    [6, 4],
    u16(fields.operation ?? 1),
    macBytes(fields.senderMac ?? SRC_MAC),
    ipv4Bytes(fields.senderIp ?? "192.0.2.1"),
    macBytes(fields.targetMac ?? "00:00:00:00:00:00"),
    ipv4Bytes(fields.targetIp ?? "192.0.2.2"),
  );
}

// ------------------------------------------------------------------------- IP

function payloadBytes(payload: Payload): Uint8Array {
  return payload instanceof Uint8Array ? payload : payload.bytes;
}

/** The payload's bytes with its checksum filled in. */
function sealed(payload: Payload, pseudoHeader: (protocol: number, length: number) => readonly number[]): Uint8Array {
  if (payload instanceof Uint8Array || payload.checksumOffset === undefined) return payloadBytes(payload);
  const { bytes, checksumOffset, protocol } = payload;
  const out = bytes.slice();
  // ICMP over IPv4 alone is summed without a pseudo header.
  const checksum = internetChecksum(protocol === 1 ? [] : pseudoHeader(protocol, out.length), out);
  // A UDP checksum of zero means "none", so it is sent as all ones (RFC 768).
  out.set(u16(checksum === 0 && protocol === 17 ? 0xffff : checksum), checksumOffset);
  return out;
}

export interface Ipv4Fields {
  readonly src?: string;
  readonly dst?: string;
  /** Taken from the payload when it is a Segment. */
  readonly protocol?: number;
  readonly ttl?: number;
  readonly tos?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes; a multiple of 8. */
  readonly fragmentOffset?: number;
  /** Padded with zeros to a multiple of 4. */
  readonly options?: Uint8Array;
  /** Overrides the length field. */
  readonly totalLength?: number;
  /** Overrides the header length nibble. */
  readonly ihl?: number;
  readonly version?: number;
}

export function ipv4(fields: Ipv4Fields, payload: Payload = EMPTY): Uint8Array {
  const src = ipv4Bytes(fields.src ?? "192.0.2.1");
  const dst = ipv4Bytes(fields.dst ?? "198.51.100.7");
  const body = sealed(payload, (protocol, length) => [...src, ...dst, 0, protocol, ...u16(length)]);
  const options = fields.options ?? EMPTY;
  const headerLength = 20 + options.length + (-options.length & 3);
  const protocol = fields.protocol ?? (payload instanceof Uint8Array ? 253 : payload.protocol);
  const fragment =
    (fields.dontFragment ? 0x4000 : 0) | (fields.moreFragments ? 0x2000 : 0) | ((fields.fragmentOffset ?? 0) >> 3);
  const header = concat(
    [((fields.version ?? 4) << 4) | (fields.ihl ?? headerLength >> 2), fields.tos ?? 0],
    u16(fields.totalLength ?? headerLength + body.length),
    u16(fields.id ?? 0x1234),
    u16(fragment),
    [fields.ttl ?? 64, protocol, 0, 0],
    src,
    dst,
    options,
    new Uint8Array(-options.length & 3),
  );
  header.set(u16(internetChecksum(header)), 10);
  return concat(header, body);
}

/** One IPv6 extension header; `bytes` holds all but the first byte (next header), which `ipv6` fills in. */
export interface ExtensionHeader {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** Hop-by-hop (0) or destination (60) options, padded with PadN to a multiple of 8. */
export function optionsHeader(protocol: 0 | 60, options: Uint8Array = EMPTY): ExtensionHeader {
  const padding = -(options.length + 2) & 7;
  const pad = padding === 0 ? [] : padding === 1 ? [0] : [1, padding - 2, ...new Array<number>(padding - 2).fill(0)];
  const length = (options.length + 2 + padding) / 8 - 1;
  return { protocol, bytes: concat([length], options, pad) };
}

/** A routing header (43) with 16-byte addresses. */
export function routingHeader(
  type: number,
  addresses: readonly string[],
  segmentsLeft = addresses.length,
): ExtensionHeader {
  const words = addresses.map(ipv6Bytes);
  return { protocol: 43, bytes: concat([words.length * 2, type, segmentsLeft], u32(0), ...words) };
}

/** A fragment header (44); `offset` in bytes. */
export function fragmentHeader(
  fields: { readonly offset?: number; readonly more?: boolean; readonly id?: number } = {},
): ExtensionHeader {
  const word = ((fields.offset ?? 0) & 0xfff8) | (fields.more ? 1 : 0);
  return { protocol: 44, bytes: concat([0], u16(word), u32(fields.id ?? 0x1234)) };
}

/** An authentication header (51) with a 12-byte integrity value. */
export function authenticationHeader(spi = 1, sequence = 1): ExtensionHeader {
  return { protocol: 51, bytes: concat([4, 0, 0], u32(spi), u32(sequence), filler(12)) };
}

export interface Ipv6Fields {
  readonly src?: string;
  readonly dst?: string;
  /** Taken from the payload when it is a Segment. */
  readonly protocol?: number;
  readonly hopLimit?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly extensions?: readonly ExtensionHeader[];
  /** Overrides the length field. */
  readonly payloadLength?: number;
}

export function ipv6(fields: Ipv6Fields, payload: Payload = EMPTY): Uint8Array {
  const src = ipv6Bytes(fields.src ?? "2001:db8::1");
  const dst = ipv6Bytes(fields.dst ?? "2001:db8:1::2");
  const body = sealed(payload, (protocol, length) => [...src, ...dst, ...u32(length), 0, 0, 0, protocol]);
  const last = fields.protocol ?? (payload instanceof Uint8Array ? 59 : payload.protocol);
  const extensions = fields.extensions ?? [];
  const chain = extensions.map((header, i) => concat([extensions[i + 1]?.protocol ?? last], header.bytes));
  const rest = concat(...chain, body);
  return concat(
    u32((6 << 28) | ((fields.trafficClass ?? 0) << 20) | (fields.flowLabel ?? 0)),
    u16(fields.payloadLength ?? rest.length),
    [extensions[0]?.protocol ?? last, fields.hopLimit ?? 64],
    src,
    dst,
    rest,
  );
}

// ------------------------------------------------------------------ transport

export const TcpFlag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/** TCP options as bytes; `tcp` pads them with end-of-list to a multiple of 4. */
export const tcpOption = {
  end: Uint8Array.of(0),
  nop: Uint8Array.of(1),
  mss: (size: number) => concat([2, 4], u16(size)),
  windowScale: (shift: number) => Uint8Array.of(3, 3, shift),
  sackPermitted: Uint8Array.of(4, 2),
  sack: (...blocks: readonly (readonly [number, number])[]) =>
    concat([5, 2 + blocks.length * 8], ...blocks.flatMap(([left, right]) => [u32(left), u32(right)])),
  timestamps: (value: number, echo: number) => concat([8, 10], u32(value), u32(echo)),
  /** Any kind with a right length byte. */
  raw: (kind: number, value: Uint8Array) => concat([kind, value.length + 2], value),
} as const;

export interface TcpFields {
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly seq?: number;
  readonly ack?: number;
  /** Bits of TcpFlag; ACK alone by default. */
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: Uint8Array;
  /** Overrides the data offset, in 32-bit words. */
  readonly dataOffset?: number;
}

export function tcp(fields: TcpFields = {}, payload: Uint8Array = EMPTY): Segment {
  const options = fields.options ?? EMPTY;
  const padding = new Uint8Array(-options.length & 3);
  const offset = fields.dataOffset ?? (20 + options.length + padding.length) >> 2;
  const bytes = concat(
    u16(fields.srcPort ?? 36300),
    u16(fields.dstPort ?? 443),
    u32(fields.seq ?? 1000),
    u32(fields.ack ?? 0),
    [(offset & 15) << 4, fields.flags ?? TcpFlag.ACK],
    u16(fields.window ?? 501),
    u16(0),
    u16(fields.urgent ?? 0),
    options,
    padding,
    payload,
  );
  return { protocol: 6, bytes, checksumOffset: 16 };
}

export function udp(
  fields: { readonly srcPort?: number; readonly dstPort?: number; readonly length?: number } = {},
  payload: Uint8Array = EMPTY,
): Segment {
  const length = fields.length ?? payload.length + 8;
  const bytes = concat(u16(fields.srcPort ?? 40000), u16(fields.dstPort ?? 9), u16(length), u16(0), payload);
  return { protocol: 17, bytes, checksumOffset: 6 };
}

/** @param rest - Bytes 4 to 7 of the header; for echo `[...u16(id), ...u16(sequence)]`. */
export function icmp(
  type: number,
  code = 0,
  rest: readonly number[] = [0, 0, 0, 0],
  payload: Uint8Array = EMPTY,
): Segment {
  return { protocol: 1, bytes: concat([type, code, 0, 0], rest, payload), checksumOffset: 2 };
}

export function icmpEcho(reply: boolean, id: number, sequence: number, payload: Uint8Array = filler(56)): Segment {
  return icmp(reply ? 0 : 8, 0, [...u16(id), ...u16(sequence)], payload);
}

/** @param rest - Bytes 4 to 7 of the header. */
export function icmpv6(
  type: number,
  code = 0,
  rest: readonly number[] = [0, 0, 0, 0],
  payload: Uint8Array = EMPTY,
): Segment {
  return { protocol: 58, bytes: concat([type, code, 0, 0], rest, payload), checksumOffset: 2 };
}

/** GRE version 0 (RFC 2784, 2890) around a payload; its protocol defaults to the payload's IP version. */
export function gre(
  payload: Uint8Array,
  fields: {
    readonly protocol?: number;
    readonly key?: number;
    readonly sequence?: number;
    readonly checksum?: boolean;
  } = {},
): Segment {
  const flags =
    (fields.checksum ? 0x8000 : 0) |
    (fields.key === undefined ? 0 : 0x2000) |
    (fields.sequence === undefined ? 0 : 0x1000);
  const bytes = concat(
    u16(flags),
    u16(fields.protocol ?? etherTypeOf(payload)),
    fields.checksum ? u32(0) : [],
    fields.key === undefined ? [] : u32(fields.key),
    fields.sequence === undefined ? [] : u32(fields.sequence),
    payload,
  );
  if (fields.checksum) bytes.set(u16(internetChecksum(bytes)), 4);
  return { protocol: 47, bytes, checksumOffset: undefined };
}

/** An IP packet as the payload of another: protocol 4 or 41 by the inner version. */
export function ipip(inner: Uint8Array): Segment {
  return { protocol: etherTypeOf(inner) === 0x86dd ? 41 : 4, bytes: inner, checksumOffset: undefined };
}

// ------------------------------------------------------------------------ DNS

export interface DnsQuestion {
  readonly name: string;
  readonly type?: number;
  readonly class?: number;
}

export interface DnsRecord {
  readonly name: string;
  readonly type: number;
  readonly class?: number;
  readonly ttl?: number;
  readonly data: Uint8Array;
}

export interface DnsFields {
  readonly id?: number;
  readonly response?: boolean;
  readonly opcode?: number;
  readonly authoritative?: boolean;
  readonly truncated?: boolean;
  readonly recursionDesired?: boolean;
  readonly recursionAvailable?: boolean;
  readonly authenticData?: boolean;
  readonly checkingDisabled?: boolean;
  readonly rcode?: number;
  readonly questions?: readonly DnsQuestion[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
  /** Counts written instead of the true ones: questions, answers, authorities, additionals. */
  readonly counts?: readonly [number, number, number, number];
}

/** A name as length-prefixed labels, without compression; "" is the root. */
export function dnsName(name: string): Uint8Array {
  const labels = name.split(".").filter((label) => label !== "");
  return concat(...labels.map((label) => concat([label.length], ascii(label))), [0]);
}

/** A compression pointer to an offset in the message (12 is the first question's name). */
export function dnsPointer(offset: number): Uint8Array {
  return Uint8Array.of(0xc0 | (offset >> 8), offset & 255);
}

export function dnsRecord(record: DnsRecord): Uint8Array {
  return concat(
    dnsName(record.name),
    u16(record.type),
    u16(record.class ?? 1),
    u32(record.ttl ?? 300),
    u16(record.data.length),
    record.data,
  );
}

/** A DNS message; payload of `udp({dstPort: 53})`. */
export function dns(fields: DnsFields): Uint8Array {
  const { questions = [], answers = [], authorities = [], additionals = [] } = fields;
  const flags =
    (fields.response ? 0x8000 : 0) |
    ((fields.opcode ?? 0) << 11) |
    (fields.authoritative ? 0x0400 : 0) |
    (fields.truncated ? 0x0200 : 0) |
    ((fields.recursionDesired ?? true) ? 0x0100 : 0) |
    (fields.recursionAvailable ? 0x0080 : 0) |
    (fields.authenticData ? 0x0020 : 0) |
    (fields.checkingDisabled ? 0x0010 : 0) |
    (fields.rcode ?? 0);
  const counts = fields.counts ?? [questions.length, answers.length, authorities.length, additionals.length];
  return concat(
    u16(fields.id ?? 0x1234),
    u16(flags),
    ...counts.map(u16),
    ...questions.map((question) => concat(dnsName(question.name), u16(question.type ?? 1), u16(question.class ?? 1))),
    ...[...answers, ...authorities, ...additionals].map(dnsRecord),
  );
}

export function dnsQuery(name: string, type = 1, id = 0x1234): Uint8Array {
  return dns({ id, questions: [{ name, type }] });
}

/** A reply with A and AAAA records for one name. */
export function dnsReply(name: string, addresses: readonly string[], id = 0x1234): Uint8Array {
  const answers = addresses.map((address) =>
    address.includes(":")
      ? { name, type: 28, data: Uint8Array.from(ipv6Bytes(address)) }
      : { name, type: 1, data: Uint8Array.from(ipv4Bytes(address)) },
  );
  return dns({ id, response: true, recursionAvailable: true, questions: [{ name }], answers });
}
