import { clientHello, record, serverHello } from "../apps/tls/hellos.js";
import {
  concat,
  ethernet,
  type Ipv4Fields,
  ipv4,
  ipv6,
  type Payload,
  TcpFlag,
  tcp,
  tcpOption,
  udp,
} from "../support/packet-builder.js";
import { NODE } from "./audited.js";
import { OR_PORT, RELAY } from "./documents.js";

/** A frame with an IP packet of the addresses' version. */
export function ip(src: string, dst: string, payload: Payload, fields: Ipv4Fields = {}): Uint8Array {
  return ethernet(
    { src: macOf(src), dst: macOf(dst) },
    src.includes(":") ? ipv6({ src, dst }, payload) : ipv4({ ...fields, src, dst }, payload),
  );
}

const ROUTER_MAC = "02:ff:00:00:00:01";

/** Each address of the site has a machine of its own by its last number; the internet is behind the router. */
function macOf(address: string): string {
  if (/^(?:224|255|ff)/.test(address)) return "ff:ff:ff:ff:ff:ff";
  if (!/^(?:10|127|169|192\.168|fe80|fd00|2001:db8:50)[.:]/.test(address)) return ROUTER_MAC;
  if (address === "192.168.1.1" || address.endsWith("::1")) return ROUTER_MAC;
  const last = Number(/\d+$/.exec(address)![0]);
  return `02:00:00:00:00:${(last & 0xff).toString(16).padStart(2, "0")}`;
}

export interface Ends {
  readonly src?: string;
  readonly dst?: string;
  readonly srcPort?: number;
  readonly dstPort: number;
}

/** One datagram, from the node unless told. */
export function datagram({ src = NODE, dst = "203.0.113.9", srcPort = 50_000, dstPort }: Ends, payload: Uint8Array) {
  return ip(src, dst, udp({ srcPort, dstPort }, payload));
}

/** What one side says: of the originator 0, of the responder 1. */
export type Said = readonly [side: 0 | 1, bytes: Uint8Array | string];

export interface ConnectionTraits extends Ends {
  /** Without: it is still open at the end. */
  readonly isClosed?: boolean;
}

/** A whole connection, in which each segment is acknowledged; from the node unless told. */
export function connection(traits: ConnectionTraits, said: readonly Said[] = []): Uint8Array[] {
  const { src = NODE, dst = "203.0.113.9", srcPort = 50_000, dstPort, isClosed = true } = traits;
  const next = [1000, 9000];
  const segment = (side: 0 | 1, flags: number, bytes: Uint8Array = new Uint8Array(0)): Uint8Array => {
    const [from, to] = side === 0 ? [src, dst] : [dst, src];
    const ports = side === 0 ? { srcPort, dstPort } : { srcPort: dstPort, dstPort: srcPort };
    const isFirst = flags === TcpFlag.SYN;
    const options = (flags & TcpFlag.SYN) === 0 ? {} : { options: tcpOption.mss(1460) };
    const frame = ip(
      from,
      to,
      tcp({ ...ports, seq: next[side]!, ack: isFirst ? 0 : next[1 - side]!, flags, ...options }, bytes),
    );
    next[side]! += bytes.length + ((flags & (TcpFlag.SYN | TcpFlag.FIN)) === 0 ? 0 : 1);
    return frame;
  };
  const frames = [
    segment(0, TcpFlag.SYN),
    segment(1, TcpFlag.SYN | TcpFlag.ACK),
    segment(0, TcpFlag.ACK),
    ...said.flatMap(([side, words]) => [
      segment(side, TcpFlag.ACK | TcpFlag.PSH, Buffer.from(words as string, "latin1")),
      segment(side === 0 ? 1 : 0, TcpFlag.ACK),
    ]),
  ];
  if (!isClosed) return frames;
  return [
    ...frames,
    segment(0, TcpFlag.FIN | TcpFlag.ACK),
    segment(1, TcpFlag.FIN | TcpFlag.ACK),
    segment(0, TcpFlag.ACK),
  ];
}

/** A segment alone. */
export function segment(
  { src = NODE, dst = "203.0.113.9", srcPort = 50_000, dstPort }: Ends,
  flags: number,
  bytes: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return ip(src, dst, tcp({ srcPort, dstPort, seq: 1000, ack: 9000, flags }, bytes));
}

const APPLICATION_DATA = 23;
const HANDSHAKE = 22;

/** TLS 1.3 with a name, and then so many bytes in records of each side in turn. */
export function tlsWords(serverName: string, ...records: readonly string[]): Said[] {
  return [
    [0, record(HANDSHAKE, clientHello({ serverName, versions: [0x0304] }), 0x0301)],
    [1, record(HANDSHAKE, serverHello(0x0304, 0x1302))],
    ...records.map(
      (it): Said => [it[0] === ">" ? 0 : 1, record(APPLICATION_DATA, new Uint8Array(Number(it.slice(1))))],
    ),
  ];
}

/** As recorded on a link to a bridge: bodies of records, `>` the client's. */
const CELLS = "<23 <609 <281 <69 >69 <74 >28 <74 <2042 >1045 <531 >1045 <531 <2587 >531 <531 >531 <3101".split(" ");

/** What the two ends of a link of Tor's say. */
export const torWords: readonly Said[] = tlsWords("www.fmsul7uwme62jl.com", ...CELLS);

/** A link to the relay of the test's documents, or to somebody else. */
export function torLink(traits: Partial<ConnectionTraits> = {}): Uint8Array[] {
  return connection({ dst: RELAY, srcPort: 40_000, dstPort: OR_PORT, isClosed: false, ...traits }, torWords);
}

/** ARP, DHCP and the like are in every capture. */
export const arpFrame = ethernet(
  { type: 0x0806, dst: "ff:ff:ff:ff:ff:ff" },
  concat([0, 1, 8, 0, 6, 4, 0, 1], [2, 0, 0, 0, 0, 1], [192, 168, 1, 10], [0, 0, 0, 0, 0, 0], [192, 168, 1, 1]),
);
