/** What a ServerHello chose. */
export interface ServerHello {
  /** As on the wire: 0x0304 is TLS 1.3. */
  readonly version: number;
  readonly cipherSuite: number;
  /** It is a HelloRetryRequest, which asks for another ClientHello, and chooses as well. */
  readonly isRetry: boolean;
}

const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;
/** SHA-256 of "HelloRetryRequest", in place of the random bytes. */
const RETRY_RANDOM = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");

/**
 * Reads a whole ServerHello, of TLS, or of DTLS behind a header as TLS has it. `start` is at the handshake header.
 *
 * Source: RFC 8446 4.1.3, 4.2.1.
 *
 * @returns undefined when this is none, or not all of it is there: its version stands at its end.
 */
export function readServerHello(view: DataView, start: number, end: number): ServerHello | undefined {
  // type 1, length 3, version 2, random 32, session id length 1
  if (end - start < 39 || view.getUint8(start) !== SERVER_HELLO) return undefined;
  if (end - start < 4 + ((view.getUint8(start + 1) << 16) | view.getUint16(start + 2))) return undefined;
  let version = view.getUint16(start + 4);
  if (version >> 8 !== 0x03 && version >> 8 !== 0xfe) return undefined;
  let at = start + 39 + view.getUint8(start + 38);
  // cipher suite 2, compression 1
  if (end - at < 3) return undefined;
  const cipherSuite = view.getUint16(at);
  at += 3;
  if (end - at >= 2) {
    const stop = Math.min(end, at + 2 + view.getUint16(at));
    for (at += 2; stop - at >= 4; at += 4 + view.getUint16(at + 2)) {
      if (view.getUint16(at) === SUPPORTED_VERSIONS && stop - at >= 6) version = view.getUint16(at + 4);
    }
  }
  return { version, cipherSuite, isRetry: isRetryRandom(view, start + 6) };
}

function isRetryRandom(view: DataView, at: number): boolean {
  for (let i = 0; i < RETRY_RANDOM.length; i++) if (view.getUint8(at + i) !== RETRY_RANDOM[i]) return false;
  return true;
}
