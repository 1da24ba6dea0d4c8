import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  type Claim,
  type Comparison,
  compareFindings,
  Derivation,
  type Manifest,
  type ManifestConsensus,
  readClaims,
  readManifest,
} from "../audit/evidence/index.js";
import { fileError, formatIsoSeconds, LeekError, parseUtcTime } from "../base/index.js";
import type { Consensus, RelayDirectory } from "../relays/index.js";
import { type DirectoryOptions, DirectorySources } from "./directory-options.js";
import { consensusDigest, fileDigest } from "./evidence-digests.js";
import { say } from "./messages.js";
import { readCaptures } from "./read-capture.js";

export interface VerifyEvidenceOptions extends DirectoryOptions {
  /** The policy that the audit used. */
  readonly policy?: string;
}

/** What is to be said of a folder of evidence. */
export interface EvidenceVerification {
  readonly state: "verified" | "not-verified" | "cannot-tell";
  /** Undefined where it cannot be read. */
  readonly manifest: Manifest | undefined;
  /** The manifest's own digest, by which others can name the folder. */
  readonly sha256: string | undefined;
  /** Findings that came out again; undefined when it did not come to that. */
  readonly findings: number | undefined;
  /** Sentences: what speaks against the evidence, and what keeps leek from telling. */
  readonly doubts: readonly string[];
}

/** Of manifest and findings: far more than a full folder has. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;
const NO_TOR = { bridges: [], connections: [] };
const FILES = ["packets.pcapng", "findings.json"] as const;
const MANIFEST_FAULTS = {
  "not-json": "manifest.json is no JSON: it was damaged or changed.",
  "other-schema": "manifest.json is no manifest leek/evidence@1 that this version of leek reads, or was changed.",
  changed: "manifest.json was changed: its own digest does not fit.",
} as const;

class Doubts {
  readonly differences: string[] = [];
  readonly unknown: string[] = [];

  get isFree(): boolean {
    return this.differences.length === 0 && this.unknown.length === 0;
  }
}

/**
 * Finds out whether the files of a folder are as they were written, and the packets show what is claimed.
 *
 * @throws {LeekError} LEEK_FILE_* when there is no manifest; and as DirectorySources and readCaptures.
 */
export async function verifyFolder(path: string, options: VerifyEvidenceOptions): Promise<EvidenceVerification> {
  const doubts = new Doubts();
  const read = readManifest(await readText(join(path, "manifest.json"), "manifest"));
  if (typeof read === "string") {
    doubts.differences.push(MANIFEST_FAULTS[read]);
    return verificationOf(undefined, undefined, doubts);
  }
  const { manifest } = read;
  await checkFiles(path, manifest, doubts);
  await checkPolicy(manifest, options.policy, doubts);
  if (!doubts.isFree) return verificationOf(read, undefined, doubts);
  const claims = readClaims(await readText(join(path, "findings.json"), "findings"));
  if (claims === undefined) {
    doubts.differences.push("findings.json is no document leek/audit@1.");
    return verificationOf(read, undefined, doubts);
  }
  const directory = await directoryOf(manifest, options, doubts);
  if (!doubts.isFree) return verificationOf(read, undefined, doubts);
  const comparison = await derive(join(path, "packets.pcapng"), manifest, claims, directory);
  doubts.differences.push(...comparison.differences);
  doubts.unknown.push(...comparison.unknown);
  return verificationOf(read, comparison, doubts);
}

function verificationOf(
  read: { readonly manifest: Manifest; readonly sha256: string } | undefined,
  comparison: Comparison | undefined,
  { differences, unknown }: Doubts,
): EvidenceVerification {
  return {
    state: differences.length > 0 ? "not-verified" : unknown.length > 0 ? "cannot-tell" : "verified",
    manifest: read?.manifest,
    sha256: read?.sha256,
    findings: comparison?.verified,
    doubts: [...differences, ...unknown],
  };
}

async function checkFiles(path: string, { files }: Manifest, doubts: Doubts): Promise<void> {
  for (const name of FILES) {
    try {
      const { bytes, sha256 } = await fileDigest(join(path, name), "evidence");
      if (bytes !== files[name].bytes || sha256 !== files[name].sha256) {
        doubts.differences.push(`${name} is not the file that was written: its digest is another.`);
      }
    } catch (error) {
      if (!(error instanceof LeekError) || error.code !== "LEEK_FILE_NOT_FOUND") throw error;
      doubts.differences.push(`${name} is missing.`);
    }
  }
}

async function checkPolicy({ policy }: Manifest, path: string | undefined, doubts: Doubts): Promise<void> {
  if (path === undefined) return;
  if (policy === null) {
    doubts.differences.push("The audit had no policy.");
    return;
  }
  const { sha256 } = await fileDigest(path, "policy");
  if (policy.sha256 === null) doubts.unknown.push("The manifest has no digest of the policy.");
  else if (sha256 !== policy.sha256) doubts.differences.push("The policy is another one: its digest does not fit.");
}

/** The relay documents of the audit, and no others: each must be there as it was. */
async function directoryOf(
  { consensuses, redacted }: Manifest,
  options: VerifyEvidenceOptions,
  doubts: Doubts,
): Promise<RelayDirectory> {
  const sources = new DirectorySources(options);
  if (consensuses.length === 0) {
    if (redacted) doubts.unknown.push("The audit had no consensus, so that nothing says which flows are Tor's.");
    return sources.directory([], NO_TOR);
  }
  const times = consensuses.map(({ validAfter }) => parseUtcTime(validAfter) ?? 0);
  const given = await sources.loadDocuments(Math.min(...times));
  for (const note of sources.notes) say(note.message);
  const documents = consensuses.flatMap((wanted) => documentFor(wanted, given, doubts) ?? []);
  return sources.directory(documents, NO_TOR);
}

function documentFor(wanted: ManifestConsensus, given: readonly Consensus[], doubts: Doubts): Consensus | undefined {
  const { flavor, validAfter, sha256 } = wanted;
  const ofHour = given.filter((it) => it.flavor === flavor && formatIsoSeconds(it.validAfter) === validAfter);
  const name = `The ${flavor} consensus of ${validAfter}`;
  if (ofHour.length === 0) {
    doubts.unknown.push(`${name} was not given (--consensus).`);
    return undefined;
  }
  const same = ofHour.find(({ source }) => sha256 === null || consensusDigest(source) === sha256);
  if (same === undefined) doubts.differences.push(`${name} is another document: its digest does not fit.`);
  return same;
}

async function derive(
  path: string,
  manifest: Manifest,
  claims: readonly Claim[],
  directory: RelayDirectory,
): Promise<Comparison> {
  const derivation = new Derivation(manifest.options, directory);
  await readCaptures([path], {
    async start() {},
    packet(packet) {
      derivation.packet(packet);
      return true;
    },
    batch() {},
  });
  return compareFindings(manifest, claims, derivation.finish());
}

/** @throws {LeekError} LEEK_FILE_*, LEEK_EVIDENCE_TOO_LARGE. */
async function readText(path: string, what: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    throw fileError(error, what, path);
  }
  try {
    const { size } = await file.stat();
    if (size > MAX_TEXT_BYTES) {
      throw new LeekError("LEEK_EVIDENCE_TOO_LARGE", "bad-data", `${path} is larger than ${MAX_TEXT_BYTES} bytes.`);
    }
    // Bytes that are no UTF-8 would read as others, which have another digest.
    return await file.readFile("utf8");
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, what, path);
  } finally {
    await file.close();
  }
}
