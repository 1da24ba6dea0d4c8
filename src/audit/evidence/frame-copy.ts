import type { CapturedPacket } from "../../base/index.js";

/**
 * A frame that is written anew: all bytes are zero but those that somebody put there on purpose, so that nothing slips
 * through by being forgotten. Offsets count from the frame's first byte. Both views end with the frame: a read or write past
 * it throws, and never meets a neighbour's bytes.
 */
export class FrameCopy {
  readonly source: DataView;
  readonly target: DataView;
  readonly bytes: Uint8Array;
  /** Captured. */
  readonly length: number;
  /** On the wire. */
  readonly wireLength: number;

  constructor({ view, start, end, originalLength }: CapturedPacket) {
    this.length = end - start;
    this.wireLength = originalLength;
    this.source = new DataView(view.buffer, view.byteOffset + start, this.length);
    this.bytes = new Uint8Array(this.length);
    this.target = new DataView(this.bytes.buffer);
  }

  /** Takes bytes over as they are. */
  keep(at: number, count: number): void {
    for (let i = at; i < at + count; i++) this.target.setUint8(i, this.source.getUint8(i));
  }
}

/**
 * The sum of 16-bit words (RFC 1071), not yet folded: add others to it, then `foldChecksum`. Exact below 2^53.
 *
 * @param start - Of an even offset within what is summed.
 */
export function sumWords(view: DataView, start: number, end: number): number {
  let sum = 0;
  let at = start;
  for (; at + 1 < end; at += 2) sum += view.getUint16(at);
  return at < end ? sum + (view.getUint8(at) << 8) : sum;
}

/** The internet checksum of a sum of words. */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
