import type { Disclosure, FlowFacts } from "../apps/index.js";

/** Text that stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** The JSON members for what a flow says: its application, and what anyone on the path learns from it. */
export function factsJson(facts: FlowFacts | undefined): string {
  if (facts?.protocol === undefined) return "";
  const { protocol, by, details, disclosures, more } = facts;
  let text = `,"application":{"protocol":"${protocol}","by":"${by}","details":{`;
  // Keys are leek's own.
  let separator = "";
  for (const [key, value] of details) {
    text += `${separator}"${key}":${typeof value === "string" ? quoted(value) : JSON.stringify(value)}`;
    separator = ",";
  }
  text += "}}";
  if (disclosures.length > 0) text += `,"disclosed":[${disclosures.map(disclosureJson).join(",")}]`;
  if (more > 0) text += `,"moreDisclosed":${more}`;
  return text;
}

function disclosureJson({ kind, value, packet }: Disclosure): string {
  return `{"kind":"${kind}","value":${quoted(value)},"packet":${packet}}`;
}

/** JSON.stringify takes three times as long. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}
