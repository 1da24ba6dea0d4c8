import { createHash } from "node:crypto";
import type { RuleName, Severity } from "../finding.js";
import type { Role } from "../rule.js";
import type { Verdict } from "../verdict.js";
import type { NumberRun } from "./packet-numbers.js";

/** A file by its digest. */
export interface FileDigest {
  readonly bytes: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
}

/** What `packets.pcapng` and `findings.json` are made from, and how to find the same again: the document leek/evidence@1. */
export interface Manifest {
  readonly schema: "leek/evidence@1";
  /** The version that wrote it. */
  readonly leek: string;
  readonly redacted: boolean;
  readonly verdict: Verdict;
  readonly options: ManifestOptions;
  readonly captures: readonly ({ readonly name: string } & FileDigest)[];
  readonly consensuses: readonly ManifestConsensus[];
  /** Files of key certificates that the user named. */
  readonly certificates: readonly ({ readonly name: string } & FileDigest)[];
  /** Undefined digest: a preset, or redacted, for a short text can be guessed from its digest. */
  readonly policy: { readonly name: string; readonly sha256: string | null } | null;
  readonly files: {
    readonly "packets.pcapng": FileDigest & { readonly packets: number };
    readonly "findings.json": FileDigest;
  };
  readonly findings: readonly ManifestFinding[];
  readonly packets: readonly NumberRun[];
  /** What did not fit. */
  readonly leftOut: { readonly packets: number; readonly bytes: number; readonly flows: number };
}

/** Options that decide what is found. */
export interface ManifestOptions {
  /** The audited node, when it was named: addresses, ADDR/LENGTH; with redaction those that occur. */
  readonly nodes: readonly string[] | null;
  readonly role: Role;
  readonly severities: Readonly<Partial<Record<RuleName, Severity>>>;
  readonly trustUnverified: boolean;
  readonly expectBootstrap: boolean;
  readonly headersOnly: boolean;
  /** Packets that the recorder lost, as the user said. */
  readonly drops: number | null;
  readonly filter: string | null;
  readonly count: number | null;
  /** Bridges that were named: none of them is in the evidence. */
  readonly bridges: number;
}

export interface ManifestConsensus {
  readonly source: string;
  readonly flavor: string;
  readonly validAfter: string;
  /** Of the document without what archives put before it; null where it could not be read again. */
  readonly sha256: string | null;
}

/** Flows of a finding, so that each of them can be found in the packets. */
export interface ManifestFinding {
  /** Place among the findings of `findings.json`, from 0. */
  readonly finding: number;
  readonly rule: RuleName;
  readonly severity: Severity;
  /** Numbers in `packets.pcapng`: the first packet of each flow. */
  readonly flows: readonly number[];
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The text of the file: the manifest, and at its end the digest of all before. */
export function manifestText(manifest: Manifest): string {
  const digest = sha256Of(plainText(manifest));
  return plainText({ ...manifest, sha256: digest });
}

function plainText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** What is wrong with a manifest. */
export type ManifestFault = "not-json" | "other-schema" | "changed";

/**
 * Reads a manifest, of which no byte may have changed since it was written. That shows accidents and clumsy hands; whoever
 * can write the file can write a digest.
 *
 * @returns The fault where there is one.
 */
export function readManifest(text: string): { readonly manifest: Manifest; readonly sha256: string } | ManifestFault {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not-json";
  }
  if (!isRecord(value) || value.schema !== "leek/evidence@1") return "other-schema";
  const { sha256, ...rest } = value;
  if (typeof sha256 !== "string" || sha256Of(plainText(rest)) !== sha256 || plainText(value) !== text) return "changed";
  return isManifest(rest) ? { manifest: rest, sha256 } : "other-schema";
}

/** A good digest proves nothing of the shape: whoever made the folder may be hostile. */
function isManifest(value: Record<string, unknown>): value is Record<string, unknown> & Manifest {
  const { options, files, leftOut, policy } = value;
  return (
    typeof value.leek === "string" &&
    typeof value.redacted === "boolean" &&
    (value.verdict === "clean" || value.verdict === "leak" || value.verdict === "inconclusive") &&
    isOptions(options) &&
    isListOf(value.captures, isNamedDigest) &&
    isListOf(value.certificates, isNamedDigest) &&
    isListOf(value.consensuses, isConsensus) &&
    (policy === null || (isRecord(policy) && typeof policy.name === "string" && isTextOrNull(policy.sha256))) &&
    isRecord(files) &&
    isDigest(files["packets.pcapng"]) &&
    isRecord(files["packets.pcapng"]) &&
    isCount(files["packets.pcapng"].packets) &&
    isDigest(files["findings.json"]) &&
    isListOf(value.findings, isFinding) &&
    isRecord(leftOut) &&
    isCount(leftOut.packets) &&
    isCount(leftOut.flows)
  );
}

function isOptions(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { nodes, role, severities } = value;
  return (
    (nodes === null || isListOf(nodes, (it) => typeof it === "string")) &&
    (role === "client" || role === "bridge" || role === "relay" || role === "exit") &&
    isRecord(severities) &&
    Object.values(severities).every(isSeverity) &&
    typeof value.headersOnly === "boolean" &&
    isCount(value.bridges)
  );
}

function isFinding(value: unknown): boolean {
  return (
    isRecord(value) &&
    isCount(value.finding) &&
    typeof value.rule === "string" &&
    isSeverity(value.severity) &&
    isListOf(value.flows, isCount)
  );
}

function isConsensus(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value.source === "string" &&
    typeof value.flavor === "string" &&
    typeof value.validAfter === "string" &&
    isTextOrNull(value.sha256)
  );
}

function isNamedDigest(value: unknown): boolean {
  return isDigest(value) && isRecord(value) && typeof value.name === "string";
}

function isDigest(value: unknown): boolean {
  return isRecord(value) && isCount(value.bytes) && typeof value.sha256 === "string";
}

function isSeverity(value: unknown): boolean {
  return value === "leak" || value === "warning" || value === "note";
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
