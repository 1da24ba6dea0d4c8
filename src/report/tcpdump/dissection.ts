import { formatAddress } from "../../net/index.js";
import type { Conversations } from "./conversations.js";
import type { LineBuffer } from "./line-buffer.js";

/**
 * Thrown when a field lies past the captured bytes, and caught once a packet: the line then ends with ` [|protocol]`,
 * as tcpdump's does, which leaves its printers the same way (by longjmp). One shared value without a stack, since
 * captures with a small snaplen throw it for many packets.
 */
export const CUT = Symbol("packet cut short");

const HEX_DUMP_ROW = 16;

/**
 * Prints what an IP packet carries.
 *
 * @param at - Offset of the payload.
 * @param length - Its bytes by the IP header.
 * @param fragmented - Whether more fragments follow.
 * @param ip - Offset of the IP header.
 */
export type IpPayloadPrinter = (
  d: Dissection,
  at: number,
  length: number,
  version: 4 | 6,
  fragmented: boolean,
  protocol: number,
  ip: number,
) => void;

/**
 * What the printers of one packet share: its bytes, how far they reach, and where the text goes.
 *
 * The readers throw CUT for bytes at or past `end`. Printers lower `end` to their own length field and nobody raises
 * it again within a packet.
 */
export class Dissection {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Offset just past the last byte that may be read. */
  end = 0;
  /** The protocol named in ` [|protocol]`. */
  protocol = "";
  out!: LineBuffer;

  constructor(
    readonly linkLevel: boolean,
    readonly quiet: boolean,
    readonly interfaceName: (index: number) => string | undefined,
    readonly conversations4: Conversations,
    readonly conversations6: Conversations,
    /** Given rather than imported by the IP printers, since IP may stand inside IP. */
    readonly printIpPayload: IpPayloadPrinter,
  ) {}

  has(at: number, count: number): boolean {
    return at + count <= this.end;
  }

  need(at: number, count: number): void {
    if (at + count > this.end) throw CUT;
  }

  u8(at: number): number {
    if (at >= this.end) throw CUT;
    return this.bytes[at]!;
  }

  u16(at: number): number {
    this.need(at, 2);
    return this.view.getUint16(at);
  }

  u32(at: number): number {
    this.need(at, 4);
    return this.view.getUint32(at);
  }

  u64(at: number): bigint {
    this.need(at, 8);
    return this.view.getBigUint64(at);
  }

  /** Lowers `end` to `at + length` when that is nearer. */
  limit(at: number, length: number): void {
    if (at + length < this.end) this.end = at + length;
  }

  ipv4(at: number): void {
    this.need(at, 4);
    this.out.ipv4(this.bytes, at);
  }

  ipv6(at: number): void {
    this.need(at, 16);
    const { view } = this;
    this.out.write(
      formatAddress(6, view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12)),
    );
  }

  mac(at: number): void {
    this.hexColons(at, 6);
  }

  hexColons(at: number, count: number): void {
    this.need(at, count);
    for (let i = 0; i < count; i++) {
      if (i > 0) this.out.byte(0x3a);
      this.out.hexByte(this.bytes[at + i]!);
    }
  }

  hexBytes(at: number, count: number): void {
    for (let i = 0; i < count; i++) this.out.hexByte(this.u8(at + i));
  }

  cut(): void {
    this.out.write(` [|${this.protocol}]`);
  }

  invalid(): void {
    this.out.write(" (invalid)");
  }

  /** One byte of foreign text, as tcpdump filters it: `^X` for controls, `M-` before bytes above 127. */
  character(value: number): void {
    const { out } = this;
    let c = value;
    if (c > 0x7f) {
      c &= 0x7f;
      out.write("M-");
    }
    if (c < 0x20 || c === 0x7f) {
      c ^= 0x40;
      out.byte(0x5e);
    }
    out.byte(c);
  }

  /** The dump of what no printer knows, which a quiet line leaves out. */
  unknownDump(at: number, length: number): void {
    if (!this.quiet) this.hexDump(at, length);
  }

  /** Rows of 16 bytes in hex and ASCII, each on a line of its own; as much as was captured. */
  hexDump(at: number, length: number): void {
    const { out, bytes } = this;
    const count = Math.max(0, Math.min(length, this.end - at));
    for (let row = 0; row < count; row += HEX_DUMP_ROW) {
      const cells = Math.min(HEX_DUMP_ROW, count - row);
      out.write("\n\t0x");
      out.hex(row, 4);
      out.write(": ");
      const column = out.length;
      for (let i = 0; i < cells; i++) {
        if (i % 2 === 0) out.byte(0x20);
        out.hexByte(bytes[at + row + i]!);
      }
      while (out.length < column + 40) out.byte(0x20);
      out.write("  ");
      for (let i = 0; i < cells; i++) {
        const c = bytes[at + row + i]!;
        out.byte(c > 0x20 && c < 0x7f ? c : 0x2e);
      }
    }
    if (count < length) throw CUT;
  }

  /** Rows of 16 bytes in hex alone, the form for the remains of a known protocol. */
  hexRows(at: number, length: number): void {
    const { out, bytes } = this;
    if (at > this.end) {
      out.write("\n\tDissector error: print_unknown_data called with pointer past end of packet");
      return;
    }
    const count = Math.min(length, this.end - at);
    for (let i = 0; i < count; i++) {
      if (i % HEX_DUMP_ROW === 0) {
        out.write("\n\t0x");
        out.hex(i, 4);
        out.write(": ");
      }
      if (i % 2 === 0) out.byte(0x20);
      out.hexByte(bytes[at + i]!);
    }
  }
}
