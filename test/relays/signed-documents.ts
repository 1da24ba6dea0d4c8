import { constants, createHash, generateKeyPairSync, type KeyObject, privateEncrypt } from "node:crypto";
import type { Authority } from "../../src/relays/index.js";

/** A directory authority of a network that only a test knows. */
export interface TestAuthority {
  readonly nickname: string;
  readonly v3Identity: string;
  readonly signingKeyDigest: string;
  readonly signingKey: KeyObject;
  readonly identityKey: KeyObject;
  readonly signingPublicKey: KeyObject;
  readonly identityPublicKey: KeyObject;
}

/** Small, for they are made anew in each test run. */
const KEY_BITS = 1024;

export function makeAuthority(nickname: string): TestAuthority {
  const identity = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  const signing = generateKeyPairSync("rsa", { modulusLength: KEY_BITS });
  return {
    nickname,
    v3Identity: digestOf(identity.publicKey),
    signingKeyDigest: digestOf(signing.publicKey),
    signingKey: signing.privateKey,
    identityKey: identity.privateKey,
    signingPublicKey: signing.publicKey,
    identityPublicKey: identity.publicKey,
  };
}

/** As a torrc or leek's own table names it. */
export function authorityOf({ nickname, v3Identity }: TestAuthority): Authority {
  return { nickname, v3Identity, address: "192.0.2.1", dirPort: 80 };
}

export interface CertificateTimes {
  readonly published?: string;
  readonly expires?: string;
}

/** A key certificate, dir-spec 3.1. */
export function makeCertificate(authority: TestAuthority, times: CertificateTimes = {}): string {
  const { published = "2026-01-01 00:00:00", expires = "2027-01-01 00:00:00" } = times;
  const identityDigest = Buffer.from(authority.v3Identity, "hex");
  const text = `dir-key-certificate-version 3
fingerprint ${authority.v3Identity}
dir-key-published ${published}
dir-key-expires ${expires}
dir-identity-key
${publicPem(authority.identityPublicKey)}dir-signing-key
${publicPem(authority.signingPublicKey)}dir-key-crosscert
${object("ID SIGNATURE", sign(identityDigest, authority.signingKey))}dir-key-certification
`;
  return text + object("SIGNATURE", sign(sha1(text), authority.identityKey));
}

/** Replaces whatever signatures a document has by those of these authorities. */
export function signDocument(
  text: string,
  authorities: readonly TestAuthority[],
  algorithm: "sha1" | "sha256",
): string {
  const end = text.indexOf("\ndirectory-signature ");
  const body = `${end < 0 ? text.trimEnd() : text.slice(0, end)}\n`;
  const start = body.search(/^network-status-version/m);
  const signed = `${body.slice(start)}directory-signature `;
  const digest = createHash(algorithm).update(signed, "latin1").digest();
  const word = algorithm === "sha1" ? "" : `${algorithm} `;
  return (
    body +
    authorities
      .map((authority) => {
        const who = `${authority.v3Identity} ${authority.signingKeyDigest}`;
        return `directory-signature ${word}${who}\n${object("SIGNATURE", sign(digest, authority.signingKey))}`;
      })
      .join("")
  );
}

/** The bare digest, padded as a signature, as tor does it: without the DigestInfo of the usual kind. */
export function sign(digest: Buffer, key: KeyObject): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digest);
}

export function object(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function publicPem(key: KeyObject): string {
  return object("RSA PUBLIC KEY", key.export({ type: "pkcs1", format: "der" }));
}

function digestOf(key: KeyObject): string {
  return sha1(key.export({ type: "pkcs1", format: "der" }))
    .toString("hex")
    .toUpperCase();
}

function sha1(data: string | Buffer): Buffer {
  return createHash("sha1").update(data).digest();
}
