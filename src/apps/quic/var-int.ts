/** How many bytes a variable-length integer takes, by its first byte: 1, 2, 4 or 8. Source: RFC 9000 16. */
export function varIntBytes(view: DataView, at: number): number {
  return 1 << (view.getUint8(at) >> 6);
}

/** Its value, all of whose bytes are there. Above 2^53 it is not exact, and too large for all that leek reads. */
export function varInt(view: DataView, at: number): number {
  switch (view.getUint8(at) >> 6) {
    case 0:
      return view.getUint8(at);
    case 1:
      return view.getUint16(at) & 0x3fff;
    case 2:
      return view.getUint32(at) & 0x3fffffff;
    default:
      return (view.getUint32(at) & 0x3fffffff) * 2 ** 32 + view.getUint32(at + 4);
  }
}
