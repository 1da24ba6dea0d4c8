import type { Addition, Archive } from "../../archive/index.js";
import { escapeText, formatIsoSeconds, LeekError } from "../../base/index.js";
import { type ConsensusFlavor, parsePreamble, type Verification, verificationText } from "../../relays/index.js";

/** A consensus that was taken, or would not be. */
export interface UpdatedDocument {
  /** Where it came from, for people. */
  readonly from: string;
  readonly flavor: ConsensusFlavor;
  readonly validAfter: string;
  readonly validUntil: string;
  /** What became of it; "refused" for one that is not verified. */
  readonly kept: "added" | "replaced" | "present" | "better" | "refused";
  readonly verification: Verification;
}

/** What is still wanted, and what has come. */
export class ArchiveUpdate {
  readonly wanted: Set<ConsensusFlavor>;
  readonly documents: UpdatedDocument[] = [];
  readonly problems: string[] = [];
  /** Documents for which certificates are missing. */
  readonly #unverified: { readonly bytes: Buffer; readonly from: string }[] = [];

  /** @param now - Seconds since 1970-01-01 UTC. */
  constructor(
    readonly archive: Archive,
    flavor: ConsensusFlavor | "both",
    readonly now: number,
  ) {
    this.wanted = new Set(flavor === "both" ? (["microdesc", "ns"] as const) : [flavor]);
  }

  get needsCertificates(): boolean {
    return this.#unverified.length > 0;
  }

  /** Takes a document or certificates. */
  async offer(bytes: Buffer, from: string): Promise<void> {
    let addition: Addition;
    try {
      addition = await this.archive.add(bytes, from);
    } catch (error) {
      // A disk that takes no more takes none of the others either.
      if (!(error instanceof LeekError) || error.kind !== "bad-data") throw error;
      this.problems.push(error.message);
      return;
    }
    if (addition.type === "certificates" && addition.added > 0) await this.#tryAgain();
    if (addition.type !== "consensus" && addition.type !== "refused") return;
    const { verification } = addition;
    const { flavor, validAfter, validUntil } = parsePreamble(bytes, from);
    if (verification.state === "unverified") {
      this.#unverified.push({ bytes, from });
      return;
    }
    const kept = addition.type === "refused" ? "refused" : addition.kept;
    const times = { validAfter: formatIsoSeconds(validAfter), validUntil: formatIsoSeconds(validUntil) };
    this.documents.push({ from, flavor, ...times, kept, verification });
    if (kept === "refused") {
      this.problems.push(`The consensus of ${escapeText(from)} is ${verificationText(verification)}.`);
    } else if (this.now <= validUntil) {
      this.wanted.delete(flavor);
    } else {
      this.problems.push(`The consensus of ${escapeText(from)} was valid until ${times.validUntil} only.`);
    }
  }

  /** Says which documents could not be verified in the end. */
  giveUp(): void {
    for (const { from } of this.#unverified) {
      this.problems.push(`The consensus of ${escapeText(from)} cannot be verified: key certificates are missing.`);
    }
  }

  async #tryAgain(): Promise<void> {
    for (const { bytes, from } of this.#unverified.splice(0)) await this.offer(bytes, from);
  }
}
