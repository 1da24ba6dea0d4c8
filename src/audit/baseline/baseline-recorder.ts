import { RULE_NAMES, type RuleName, type Severity } from "../finding.js";
import type { Subject } from "../rule.js";
import {
  type Contact,
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

/** Kept of one run; with names of 256 characters, each written as an escape, less than MAX_BASELINE_BYTES. */
export const MAX_CONTACTS = 10_000;
export const MAX_QUESTIONS = 20_000;

/**
 * Takes down whom the node talks to, and what was found of that: a profile for the next run. All of Tor is one entry, so
 * it says nothing of relays. Only what leaves the machine, or was found to be something.
 */
export class BaselineRecorder {
  readonly #entries = new Map<string, Entry>();
  #tor = false;
  #questions = 0;
  #isComplete = true;

  /** A flow that could be judged. @param judgements - Empty when no rule fits it, or an exception was made. */
  add(subject: Subject, judgements: readonly Judgement[]): void {
    if (isTor(subject)) {
      this.#tor = true;
      return;
    }
    if (mayBeRelay(subject) || (!leavesMachine(subject) && judgements.length === 0)) return;
    const entry = this.#entry(contactOf(subject));
    if (entry === undefined) return;
    for (const { rule, severity } of judgements) {
      const worst = entry.findings.get(rule);
      if (worst === undefined || isWorse(severity, worst)) entry.findings.set(rule, severity);
    }
    for (const question of questionsOf(subject.record)) {
      if (entry.asked.has(question)) continue;
      if (this.#questions >= MAX_QUESTIONS) this.#isComplete = false;
      else {
        entry.asked.add(question);
        this.#questions++;
      }
    }
  }

  /** Takes out a flow and all of its kind: what happened as Tor failed must not pass for usual. */
  forget(subject: Subject): void {
    this.#entries.delete(keyOf(contactOf(subject)));
  }

  /** The document `leek/audit-baseline@1` with a line end: the same packets give the same text. */
  toText(): string {
    const contacts = [...this.#entries]
      .sort(([x], [y]) => (x < y ? -1 : 1))
      .map(([, { contact, findings, asked }]) => ({
        ...contact,
        findings: Object.fromEntries(RULE_NAMES.flatMap((rule) => pairOf(rule, findings.get(rule)))),
        asked: [...asked].sort(),
      }));
    const document = { schema: "leek/audit-baseline@1", complete: this.#isComplete, tor: this.#tor, contacts };
    return `${JSON.stringify(document, undefined, 2)}\n`;
  }

  #entry(contact: Contact): Entry | undefined {
    const key = keyOf(contact);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_CONTACTS) {
        this.#isComplete = false;
        return undefined;
      }
      entry = { contact, findings: new Map(), asked: new Set() };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

function pairOf(rule: RuleName, severity: Severity | undefined): [RuleName, Severity][] {
  return severity === undefined ? [] : [[rule, severity]];
}
