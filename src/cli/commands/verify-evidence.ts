import { escapeText } from "../../base/index.js";
import {
  type EvidenceVerification,
  type VerifyEvidenceOptions,
  verifyFolder,
} from "../evidence/evidence-verification.js";
import { ExitStatus } from "../output/exit-status.js";
import { TextOutput } from "../output/output.js";
import { version } from "../version.js";

export interface VerifyEvidenceCommandOptions extends VerifyEvidenceOptions {
  readonly json?: boolean;
}

const HEADINGS = { verified: "VERIFIED", "not-verified": "NOT VERIFIED", "cannot-tell": "CANNOT TELL" } as const;
const STATUSES = {
  verified: ExitStatus.Ok,
  "not-verified": ExitStatus.Invalid,
  "cannot-tell": ExitStatus.Unverified,
} as const;
const UNCHECKED = {
  rules: "by which rules the flows are found, for the payload is redacted",
  "other-flows": "what depends on flows that are not in the evidence",
  programs: "whose flows they are, for packets do not tell programs",
  sums: "numbers of packets and bytes, and times, for something was left out",
} as const;

/** `leek verify-evidence DIR`: does the folder show what it claims? Exit status 0 verified, 1 not, 2 cannot tell. */
export async function verifyEvidence(path: string, options: VerifyEvidenceCommandOptions): Promise<number> {
  const verification = await verifyFolder(path, options);
  const out = new TextOutput();
  out.write(options.json === true ? verificationJson(path, verification) : verificationText(path, verification));
  out.flush();
  return STATUSES[verification.state];
}

/** What people read; what comes from the folder is escaped. */
export function verificationText(path: string, verification: EvidenceVerification): string {
  const { state, manifest, sha256, findings, verdict, unchecked = [], differences, unknown } = verification;
  const lines = [`${HEADINGS[state]}: ${path}`];
  if (manifest !== undefined) {
    const { leek, redacted, files } = manifest;
    const { packets } = files["packets.pcapng"];
    lines.push(
      `  Written by leek ${leek}: verdict ${manifest.verdict}, ${packets} packets${redacted ? ", redacted" : ""}.`,
    );
  }
  if (sha256 !== undefined) lines.push(`  Digest of the manifest: ${sha256}`);
  if (findings !== undefined) {
    const verified = findings.filter((finding) => finding.state === "verified").length;
    lines.push(`  Findings that the packets show again: ${verified}.`);
    lines.push(`  Verdict by these packets alone: ${verdict ?? "none, as they can prove a leak only"}.`);
  }
  lines.push(...unchecked.map((what) => `  Not checked: ${UNCHECKED[what]}.`));
  lines.push(...[...differences, ...unknown].map((doubt) => `  - ${doubt}`));
  return lines.map((line) => `${escapeText(line)}\n`).join("");
}

/** The document `leek/evidence-verification@1` (docs/schemas/evidence-verification.json), with a line end. */
export function verificationJson(path: string, verification: EvidenceVerification): string {
  const { state, manifest, sha256, digests, findings, verdict, unchecked, differences, unknown } = verification;
  const document = {
    schema: "leek/evidence-verification@1",
    leek: version(),
    folder: path,
    state,
    evidence:
      manifest === undefined
        ? null
        : {
            leek: manifest.leek,
            redacted: manifest.redacted,
            packets: manifest.files["packets.pcapng"].packets,
            sha256: sha256,
          },
    digests: digests.map((digest) => ({ ...digest, claimed: digest.claimed ?? null, found: digest.found ?? null })),
    verdict: {
      claimed: manifest?.verdict ?? null,
      derived: verdict ?? null,
      agrees: verdict === undefined ? null : verdict === manifest?.verdict,
    },
    findings: findings ?? null,
    unchecked: unchecked ?? null,
    differences,
    unknown,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
