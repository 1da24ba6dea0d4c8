import type { CapturedPacket } from "../base/index.js";
import type { ByteSource } from "./byte-source.js";
import type { LoadedBytes } from "./byte-window.js";
import type { CaptureDamage, PacketSource, SourceInfo } from "./packet-source.js";
import { hasPcapMagic, PCAP_FILE_HEADER_BYTES, type PcapLayout } from "./pcap-header.js";
import { countAnomaly, endDamage, MAX_CAPTURED_BYTES } from "./source-state.js";

/**
 * The packets of a classic pcap file.
 *
 * Record: seconds u32 | fraction u32 | captured length u32 | original length u32 | in the modified form 8 bytes more |
 * the captured bytes. Source: draft-ietf-opsawg-pcap §5.
 */
export class PcapReader implements PacketSource {
  readonly infos: readonly SourceInfo[];

  private bytes: Uint8Array;
  private view: DataView;
  private position: number;
  /** End of the loaded bytes; 0 once the reading has stopped. */
  private end: number;
  private packets = 0;
  private wireBytes = 0;

  private readonly littleEndian: boolean;
  private readonly headerBytes: number;
  private readonly unitsPerSecond: number;
  private readonly nanosecondsPerUnit: number;
  private readonly linkType: number;
  private readonly swappedLengths: PcapLayout["swappedLengths"];
  private readonly snaplen: number;
  /** Records of 1 to this many captured bytes need no second look; 0 when all do. */
  private readonly plainLength: number;

  /** @param window - At the file header, which is loaded and was parsed into `layout`. */
  constructor(
    private readonly source: Pick<ByteSource, "bytesRead" | "close">,
    private readonly window: LoadedBytes,
    layout: PcapLayout,
    private readonly info: SourceInfo,
  ) {
    this.infos = [info];
    this.littleEndian = layout.littleEndian;
    this.headerBytes = layout.recordHeaderBytes;
    this.unitsPerSecond = layout.unitsPerSecond;
    this.nanosecondsPerUnit = 1_000_000_000 / layout.unitsPerSecond;
    this.linkType = layout.linkType;
    this.swappedLengths = layout.swappedLengths;
    // As libpcap: 0 and absurd values say nothing.
    this.snaplen = layout.snaplen === 0 ? MAX_CAPTURED_BYTES : Math.min(layout.snaplen, MAX_CAPTURED_BYTES);
    this.plainLength = layout.swappedLengths === "never" ? this.snaplen : 0;
    info.format = "pcap";
    info.interfaces.push({
      linkType: layout.linkType,
      name: undefined,
      snaplen: layout.snaplen,
      fractionDigits: layout.unitsPerSecond === 1_000_000 ? 6 : 9,
      dropped: undefined,
    });
    if (layout.reservedBits) countAnomaly(info, "reserved-link-type-bits");
    window.position += PCAP_FILE_HEADER_BYTES;
    this.bytes = window.bytes;
    this.view = window.view;
    this.position = window.position;
    this.end = window.end;
  }

  next(packet: CapturedPacket): boolean {
    const at = this.position;
    const start = at + this.headerBytes;
    if (start > this.end) return this.pause();
    const view = this.view;
    const littleEndian = this.littleEndian;
    const fraction = view.getUint32(at + 4, littleEndian);
    const captured = view.getUint32(at + 8, littleEndian);
    const original = view.getUint32(at + 12, littleEndian);
    // Captured length 0 becomes the greatest number here, and so gets its second look at no cost for the others.
    if ((captured - 1) >>> 0 >= this.plainLength || captured > original || fraction >= this.unitsPerSecond) {
      return this.nextOdd(packet);
    }
    const end = start + captured;
    if (end > this.end) return this.pause();
    this.position = end;
    this.deliver(packet, start, end, original, view.getUint32(at, littleEndian), fraction * this.nanosecondsPerUnit);
    return true;
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
    if (present > 0 || this.window.corruption !== undefined) {
      this.stop(endDamage("record", this.packets + 1, this.window.offset, present, this.window.corruption));
    }
    this.end = 0;
    return false;
  }

  async close(): Promise<void> {
    this.pause();
    this.end = 0;
    await this.source.close();
  }

  private deliver(
    packet: CapturedPacket,
    start: number,
    end: number,
    original: number,
    seconds: number,
    nanoseconds: number,
  ): void {
    this.packets += 1;
    this.wireBytes += original;
    packet.lieIn(this.bytes, this.view);
    packet.start = start;
    packet.end = end;
    packet.originalLength = original;
    packet.seconds = seconds;
    packet.nanoseconds = nanoseconds;
    packet.hasTime = true;
    packet.linkType = this.linkType;
    packet.interfaceIndex = 0;
    packet.number = this.packets;
  }

  /** A record that is not as it should be, or of an old version: out of the way of the others. */
  private nextOdd(packet: CapturedPacket): boolean {
    const at = this.position;
    const view = this.view;
    const captured = this.capturedLength(at);
    if (captured > MAX_CAPTURED_BYTES || (captured === 0 && hasPcapMagic(view, at))) {
      return this.stop(this.badLength(at, captured));
    }
    const start = at + this.headerBytes;
    const recordEnd = start + captured;
    if (recordEnd > this.end) return this.pause();
    // The two lengths are in this order or the other; either way the one is known by now.
    const lengths = view.getUint32(at + 8, this.littleEndian) + view.getUint32(at + 12, this.littleEndian);
    let original = lengths - captured;
    let kept = captured;
    if (captured > this.snaplen) {
      countAnomaly(this.info, "captured-exceeds-snaplen");
      kept = this.snaplen;
    }
    if (captured > original) {
      // Keep what was captured: who could hide bytes by a small number here could hide a leak.
      countAnomaly(this.info, "captured-exceeds-original");
      original = kept;
    }
    let seconds = view.getUint32(at, this.littleEndian);
    let fraction = view.getUint32(at + 4, this.littleEndian);
    if (fraction >= this.unitsPerSecond) {
      countAnomaly(this.info, "fraction-exceeds-second");
      seconds += Math.floor(fraction / this.unitsPerSecond);
      fraction %= this.unitsPerSecond;
    }
    this.position = recordEnd;
    this.deliver(packet, start, start + kept, original, seconds, fraction * this.nanosecondsPerUnit);
    return true;
  }

  private capturedLength(at: number): number {
    const first = this.view.getUint32(at + 8, this.littleEndian);
    const second = this.view.getUint32(at + 12, this.littleEndian);
    if (this.swappedLengths === "always") return second;
    return this.swappedLengths === "when-captured-is-greater" ? Math.min(first, second) : first;
  }

  /** Bytes of the record at `position`, or of its header as long as that is not there. */
  private neededBytes(): number {
    if (this.position + this.headerBytes > this.end) return this.headerBytes;
    const captured = this.capturedLength(this.position);
    return captured > MAX_CAPTURED_BYTES ? this.headerBytes : this.headerBytes + captured;
  }

  private badLength(at: number, captured: number): CaptureDamage {
    const record = this.packets + 1;
    this.window.position = at;
    const offset = this.window.offset;
    const message = hasPcapMagic(this.view, at)
      ? `Another pcap file begins at byte ${offset}: files joined with cat are no capture; pass them one by one.`
      : `Record ${record} at byte ${offset} claims ${captured} captured bytes, more than the ${MAX_CAPTURED_BYTES} possible.`;
    return { code: "bad-record-length", record, offset, message };
  }

  /** @returns false, for `next`. */
  private stop(damage: CaptureDamage): false {
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
