import { createCipheriv, createDecipheriv } from "node:crypto";
import { hmacSha256 } from "../sha256.js";
import type { LongHeader } from "./long-header.js";
import type { QuicVersion } from "./quic-versions.js";

/** What a client's Initial packets are protected with: against accident only, as anybody can make these keys. */
export interface InitialKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** For the header. */
  readonly hp: Uint8Array;
}

const TAG_BYTES = 16;
/** The sample begins where the payload would with the longest packet number. */
const MAX_NUMBER_BYTES = 4;
const SAMPLE_BYTES = 16;

/**
 * The client's keys, from the destination of its first Initial packet; after a Retry, of the first one that follows.
 *
 * Source: RFC 9001 5.2.
 */
export function clientInitialKeys({ salt, label }: QuicVersion, destination: Uint8Array): InitialKeys {
  const secret = expand(hmacSha256(salt, destination), "client in", 32);
  return {
    key: expand(secret, `${label} key`, 16),
    iv: expand(secret, `${label} iv`, 12),
    hp: expand(secret, `${label} hp`, 16),
  };
}

/**
 * Decrypts an Initial packet, all of whose bytes are there.
 *
 * Source: RFC 9001 5.3 and 5.4.
 *
 * @returns Its frames; undefined when it was protected with other keys.
 */
export function openInitial(view: DataView, packet: LongHeader, { key, iv, hp }: InitialKeys): Uint8Array | undefined {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + packet.start, packet.end - packet.start);
  const numberAt = packet.number - packet.start;
  const sampleAt = numberAt + MAX_NUMBER_BYTES;
  const mask = createCipheriv("aes-128-ecb", hp, null).update(bytes.subarray(sampleAt, sampleAt + SAMPLE_BYTES));
  const first = bytes[0]! ^ (mask[0]! & 0x0f);
  const payloadAt = numberAt + 1 + (first & 3);
  const header = bytes.slice(0, payloadAt);
  // Not slice(): of a Buffer it is no copy.
  const nonce = Uint8Array.from(iv);
  header[0] = first;
  for (let i = numberAt; i < payloadAt; i++) {
    header[i]! ^= mask[1 + i - numberAt]!;
    nonce[nonce.length - payloadAt + i]! ^= header[i]!;
  }
  const tagAt = bytes.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(header);
  decipher.setAuthTag(bytes.subarray(tagAt));
  const frames = decipher.update(bytes.subarray(payloadAt, tagAt));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return frames;
}

/** HKDF-Expand-Label of at most 32 bytes, without a context. Source: RFC 8446 7.1. */
function expand(secret: Uint8Array, label: string, length: number): Uint8Array {
  const name = `tls13 ${label}`;
  const info = Buffer.from(`\0${String.fromCharCode(length, name.length)}${name}\0\x01`, "latin1");
  return hmacSha256(secret, info).subarray(0, length);
}
