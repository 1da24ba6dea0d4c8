import { createHash } from "node:crypto";

/** RFC 4648 6, in lower case and without padding. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const ONION_VERSION = 3;

export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31];
}

/**
 * The name of an onion service, version 3.
 *
 * Source: rend-spec-v3 6, "Encoding onion addresses".
 *
 * @param publicKey - 32 bytes.
 */
export function onionName(publicKey: Uint8Array): string {
  const version = Uint8Array.of(ONION_VERSION);
  const checksum = createHash("sha3-256").update(".onion checksum").update(publicKey).update(version).digest();
  return `${base32(Buffer.concat([publicKey, checksum.subarray(0, 2), version]))}.onion`;
}
