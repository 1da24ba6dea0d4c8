import { varInt, varIntBytes } from "./var-int.js";

/** Frames that an Initial packet may hold (RFC 9000 12.4), but for CONNECTION_CLOSE, behind which nothing matters. */
const Frame = { Padding: 0, Ping: 1, Ack: 2, AckEcn: 3, Crypto: 6 } as const;

/**
 * Finds the CRYPTO frames of an Initial packet's payload, in the order in which they stand: not that of their offsets.
 *
 * Source: RFC 9000 19.
 *
 * @param visit - Told of each: where in the handshake its bytes belong, and the bytes.
 */
export function readCryptoFrames(payload: Uint8Array, visit: (offset: number, bytes: Uint8Array) => void): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const end = payload.length;
  let at = 0;
  /** Takes one number; -1 when it is not all there, and there is no going on. */
  const next = () => {
    if (at >= end || end - at < varIntBytes(view, at)) return -1;
    const value = varInt(view, at);
    at += varIntBytes(view, at);
    return value;
  };
  while (at < end) {
    const type = payload[at++]!;
    if (type === Frame.Crypto) {
      const offset = next();
      const length = offset < 0 ? -1 : next();
      if (length < 0 || length > end - at) return;
      visit(offset, payload.subarray(at, at + length));
      at += length;
    } else if (type === Frame.Ack || type === Frame.AckEcn) {
      // largest, delay, count of ranges, first range; gap and length of each range; three counts
      next();
      next();
      const ranges = next();
      if (ranges < 0) return;
      for (let left = 1 + 2 * ranges + (type === Frame.AckEcn ? 3 : 0); left > 0; left--) if (next() < 0) return;
    } else if (type !== Frame.Padding && type !== Frame.Ping) return;
  }
}
