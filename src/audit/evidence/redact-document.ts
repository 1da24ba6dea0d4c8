import type { NamePseudonyms } from "./name-pseudonyms.js";

/** Members whose texts are leek's own: codes, times, names of rules. All other texts are taken for the capture's. */
const OWN_WORDS: ReadonlySet<string> = new Set([
  "schema",
  "leek",
  "verdict",
  "code",
  "rule",
  "severity",
  "kind",
  "transport",
  "flavor",
  "validAfter",
  "verification",
  "role",
  "documents",
  "first",
  "last",
]);
/** Leek's own sentences. */
const SENTENCES: ReadonlySet<string> = new Set(["text", "remedy", "title"]);
/** Details of reasons: numbers and times with these words between; others name files, interfaces or addresses. */
const DETAIL_WORDS =
  /^(?:packets?|frames?|flows?|fragments?|bytes|in|places|of|s|outside|Tor|None|reaches|to|\d+(?:\.\d)?|\d{4}-\d\d-\d\dT[\d:]{8}Z)[.,]?$/;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * A document leek/audit@1 without what tells of machines and people: names and addresses are replaced as in the packets,
 * programs and their users are left out. What is not known to be harmless becomes a word that says nothing.
 */
export function redactDocument(document: object, names: NamePseudonyms): object {
  const plain: Json = JSON.parse(JSON.stringify(document));
  return redact("", plain, undefined, names) as object;
}

/** @param kind - Of the facts that stand in here. */
function redact(key: string, value: Json, kind: string | undefined, names: NamePseudonyms): Json {
  if (typeof value === "string") return redactText(key, value, kind, names);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((item) => redact(key, item, kind, names));
  // Under names of rules.
  if (key === "severities") return value;
  const ownKind = typeof value.kind === "string" ? value.kind : undefined;
  const entries = Object.entries(value).map(([member, it]): [string, Json] =>
    member === "process" ? [member, null] : [member, redact(member, it, ownKind, names)],
  );
  return Object.fromEntries(entries);
}

function redactText(key: string, text: string, kind: string | undefined, names: NamePseudonyms): string {
  if (OWN_WORDS.has(key)) return text;
  if (SENTENCES.has(key)) return names.sentence(text);
  switch (key) {
    case "id":
      // RULE/PROGRAM
      return text.split("/")[0]!;
    case "address":
    case "addresses":
      return names.address(text);
    case "value":
    case "values":
      return kind === undefined ? names.word("redacted-", text) : names.disclosed(kind, text);
    case "sources":
      return names.word("capture-", text);
    case "source":
      return names.word("consensus-", text);
    case "details":
      return text.split(" ").every((word) => DETAIL_WORDS.test(word)) ? text : "";
    default:
      return text === "" ? "" : names.word("redacted-", text);
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
