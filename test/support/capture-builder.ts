// Capture files made byte by byte, so that tests can build what no ordinary program writes.
// Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.

export type ByteOrder = "little" | "big";

/** Bytes written one after another in a byte order. */
class ByteWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  length = 0;

  constructor(readonly byteOrder: ByteOrder) {}

  u8(value: number): this {
    this.reserve(1);
    this.view.setUint8(this.length, value);
    this.length += 1;
    return this;
  }

  u16(value: number): this {
    this.reserve(2);
    this.view.setUint16(this.length, value, this.byteOrder === "little");
    this.length += 2;
    return this;
  }

  u32(value: number): this {
    this.reserve(4);
    this.view.setUint32(this.length, value, this.byteOrder === "little");
    this.length += 4;
    return this;
  }

  /** For signed values too: the low 64 bits are what is written. */
  u64(value: bigint): this {
    this.reserve(8);
    this.view.setBigUint64(this.length, BigInt.asUintN(64, value), this.byteOrder === "little");
    this.length += 8;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  padTo4(): this {
    while (this.length % 4 !== 0) this.u8(0);
    return this;
  }

  result(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

export interface PcapOptions {
  /** Default: little. */
  readonly byteOrder?: ByteOrder;
  /** Default: micro. `modified` is Kuznetzov's form with 24-byte record headers. */
  readonly form?: "micro" | "nano" | "modified";
  /** Instead of the form's own magic number. */
  readonly magic?: number;
  /** Default: [2, 4]. */
  readonly version?: readonly [major: number, minor: number];
  /** Default: 262144. */
  readonly snaplen?: number;
  /** The whole last word of the header, FCS bits included. Default: 1 (Ethernet). */
  readonly linkType?: number;
}

export interface PcapRecord {
  /** Default: 0. */
  readonly seconds?: number;
  /** Microseconds or nanoseconds, as the form says; written as given, so it may be wrong. Default: 0. */
  readonly fraction?: number;
  readonly bytes: Uint8Array;
  /** Written as given; default: bytes.length. */
  readonly capturedLength?: number;
  /** Default: bytes.length. */
  readonly originalLength?: number;
}

const PCAP_MAGIC = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d, modified: 0xa1b2cd34 } as const;

/** A whole classic pcap file. */
export function buildPcap(options: PcapOptions, records: readonly PcapRecord[]): Uint8Array {
  const form = options.form ?? "micro";
  const [major, minor] = options.version ?? [2, 4];
  const out = new ByteWriter(options.byteOrder ?? "little");
  out
    .u32(options.magic ?? PCAP_MAGIC[form])
    .u16(major)
    .u16(minor)
    .u32(0)
    .u32(0);
  out.u32(options.snaplen ?? 262144).u32(options.linkType ?? 1);
  for (const record of records) {
    out.u32(record.seconds ?? 0).u32(record.fraction ?? 0);
    out.u32(record.capturedLength ?? record.bytes.length).u32(record.originalLength ?? record.bytes.length);
    // Kuznetzov's additions: ifindex, protocol, packet type, padding.
    if (form === "modified") out.u32(3).u16(0x0800).u8(4).u8(0);
    out.raw(record.bytes);
  }
  return out.result();
}

export interface PcapngOption {
  readonly code: number;
  readonly value: Uint8Array;
}

export interface PcapngInterface {
  /** Default: 1 (Ethernet). */
  readonly linkType?: number;
  /** Default: 262144; 0 means no limit. */
  readonly snaplen?: number;
  readonly name?: string;
  readonly description?: string;
  /** The if_tsresol byte: 6, 9, 0x80 | n, ... Default: the option is left out. */
  readonly tsresol?: number;
  /** Whole seconds added to each time stamp. */
  readonly tsoffset?: bigint;
  /** Further options, after those above. */
  readonly options?: readonly PcapngOption[];
}

export interface PcapngPacket {
  /** Default: 0. */
  readonly interfaceId?: number;
  /** In the interface's units, before its offset. Default: 0. */
  readonly timestamp?: bigint;
  readonly bytes: Uint8Array;
  /** Written as given; default: bytes.length. */
  readonly capturedLength?: number;
  /** Default: bytes.length. */
  readonly originalLength?: number;
  /** epb_dropcount of an Enhanced Packet Block; the drops field (16 bits) of an obsolete Packet Block. */
  readonly dropCount?: number;
  readonly options?: readonly PcapngOption[];
}

export interface PcapngStatistics {
  /** Default: 0. */
  readonly interfaceId?: number;
  readonly timestamp?: bigint;
  readonly received?: bigint;
  readonly interfaceDrops?: bigint;
  readonly systemDrops?: bigint;
}

/**
 * A pcapng file, block after block; nothing is written unasked, so blocks may be missing or in the wrong order.
 *
 * @example new PcapngBuilder().section().interface({ tsresol: 9 }).enhancedPacket({ bytes }).build()
 */
export class PcapngBuilder {
  private readonly parts: Uint8Array[] = [];
  private order: ByteOrder = "little";

  /** Section Header Block; the blocks that follow are in its byte order. Default: little, version 1.0, length unknown. */
  section(
    options: {
      readonly byteOrder?: ByteOrder;
      readonly version?: readonly [major: number, minor: number];
      readonly sectionLength?: bigint;
      readonly options?: readonly PcapngOption[];
    } = {},
  ): this {
    this.order = options.byteOrder ?? "little";
    const [major, minor] = options.version ?? [1, 0];
    return this.block(0x0a0d0d0a, (out) => {
      out
        .u32(0x1a2b3c4d)
        .u16(major)
        .u16(minor)
        .u64(options.sectionLength ?? -1n);
      writeOptions(out, options.options ?? []);
    });
  }

  /** Interface Description Block. */
  interface(description: PcapngInterface = {}): this {
    const options: PcapngOption[] = [];
    if (description.name !== undefined) options.push({ code: 2, value: utf8(description.name) });
    if (description.description !== undefined) options.push({ code: 3, value: utf8(description.description) });
    if (description.tsresol !== undefined) options.push({ code: 9, value: Uint8Array.of(description.tsresol) });
    if (description.tsoffset !== undefined) options.push({ code: 14, value: this.u64Value(description.tsoffset) });
    options.push(...(description.options ?? []));
    return this.block(1, (out) => {
      out
        .u16(description.linkType ?? 1)
        .u16(0)
        .u32(description.snaplen ?? 262144);
      writeOptions(out, options);
    });
  }

  /** Enhanced Packet Block. */
  enhancedPacket(packet: PcapngPacket): this {
    const options = [...(packet.options ?? [])];
    if (packet.dropCount !== undefined) options.push({ code: 4, value: this.u64Value(BigInt(packet.dropCount)) });
    return this.block(6, (out) => {
      out.u32(packet.interfaceId ?? 0);
      writePacket(out, packet);
      writeOptions(out, options);
    });
  }

  /** Simple Packet Block: no time, always interface 0. */
  simplePacket(packet: { readonly bytes: Uint8Array; readonly originalLength?: number }): this {
    return this.block(3, (out) => {
      out
        .u32(packet.originalLength ?? packet.bytes.length)
        .raw(packet.bytes)
        .padTo4();
    });
  }

  /** The obsolete Packet Block; its drops field is 0xFFFF (unknown) unless `dropCount` says otherwise. */
  obsoletePacket(packet: PcapngPacket): this {
    return this.block(2, (out) => {
      out.u16(packet.interfaceId ?? 0).u16(packet.dropCount ?? 0xffff);
      writePacket(out, packet);
      writeOptions(out, packet.options ?? []);
    });
  }

  /** Name Resolution Block with IPv4 records. */
  nameResolution(names: readonly { readonly address: Uint8Array; readonly name: string }[]): this {
    return this.block(4, (out) => {
      for (const { address, name } of names) {
        const value = Uint8Array.of(...address, ...utf8(name), 0);
        out.u16(1).u16(value.length).raw(value).padTo4();
      }
      out.u16(0).u16(0);
    });
  }

  /** Interface Statistics Block. */
  statistics(statistics: PcapngStatistics = {}): this {
    const options: PcapngOption[] = [];
    if (statistics.received !== undefined) options.push({ code: 4, value: this.u64Value(statistics.received) });
    if (statistics.interfaceDrops !== undefined) {
      options.push({ code: 5, value: this.u64Value(statistics.interfaceDrops) });
    }
    if (statistics.systemDrops !== undefined) options.push({ code: 7, value: this.u64Value(statistics.systemDrops) });
    return this.block(5, (out) => {
      out.u32(statistics.interfaceId ?? 0);
      writeTimestamp(out, statistics.timestamp ?? 0n);
      writeOptions(out, options);
    });
  }

  /** Decryption Secrets Block; default type: TLS key log. */
  decryptionSecrets(secrets: Uint8Array, type = 0x544c534b): this {
    return this.block(0x0a, (out) => out.u32(type).u32(secrets.length).raw(secrets).padTo4());
  }

  /** Any block, known or not. `lengths` replaces the leading and trailing total length, to make a damaged one. */
  rawBlock(
    type: number,
    body: Uint8Array,
    lengths: { readonly leading?: number; readonly trailing?: number } = {},
  ): this {
    return this.block(type, (out) => out.raw(body), lengths);
  }

  /** Bytes outside any block. */
  rawBytes(bytes: Uint8Array): this {
    this.parts.push(bytes);
    return this;
  }

  build(): Uint8Array {
    return concatBytes(this.parts);
  }

  private block(
    type: number,
    write: (out: ByteWriter) => unknown,
    lengths: { readonly leading?: number; readonly trailing?: number } = {},
  ): this {
    const body = new ByteWriter(this.order);
    write(body);
    body.padTo4();
    const total = body.length + 12;
    const out = new ByteWriter(this.order);
    out
      .u32(type)
      .u32(lengths.leading ?? total)
      .raw(body.result())
      .u32(lengths.trailing ?? total);
    this.parts.push(out.result());
    return this;
  }

  private u64Value(value: bigint): Uint8Array {
    return new ByteWriter(this.order).u64(value).result();
  }
}

function writeTimestamp(out: ByteWriter, timestamp: bigint): void {
  // The high word comes first in either byte order, so this is no 64-bit field.
  out.u32(Number((timestamp >> 32n) & 0xffffffffn)).u32(Number(timestamp & 0xffffffffn));
}

function writePacket(out: ByteWriter, packet: PcapngPacket): void {
  writeTimestamp(out, packet.timestamp ?? 0n);
  out.u32(packet.capturedLength ?? packet.bytes.length).u32(packet.originalLength ?? packet.bytes.length);
  out.raw(packet.bytes).padTo4();
}

function writeOptions(out: ByteWriter, options: readonly PcapngOption[]): void {
  if (options.length === 0) return;
  for (const { code, value } of options) out.u16(code).u16(value.length).raw(value).padTo4();
  out.u16(0).u16(0);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The parts one after another in a new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
