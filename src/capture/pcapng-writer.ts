import { type CapturedPacket, escapeText } from "../base/index.js";
import type { IpAddress } from "../net/index.js";
import { BlockBuffer, MAX_VALUE_BYTES } from "./block-buffer.js";
import { BlockType, BYTE_ORDER_MAGIC, MIN_PACKET_BLOCK_BYTES } from "./pcapng-blocks.js";

/** What a section says of its writer. */
export interface SectionDetails {
  /** The writing program with its version. */
  readonly application: string;
  readonly os?: string | undefined;
  readonly hardware?: string | undefined;
}

/** What an Interface Description Block says. */
export interface InterfaceDetails {
  readonly linkType: number;
  /** 0 for no limit. libpcap reads only files whose interfaces have the same link type and the same snaplen. */
  readonly snaplen: number;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** The pcap-filter expression that chose the packets. */
  readonly filter?: string | undefined;
  readonly os?: string | undefined;
}

/** A time since 1970-01-01 UTC. */
export interface BlockTime {
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanoseconds: number;
}

/** What an Interface Statistics Block says; what is undefined is left out. Whole numbers up to 2^53. */
export interface StatisticsDetails {
  readonly start?: BlockTime | undefined;
  readonly end?: BlockTime | undefined;
  readonly received?: number | undefined;
  readonly droppedByKernel?: number | undefined;
  readonly droppedByInterface?: number | undefined;
  /** Packets that reached the writer. */
  readonly delivered?: number | undefined;
}

/** An address and what it is called. */
export interface NameRecord {
  readonly address: IpAddress;
  /** The most telling one first. From strangers: they are escaped here. */
  readonly names: readonly string[];
}

const OptionCode = {
  End: 0,
  Comment: 1,
  SectionHardware: 2,
  SectionOs: 3,
  SectionApplication: 4,
  InterfaceName: 2,
  InterfaceDescription: 3,
  InterfaceResolution: 9,
  InterfaceFilter: 11,
  InterfaceOs: 12,
  StatisticsStart: 2,
  StatisticsEnd: 3,
  StatisticsReceived: 4,
  StatisticsInterfaceDrops: 5,
  StatisticsSystemDrops: 7,
  StatisticsDelivered: 8,
} as const;

/** No reader of leek's needs it, so that it is not in BlockType. */
const NAME_RESOLUTION_BLOCK = 4;
const RECORD_END = 0;
const RECORD_IPV4 = 1;
const RECORD_IPV6 = 2;
/** Units of 10^-9 s. */
const NANOSECONDS = 9;
/** First byte of if_filter: a pcap-filter expression follows. */
const FILTER_TEXT = 0;

const INITIAL_BYTES = 64 * 1024;
/** Longest domain name, RFC 1035 2.3.4. */
const MAX_NAME_BYTES = 255;
/** For one address; with them, a record stays below 65,536 bytes. */
const MAX_NAMES = 64;
/** Wireshark reads a whole block into memory; more names go into another one. */
const MAX_NAMES_BLOCK_BYTES = 256 * 1024;

/**
 * Makes pcapng: blocks one after another in a buffer, which its owner writes to a file and clears. Only whole blocks
 * are ever in it. All times are in nanoseconds.
 *
 * Source: draft-ietf-opsawg-pcapng.
 *
 * @example
 * writer.section({ application: "leek" });
 * writer.interface({ linkType: 1, snaplen: 262144, name: "eth0" });
 * writer.packet(packet, 0, "a comment");
 * write(writer.bytes, writer.length);
 * writer.clear();
 */
export class PcapngWriter {
  readonly #buffer = new BlockBuffer(INITIAL_BYTES);

  /** Another one after blocks were added. */
  get bytes(): Uint8Array {
    return this.#buffer.bytes;
  }

  /** How many of `bytes` are blocks. */
  get length(): number {
    return this.#buffer.length;
  }

  clear(): void {
    this.#buffer.clear();
  }

  /**
   * What a file has that took only the first bytes of the buffer.
   *
   * @param count - Bytes taken.
   * @returns Bytes and packets of the blocks that lie wholly in them.
   */
  wholeBlocks(count: number): { readonly bytes: number; readonly packets: number } {
    const { view, length } = this.#buffer;
    const end = Math.min(count, length);
    let bytes = 0;
    let packets = 0;
    while (bytes < end) {
      const next = bytes + view.getUint32(bytes + 4, true);
      if (next > end) break;
      if (view.getUint32(bytes, true) === BlockType.EnhancedPacket) packets += 1;
      bytes = next;
    }
    return { bytes, packets };
  }

  /** Begins a section; interfaces are numbered from 0 again. A file begins with one. */
  section(details: SectionDetails): void {
    const buffer = this.#buffer;
    const start = this.#begin(BlockType.SectionHeader);
    buffer.u32(BYTE_ORDER_MAGIC);
    buffer.u16(1);
    buffer.u16(0);
    // Length of the section: -1 for "as long as it is", since what follows is not known.
    buffer.u32(0xffffffff);
    buffer.u32(0xffffffff);
    this.#textOption(OptionCode.SectionHardware, details.hardware);
    this.#textOption(OptionCode.SectionOs, details.os);
    this.#textOption(OptionCode.SectionApplication, details.application);
    this.#endOptions();
    this.#end(start);
  }

  /** Describes the next interface. */
  interface(details: InterfaceDetails): void {
    const buffer = this.#buffer;
    const start = this.#begin(BlockType.InterfaceDescription);
    buffer.u16(details.linkType);
    buffer.u16(0);
    buffer.u32(details.snaplen);
    this.#textOption(OptionCode.InterfaceName, details.name);
    this.#textOption(OptionCode.InterfaceDescription, details.description);
    this.#optionHead(OptionCode.InterfaceResolution, 1);
    buffer.u8(NANOSECONDS);
    buffer.pad();
    this.#textOption(OptionCode.InterfaceFilter, details.filter, FILTER_TEXT);
    this.#textOption(OptionCode.InterfaceOs, details.os);
    this.#endOptions();
    this.#end(start);
  }

  /**
   * A packet with its time; one without a time gets that of the packet before it. Without a comment nothing is
   * allocated, but when the buffer grows.
   *
   * @param interfaceId - Number of the interface in this section, whose link type is the packet's.
   * @param comment - Cut to 65,535 bytes of UTF-8.
   */
  packet(packet: CapturedPacket, interfaceId: number, comment?: string): void {
    const buffer = this.#buffer;
    const captured = packet.end - packet.start;
    // Once for all that follows.
    buffer.reserve(captured + MIN_PACKET_BLOCK_BYTES + 4);
    const start = this.#begin(BlockType.EnhancedPacket);
    buffer.u32(interfaceId);
    buffer.time(packet.seconds, packet.nanoseconds);
    buffer.u32(captured);
    buffer.u32(packet.originalLength);
    buffer.copy(packet.view, packet.start, packet.end);
    buffer.pad();
    if (comment !== undefined) {
      this.#textOption(OptionCode.Comment, comment);
      this.#endOptions();
    }
    this.#end(start);
  }

  /** Names of addresses, valid for the whole section; writes nothing when there is none. */
  names(records: readonly NameRecord[]): void {
    const buffer = this.#buffer;
    let start = -1;
    for (const { address, names } of records) {
      const present = names.filter((name) => name !== "").slice(0, MAX_NAMES);
      if (present.length === 0) continue;
      if (start < 0) start = this.#begin(NAME_RESOLUTION_BLOCK);
      this.#nameRecord(address, present);
      if (buffer.length - start >= MAX_NAMES_BLOCK_BYTES) {
        this.#endNames(start);
        start = -1;
      }
    }
    if (start >= 0) this.#endNames(start);
  }

  /** Counters of an interface, as they stand at `time`. */
  statistics(interfaceId: number, time: BlockTime, details: StatisticsDetails): void {
    const start = this.#begin(BlockType.InterfaceStatistics);
    this.#buffer.u32(interfaceId);
    this.#buffer.time(time.seconds, time.nanoseconds);
    this.#timeOption(OptionCode.StatisticsStart, details.start);
    this.#timeOption(OptionCode.StatisticsEnd, details.end);
    this.#counterOption(OptionCode.StatisticsReceived, details.received);
    this.#counterOption(OptionCode.StatisticsInterfaceDrops, details.droppedByInterface);
    this.#counterOption(OptionCode.StatisticsSystemDrops, details.droppedByKernel);
    this.#counterOption(OptionCode.StatisticsDelivered, details.delivered);
    this.#endOptions();
    this.#end(start);
  }

  /** @returns Offset of the block. */
  #begin(type: number): number {
    const start = this.#buffer.length;
    this.#buffer.u32(type);
    this.#buffer.u32(0);
    return start;
  }

  /** Writes the length at both ends of the block. */
  #end(start: number): void {
    const buffer = this.#buffer;
    const total = buffer.length + 4 - start;
    buffer.u32(total);
    buffer.view.setUint32(start + 4, total, true);
  }

  // type u16 | length u16 | address | names, each ended by NUL | padding
  #nameRecord(address: IpAddress, names: readonly string[]): void {
    const buffer = this.#buffer;
    const start = buffer.length;
    buffer.u16(address.version === 4 ? RECORD_IPV4 : RECORD_IPV6);
    buffer.u16(0);
    if (address.version === 6) {
      buffer.networkWord(address.a);
      buffer.networkWord(address.b);
      buffer.networkWord(address.c);
    }
    buffer.networkWord(address.d);
    const value = start + 4;
    // From the last to the first: Wireshark shows the last one of a record.
    for (const name of names.toReversed()) {
      buffer.text(escapeText(name), MAX_NAME_BYTES);
      buffer.u8(0);
    }
    buffer.view.setUint16(start + 2, buffer.length - value, true);
    buffer.pad();
  }

  #endNames(start: number): void {
    this.#buffer.u16(RECORD_END);
    this.#buffer.u16(0);
    this.#end(start);
  }

  #optionHead(code: number, length: number): void {
    this.#buffer.u16(code);
    this.#buffer.u16(length);
  }

  /** @param prefix - A byte before the text. */
  #textOption(code: number, text: string | undefined, prefix?: number): void {
    if (text === undefined || text === "") return;
    const buffer = this.#buffer;
    const head = buffer.length;
    this.#optionHead(code, 0);
    if (prefix !== undefined) buffer.u8(prefix);
    const value = head + 4;
    buffer.text(text, MAX_VALUE_BYTES - (buffer.length - value));
    buffer.view.setUint16(head + 2, buffer.length - value, true);
    buffer.pad();
  }

  #timeOption(code: number, time: BlockTime | undefined): void {
    if (time === undefined) return;
    this.#optionHead(code, 8);
    this.#buffer.time(time.seconds, time.nanoseconds);
  }

  #counterOption(code: number, value: number | undefined): void {
    if (value === undefined) return;
    this.#optionHead(code, 8);
    this.#buffer.u64(value);
  }

  #endOptions(): void {
    this.#optionHead(OptionCode.End, 0);
  }
}
