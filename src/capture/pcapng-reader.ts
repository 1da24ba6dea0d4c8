import { type CapturedPacket, LeekError } from "../base/index.js";
import type { ByteSource } from "./byte-source.js";
import type { ByteWindow } from "./byte-window.js";
import type { CaptureDamage, CaptureInterface, PacketSource, SourceInfo } from "./packet-source.js";
import {
  BlockType,
  BYTE_ORDER_MAGIC,
  findOption,
  MAX_BLOCK_BYTES,
  MAX_SECTION_HEADER_BYTES,
  MIN_BLOCK_BYTES,
  MIN_INTERFACE_BLOCK_BYTES,
  MIN_PACKET_BLOCK_BYTES,
  MIN_SECTION_HEADER_BYTES,
  MIN_SIMPLE_PACKET_BYTES,
  MIN_STATISTICS_BYTES,
} from "./pcapng-blocks.js";
import { DEFAULT_RESOLUTION, isResolution, PcapngClock } from "./pcapng-clock.js";
import { countAnomaly, endDamage, MAX_CAPTURED_BYTES } from "./source-state.js";

/** Bounds memory against files made of interface blocks; real captures have a handful. */
const MAX_INTERFACES = 65536;
/** Names of interfaces are at most 16 bytes on Linux, GUIDs with a prefix on Windows. */
const MAX_NAME_BYTES = 256;

/** An interface of the present section. */
interface SectionInterface {
  /** Into `SourceInfo.interfaces`. */
  readonly index: number;
  readonly linkType: number;
  /** Of packets without a length of their own (Simple Packet Blocks); MAX_CAPTURED_BYTES when the file sets none. */
  readonly snaplen: number;
  readonly clock: PcapngClock;
  readonly info: CaptureInterface;
  /** True once a statistics block has told the total, which then wins over the packets' own counts. */
  hasTotal: boolean;
}

/** What came of a look at one block. */
const Step = { Packet: 0, Skipped: 1, Stopped: 2 } as const;
type Step = (typeof Step)[keyof typeof Step];

/**
 * The packets of a pcapng file, its blocks walked in place.
 *
 * Block: type u32 | total length u32 | body | total length u32. Secrets (DSB), names (NRB) and whatever else holds no
 * packets is skipped unread. Source: draft-ietf-opsawg-pcapng.
 */
export class PcapngReader implements PacketSource {
  readonly infos: readonly SourceInfo[];

  private bytes: Uint8Array;
  private view: DataView;
  private position: number;
  /** End of the loaded bytes; 0 once the reading has stopped. */
  private end: number;
  private packets = 0;
  private wireBytes = 0;
  private blocks = 0;

  private littleEndian = true;
  /** Of the present section: each begins with none. */
  private interfaces: SectionInterface[] = [];
  /** Time of the last packet, for those that have none. */
  private lastSeconds = 0;
  private lastNanoseconds = 0;

  /** @param window - At the first Section Header Block, whose first 12 bytes are loaded. */
  constructor(
    private readonly source: ByteSource,
    private readonly window: ByteWindow,
    private readonly info: SourceInfo,
  ) {
    this.infos = [info];
    info.format = "pcapng";
    this.bytes = window.bytes;
    this.view = window.view;
    this.position = window.position;
    this.end = window.end;
  }

  next(packet: CapturedPacket): boolean {
    for (;;) {
      const at = this.position;
      if (at + MIN_BLOCK_BYTES > this.end) return this.pause();
      const type = this.view.getUint32(at, this.littleEndian);
      const total = this.totalLength(at, type);
      if (total < MIN_BLOCK_BYTES || total > MAX_BLOCK_BYTES || (total & 3) !== 0) {
        return this.stop("bad-block-length", `claims a length of ${total} bytes`);
      }
      const end = at + total;
      if (end > this.end) return this.pause();
      // A section header may change the byte order, and its trailing length is in the new one.
      if (type === BlockType.SectionHeader) this.littleEndian = this.sectionIsLittleEndian(at);
      if (this.view.getUint32(end - 4, this.littleEndian) !== total) {
        return this.stop("bad-block-length", "does not end with the length that it begins with");
      }
      const step =
        type === BlockType.EnhancedPacket
          ? this.enhancedPacket(packet, at, end)
          : this.otherBlock(packet, type, at, end);
      if (step === Step.Stopped) return false;
      this.blocks += 1;
      this.position = end;
      if (step === Step.Packet) return true;
    }
  }

  async fill(): Promise<boolean> {
    this.pause();
    this.window.position = this.position;
    if (this.end === 0) return false;
    const loaded = await this.window.fill(this.neededBytes());
    this.info.bytesRead = this.source.bytesRead;
    this.bytes = this.window.bytes;
    this.view = this.window.view;
    this.position = this.window.position;
    this.end = this.window.end;
    if (loaded) return true;
    const present = this.end - this.position;
    if (this.blocks === 0 && this.window.corruption === undefined) {
      throw new LeekError(
        "LEEK_CAPTURE_CUT_HEADER",
        "bad-data",
        `Capture ${this.info.name} is cut short in its header.`,
        {
          hint: "The program that wrote it was stopped before the first packet; capture again.",
        },
      );
    }
    if (present > 0 || this.window.corruption !== undefined) {
      const { offset, corruption } = this.window;
      this.stopWith(endDamage("block", this.blocks + 1, offset, present, corruption));
    }
    this.end = 0;
    return false;
  }

  async close(): Promise<void> {
    this.pause();
    this.end = 0;
    await this.source.close();
  }

  /** The block's length; of a section header, in the byte order that its magic number shows. */
  private totalLength(at: number, type: number): number {
    if (type !== BlockType.SectionHeader) return this.view.getUint32(at + 4, this.littleEndian);
    const littleEndian = this.sectionIsLittleEndian(at);
    const isMagic = this.view.getUint32(at + 8, littleEndian) === BYTE_ORDER_MAGIC;
    const total = this.view.getUint32(at + 4, littleEndian);
    const fits = total >= MIN_SECTION_HEADER_BYTES && total <= MAX_SECTION_HEADER_BYTES;
    return isMagic && fits ? total : 0;
  }

  private sectionIsLittleEndian(at: number): boolean {
    return this.view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
  }

  // type | length | interface u32 | time high u32 | time low u32 | captured u32 | original u32 | data | options
  private enhancedPacket(packet: CapturedPacket, at: number, end: number): Step {
    if (end - at < MIN_PACKET_BLOCK_BYTES) return this.stopBlock("bad-block", "is too short for a packet");
    const id = this.view.getUint32(at + 8, this.littleEndian);
    const entry = id < this.interfaces.length ? this.interfaces[id] : undefined;
    if (entry === undefined) return this.unknownInterface(id);
    const step = this.timedPacket(packet, entry, at, end);
    if (step === Step.Packet && this.optionsStart(at) + 4 <= end - 4) this.countDrops(entry, at, end);
    return step;
  }

  /** What enhanced and obsolete packet blocks have in common; they differ in where the interface stands. */
  private timedPacket(packet: CapturedPacket, entry: SectionInterface, at: number, end: number): Step {
    const view = this.view;
    const littleEndian = this.littleEndian;
    const captured = view.getUint32(at + 20, littleEndian);
    const original = view.getUint32(at + 24, littleEndian);
    if (captured > end - at - MIN_PACKET_BLOCK_BYTES) {
      return this.stopBlock("bad-block", `claims ${captured} captured bytes, more than it holds`);
    }
    if (captured > MAX_CAPTURED_BYTES) {
      return this.stopBlock(
        "bad-record-length",
        `claims ${captured} captured bytes, more than the ${MAX_CAPTURED_BYTES} possible`,
      );
    }
    if (captured > entry.snaplen) countAnomaly(this.info, "captured-exceeds-snaplen");
    if (captured > original) countAnomaly(this.info, "captured-exceeds-original");
    const clock = entry.clock;
    clock.set(view.getUint32(at + 12, littleEndian), view.getUint32(at + 16, littleEndian));
    this.lastSeconds = clock.seconds;
    this.lastNanoseconds = clock.nanoseconds;
    packet.hasTime = true;
    this.deliver(packet, entry, at + 28, captured, original);
    return Step.Packet;
  }

  private deliver(
    packet: CapturedPacket,
    entry: SectionInterface,
    start: number,
    captured: number,
    original: number,
  ): void {
    // A wire length below what was captured is wrong, and what was captured is there.
    const wireLength = Math.max(original, captured);
    this.packets += 1;
    this.wireBytes += wireLength;
    packet.lieIn(this.bytes, this.view);
    packet.start = start;
    packet.end = start + captured;
    packet.originalLength = wireLength;
    packet.seconds = this.lastSeconds;
    packet.nanoseconds = this.lastNanoseconds;
    packet.linkType = entry.linkType;
    packet.interfaceIndex = entry.index;
    packet.number = this.packets;
  }

  private optionsStart(at: number): number {
    return at + 28 + ((this.view.getUint32(at + 20, this.littleEndian) + 3) & ~3);
  }

  /** epb_dropcount: packets lost between this one and the one before it. */
  private countDrops(entry: SectionInterface, at: number, end: number): void {
    if (entry.hasTotal) return;
    const lost = this.readCounter(this.optionsStart(at), end - 4, 4);
    if (lost !== undefined) entry.info.dropped = (entry.info.dropped ?? 0) + lost;
  }

  private otherBlock(packet: CapturedPacket, type: number, at: number, end: number): Step {
    switch (type) {
      case BlockType.SectionHeader:
        return this.sectionHeader(at);
      case BlockType.InterfaceDescription:
        return this.interfaceDescription(at, end);
      case BlockType.SimplePacket:
        return this.simplePacket(packet, at, end);
      case BlockType.Packet:
        return this.obsoletePacket(packet, at, end);
      case BlockType.InterfaceStatistics:
        return this.interfaceStatistics(at, end);
      default:
        return Step.Skipped;
    }
  }

  // type | length | byte-order magic u32 | major u16 | minor u16 | section length i64 | options
  private sectionHeader(at: number): Step {
    const major = this.view.getUint16(at + 12, this.littleEndian);
    const minor = this.view.getUint16(at + 14, this.littleEndian);
    // 1.2 was written by some tools and means 1.0.
    if (major !== 1 || (minor !== 0 && minor !== 2)) {
      return this.stopBlock("bad-block", `is of pcapng version ${major}.${minor}, which leek does not know`);
    }
    this.interfaces = [];
    return Step.Skipped;
  }

  // type | length | link type u16 | reserved u16 | snaplen u32 | options
  private interfaceDescription(at: number, end: number): Step {
    if (end - at < MIN_INTERFACE_BLOCK_BYTES) return this.stopBlock("bad-block", "is too short for an interface");
    const index = this.info.interfaces.length;
    if (index >= MAX_INTERFACES) return this.stopBlock("bad-block", `is an interface beyond the ${MAX_INTERFACES}th`);
    const { view, littleEndian } = this;
    const options = at + 16;
    const resolutionAt = findOption(view, options, end - 4, littleEndian, 9);
    const resolution =
      resolutionAt >= 0 && view.getUint16(resolutionAt - 2, littleEndian) >= 1
        ? view.getUint8(resolutionAt)
        : DEFAULT_RESOLUTION;
    if (!isResolution(resolution)) {
      return this.stopBlock("bad-block", `sets a time resolution (${resolution}) that does not exist`);
    }
    const offsetAt = findOption(view, options, end - 4, littleEndian, 14);
    const offset =
      offsetAt >= 0 && view.getUint16(offsetAt - 2, littleEndian) >= 8 ? view.getBigInt64(offsetAt, littleEndian) : 0n;
    const snaplen = view.getUint32(at + 12, littleEndian);
    const linkType = view.getUint16(at + 8, littleEndian);
    const clock = new PcapngClock(resolution, offset);
    const info: CaptureInterface = {
      linkType,
      name: this.readText(options, end - 4, 2) ?? this.readText(options, end - 4, 3),
      snaplen,
      filter: this.readFilter(options, end - 4),
      fractionDigits: clock.fractionDigits,
      dropped: undefined,
    };
    this.info.interfaces.push(info);
    this.interfaces.push({
      index,
      linkType,
      snaplen: snaplen === 0 ? MAX_CAPTURED_BYTES : snaplen,
      clock,
      info,
      hasTotal: false,
    });
    return Step.Skipped;
  }

  // type | length | original u32 | data; always of the section's first interface
  private simplePacket(packet: CapturedPacket, at: number, end: number): Step {
    if (end - at < MIN_SIMPLE_PACKET_BYTES) return this.stopBlock("bad-block", "is too short for a packet");
    const entry = this.interfaces[0];
    if (entry === undefined) return this.unknownInterface(0);
    const original = this.view.getUint32(at + 8, this.littleEndian);
    const room = end - at - MIN_SIMPLE_PACKET_BYTES;
    const captured = Math.min(original, entry.snaplen, room);
    if (captured > MAX_CAPTURED_BYTES) {
      return this.stopBlock(
        "bad-record-length",
        `holds ${captured} captured bytes, more than the ${MAX_CAPTURED_BYTES} possible`,
      );
    }
    packet.hasTime = false;
    this.deliver(packet, entry, at + 12, captured, original);
    return Step.Packet;
  }

  // type | length | interface u16 | drops u16 | time high u32 | time low u32 | captured u32 | original u32 | data
  private obsoletePacket(packet: CapturedPacket, at: number, end: number): Step {
    if (end - at < MIN_PACKET_BLOCK_BYTES) return this.stopBlock("bad-block", "is too short for a packet");
    const id = this.view.getUint16(at + 8, this.littleEndian);
    const entry = this.interfaces[id];
    if (entry === undefined) return this.unknownInterface(id);
    const step = this.timedPacket(packet, entry, at, end);
    const drops = this.view.getUint16(at + 10, this.littleEndian);
    const isKnown = drops !== 0xffff;
    if (step === Step.Packet && isKnown && !entry.hasTotal) entry.info.dropped = (entry.info.dropped ?? 0) + drops;
    return step;
  }

  // type | length | interface u32 | time high u32 | time low u32 | options
  private interfaceStatistics(at: number, end: number): Step {
    if (end - at < MIN_STATISTICS_BYTES) return this.stopBlock("bad-block", "is too short for statistics");
    const id = this.view.getUint32(at + 8, this.littleEndian);
    const entry = id < this.interfaces.length ? this.interfaces[id] : undefined;
    if (entry === undefined) {
      // Statistics are no packets: nothing is lost with them but a number.
      countAnomaly(this.info, "statistics-for-unknown-interface");
      return Step.Skipped;
    }
    const interfaceDrops = this.readCounter(at + 20, end - 4, 5);
    const systemDrops = this.readCounter(at + 20, end - 4, 7);
    if (interfaceDrops === undefined && systemDrops === undefined) return Step.Skipped;
    // Running totals: the last one holds.
    entry.info.dropped = (interfaceDrops ?? 0) + (systemDrops ?? 0);
    entry.hasTotal = true;
    return Step.Skipped;
  }

  /** A u64 option; counts beyond 2^53 lose their last digits. */
  private readCounter(options: number, end: number, code: number): number | undefined {
    const at = findOption(this.view, options, end, this.littleEndian, code);
    if (at < 0 || this.view.getUint16(at - 2, this.littleEndian) < 8) return undefined;
    return Number(this.view.getBigUint64(at, this.littleEndian));
  }

  /** if_filter: the first byte tells whether an expression follows, or its code (draft-ietf-opsawg-pcapng 4.2). */
  private readFilter(options: number, end: number): string | undefined {
    const at = findOption(this.view, options, end, this.littleEndian, 11);
    if (at < 0) return undefined;
    const length = Math.min(this.view.getUint16(at - 2, this.littleEndian), MAX_NAME_BYTES);
    if (length < 2) return undefined;
    if (this.view.getUint8(at) !== 0) return "compiled";
    const text = new TextDecoder().decode(this.bytes.subarray(at + 1, at + length)).replace(/\0+$/, "");
    return text === "" ? undefined : text;
  }

  private readText(options: number, end: number, code: number): string | undefined {
    const at = findOption(this.view, options, end, this.littleEndian, code);
    if (at < 0) return undefined;
    const length = Math.min(this.view.getUint16(at - 2, this.littleEndian), MAX_NAME_BYTES);
    // Options are not NUL-ended, but some writers end them so.
    const text = new TextDecoder().decode(this.bytes.subarray(at, at + length)).replace(/\0+$/, "");
    return text === "" ? undefined : text;
  }

  /** Bytes of the block at `position`, or of its beginning as long as its length is not there. */
  private neededBytes(): number {
    if (this.position + MIN_BLOCK_BYTES > this.end) return MIN_BLOCK_BYTES;
    const total = this.totalLength(this.position, this.view.getUint32(this.position, this.littleEndian));
    return total > MAX_BLOCK_BYTES ? MIN_BLOCK_BYTES : Math.max(total, MIN_BLOCK_BYTES);
  }

  private unknownInterface(id: number): Step {
    return this.stopBlock(
      "unknown-interface",
      `holds a packet of interface ${id}, which its section does not describe`,
    );
  }

  private stopBlock(code: CaptureDamage["code"], what: string): Step {
    this.stop(code, what);
    return Step.Stopped;
  }

  /** @returns false, for `next`. */
  private stop(code: CaptureDamage["code"], what: string): false {
    this.window.position = this.position;
    const offset = this.window.offset;
    const record = this.blocks + 1;
    return this.stopWith({ code, record, offset, message: `Block ${record} at byte ${offset} ${what}.` });
  }

  private stopWith(damage: CaptureDamage): false {
    this.info.damage = damage;
    this.end = 0;
    return this.pause();
  }

  /** Brings the public counters up to date; per packet that would cost more than the packet. @returns false, for `next`. */
  private pause(): false {
    this.info.packets = this.packets;
    this.info.bytes = this.wireBytes;
    return false;
  }
}
