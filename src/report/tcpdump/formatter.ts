import { type CapturedPacket, MAX_SNAPLEN } from "../../base/index.js";
import { parseAddress } from "../../net/index.js";
import { Conversations } from "./conversations.js";
import { CUT, Dissection } from "./dissection.js";
import { printFastTcp } from "./fast-tcp.js";
import { printIpPayload } from "./ip-protocol.js";
import { LineBuffer } from "./line-buffer.js";
import { printFrame } from "./link-layers.js";
import { type TimeStyle, TimeText } from "./time-text.js";

const DEFAULT_CONVERSATIONS = 1_000_000;

export interface TcpdumpOptions {
  /** `clock` by default. */
  readonly time?: TimeStyle;
  /** `-e`: the link-layer header before each packet. */
  readonly linkLevel?: boolean;
  /** `-q`: less of each protocol. */
  readonly quiet?: boolean;
  /** `-#`: the packet's number in front. */
  readonly number?: boolean;
  /** The local zone's offset from UTC at a moment (seconds since 1970), in seconds, east positive. UTC by default. */
  readonly utcOffsetSeconds?: (seconds: number) => number;
  /**
   * The name of an interface by its index, for the interface column of SLL2; `?` stands for undefined, which is the
   * default. tcpdump asks the machine that it runs on, whatever machine the capture is from.
   */
  readonly interfaceName?: (index: number) => string | undefined;
  /** TCP connections of each IP version whose base sequence numbers are remembered; 1,000,000 by default. */
  readonly maxConversations?: number;
  /** False prints every packet by the general printers; for tests. */
  readonly fastPath?: boolean;
}

/** One end of a TCP connection, for `seedConversation`. */
export interface ConversationEnd {
  /** In text, without zone. */
  readonly address: string;
  readonly port: number;
  /** The sequence number that is printed as 0: the one of its SYN, or of the first segment seen. */
  readonly sequence: number;
}

/**
 * Writes for each captured packet the text that `tcpdump -n` 4.99 prints; docs/print.md says where it does not.
 *
 * Keeps the base sequence numbers of TCP connections and the reference of time differences, so packets go through one
 * formatter in the order of the capture.
 */
export class TcpdumpFormatter {
  readonly #dissection: Dissection;
  readonly #time: TimeText;
  readonly #number: boolean;
  readonly #fast: boolean;

  constructor(options: TcpdumpOptions = {}) {
    const limit = options.maxConversations ?? DEFAULT_CONVERSATIONS;
    this.#dissection = new Dissection(
      options.linkLevel ?? false,
      options.quiet ?? false,
      options.interfaceName ?? (() => undefined),
      new Conversations(1, limit),
      new Conversations(4, limit),
      printIpPayload,
    );
    this.#time = new TimeText(options.time ?? "clock", options.utcOffsetSeconds ?? (() => 0));
    this.#number = options.number ?? false;
    this.#fast = (options.fastPath ?? true) && !options.linkLevel && !options.quiet;
  }

  /**
   * Appends the text of one packet, without a newline at its end; hex dumps make it several lines. Never throws,
   * whatever the packet holds.
   */
  format(packet: CapturedPacket, out: LineBuffer): void {
    if (this.#number) out.write(`${String(packet.number).padStart(5)}  `);
    const complaint = lengthComplaint(packet.end - packet.start, packet.originalLength);
    if (complaint !== undefined) {
      out.write(complaint);
      return;
    }
    // A Simple Packet Block has no time; libpcap gives it zero.
    if (packet.hasTime) this.#time.write(out, packet.seconds, packet.nanoseconds);
    else this.#time.write(out, 0, 0);
    const d = this.#dissection;
    d.bytes = packet.bytes;
    d.view = packet.view;
    d.end = packet.end;
    d.protocol = "";
    d.out = out;
    if (this.#fast && printFastTcp(d, packet)) return;
    try {
      printFrame(d, packet);
    } catch (cause) {
      if (cause !== CUT) throw cause;
      d.cut();
    }
  }

  /** Makes the numbers of a connection relative from its first packet on, as if its beginning had been printed. */
  seedConversation(one: ConversationEnd, other: ConversationEnd): void {
    const ends = [one, other].map((end) => ({ ...end, ip: parseAddress(end.address) }));
    const [a, b] = ends.sort((x, y) => x.port - y.port || compareAddresses(x.ip, y.ip));
    if (a?.ip === undefined || b?.ip === undefined || a.ip.version !== b.ip.version) return;
    const d = this.#dissection;
    const table = a.ip.version === 4 ? d.conversations4 : d.conversations6;
    const words = (ip: NonNullable<typeof a.ip>) => (ip.version === 4 ? [ip.d] : [ip.a, ip.b, ip.c, ip.d]);
    table.key.set([...words(a.ip), ...words(b.ip), (a.port << 16) | b.port]);
    const found = table.find();
    const row = found < 0 ? table.add(0, 0) : found;
    table.bases[row * 2] = a.sequence;
    table.bases[row * 2 + 1] = b.sequence;
  }
}

function compareAddresses(x: ReturnType<typeof parseAddress>, y: ReturnType<typeof parseAddress>): number {
  if (x === undefined || y === undefined) return 0;
  for (const word of ["a", "b", "c", "d"] as const) {
    if (x[word] !== y[word]) return (x[word] >>> 0) - (y[word] >>> 0);
  }
  return 0;
}

/** What tcpdump says instead of a packet whose lengths cannot be; undefined for others. */
function lengthComplaint(captured: number, original: number): string | undefined {
  if (captured > 0 && original > 0 && captured <= MAX_SNAPLEN && original <= MAX_SNAPLEN) return undefined;
  const complaints: string[] = [];
  // tcpdump writes the first without a space.
  if (captured === 0) complaints.push("caplen==0");
  if (original === 0) complaints.push(" len==0");
  if (captured > MAX_SNAPLEN) complaints.push(` caplen(${captured}) > ${MAX_SNAPLEN}`);
  if (original > MAX_SNAPLEN) complaints.push(` len(${original}) > ${MAX_SNAPLEN}`);
  const text = complaints.join(",");
  return `[Invalid header:${text.startsWith(" ") ? "" : " "}${text}]`;
}

/** The text of a single packet, without a newline at its end. For many packets, keep a TcpdumpFormatter. */
export function formatPacketText(packet: CapturedPacket, options: TcpdumpOptions = {}): string {
  const out = new LineBuffer(1024);
  new TcpdumpFormatter(options).format(packet, out);
  return out.toString();
}
