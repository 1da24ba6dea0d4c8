import { RULE_NAMES, type RuleName, type Severity } from "../finding.js";
import type { Verdict } from "../verdict.js";

/** What `findings.json` claims. */
export interface Claims {
  readonly verdict: Verdict;
  readonly findings: readonly Claim[];
}

/** A finding as `findings.json` tells it; only what can be held against the packets. */
export interface Claim {
  readonly rule: RuleName;
  readonly severity: Severity;
  readonly flowCount: number;
  readonly packets: number;
  readonly bytes: number;
  readonly first: string;
  readonly last: string;
  /** A program is named, as live audits do. Packets do not tell it. */
  readonly hasProgram: boolean;
  readonly flows: readonly {
    readonly transport: string;
    readonly originator: ClaimedEnd;
    readonly responder: ClaimedEnd;
  }[];
}

interface ClaimedEnd {
  readonly address: string;
  readonly port: number | undefined;
}

/** Reads what a document leek/audit@1 claims; undefined when it is none. */
export function readClaims(text: string): Claims | undefined {
  try {
    const document: unknown = JSON.parse(text);
    if (!isRecord(document) || document.schema !== "leek/audit@1" || !Array.isArray(document.findings))
      return undefined;
    const verdict = oneOf(["clean", "leak", "inconclusive"] as const, document.verdict);
    return { verdict, findings: document.findings.map(claimOf) };
  } catch {
    return undefined;
  }
}

/** @throws {TypeError} When something is missing or of another type. */
function claimOf(value: unknown): Claim {
  if (!isRecord(value) || !Array.isArray(value.flows)) throw new TypeError("no finding");
  return {
    rule: oneOf(RULE_NAMES, value.rule),
    severity: oneOf(["leak", "warning", "note"] as const, value.severity),
    flowCount: numberOf(value.flowCount),
    packets: numberOf(value.packets),
    bytes: numberOf(value.bytes),
    first: textOf(value.first),
    last: textOf(value.last),
    hasProgram: isRecord(value.process),
    flows: value.flows.map((flow: unknown) => {
      if (!isRecord(flow)) throw new TypeError("no flow");
      return {
        transport: textOf(flow.transport),
        originator: endOf(flow.originator),
        responder: endOf(flow.responder),
      };
    }),
  };
}

function endOf(value: unknown): ClaimedEnd {
  if (!isRecord(value)) throw new TypeError("no end");
  return { address: textOf(value.address), port: value.port === null ? undefined : numberOf(value.port) };
}

function oneOf<Word extends string>(words: readonly Word[], value: unknown): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new TypeError("not one of the words");
  return found;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("no number");
  return value;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
