import { join } from "node:path";
import type { FileDigest, Manifest, ManifestConsensus } from "../../audit/evidence/index.js";
import { formatIsoSeconds, LeekError, parseUtcTime } from "../../base/index.js";
import type { Consensus, RelayDirectory } from "../../relays/index.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { say } from "../output/messages.js";
import { consensusDigest, fileDigest } from "./evidence-digests.js";

/** A digest that the manifest has, and that of what is there. */
export interface DigestCheck {
  readonly of: "manifest" | "packets" | "findings" | "policy" | "consensus";
  /** Of the file in the folder, of the policy, or flavor and time of the consensus. */
  readonly name: string;
  /** `not-checked`: one of the two is not known. */
  readonly state: "same" | "other" | "missing" | "not-checked";
  /** 64 lower-case hex digits. */
  readonly claimed: string | undefined;
  readonly found: string | undefined;
}

const NO_TOR = { bridges: [], connections: [] };
const FILES = [
  ["packets", "packets.pcapng"],
  ["findings", "findings.json"],
] as const;

/** Whether all that the packets are judged by is as it was at the audit. */
export class EvidenceChecks {
  /** What speaks against the evidence; each a sentence for people. */
  readonly differences: string[] = [];
  /** What keeps leek from telling; likewise. */
  readonly unknown: string[] = [];
  readonly digests: DigestCheck[] = [];

  get isFree(): boolean {
    return this.differences.length === 0 && this.unknown.length === 0;
  }

  /** @param path - Of the folder. @throws {LeekError} LEEK_FILE_*, but not for a missing file. */
  async files(path: string, { files }: Manifest): Promise<void> {
    for (const [of, name] of FILES) {
      const { bytes, sha256: claimed } = files[name];
      const digest = await digestIfThere(join(path, name));
      const isSame = digest !== undefined && digest.bytes === bytes && digest.sha256 === claimed;
      const state = digest === undefined ? "missing" : isSame ? "same" : "other";
      this.digests.push({ of, name, state, claimed, found: digest?.sha256 });
      if (state === "missing") this.differences.push(`${name} is missing.`);
      if (state === "other") this.differences.push(`${name} is not the file that was written: its digest is another.`);
    }
  }

  /** @param path - Of the policy that the user named. @throws {LeekError} LEEK_FILE_*. */
  async policy({ policy }: Manifest, path: string | undefined): Promise<void> {
    if (policy === null) {
      if (path !== undefined) this.differences.push("The audit had no policy.");
      return;
    }
    const claimed = policy.sha256 ?? undefined;
    const found = path === undefined ? undefined : (await fileDigest(path, "policy")).sha256;
    this.#compare("policy", path ?? policy.name, claimed, found);
    if (found === undefined) return;
    if (claimed === undefined) this.unknown.push("The manifest has no digest of the policy.");
    else if (found !== claimed) this.differences.push("The policy is another one: its digest does not fit.");
  }

  /**
   * The relay documents of the audit, and no others: each must be there as it was.
   *
   * @throws {LeekError} As DirectorySources.
   */
  async directory({ consensuses, redacted }: Manifest, options: DirectoryOptions): Promise<RelayDirectory> {
    const sources = new DirectorySources(options);
    if (consensuses.length === 0) {
      if (redacted) this.unknown.push("The audit had no consensus, so that nothing says which flows are Tor's.");
      return sources.directory([], NO_TOR);
    }
    const times = consensuses.map(({ validAfter }) => parseUtcTime(validAfter) ?? 0);
    const given = await sources.loadDocuments(Math.min(...times));
    for (const note of sources.notes) say(note.message);
    const documents = consensuses.flatMap((wanted) => this.#documentFor(wanted, given) ?? []);
    return sources.directory(documents, NO_TOR);
  }

  #documentFor(wanted: ManifestConsensus, given: readonly Consensus[]): Consensus | undefined {
    const { flavor, validAfter } = wanted;
    const claimed = wanted.sha256 ?? undefined;
    const name = `${flavor} ${validAfter}`;
    const sentence = `The ${flavor} consensus of ${validAfter}`;
    const ofHour = given
      .filter((it) => it.flavor === flavor && formatIsoSeconds(it.validAfter) === validAfter)
      .map((document) => ({ document, digest: consensusDigest(document.source) }));
    const [any] = ofHour;
    if (any === undefined) {
      this.digests.push({ of: "consensus", name, state: "missing", claimed, found: undefined });
      this.unknown.push(`${sentence} was not given (--consensus).`);
      return undefined;
    }
    const same = ofHour.find(({ digest }) => claimed === undefined || digest === claimed);
    this.#compare("consensus", name, claimed, (same ?? any).digest);
    if (same === undefined) this.differences.push(`${sentence} is another document: its digest does not fit.`);
    return same?.document;
  }

  #compare(of: DigestCheck["of"], name: string, claimed: string | undefined, found: string | undefined): void {
    const isKnown = claimed !== undefined && found !== undefined;
    this.digests.push({
      of,
      name,
      state: !isKnown ? "not-checked" : claimed === found ? "same" : "other",
      claimed,
      found,
    });
  }
}

async function digestIfThere(path: string): Promise<FileDigest | undefined> {
  try {
    return await fileDigest(path, "evidence");
  } catch (error) {
    if (error instanceof LeekError && error.code === "LEEK_FILE_NOT_FOUND") return undefined;
    throw error;
  }
}
