import type { DisclosureKind } from "../flow-facts.js";
import type { FlowContext } from "../protocol-reader.js";
import { typeName } from "./dns-codes.js";

/** How much of a flow's facts each kind may take, so that none crowds out the others. */
export interface LookupShares {
  readonly questions: number;
  readonly answers: number;
  /** What machines and their services are called. */
  readonly names: number;
}

/** Onion names are the gravest of all: room is kept for them. */
const MAX_ONION_NAMES = 8;
/** The last label, or in front of a search domain that the resolver tried (`.onion.lan`). */
const ONION = /\.onion$|(?:^|\.)[a-z2-7]{56}\.onion\./i;

/** Notes what a flow asks for, and what it is told: DNS, mDNS, LLMNR. */
export class LookupFacts {
  readonly #context: FlowContext;
  readonly #shares: LookupShares;
  readonly #questions: string[] = [];
  // By the index of #questions, so that what is known need not be written to be found.
  readonly #names: string[] = [];
  readonly #types: number[] = [];
  readonly #onionNames: string[] = [];
  #answers = 0;
  #announced = 0;

  constructor(context: FlowContext, shares: LookupShares) {
    this.#context = context;
    this.#shares = shares;
  }

  /** @returns Whether it is new, and kept. */
  question(name: string, type: number): boolean {
    const { facts, names } = this.#context;
    if (name !== "") names.asked(name);
    this.onionName(name);
    if (this.#isKnown(name, type)) return false;
    if (this.#questions.length >= this.#shares.questions) {
      facts.more++;
      return false;
    }
    this.#names.push(name);
    this.#types.push(type);
    this.#questions.push(`${name === "" ? "." : name} ${typeName(type)}`);
    facts.detail("questions", this.#questions);
    if (name !== "") facts.disclose("dns-question", name);
    return true;
  }

  /** Whether `answer` would still be kept; else the strings for it need not be made. */
  get takesAnswers(): boolean {
    return this.#answers < this.#shares.answers;
  }

  /** @param value - The address, or the other name, that stands for `name`. */
  answer(name: string, value: string): void {
    this.#answers += this.#disclose("dns-answer", `${name} -> ${value}`);
  }

  /** Whether `announce` would still be kept. */
  get takesNames(): boolean {
    return this.#announced < this.#shares.names;
  }

  /** What a machine is called, or a service that it offers. */
  announce(kind: "host-name" | "service-name", value: string): void {
    if (this.takesNames) this.#announced += this.#disclose(kind, value);
  }

  /** Notes a name if it is of an onion service: somebody asked DNS for what Tor alone may know. */
  onionName(name: string): void {
    if (!name.includes(".onion") || !ONION.test(name) || this.#onionNames.includes(name)) return;
    if (this.#onionNames.length >= MAX_ONION_NAMES) return;
    this.#onionNames.push(name);
    this.#context.facts.disclose("onion-name", name);
  }

  /** @returns How many facts are kept for it: none where it was known. */
  #disclose(kind: DisclosureKind, value: string): number {
    const { facts } = this.#context;
    const before = facts.disclosures.length;
    facts.disclose(kind, value);
    return facts.disclosures.length - before;
  }

  #isKnown(name: string, type: number): boolean {
    for (let i = 0; i < this.#names.length; i++) {
      if (this.#types[i] === type && this.#names[i] === name) return true;
    }
    return false;
  }
}
