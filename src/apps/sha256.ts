import crypto from "node:crypto";

/** Node.js has crypto.hash, which makes no object for each digest, since 20.12. */
export const sha256: (bytes: Uint8Array) => Buffer =
  typeof crypto.hash === "function"
    ? (bytes) => crypto.hash("sha256", bytes, "buffer")
    : (bytes) => crypto.createHash("sha256").update(bytes).digest();

const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/**
 * HMAC-SHA-256 of two digests: createHmac makes a stream for each.
 *
 * Source: RFC 2104 2.
 *
 * @param key - At most 64 bytes.
 */
export function hmacSha256(key: Uint8Array, text: Uint8Array): Buffer {
  const inner = padded(key, INNER_PAD, text);
  return sha256(padded(key, OUTER_PAD, sha256(inner)));
}

function padded(key: Uint8Array, pad: number, text: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_BYTES + text.length);
  bytes.fill(pad, 0, BLOCK_BYTES);
  for (let i = 0; i < key.length; i++) bytes[i]! ^= key[i]!;
  bytes.set(text, BLOCK_BYTES);
  return bytes;
}
