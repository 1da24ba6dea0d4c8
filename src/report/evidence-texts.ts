import type { Evidence } from "../classify/index.js";
import { quoted } from "./facts-json.js";

/** The JSON text of evidence: most of what is written of a flow. As JSON.stringify would write it. */
export class EvidenceTexts {
  // What thousands of flows share.
  readonly #texts = new WeakMap<readonly Evidence[], string>();
  readonly #flags = new WeakMap<readonly string[], string>();

  text(evidence: readonly Evidence[]): string {
    const [only] = evidence;
    if (only?.kind === "consensus" && evidence.length === 1) return this.#consensus(only);
    let text = this.#texts.get(evidence);
    if (text === undefined) {
      text = JSON.stringify(evidence);
      this.#texts.set(evidence, text);
    }
    return text;
  }

  /**
   * Put together by hand: flows to many relays are common, and neither JSON.stringify nor a text kept for each relay
   * is as quick. Fingerprints, nicknames and times need no escaping; the consensus parser takes letters and digits only.
   */
  #consensus(match: Evidence & { readonly kind: "consensus" }): string {
    const { fingerprint, nickname, freshness, listedFrom, listedUntil, flavor, validAfter, source } = match;
    let flags = this.#flags.get(match.flags);
    if (flags === undefined) {
      flags = JSON.stringify(match.flags);
      this.#flags.set(match.flags, flags);
    }
    return (
      `[{"kind":"consensus","fingerprint":"${fingerprint}","nickname":"${nickname}","flags":${flags}` +
      `,"freshness":"${freshness}"` +
      (listedFrom === undefined ? "" : `,"listedFrom":"${listedFrom}"`) +
      (listedUntil === undefined ? "" : `,"listedUntil":"${listedUntil}"`) +
      `,"flavor":"${flavor}","validAfter":"${validAfter}"` +
      `,"source":${quoted(source)}}]`
    );
  }
}
