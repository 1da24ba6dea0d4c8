import { escapeText } from "../base/index.js";
import type { Classification, Evidence } from "../classify/index.js";
import type { Listing } from "../relays/index.js";
import { listingText } from "./listing-text.js";

/** More would fill the packet list; the report has them all. */
const MAX_NAMES = 4;

/**
 * The comment on the first packet of a flow in a pcapng file: its class, the evidence, and what the other side is
 * called. One line, made of parts between `, `; a name or nickname can neither end its part nor begin another.
 *
 * @example
 * leek: tor, relay NICKNAME $FINGERPRINT (Guard, Running), consensus valid-after 2026-11-22T10:00:00Z
 * leek: clearnet, relay-address-other-port, relay NICKNAME $FINGERPRINT (OR port 9001), www.example.org
 * leek: local (private)
 *
 * @param names - What the capture calls the remote side; the first few are shown.
 */
export function flowComment(classification: Classification, names: readonly string[]): string {
  const { flowClass, evidence } = classification;
  const called = names.slice(0, MAX_NAMES).map((name) => `, ${word(name)}`);
  return `leek: ${flowClass}${evidence.map(reason).join("")}${called.join("")}`;
}

function reason(evidence: Evidence): string {
  switch (evidence.kind) {
    case "special-range":
      return ` (${evidence.range})`;
    case "not-listed":
      // What clearnet means; saying so at each flow would hide the ones that are different.
      return "";
    case "no-document":
      return `, ${evidence.kind}`;
    case "cell-shape":
      return `, ${evidence.wholeCells} of ${evidence.records} records are whole cells`;
    case "tunnel":
      return `, tunnel of IP protocol ${evidence.protocol}`;
    case "consensus": {
      const listing = listingText(evidence);
      const flags = evidence.flags.map(word).join(", ");
      return `, relay${identity(evidence)} (${flags})${document(evidence)}${listing === "" ? "" : `, ${listing}`}`;
    }
    case "consensus-out-of-reach":
      return `, ${evidence.kind}, relay${identity(evidence)}${document(evidence)}`;
    case "tor-control":
      return `, relay${identity(evidence)}, by tor's own word at ${evidence.at}`;
    case "bridge":
      return `, bridge${identity(evidence)}${evidence.transport === undefined ? "" : ` (${word(evidence.transport)})`}`;
    case "authority":
    case "fallback":
      return `, ${evidence.kind}${identity(evidence)}, built into ${evidence.release}`;
    case "former-authority":
      return `, ${evidence.kind}${identity(evidence)}`;
    case "dir-port":
      return `, ${evidence.kind}, ${listed(evidence)}${document(evidence)}`;
    case "relay-address-other-port":
      return `, ${evidence.kind}, ${listed(evidence)} (OR port ${evidence.orPort})${document(evidence)}`;
  }
}

interface Identity {
  readonly nickname?: string | undefined;
  readonly fingerprint: string | undefined;
}

function listed(who: Identity & { readonly listing: Listing }): string {
  return `${who.listing === "consensus" ? "relay" : who.listing}${identity(who)}`;
}

function identity(who: Identity): string {
  const nickname = who.nickname === undefined ? "" : ` ${word(who.nickname)}`;
  return who.fingerprint === undefined ? nickname : `${nickname} $${who.fingerprint}`;
}

function document({ validAfter }: { readonly validAfter?: string | undefined }): string {
  return validAfter === undefined ? "" : `, consensus valid-after ${validAfter}`;
}

/** A stranger's text as one word: with a blank, comma or bracket in it, it could pass for leek's own. */
function word(text: string): string {
  return escapeText(text).replace(/[ ,()$]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
