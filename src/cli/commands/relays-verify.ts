import { escapeText, formatIsoSeconds, LeekError } from "../../base/index.js";
import {
  type AuthoritySet,
  findConsensusFiles,
  type KeyCertificate,
  loadCertificates,
  parsePreamble,
  readConsensus,
  type Verification,
  verificationText,
  verifyConsensus,
} from "../../relays/index.js";
import { type TrustOptions, trustedNetwork } from "../directory/directory-options.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";

export interface RelaysVerifyOptions extends TrustOptions {
  readonly json: boolean;
}

interface VerifiedDocument {
  readonly source: string;
  /** Undefined where the document cannot be read. */
  readonly flavor?: string;
  readonly validAfter?: string;
  readonly verification: Verification | { readonly state: "invalid"; readonly reason: string };
}

/** `leek relays verify FILE...`: have the authorities signed this? The exit status is that of the worst document. */
export function relaysVerify(paths: readonly string[], options: RelaysVerifyOptions): number {
  const { authorities } = trustedNetwork(options);
  const named = loadCertificates(options.certs ?? [], true);
  for (const note of named.notes) say(note.message);
  const documents = paths.flatMap((path) => verifyPath(path, named.certificates, authorities));
  if (documents.length === 0) {
    throw new LeekError(
      "LEEK_CONSENSUS_NONE",
      "no-input",
      `There is no consensus in ${paths.map(escapeText).join(", ")}.`,
      {
        hint: "Name a consensus, or a directory with some.",
      },
    );
  }
  const out = new TextOutput();
  if (options.json) out.write(`${JSON.stringify({ schema: "leek/relays-verify@1", documents }, undefined, 2)}\n`);
  else for (const document of documents) out.write(describe(document));
  out.flush();
  return statusOf(documents);
}

function verifyPath(path: string, named: readonly KeyCertificate[], authorities: AuthoritySet): VerifiedDocument[] {
  const found = orInvalid(path, () => findConsensusFiles([path]));
  if ("verification" in found) return [found];
  const beside = loadCertificates(found.certificates, false);
  for (const note of [...found.notes, ...beside.notes]) say(note.message);
  const certificates = [...named, ...beside.certificates];
  return found.files.map((file) =>
    orInvalid(file.path, () => {
      const bytes = readConsensus(file);
      const { flavor, validAfter } = parsePreamble(bytes, file.path);
      const verification = verifyConsensus(bytes, certificates, authorities, file.path);
      return { source: file.path, flavor, validAfter: formatIsoSeconds(validAfter), verification };
    }),
  );
}

/** What cannot be read as a consensus is no consensus that anybody signed; what cannot be read at all is an error. */
function orInvalid<T>(source: string, read: () => T): T | VerifiedDocument {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LeekError) || error.kind !== "bad-data") throw error;
    return { source, verification: { state: "invalid", reason: error.message } };
  }
}

function describe({ source, flavor, validAfter, verification }: VerifiedDocument): string {
  const what = flavor === undefined ? "" : `${flavor}, valid after ${validAfter}: `;
  const state = "good" in verification ? verificationText(verification) : `invalid: ${verification.reason}`;
  return `${escapeText(source)}: ${what}${state}\n`;
}

function statusOf(documents: readonly VerifiedDocument[]): number {
  const states = new Set(documents.map(({ verification }) => verification.state));
  if (states.has("invalid")) return ExitStatus.Invalid;
  return states.has("unverified") ? ExitStatus.Unverified : ExitStatus.Ok;
}
