import { statSync } from "node:fs";
import { LeekError } from "../base/index.js";
import { verificationText } from "../relays/index.js";
import type { Archive, KeptDocument } from "./archive.js";
import { DOCUMENT_KINDS, type DocumentKind } from "./layout.js";

/** Hours for which there is no document, between two that are there. */
export interface Gap {
  /** Times of the documents on both sides, seconds since 1970-01-01 UTC. */
  readonly after: number;
  readonly before: number;
  /** How many documents are missing, if there is one each hour. */
  readonly missing: number;
}

export interface KindStatus {
  readonly kind: DocumentKind;
  readonly count: number;
  readonly bytes: number;
  /** Undefined where there are none. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly gaps: readonly Gap[];
  /** Sum of the gaps' `missing`. */
  readonly missing: number;
}

export interface CertificateStatus {
  /** 40 upper-case hex digits. */
  readonly identity: string;
  /** How many certificates, and until when the last one holds. */
  readonly count: number;
  readonly expires: number;
}

export interface DocumentProblem {
  readonly path: string;
  /** For people, with untrusted text escaped. */
  readonly reason: string;
}

export interface ArchiveStatus {
  readonly directory: string;
  readonly kinds: readonly KindStatus[];
  /** By authority. */
  readonly certificates: readonly CertificateStatus[];
  readonly bytes: number;
  /** Only when asked for. */
  readonly verified: { readonly count: number; readonly problems: readonly DocumentProblem[] } | undefined;
}

const SECONDS_PER_HOUR = 3600;

/**
 * What an archive has.
 *
 * @param verify - Reads and verifies every consensus, which takes some 30 ms each, and tells `onVerified` of each.
 * @throws {LeekError} when the archive cannot be read.
 */
export function archiveStatus(
  archive: Archive,
  verify = false,
  onVerified: (done: number, total: number) => void = () => {},
): ArchiveStatus {
  const documents = DOCUMENT_KINDS.map((kind) => ({ kind, documents: archive.documents(kind) }));
  const kinds = documents.map((it) => kindStatus(it.kind, it.documents));
  const certificateBytes = archive.listCertificates().reduce((sum, { path }) => sum + sizeOf(path), 0);
  const consensuses = documents.filter(({ kind }) => kind !== "exit-list").flatMap((it) => it.documents);
  return {
    directory: archive.directory,
    kinds,
    certificates: certificateStatus(archive),
    bytes: kinds.reduce((sum, { bytes }) => sum + bytes, certificateBytes),
    verified: verify ? verifyAll(archive, consensuses, onVerified) : undefined,
  };
}

function kindStatus(kind: DocumentKind, documents: readonly KeptDocument[]): KindStatus {
  const gaps: Gap[] = [];
  for (let i = 1; i < documents.length; i++) {
    const after = documents[i - 1]!.time;
    const before = documents[i]!.time;
    // Some minutes late is not missing: exit lists are fetched at odd times.
    const missing = Math.round((before - after) / SECONDS_PER_HOUR) - 1;
    if (missing > 0) gaps.push({ after, before, missing });
  }
  return {
    kind,
    count: documents.length,
    bytes: documents.reduce((sum, { path }) => sum + sizeOf(path), 0),
    first: documents[0]?.time,
    last: documents.at(-1)?.time,
    gaps,
    missing: gaps.reduce((sum, gap) => sum + gap.missing, 0),
  };
}

function certificateStatus(archive: Archive): CertificateStatus[] {
  const byIdentity = new Map<string, { identity: string; count: number; expires: number }>();
  for (const { identity, expires } of archive.certificates()) {
    const entry = byIdentity.get(identity) ?? { identity, count: 0, expires };
    entry.count++;
    entry.expires = Math.max(entry.expires, expires);
    byIdentity.set(identity, entry);
  }
  return [...byIdentity.values()].sort((x, y) => (x.identity < y.identity ? -1 : 1));
}

function verifyAll(
  archive: Archive,
  documents: readonly KeptDocument[],
  onVerified: (done: number, total: number) => void,
): { readonly count: number; readonly problems: readonly DocumentProblem[] } {
  const problems: DocumentProblem[] = [];
  let count = 0;
  for (const [i, { path, kind, time }] of documents.entries()) {
    try {
      const verification = archive.verify(path);
      if (verification.state !== "verified") problems.push({ path, reason: verificationText(verification) });
      else if (verification.flavor !== kind || verification.validAfter !== time) {
        problems.push({ path, reason: "its name tells another time or flavor than its content" });
      } else count++;
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
      problems.push({ path, reason: error.message });
    }
    onVerified(i + 1, documents.length);
  }
  return { count, problems };
}

/** 0 for what has gone meanwhile. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
