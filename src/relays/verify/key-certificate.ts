import { parseUtcTime } from "../../base/index.js";
import { type DirectoryKey, isSignatureOf, readKey, readObject, sha1 } from "./directory-keys.js";

/** An authority's word, by its identity key, for the key that signs consensuses for some months (dir-spec 3.1). */
export interface KeyCertificate {
  /** v3 identity of the authority: the digest of its identity key, 40 upper-case hex digits. */
  readonly identity: string;
  /** Of the key that signs consensuses. */
  readonly signingKey: DirectoryKey;
  /** When it was made and until when it holds; seconds since 1970-01-01 UTC. */
  readonly published: number;
  readonly expires: number;
  /** As it stood in the file. */
  readonly text: string;
}

export interface KeyCertificates {
  readonly certificates: readonly KeyCertificate[];
  /** Why others were not taken: one sentence part each, without untrusted text. */
  readonly rejected: readonly string[];
}

const KEYWORD = "dir-key-certificate-version";
/** Nine authorities with a few certificates each; an archive of all times has some 500. */
const MAX_CERTIFICATES = 10_000;
/** A real one has 2 to 3 KB; what comes behind so many bytes is not read. */
const MAX_CERTIFICATE_BYTES = 16_384;

/**
 * Reads key certificates, one or many, as `cached-certs`, `/tor/keys/all` and CollecTor have them, and checks each: the
 * identity key is the one of the fingerprint and has signed the certificate, and the signing key has signed the identity.
 * Whether it held at some time, and whether the identity is an authority's, is for who uses it to ask.
 *
 * Source: dir-spec 3.1.
 */
export function parseKeyCertificates(bytes: Uint8Array): KeyCertificates {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const certificates: KeyCertificate[] = [];
  const rejected: string[] = [];
  const starts = Array.from(text.matchAll(/^dir-key-certificate-version /gm), ({ index }) => index);
  if (starts.length > MAX_CERTIFICATES) rejected.push(`those after the first ${MAX_CERTIFICATES} certificates`);
  for (const [i, start] of starts.slice(0, MAX_CERTIFICATES).entries()) {
    const end = Math.min(starts[i + 1] ?? text.length, start + MAX_CERTIFICATE_BYTES);
    const read = readCertificate(text.slice(start, end));
    if (typeof read === "string") rejected.push(`certificate ${i + 1}: ${read}`);
    else certificates.push(read);
  }
  return { certificates, rejected };
}

/** Whether a document's first bytes are those of a key certificate; annotation lines may stand in front. */
export function looksLikeKeyCertificate(head: Buffer): boolean {
  return /^(?:@[^\n]*\n)*dir-key-certificate-version 3[ \n]/.test(head.toString("latin1", 0, 1024));
}

/** @returns What is wrong with it, when it is not good. */
function readCertificate(text: string): KeyCertificate | string {
  // Each item once; the certification comes last, and what it signs ends with its line.
  const lines = text.split("\n");
  const items = new Map<string, string>();
  const objects = new Map<string, Buffer>();
  let signed = "";
  for (let i = 0; i < lines.length; ) {
    const line = lines[i]!;
    const space = line.indexOf(" ");
    const keyword = space < 0 ? line : line.slice(0, space);
    i++;
    if (!KNOWN.has(keyword)) continue;
    if (items.has(keyword)) return `a second ${keyword}`;
    items.set(keyword, line.slice(keyword.length + 1));
    const labels = OBJECTS.get(keyword);
    if (labels === undefined) continue;
    const object = readObject(lines, i, labels);
    if (object === undefined) return `${keyword} has no object that can be read`;
    objects.set(keyword, object.bytes);
    if (keyword === "dir-key-certification") {
      signed = `${lines.slice(0, i).join("\n")}\n`;
      i = object.next;
      return certificateOf(items, objects, signed, `${lines.slice(0, i).join("\n")}\n`);
    }
    i = object.next;
  }
  return "it ends before dir-key-certification";
}

function certificateOf(
  items: ReadonlyMap<string, string>,
  objects: ReadonlyMap<string, Buffer>,
  signed: string,
  text: string,
): KeyCertificate | string {
  if (items.get(KEYWORD)?.split(" ")[0] !== "3") return "its version is not 3";
  const published = timeOf(items.get("dir-key-published"));
  const expires = timeOf(items.get("dir-key-expires"));
  if (published === undefined || expires === undefined) return "its times cannot be read";
  const identityDer = objects.get("dir-identity-key");
  const signingDer = objects.get("dir-signing-key");
  const crosscert = objects.get("dir-key-crosscert");
  const certification = objects.get("dir-key-certification");
  if (identityDer === undefined || signingDer === undefined || crosscert === undefined || certification === undefined) {
    return "a key or a signature is missing";
  }
  const identityKey = readKey(identityDer);
  const signingKey = readKey(signingDer);
  if (identityKey === undefined || signingKey === undefined) return "a key cannot be read";
  if (items.get("fingerprint")?.toUpperCase() !== identityKey.digest)
    return "its fingerprint is not its identity key's";
  if (!isSignatureOf(sha1(Buffer.from(signed, "latin1")), certification, identityKey)) {
    return "it is not signed by its identity key";
  }
  if (!isSignatureOf(Buffer.from(identityKey.digest, "hex"), crosscert, signingKey)) {
    return "its signing key has not signed its identity key";
  }
  return { identity: identityKey.digest, signingKey, published, expires, text };
}

function timeOf(text: string | undefined): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: |$)/.exec(text ?? "");
  return match === null ? undefined : parseUtcTime(match[1]!);
}

const OBJECTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["dir-identity-key", ["RSA PUBLIC KEY"]],
  ["dir-signing-key", ["RSA PUBLIC KEY"]],
  // Of the two labels, the specification wants the first and says that the second must be accepted too.
  ["dir-key-crosscert", ["ID SIGNATURE", "SIGNATURE"]],
  ["dir-key-certification", ["SIGNATURE"]],
]);
const KNOWN = new Set([KEYWORD, "fingerprint", "dir-key-published", "dir-key-expires", ...OBJECTS.keys()]);
