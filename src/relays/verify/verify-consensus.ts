import { parsePreamble } from "../consensus-preamble.js";
import type { AuthoritySet, Voter } from "./authority-set.js";
import { isSignatureOf, readObject, sha1, sha256 } from "./directory-keys.js";
import type { KeyCertificate } from "./key-certificate.js";
import type { Verification } from "./verification.js";

/** What stands before the first signature and is signed with it: the keyword and one space (dir-spec 3.4.1). */
const FIRST_SIGNATURE = Buffer.from("\ndirectory-signature ");
/** Nine authorities, in two algorithms at most. */
const MAX_SIGNATURES = 100;
const MAX_SIGNATURE_BYTES = MAX_SIGNATURES * 6000;

interface DirectorySignature {
  readonly algorithm: string;
  readonly identity: string;
  readonly signingKeyDigest: string;
  readonly bytes: Buffer;
}

/** What became of an authority's signature. */
type Finding = "good" | "bad" | "no-certificate" | "out-of-date";

/**
 * Checks the signatures of a consensus of either flavor. Authorities count, not signatures: each once, and only those
 * that leek knows; more than half of these must have signed. Key certificates must hold at the document's valid-after,
 * so that old documents can be checked as well as today's.
 *
 * Source: dir-spec 1.3, 3.4.1, 3.9.2; C tor `networkstatus_check_consensus_signature`.
 *
 * @param bytes - The document as it was published; annotation lines may stand in front.
 * @param certificates - As parseKeyCertificates gives them.
 * @throws {LeekError} LEEK_CONSENSUS_UNKNOWN, LEEK_CONSENSUS_IS_VOTE, LEEK_CONSENSUS_MALFORMED for what is no consensus.
 */
export function verifyConsensus(
  bytes: Uint8Array,
  certificates: readonly KeyCertificate[],
  authorities: AuthoritySet,
  source = "consensus",
): Verification {
  const document = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { validAfter } = parsePreamble(document, source);
  const voters = authorities.at(validAfter);
  const count = (good: number) => ({ good, needed: Math.floor(voters.length / 2) + 1, authorities: voters.length });
  const start = skipAnnotations(document);
  const newline = document.indexOf(FIRST_SIGNATURE, start);
  if (newline < 0) return { state: "unverified", ...count(0), reason: "it has no signatures" };
  const signed = document.subarray(start, newline + FIRST_SIGNATURE.length);
  const signatures = readSignatures(document.toString("latin1", newline + 1, newline + 1 + MAX_SIGNATURE_BYTES));
  if (typeof signatures === "string") return { state: "invalid", ...count(0), reason: signatures };
  const digests = new Map([
    ["sha1", sha1(signed)],
    ["sha256", sha256(signed)],
  ]);
  const findings = voters.map((voter) => findingOf(voter, signatures, digests, certificates, validAfter));
  return judge(findings, count(findings.filter((it) => it === "good").length), authorities.isBuiltIn);
}

function judge(
  findings: readonly (Finding | undefined)[],
  count: { readonly good: number; readonly needed: number; readonly authorities: number },
  isBuiltIn: boolean,
): Verification {
  const number = (finding: Finding) => findings.filter((it) => it === finding).length;
  const { good, needed, authorities } = count;
  if (good >= needed && authorities > 0) return { state: "verified", ...count };
  const bad = number("bad");
  if (bad > 0) {
    return { state: "invalid", ...count, reason: `the signatures of ${people(bad)} do not fit, so it was changed` };
  }
  const outOfDate = number("out-of-date");
  const missing = number("no-certificate");
  if (good + missing + outOfDate === 0) {
    const reason = `it is signed by none of the ${people(authorities)} that leek knows`;
    // Of a network that leek does not know there is nothing to be said; of one that the user described there is.
    if (isBuiltIn) return { state: "unverified", ...count, reason: `${reason}; name a private network's authorities` };
    return { state: "invalid", ...count, reason };
  }
  if (good + missing < needed) {
    const late = outOfDate === 0 ? "" : `; the key certificates of ${people(outOfDate)} did not hold at that time`;
    const signers = good + missing + outOfDate;
    return {
      state: "invalid",
      ...count,
      reason: `${people(signers)} of ${authorities} signed it, and ${needed} are needed${late}`,
    };
  }
  return { state: "unverified", ...count, reason: `the key certificates of ${people(missing)} are missing` };
}

function people(count: number): string {
  return count === 1 ? "1 authority" : `${count} authorities`;
}

/** The best that is to be said of an authority's signatures; undefined when it did not sign. */
function findingOf(
  { identities }: Voter,
  signatures: readonly DirectorySignature[],
  digests: ReadonlyMap<string, Buffer>,
  certificates: readonly KeyCertificate[],
  validAfter: number,
): Finding | undefined {
  const findings = new Set<Finding>();
  for (const { algorithm, identity, signingKeyDigest, bytes } of signatures) {
    const digest = digests.get(algorithm);
    // Algorithms of the future are for others to check (dir-spec 3.4.1).
    if (digest === undefined || !identities.has(identity)) continue;
    const ofKey = certificates.filter((it) => it.identity === identity && it.signingKey.digest === signingKeyDigest);
    const inTime = ofKey.filter(({ published, expires }) => published <= validAfter && validAfter <= expires);
    const [certificate] = inTime;
    if (ofKey.length === 0) findings.add("no-certificate");
    else if (certificate === undefined) findings.add("out-of-date");
    else findings.add(isSignatureOf(digest, bytes, certificate.signingKey) ? "good" : "bad");
  }
  return ORDER.find((it) => findings.has(it));
}

const ORDER: readonly Finding[] = ["good", "bad", "no-certificate", "out-of-date"];

/** @returns What is wrong, when the footer's signatures cannot be read: nothing else may stand behind the first one. */
function readSignatures(text: string): DirectorySignature[] | string {
  // "directory-signature" [SP algorithm] SP identity SP signing-key-digest NL object
  // directory-signature sha256 A88891293E6097A1C437A738D0D8B094CAD629E2 4A54CFD7BBE0E6AB5E7809A2572834BF2DC07D28
  const lines = text.split("\n");
  const signatures: DirectorySignature[] = [];
  for (let i = 0; i < lines.length && lines[i] !== ""; ) {
    if (signatures.length === MAX_SIGNATURES) return `it has more than ${MAX_SIGNATURES} signatures`;
    const words = /^directory-signature(?: ([A-Za-z0-9-]+))? ([0-9A-Fa-f]{40}) ([0-9A-Fa-f]{40})$/.exec(lines[i]!);
    const object = readObject(lines, i + 1, ["SIGNATURE"]);
    if (words === null || object === undefined) return `its signature ${signatures.length + 1} cannot be read`;
    const [, algorithm = "sha1", identity, key] = words;
    signatures.push({
      algorithm,
      identity: identity!.toUpperCase(),
      signingKeyDigest: key!.toUpperCase(),
      bytes: object.bytes,
    });
    i = object.next;
  }
  return signatures;
}

/** Lines in front that are not of the document: CollecTor's `@type`, tor's own. */
function skipAnnotations(document: Buffer): number {
  let start = 0;
  while (document[start] === 0x40) {
    const newline = document.indexOf(10, start);
    if (newline < 0) return document.length;
    start = newline + 1;
  }
  return start;
}
