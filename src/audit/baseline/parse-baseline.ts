import { PROTOCOLS } from "../../apps/index.js";
import { LeekError } from "../../base/index.js";
import { parseAddress } from "../../net/index.js";
import { RULE_NAMES, SEVERITIES } from "../finding.js";
import { Baseline } from "./baseline.js";
import { MAX_CONTACTS, MAX_QUESTIONS } from "./baseline-recorder.js";
import { CLASSES, DIRECTIONS, type Entry, keyOf, type Program, TUNNELS } from "./contact.js";
import { Members, type Problem } from "./members.js";

/** Bytes of a baseline's text at most. */
export const MAX_BASELINE_BYTES = 1 << 26;

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

function invalid(name: string, problem: string, cause?: unknown): LeekError {
  return new LeekError("LEEK_BASELINE_INVALID", "bad-data", `Cannot use baseline ${name}: ${problem}.`, {
    hint: "Make it anew with leek audit --save-baseline FILE.",
    cause,
  });
}
