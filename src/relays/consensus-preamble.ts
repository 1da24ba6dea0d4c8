import { LeekError, parseUtcTime } from "../base/index.js";
import { consensusIsVote, malformedConsensus, unknownConsensus } from "./consensus-error.js";

export type ConsensusFlavor = "ns" | "microdesc";

/** What a consensus says of itself before it lists relays. Times are seconds since 1970-01-01 UTC. */
export interface ConsensusPreamble {
  readonly flavor: ConsensusFlavor;
  readonly validAfter: number;
  readonly freshUntil: number;
  readonly validUntil: number;
  /** How long before `validAfter` a client may already have the document (DistSeconds of `voting-delay`). */
  readonly distSeconds: number;
}

/** A preamble and where what follows it begins. */
export interface ParsedPreamble extends ConsensusPreamble {
  /** Offset of the first line that is not of the preamble; the length of the text when there is none. */
  readonly bodyStart: number;
  /** Number of that line, counted from 1. */
  readonly bodyLineNumber: number;
}

/** Enough of a line for any field that is read here. The rest is arguments that dir-spec 1.2 says to ignore. */
const LINE_CHARACTERS = 200;

/** A DistSeconds above a day would let a document reach times at which nobody had it. */
const MAX_DIST_SECONDS = 86400;

const NEWLINE = 10;

/**
 * Reads the preamble of a consensus, up to its first relay or its footer.
 *
 * Source: dir-spec 3.4.1 (ns), 3.9.2 (microdesc).
 *
 * @param text - The document or its beginning; annotation lines (`@type ...`) may stand in front.
 * @param source - Names the document in errors.
 * @throws {LeekError} LEEK_CONSENSUS_UNKNOWN when this is no consensus, LEEK_CONSENSUS_IS_VOTE for a vote,
 *   LEEK_CONSENSUS_MALFORMED when a required line is missing, repeated or wrong.
 */
export function parsePreamble(text: Buffer, source: string): ParsedPreamble {
  let flavor: ConsensusFlavor | undefined;
  let bodyStart = text.length;
  let lineNumber = 0;
  let last = "";
  const seen = new Map<string, { readonly line: string; readonly number: number }>();
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(NEWLINE, start);
    const end = newline < 0 ? text.length : newline;
    const line = text.toString("latin1", start, Math.min(end, start + LINE_CHARACTERS));
    lineNumber++;
    if (flavor === undefined) {
      if (!line.startsWith("@")) flavor = parseVersion(line, source);
    } else {
      if (endsPreamble(line)) {
        bodyStart = start;
        break;
      }
      const space = line.indexOf(" ");
      const keyword = space < 0 ? line : line.slice(0, space);
      if (REQUIRED.has(keyword)) {
        if (seen.has(keyword)) throw malformedConsensus(source, lineNumber, line, `a second ${keyword}`);
        seen.set(keyword, { line, number: lineNumber });
        if (keyword === "vote-status") requireConsensus(line, lineNumber, source);
      }
    }
    last = line;
    start = end + 1;
  }
  if (flavor === undefined) throw unknownConsensus(source, last);

  const field = (keyword: string) => {
    const found = seen.get(keyword);
    if (found === undefined) throw malformedConsensus(source, lineNumber, last, `no ${keyword} line before this`);
    return found;
  };
  field("vote-status");
  const times = ["valid-after", "fresh-until", "valid-until"].map((keyword) => {
    const { line, number } = field(keyword);
    const time = parseTimeLine(line);
    if (time === undefined) throw malformedConsensus(source, number, line, `${keyword} is not a time`);
    return time;
  });
  const [validAfter, freshUntil, validUntil] = times as [number, number, number];
  if (validAfter > freshUntil || freshUntil > validUntil) {
    const { line, number } = field("valid-until");
    throw malformedConsensus(source, number, line, "valid-after, fresh-until and valid-until are not in order");
  }
  const { line, number } = field("voting-delay");
  const distSeconds = parseVotingDelay(line);
  if (distSeconds === undefined) throw malformedConsensus(source, number, line, "voting-delay is not two numbers");
  const bodyLineNumber = bodyStart === text.length ? lineNumber + 1 : lineNumber;
  return { flavor, validAfter, freshUntil, validUntil, distSeconds, bodyStart, bodyLineNumber };
}

/**
 * Whether a file's first bytes look like a consensus of either flavor. Costs next to nothing and promises nothing:
 * a vote begins in the same way.
 */
export function looksLikeConsensus(head: Buffer): boolean {
  let start = 0;
  while (start < head.length && head[start] === 0x40) {
    const newline = head.indexOf(NEWLINE, start);
    if (newline < 0) return false;
    start = newline + 1;
  }
  return /^network-status-version 3[ \n]/.test(head.toString("latin1", start, start + 26));
}

/** The error's code says "a different kind of document", which a search through a directory skips in silence. */
export function isOtherDocument(error: unknown): boolean {
  return (
    error instanceof LeekError && (error.code === "LEEK_CONSENSUS_UNKNOWN" || error.code === "LEEK_CONSENSUS_IS_VOTE")
  );
}

const REQUIRED = new Set(["vote-status", "valid-after", "fresh-until", "valid-until", "voting-delay"]);

function endsPreamble(line: string): boolean {
  return line.startsWith("r ") || line.startsWith("directory-footer") || line.startsWith("directory-signature");
}

function parseVersion(line: string, source: string): ConsensusFlavor {
  // "network-status-version" SP "3" [SP flavor]
  // network-status-version 3 microdesc
  const [keyword, version, flavor] = line.split(" ");
  if (keyword !== "network-status-version") throw unknownConsensus(source, line);
  if (version !== "3") throw unknownConsensus(source, line, "leek reads version 3 only");
  if (flavor === undefined || flavor === "ns") return "ns";
  if (flavor === "microdesc") return "microdesc";
  throw unknownConsensus(source, line, "leek knows the flavors ns and microdesc only");
}

function requireConsensus(line: string, lineNumber: number, source: string): void {
  // "vote-status" SP ("consensus" / "vote" / "opinion")
  // vote-status consensus
  const status = line.split(" ")[1];
  if (status === "vote" || status === "opinion") throw consensusIsVote(source);
  if (status !== "consensus") throw malformedConsensus(source, lineNumber, line, "vote-status is not consensus");
}

function parseTimeLine(line: string): number | undefined {
  // keyword SP YYYY "-" MM "-" DD SP HH ":" MM ":" SS
  // valid-after 2026-11-22 10:00:00
  const [, date = "", time = ""] = line.split(" ");
  return date.length === 10 && time.length === 8 ? parseUtcTime(`${date} ${time}`) : undefined;
}

function parseVotingDelay(line: string): number | undefined {
  // "voting-delay" SP VoteSeconds SP DistSeconds
  // voting-delay 300 300
  const match = /^voting-delay \d{1,9} (\d{1,9})(?: |$)/.exec(line);
  return match === null ? undefined : Math.min(Number(match[1]), MAX_DIST_SECONDS);
}
