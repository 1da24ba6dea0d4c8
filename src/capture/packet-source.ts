import type { CapturedPacket, FractionDigits } from "../base/index.js";

/** One interface that a capture describes; classic pcap has exactly one. */
export interface CaptureInterface {
  readonly linkType: number;
  /** As the capture names it; undefined where it does not. */
  readonly name: string | undefined;
  /** Greatest number of bytes kept of a frame; 0 when the capture does not limit it. */
  readonly snaplen: number;
  /** What the recorder let pass, in its own words; undefined when it names no filter. */
  readonly filter?: string | undefined;
  /** 9 when time stamps are finer than microseconds. */
  readonly fractionDigits: FractionDigits;
  /** Packets that the interface's statistics say were lost (ifdrop + osdrop); undefined when they say nothing. */
  dropped: number | undefined;
  /** The counters of a live capture, as of the last fill; undefined for a file, and where nobody counts. */
  statistics?: CaptureStatistics;
}

/** What a live capture counted. Every packet received was either delivered or dropped by the kernel. */
export interface CaptureStatistics {
  /** Packets that passed the filter. */
  readonly received: number;
  /** Of those, lost because the kernel's buffer was full. */
  readonly droppedByKernel: number;
  /** Lost before, by the interface or its driver. */
  readonly droppedByInterface: number;
}

/** Why the rest of a capture could not be read. Everything before `offset` was read and counts. */
export interface CaptureDamage {
  readonly code:
    | "cut-short"
    | "bad-record-length"
    | "bad-block-length"
    | "bad-block"
    | "unknown-interface"
    | "bad-compression"
    /** Of live captures: the interface disappeared, or capturing on it failed. */
    | "interface-gone"
    | "capture-failed";
  /** The record (pcap) or block (pcapng), counted from 1. */
  readonly record: number;
  /** Byte offset of that record in the (uncompressed) capture. */
  readonly offset: number;
  /** One sentence for people. */
  readonly message: string;
}

/** What is known of a source so far; complete once the source has ended. */
export interface SourceInfo {
  /** The file's path as given, `-`, or the interface. */
  readonly name: string;
  format: "pcap" | "pcapng" | "live" | "unknown";
  compression: "gzip" | "zstd" | undefined;
  readonly interfaces: CaptureInterface[];
  /** Packets delivered. */
  packets: number;
  /** Their bytes on the wire. */
  bytes: number;
  /** Bytes taken from the file or stream so far, compressed where it is compressed; for a progress bar. */
  bytesRead: number;
  /** What `bytesRead` will be in the end; undefined for pipes and other streams. */
  readonly totalBytes: number | undefined;
  /** Undefined while nothing is known to be wrong. */
  damage: CaptureDamage | undefined;
  /** Oddities that did not stop the reading, counted by code: `captured-exceeds-snaplen`, ... */
  readonly anomalies: Map<string, number>;
}

/**
 * Where packets come from. A pull interface: `next` is synchronous and called once per packet, `fill` waits for more
 * bytes and is called once per batch. (Pull rather than a visitor per packet, because merging by time and stopping
 * after N packets both need the consumer to decide when the next packet is taken.)
 *
 * @example
 * while (await source.fill()) while (source.next(packet)) use(packet);
 */
export interface PacketSource {
  /** One for a file or stream; as many as were merged for a merged source. */
  readonly infos: readonly SourceInfo[];
  /**
   * Moves `packet` to the next packet that is already loaded.
   *
   * @returns false when `fill` must be called first. Never throws: damage ends the source and stands in `infos`.
   */
  next(packet: CapturedPacket): boolean;
  /**
   * Loads more; packets handed out before are overwritten. Called before the first `next`.
   *
   * @returns false at the end of the source. A true promises no packet: only `next` tells.
   * @throws {LeekError} when the source cannot be read at all (not a capture, permission, I/O).
   */
  fill(): Promise<boolean>;
  close(): Promise<void>;
}
