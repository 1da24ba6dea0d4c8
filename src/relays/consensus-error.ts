import { escapeText, LeekError } from "../base/index.js";

/** A line is quoted up to here: enough to find it, too little to flood a terminal. */
const QUOTED_CHARACTERS = 120;

/**
 * The error for a line that breaks the grammar.
 *
 * @param source - The document's path, or whatever names it.
 * @param line - As it stands in the document; escaped and cut here.
 * @param lineNumber - Counted from 1.
 * @param problem - What is wrong with it: "valid-after is not a time".
 */
export function malformedConsensus(source: string, lineNumber: number, line: string, problem: string): LeekError {
  return new LeekError(
    "LEEK_CONSENSUS_MALFORMED",
    "bad-data",
    `Cannot read consensus ${escapeText(source)}: ${problem} (line ${lineNumber}: "${quoteLine(line)}").`,
    { hint: "Take the document again from where it came; a consensus is used whole or not at all." },
  );
}

/** The error for a document that is something else than a consensus; `first` is its first line. */
export function unknownConsensus(source: string, first: string, problem = "it does not begin like one"): LeekError {
  return new LeekError(
    "LEEK_CONSENSUS_UNKNOWN",
    "bad-data",
    `${escapeText(source)} is not a Tor consensus: ${problem} (line 1: "${quoteLine(first)}").`,
    { hint: 'A consensus begins with "network-status-version 3", as tor\'s cached-microdesc-consensus does.' },
  );
}

/** The error for a vote: one authority's opinion, which no client follows. */
export function consensusIsVote(source: string): LeekError {
  return new LeekError(
    "LEEK_CONSENSUS_IS_VOTE",
    "bad-data",
    `${escapeText(source)} is one authority's vote, not the consensus of all.`,
    { hint: "Give the consensus of the same time; clients do not use votes." },
  );
}

export function consensusTooLarge(source: string, limitBytes: number): LeekError {
  return new LeekError(
    "LEEK_CONSENSUS_TOO_LARGE",
    "bad-data",
    `${escapeText(source)} is larger than ${limitBytes / 2 ** 20} MiB, ten times any consensus there has been.`,
    { hint: "Give a single consensus document, not an archive of many." },
  );
}

function quoteLine(line: string): string {
  return line.length > QUOTED_CHARACTERS ? `${escapeText(line.slice(0, QUOTED_CHARACTERS))}...` : escapeText(line);
}
