import { constants, createHash, createPublicKey, type KeyObject, publicDecrypt } from "node:crypto";

/** Longer than any key or signature of a directory document; base64 of 16,384 bits has 2,752 characters. */
const MAX_OBJECT_CHARACTERS = 4096;
/** Keys of the first years had 1,024 bits; OpenSSL takes no more than 16,384. */
const MIN_KEY_BITS = 1024;

/** An RSA key of a directory authority. */
export interface DirectoryKey {
  readonly key: KeyObject;
  /** SHA-1 of its DER form (PKCS#1 RSAPublicKey): 40 upper-case hex digits. */
  readonly digest: string;
}

/**
 * Decodes an object of a directory document (dir-spec 1.2).
 *
 * @param lines - The document's lines; `at` is the line that should be `-----BEGIN LABEL-----`.
 * @returns Its bytes and the line after it, or undefined when there is no whole one with this label.
 */
export function readObject(
  lines: readonly string[],
  at: number,
  labels: readonly string[],
): { readonly bytes: Buffer; readonly next: number } | undefined {
  const label = labels.find((it) => lines[at] === `-----BEGIN ${it}-----`);
  if (label === undefined) return undefined;
  let text = "";
  for (let i = at + 1; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === `-----END ${label}-----`) return { bytes: Buffer.from(text, "base64"), next: i + 1 };
    if (text.length + line.length > MAX_OBJECT_CHARACTERS || !/^[A-Za-z0-9+/]*={0,2}$/.test(line)) return undefined;
    text += line;
  }
  return undefined;
}

/** @param der - PKCS#1 RSAPublicKey. @returns undefined when it is none, or one that is too short to mean anything. */
export function readKey(der: Buffer): DirectoryKey | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der, format: "der", type: "pkcs1" });
  } catch {
    return undefined;
  }
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_KEY_BITS)
    return undefined;
  // Encoded anew, as tor does: a key that can be written in two ways must have one digest.
  return { key, digest: sha1(pkcs1Of(key)).toString("hex").toUpperCase() };
}

/**
 * The RSAPublicKey within the SubjectPublicKeyInfo (RFC 8017 A.1.1, RFC 5280 4.1): Node.js 24 refuses to export as PKCS#1
 * what was imported as PKCS#1.
 */
function pkcs1Of(key: KeyObject): Buffer {
  const spki = key.export({ format: "der", type: "spki" });
  const algorithm = derHeaderBytes(spki, 0);
  const bitString = algorithm + derHeaderBytes(spki, algorithm) + spki[algorithm + 1]!;
  // Behind a byte that counts unused bits.
  return spki.subarray(bitString + derHeaderBytes(spki, bitString) + 1);
}

/** Of a tag, and a length in one byte or in as many as the first one says. */
function derHeaderBytes(der: Uint8Array, at: number): number {
  const length = der[at + 1]!;
  return length < 0x80 ? 2 : 2 + (length & 0x7f);
}

/**
 * Whether a signature is this key's, of this digest. Tor pads by PKCS#1 1.5, block type 1, but signs the bare digest
 * without the DigestInfo that usual signatures have (dir-spec 1.3); like tor, more behind the digest is let pass.
 */
export function isSignatureOf(digest: Buffer, signature: Buffer, { key }: DirectoryKey): boolean {
  try {
    const recovered = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature);
    return recovered.length >= digest.length && recovered.subarray(0, digest.length).equals(digest);
  } catch {
    return false;
  }
}

export function sha1(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
