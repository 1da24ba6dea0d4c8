import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  type Claims,
  type ComparedFinding,
  type Comparison,
  compareFindings,
  Derivation,
  type Manifest,
  readClaims,
  readManifest,
  stateOf,
  type Unchecked,
  type VerificationState,
} from "../../audit/evidence/index.js";
import { fileError, LeekError } from "../../base/index.js";
import type { RelayDirectory } from "../../relays/index.js";
import type { DirectoryOptions } from "../directory/directory-options.js";
import { readCaptures } from "../reading/read-capture.js";
import { type DigestCheck, EvidenceChecks } from "./evidence-checks.js";

export interface VerifyEvidenceOptions extends DirectoryOptions {
  /** The policy that the audit used. */
  readonly policy?: string;
}

/** What is to be said of a folder of evidence. */
export interface EvidenceVerification {
  readonly state: VerificationState;
  /** Undefined where it cannot be read. */
  readonly manifest: Manifest | undefined;
  /** The manifest's own digest, by which others can name the folder. */
  readonly sha256: string | undefined;
  /** As far as it came to them: where one does not fit, the packets are not judged. */
  readonly digests: readonly DigestCheck[];
  /** Leaks and warnings; undefined when it did not come to them, as the other two. */
  readonly findings: readonly ComparedFinding[] | undefined;
  readonly verdict: "leak" | undefined;
  readonly unchecked: readonly Unchecked[] | undefined;
  /** What speaks against the evidence; each a sentence. */
  readonly differences: readonly string[];
  /** What keeps leek from telling; likewise. */
  readonly unknown: readonly string[];
}

/** Of manifest and findings: far more than a full folder has. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;
const MANIFEST = "manifest.json";
const MANIFEST_FAULTS = {
  "not-json": "manifest.json is no JSON: it was damaged or changed.",
  "other-schema": "manifest.json is no manifest leek/evidence@1 that this version of leek reads, or was changed.",
  changed: "manifest.json was changed: its own digest does not fit.",
} as const;

interface ReadManifest {
  readonly manifest: Manifest;
  readonly sha256: string;
}

/**
 * Finds out whether the files of a folder are as they were written, and the packets show what is claimed.
 *
 * @throws {LeekError} LEEK_FILE_* when there is no manifest; and as DirectorySources and readCaptures.
 */
export async function verifyFolder(path: string, options: VerifyEvidenceOptions): Promise<EvidenceVerification> {
  const checks = new EvidenceChecks();
  const read = readManifest(await readText(join(path, MANIFEST), "manifest"));
  if (typeof read === "string") {
    const state = read === "changed" ? "other" : "not-checked";
    checks.digests.push({ of: "manifest", name: MANIFEST, state, claimed: undefined, found: undefined });
    checks.differences.push(MANIFEST_FAULTS[read]);
    return verificationOf(undefined, undefined, checks);
  }
  const { manifest, sha256 } = read;
  checks.digests.push({ of: "manifest", name: MANIFEST, state: "same", claimed: sha256, found: sha256 });
  await checks.files(path, manifest);
  await checks.policy(manifest, options.policy);
  if (!checks.isFree) return verificationOf(read, undefined, checks);
  const claims = readClaims(await readText(join(path, "findings.json"), "findings"));
  if (claims === undefined) {
    checks.differences.push("findings.json is no document leek/audit@1.");
    return verificationOf(read, undefined, checks);
  }
  const directory = await checks.directory(manifest, options);
  if (!checks.isFree) return verificationOf(read, undefined, checks);
  const comparison = await derive(join(path, "packets.pcapng"), manifest, claims, directory);
  return verificationOf(read, comparison, checks);
}

function verificationOf(
  read: ReadManifest | undefined,
  comparison: Comparison | undefined,
  checks: EvidenceChecks,
): EvidenceVerification {
  const differences = [...checks.differences, ...(comparison?.differences ?? [])];
  const unknown = [...checks.unknown, ...(comparison?.unknown ?? [])];
  return {
    state: stateOf(differences.length > 0, unknown.length > 0),
    manifest: read?.manifest,
    sha256: read?.sha256,
    digests: checks.digests,
    findings: comparison?.findings,
    verdict: comparison?.verdict,
    unchecked: comparison?.unchecked,
    differences,
    unknown,
  };
}

async function derive(
  path: string,
  manifest: Manifest,
  claims: Claims,
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
