import { PROTOCOLS, type Protocol } from "../apps/index.js";
import { LeekError } from "../base/index.js";
import { parseAddress } from "../net/index.js";
import type { FlowRecord } from "../pipeline/index.js";
import { RULE_NAMES, type RuleName, SEVERITIES, type Severity } from "./finding.js";
import type { Subject } from "./rule.js";

/** Kept of one run; with names of 256 characters, each written as an escape, less than MAX_BASELINE_BYTES. */
const MAX_CONTACTS = 10_000;
const MAX_QUESTIONS = 20_000;
/** Bytes of a baseline's text at most. */
export const MAX_BASELINE_BYTES = 1 << 26;

const CLASSES = ["clearnet", "tor-suspected", "local"] as const;
const DIRECTIONS = ["outbound", "inbound", "internal"] as const;
const TUNNELS = ["ipip", "6in4", "gre"] as const;

/** What a rule says of a flow, by the policy. */
export interface Judgement {
  readonly rule: RuleName;
  readonly severity: Severity;
}

/** Whom the node talks to, by what stays the same from run to run. */
interface Contact {
  readonly class: (typeof CLASSES)[number];
  readonly direction: (typeof DIRECTIONS)[number];
  readonly process: Program | null;
  /** What the capture calls the other end, in lower case; then there is no address. */
  readonly name: string | null;
  readonly address: string | null;
  /** Of whoever is asked: the other end's, for inbound flows the node's. */
  readonly port: number | null;
  readonly transport: string;
  readonly application: Protocol | null;
  readonly tunnel: (typeof TUNNELS)[number] | null;
}

interface Program {
  readonly name: string;
  readonly unit: string | null;
  readonly container: string | null;
}

interface Entry {
  readonly contact: Contact;
  /** What was found, at its worst. */
  readonly findings: Map<RuleName, Severity>;
  /** Names that DNS was asked for, in lower case. */
  readonly asked: Set<string>;
}

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
    document: BaselineDocument,
  ) {
    this.#tor = document.tor;
    this.#entries = document.entries;
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

/** Links to relays and bridges; not what only goes to their addresses. */
function isTor({ record, isClearnet }: Subject): boolean {
  return record.classification.flowClass === "tor" && !isClearnet;
}

/** Looks like a link of Tor's, and no document reaches its time to tell: relays are none of a baseline's affairs. */
function mayBeRelay({ record: { classification } }: Subject): boolean {
  const isUnreached = classification.evidence.some(
    ({ kind }) => kind === "no-document" || kind === "consensus-out-of-reach",
  );
  return classification.flowClass === "tor-suspected" && isUnreached;
}

function leavesMachine({ isClearnet, isLan }: Subject): boolean {
  return isClearnet || isLan;
}

function isWorse(left: Severity, right: Severity): boolean {
  return SEVERITIES.indexOf(left) < SEVERITIES.indexOf(right);
}

function contactOf({ record, direction, remote, isClearnet, facts }: Subject): Contact {
  const { flow, classification, names } = record;
  const isSuspected = classification.flowClass === "tor-suspected";
  // Names of DNS are the same in any letters, and some resolvers choose them by chance; tor makes its names up.
  const name = (isSuspected ? undefined : names[0]?.toLowerCase()) ?? null;
  return {
    class: isSuspected ? "tor-suspected" : isClearnet ? "clearnet" : "local",
    direction: direction === "inbound" || direction === "internal" ? direction : "outbound",
    process: programOf(record),
    name,
    address: name === null ? remote.address : null,
    port: (direction === "inbound" ? flow.responder.port : remote.port) ?? null,
    transport: flow.transport,
    application: facts?.protocol ?? null,
    tunnel: flow.tunnel?.kind ?? null,
  };
}

/** A session's scope and a container's number are others each time. */
function programOf({ process: match }: FlowRecord): Program | null {
  const process = match?.process;
  if (process === undefined) return null;
  const { name, unit, container } = process;
  return {
    name,
    unit: unit === undefined ? null : unit.endsWith(".scope") ? "scope" : unit,
    container: container === undefined ? null : /^[0-9a-f]{12}$/.test(container) ? "numbered" : container,
  };
}

function questionsOf({ facts }: FlowRecord): string[] {
  if (facts?.protocol !== "dns") return [];
  return facts.disclosures.filter(({ kind }) => kind === "dns-question").map(({ value }) => value.toLowerCase());
}

function keyOf(contact: Contact): string {
  const {
    class: flowClass,
    direction,
    process: program,
    name,
    address,
    port,
    transport,
    application,
    tunnel,
  } = contact;
  return JSON.stringify([
    ...[flowClass, direction, name, address, port, transport, application, tunnel],
    ...(program === null ? [] : [program.name, program.unit, program.container]),
  ]);
}

function pairOf(rule: RuleName, severity: Severity | undefined): [RuleName, Severity][] {
  return severity === undefined ? [] : [[rule, severity]];
}

interface BaselineDocument {
  readonly tor: boolean;
  readonly entries: ReadonlyMap<string, Entry>;
}

/**
 * Reads what BaselineRecorder wrote. Whatever it would not write is refused: to overlook it could make news known.
 *
 * @param name - What it is called in reports and messages: the file.
 * @throws {LeekError} LEEK_BASELINE_INVALID, naming the place.
 */
export function parseBaseline(text: string, name: string): Baseline {
  if (text.length > MAX_BASELINE_BYTES) throw invalid(name, `it is larger than ${MAX_BASELINE_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(name, error instanceof Error ? error.message : String(error), error);
  }
  const problem = (what: string): never => {
    throw invalid(name, what);
  };
  const document = new Members(value, "the document", problem);
  document.hasOnly(["schema", "complete", "tor", "contacts"]);
  document.oneOf("schema", ["leek/audit-baseline@1"]);
  document.flag("complete");
  const entries = new Map<string, Entry>();
  const contacts = document.list("contacts", MAX_CONTACTS);
  for (const [i, it] of contacts.entries()) {
    const entry = readEntry(new Members(it, `contacts[${i}]`, problem), problem);
    const key = keyOf(entry.contact);
    if (entries.has(key)) problem(`contacts[${i}] stands there twice`);
    entries.set(key, entry);
  }
  return new Baseline(name, { tor: document.flag("tor"), entries });
}

type Problem = (what: string) => never;

function readEntry(members: Members, problem: Problem): Entry {
  const contact = {
    class: members.oneOf("class", CLASSES),
    direction: members.oneOf("direction", DIRECTIONS),
    process: members.nullOr("process", () => readProgram(members.inner("process"))),
    name: members.nullOr("name", (key) => members.text(key)),
    address: members.nullOr("address", (key) => members.text(key)),
    port: members.nullOr("port", (key) => members.port(key)),
    transport: members.text("transport"),
    application: members.nullOr("application", (key) => members.oneOf(key, PROTOCOLS)),
    tunnel: members.nullOr("tunnel", (key) => members.oneOf(key, TUNNELS)),
  };
  members.hasOnly([...Object.keys(contact), "findings", "asked"]);
  if ((contact.name === null) === (contact.address === null)) members.refuse("name or address", "one of them given");
  if (contact.address !== null && parseAddress(contact.address) === undefined) members.refuse("address", "an address");
  const found = members.inner("findings");
  found.hasOnly(RULE_NAMES);
  const findings = new Map(
    RULE_NAMES.filter((rule) => found.has(rule)).map((rule) => [rule, found.oneOf(rule, SEVERITIES)]),
  );
  const asked = members.list("asked", MAX_QUESTIONS).map((question) => {
    return typeof question === "string" ? question : problem(`${members.where}.asked must have texts`);
  });
  return { contact, findings, asked: new Set(asked) };
}

function readProgram(members: Members): Program {
  members.hasOnly(["name", "unit", "container"]);
  return {
    name: members.text("name"),
    unit: members.nullOr("unit", (key) => members.text(key)),
    container: members.nullOr("container", (key) => members.text(key)),
  };
}

/** Members of a JSON object that has to have them. */
class Members {
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #problem: Problem;

  constructor(
    value: unknown,
    readonly where: string,
    problem: Problem,
  ) {
    this.#problem = problem;
    if (typeof value !== "object" || value === null || Array.isArray(value)) problem(`${where} must be an object`);
    this.#values = new Map(Object.entries(value as object));
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  refuse(key: string, wanted: string): never {
    return this.#problem(`${this.where}: ${key} must be ${wanted}`);
  }

  hasOnly(keys: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (!keys.includes(key)) this.#problem(`${this.where} has an unknown member: ${key.slice(0, 60)}`);
    }
  }

  nullOr<Value>(key: string, read: (key: string) => Value): Value | null {
    return this.#values.get(key) === null ? null : read(key);
  }

  oneOf<Word extends string>(key: string, words: readonly Word[]): Word {
    const value = this.#values.get(key);
    return (
      words.find((word) => word === value) ?? this.refuse(key, words.length > 8 ? "known to leek" : words.join(" or "))
    );
  }

  flag(key: string): boolean {
    const value = this.#values.get(key);
    return typeof value === "boolean" ? value : this.refuse(key, "true or false");
  }

  text(key: string): string {
    const value = this.#values.get(key);
    return typeof value === "string" && value !== "" ? value : this.refuse(key, "text, and not empty");
  }

  port(key: string): number {
    const value = this.#values.get(key);
    const isPort = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
    return isPort ? value : this.refuse(key, "0 to 65535");
  }

  list(key: string, most: number): readonly unknown[] {
    const value = this.#values.get(key);
    return Array.isArray(value) && value.length <= most ? value : this.refuse(key, `a list of ${most} at most`);
  }

  inner(key: string): Members {
    return new Members(this.#values.get(key), `${this.where}.${key}`, this.#problem);
  }
}

function invalid(name: string, problem: string, cause?: unknown): LeekError {
  return new LeekError("LEEK_BASELINE_INVALID", "bad-data", `Cannot use baseline ${name}: ${problem}.`, {
    hint: "Make it anew with leek audit --save-baseline FILE.",
    cause,
  });
}
