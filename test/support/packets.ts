import { CapturedPacket, LinkType } from "../../src/base/index.js";
import { decodePacket, PacketHeaders } from "../../src/decode/index.js";
import { formatAddress } from "../../src/net/index.js";

export interface FrameFields {
  readonly linkType?: number;
  /** Captured bytes; all by default. */
  readonly captured?: number;
  /** Bytes of other packets around this one in its buffer. */
  readonly padding?: { readonly before: number; readonly after: Uint8Array };
  readonly seconds?: number;
  readonly nanoseconds?: number;
  readonly number?: number;
  readonly originalLength?: number;
}

/** A frame as a source would hand it out. */
export function captured(frame: Uint8Array, fields: FrameFields = {}): CapturedPacket {
  const kept = fields.captured ?? frame.length;
  const before = fields.padding?.before ?? 0;
  const after = fields.padding?.after ?? new Uint8Array(0);
  const bytes = new Uint8Array(before + kept + after.length);
  bytes.set(frame.subarray(0, kept), before);
  bytes.set(after, before + kept);
  const packet = new CapturedPacket();
  packet.bytes = bytes;
  packet.view = new DataView(bytes.buffer);
  packet.start = before;
  packet.end = before + kept;
  packet.originalLength = fields.originalLength ?? frame.length;
  packet.linkType = fields.linkType ?? LinkType.EN10MB;
  packet.seconds = fields.seconds ?? 1_700_000_000;
  packet.nanoseconds = fields.nanoseconds ?? 0;
  packet.number = fields.number ?? 1;
  return packet;
}

export function decode(packet: CapturedPacket): PacketHeaders {
  const headers = new PacketHeaders();
  decodePacket(packet, headers);
  return headers;
}

/** `source:port > destination:port protocol` of decoded headers. */
export function summary(h: PacketHeaders): string {
  const version = h.ipVersion === 4 ? 4 : 6;
  const source = formatAddress(version, h.srcA, h.srcB, h.srcC, h.srcD);
  const destination = formatAddress(version, h.dstA, h.dstB, h.dstC, h.dstD);
  return `${source}:${h.srcPort} > ${destination}:${h.dstPort} ${h.protocol}`;
}
