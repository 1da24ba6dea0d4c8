import { escapeText } from "../../base/index.js";
import { type EvidenceVerification, type VerifyEvidenceOptions, verifyFolder } from "../evidence-verification.js";
import { ExitStatus } from "../exit-status.js";
import { TextOutput } from "../output.js";

const HEADINGS = { verified: "VERIFIED", "not-verified": "NOT VERIFIED", "cannot-tell": "CANNOT TELL" } as const;
const STATUSES = {
  verified: ExitStatus.Ok,
  "not-verified": ExitStatus.Invalid,
  "cannot-tell": ExitStatus.Unverified,
} as const;

/** `leek verify-evidence DIR`: does the folder show what it claims? Exit status 0 verified, 1 not, 2 cannot tell. */
export async function verifyEvidence(path: string, options: VerifyEvidenceOptions): Promise<number> {
  const verification = await verifyFolder(path, options);
  const out = new TextOutput();
  out.write(verificationText(path, verification));
  out.flush();
  return STATUSES[verification.state];
}

/** What people read; what comes from the folder is escaped. */
export function verificationText(path: string, verification: EvidenceVerification): string {
  const { state, manifest, sha256, findings, doubts } = verification;
  const lines = [`${HEADINGS[state]}: ${path}`];
  if (manifest !== undefined) {
    const { leek, verdict, redacted, files } = manifest;
    const { packets } = files["packets.pcapng"];
    lines.push(`  Written by leek ${leek}: verdict ${verdict}, ${packets} packets${redacted ? ", redacted" : ""}.`);
  }
  if (sha256 !== undefined) lines.push(`  Digest of the manifest: ${sha256}`);
  if (findings !== undefined) lines.push(`  Findings that the packets show again: ${findings}.`);
  lines.push(...doubts.map((doubt) => `  - ${doubt}`));
  return lines.map((line) => `${escapeText(line)}\n`).join("");
}
