import { formatAddress } from "../net/index.js";
import { readDnsAnswers } from "./dns/dns-answers.js";

interface LearnedName {
  readonly name: string;
  /** When the answer was seen; whole seconds and nanoseconds since 1970-01-01 UTC. */
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Addresses remembered at most; the one learned first is forgotten first. */
const MAX_ADDRESSES = 65_536;
/** Names kept for one address: CDNs serve thousands of names from one. */
const MAX_NAMES = 8;
/** Names that were asked for or answered, remembered at most: beyond it, a name counts as never resolved. */
const MAX_KNOWN = 65_536;
const NO_NAMES: readonly string[] = [];

/** What the capture's own DNS answers said of addresses ("passive DNS"). Nothing is ever looked up. */
export class PassiveNames {
  readonly #byAddress = new Map<string, LearnedName[]>();
  readonly #known = new Set<string>();

  /** Learns from a DNS response; anything else is ignored. */
  learn(view: DataView, start: number, end: number, seconds: number, nanoseconds: number): void {
    readDnsAnswers(view, start, end, (name, version, a, b, c, d) => {
      if (name !== "") this.answered(name, formatAddress(version, a, b, c, d), seconds, nanoseconds);
    });
  }

  /** Learns one address, in canonical text, that a DNS response gave for a name. */
  answered(name: string, address: string, seconds: number, nanoseconds: number): void {
    this.#add(address, { name, seconds, nanoseconds });
  }

  /** Notes that somebody asked for a name. */
  asked(name: string): void {
    this.#note(name);
  }

  /** Whether a question or an answer so far had this name, in whatever case. */
  knowsName(name: string): boolean {
    return this.#known.has(name.toLowerCase());
  }

  /** The names that had been answered for an address up to a moment, in the order in which they were learned. */
  namesOf(address: string, seconds: number, nanoseconds: number): readonly string[] {
    const known = this.#byAddress.get(address);
    if (known === undefined) return NO_NAMES;
    const names: string[] = [];
    for (const learned of known) {
      const before = learned.seconds < seconds || (learned.seconds === seconds && learned.nanoseconds <= nanoseconds);
      if (before) names.push(learned.name);
    }
    return names;
  }

  #note(name: string): void {
    if (this.#known.size < MAX_KNOWN) this.#known.add(name.toLowerCase());
  }

  #add(address: string, learned: LearnedName): void {
    this.#note(learned.name);
    const known = this.#byAddress.get(address);
    if (known !== undefined) {
      if (known.length < MAX_NAMES && !known.some(({ name }) => name === learned.name)) known.push(learned);
      return;
    }
    if (this.#byAddress.size >= MAX_ADDRESSES) {
      const [oldest] = this.#byAddress.keys();
      this.#byAddress.delete(oldest!);
    }
    this.#byAddress.set(address, [learned]);
  }
}
