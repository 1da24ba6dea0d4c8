import type { Finding } from "../../audit/index.js";
import { escapeText, type FractionDigits } from "../../base/index.js";
import { DISCLOSURE_WORDS } from "../disclosure-words.js";
import { count } from "../numbers.js";
import { audience, flowText, processText, proofText, SHOWN_FACTS, SHOWN_FLOWS, sizeText } from "./wording.js";
import { wrapped } from "./wrap.js";

/**
 * A finding in lines for people.
 *
 * @param remedyOf - The finding above that has the same remedy, which then is not told again.
 */
export function findingText(finding: Finding, digits: FractionDigits, remedyOf?: string): string[] {
  const { id, title, flows, disclosed, process, remedy } = finding;
  const lines = [
    ...wrapped(`  ${escapeText(id)}: `, escapeText(title), 6),
    `      ${sizeText(finding, digits)}`,
    ...flows.slice(0, SHOWN_FLOWS).map((flow) => `      ${flowText(flow)}`),
    ...more(flows.length - SHOWN_FLOWS, "      "),
  ];
  if (process !== undefined) lines.push(...wrapped("      Program: ", processText(process, escapeText), 10));
  if (disclosed.length > 0) {
    lines.push(`      ${audience(finding)}`);
    for (const { kind, value } of disclosed.slice(0, SHOWN_FACTS)) {
      lines.push(...wrapped("        ", `${DISCLOSURE_WORDS[kind]}: ${escapeText(value)}`, 10));
    }
    lines.push(...more(disclosed.length - SHOWN_FACTS, "        "));
  }
  lines.push(`      Proof: ${proofText(finding)}`);
  lines.push(
    ...(remedyOf === undefined
      ? wrapped("      What to do: ", remedy, 8)
      : [`      What to do: as for ${escapeText(remedyOf)}`]),
  );
  return lines;
}

function more(left: number, indent: string): string[] {
  return left > 0 ? [`${indent}and ${count(left)} more, see --json`] : [];
}
