/** Bytes of a compact size whose first byte is this. */
export function compactSizeBytes(first: number): number {
  if (first < 253) return 1;
  return first === 253 ? 3 : first === 254 ? 5 : 9;
}

/**
 * A compact size: one byte, or 253, 254, 255 and 2, 4, 8 bytes, little-endian.
 *
 * @returns -1 when not all of it is there; Infinity for what needs 8 bytes, as no message is so long.
 */
export function compactSize(view: DataView, at: number, end: number): number {
  if (at >= end) return -1;
  const first = view.getUint8(at);
  const bytes = compactSizeBytes(first);
  if (end - at < bytes) return -1;
  if (bytes === 1) return first;
  if (bytes === 9) return Infinity;
  return bytes === 3 ? view.getUint16(at + 1, true) : view.getUint32(at + 1, true);
}
