import type { RuleName } from "../finding.js";
import type { Subject } from "../rule.js";
import {
  contactOf,
  type Entry,
  isTor,
  isWorse,
  type Judgement,
  keyOf,
  leavesMachine,
  mayBeRelay,
  questionsOf,
} from "./contact.js";

/** What a former run found. */
export interface BaselineProfile {
  readonly tor: boolean;
  readonly entries: ReadonlyMap<string, Entry>;
}

/**
 * Whom the node talked to in a former run. What was found then is not news now; what was not, or was found to be less, is.
 */
export class Baseline {
  readonly #tor: boolean;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #exceptions = new Map<RuleName, { readonly because: string }>();

  /** @param name - What it is called in reports: the file. */
  constructor(
    readonly name: string,
    profile: BaselineProfile,
  ) {
    this.#tor = profile.tor;
    this.#entries = profile.entries;
  }

  /**
   * What a flow that was found to be something is an exception by; undefined when it is new. It is known when the same
   * contact was found by the same rules, with the same severities or worse ones; of DNS, when the same names were asked for.
   */
  knownAs(subject: Subject, judgements: readonly Judgement[]): { readonly because: string } | undefined {
    const [main] = judgements;
    if (main === undefined || isTor(subject) || mayBeRelay(subject)) return undefined;
    const entry = this.#entries.get(keyOf(contactOf(subject)));
    if (entry === undefined) return undefined;
    for (const { rule, severity } of judgements) {
      const before = entry.findings.get(rule);
      if (before === undefined || isWorse(severity, before)) return undefined;
    }
    const { record, facts } = subject;
    // What it asked for beside that is not known.
    if (facts !== undefined && facts.protocol === "dns" && facts.more > 0) return undefined;
    if (questionsOf(record).some((question) => !entry.asked.has(question))) return undefined;
    let exception = this.#exceptions.get(main.rule);
    if (exception === undefined) {
      exception = { because: `known by the baseline ${this.name}: ${main.rule}` };
      this.#exceptions.set(main.rule, exception);
    }
    return exception;
  }

  /** Whether a flow leaves the machine to somebody whom the baseline does not have, or by Tor for the first time. */
  isNewContact(subject: Subject): boolean {
    if (isTor(subject)) return !this.#tor;
    return leavesMachine(subject) && !mayBeRelay(subject) && !this.#entries.has(keyOf(contactOf(subject)));
  }
}
