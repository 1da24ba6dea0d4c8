import type { FlowFacts } from "../apps/index.js";

/** The JSON members for what a flow says: its application, and what anyone on the path learns from it. */
export function factsJson(facts: FlowFacts | undefined): string {
  if (facts?.protocol === undefined) return "";
  const { protocol, by, details, disclosures, more } = facts;
  let text = `,"application":{"protocol":"${protocol}","by":"${by}","details":{`;
  // Keys are leek's own.
  let separator = "";
  for (const [key, value] of details) {
    text += `${separator}"${key}":${JSON.stringify(value)}`;
    separator = ",";
  }
  text += "}}";
  if (disclosures.length > 0) text += `,"disclosed":${JSON.stringify(disclosures)}`;
  if (more > 0) text += `,"moreDisclosed":${more}`;
  return text;
}
