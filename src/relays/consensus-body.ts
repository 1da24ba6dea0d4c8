import type { LeekError } from "../base/index.js";
import { malformedConsensus } from "./consensus-error.js";
import type { ParsedPreamble } from "./consensus-preamble.js";
import { EndpointList } from "./endpoint-index.js";
import { EndpointReading, readEndpoint } from "./endpoint-text.js";
import { type RelayTable, RelayTableBuilder } from "./relay-table.js";

/** What could not be used of a document, counted; none of it stops the reading. */
export interface ConsensusAnomalies {
  /** Relays whose `r` line breaks the grammar, or that have no `s` line. */
  malformedRelays: number;
  /** `a` lines that give no address and port, or come after the eighth of a relay. */
  malformedOrAddresses: number;
  /** Relays without the flag Running, which only archives from before 2016 list; no client connects to them. */
  notRunning: number;
}

export interface ConsensusBody {
  readonly relays: RelayTable;
  /** Owners are rows of `relays`. */
  readonly ipv4: EndpointList;
  readonly ipv6: EndpointList;
  readonly anomalies: ConsensusAnomalies;
}

/** Today's authorities give a relay one additional address; dir-spec 3.4.1 allows any number. */
const MAX_OR_ADDRESSES = 8;

/** Typical bytes of a relay's entry, for the first guess of how much room its columns need. */
const TYPICAL_ENTRY_BYTES = 300;

/** As many distinct `s` lines are told apart; the real network has some 200. */
const MAX_FLAG_SETS = 65536;

// The grammar, as regular expressions: they run as native code from the first relay on. Loops of our own over the same
// bytes took two to three times as long in a process's first moment, the more so on a busy machine, where the compiler's
// threads have to wait for a core.
//
// ns:        "r" SP nickname SP identity SP digest SP date SP time SP IP SP ORPort SP DirPort
// microdesc: "r" SP nickname SP identity SP date SP time SP IP SP ORPort SP DirPort
// r examplerelay AbCdEfGhIjKlMnOpQrStUvWxYz0 2038-01-01 00:00:00 192.0.2.7 9001 0

/** 20 bytes are 27 characters, the last of which has two bits to spare: zeros. */
const IDENTITY = "([A-Za-z0-9+/]{26}[AEIMQUYcgkosw048])";
/** No leading zeros (RFC 6943 3.1.1); the range is checked where the number is made. */
const NUMBER = "(0|[1-9][0-9]{0,2})";
const PORT = "([0-9]{1,5})";
const ENDPOINT = `${NUMBER}\\.${NUMBER}\\.${NUMBER}\\.${NUMBER} ${PORT} ${PORT}`;
const DATE = "[^ \\n]{1,10} [^ \\n]{1,8}";
/** The digest decides the flavor here, so that a document whose first line lost its flavor can still be read. */
const ROUTER_LINE = `r ([A-Za-z0-9]{1,19}) ${IDENTITY} (?:[^ \\n]{27} )?${DATE} ${ENDPOINT}(?: [^\\n]*)?\\n`;
/** Documents of consensus-method 8 and older (until 2010) have no directory-footer line. */
const FOOTER_KEYWORD = "directory-(?:footer|signature)(?![^ \\n])";
/** A line that says nothing here: `m`, `v`, `pr`, `w`, `p`, or a keyword of the future. */
const OTHER_LINE = `(?!r |a |s[ \\n]|${FOOTER_KEYWORD})[^\\n]*\\n`;

const ROUTER = new RegExp(ROUTER_LINE, "y");
const FOOTER = new RegExp(FOOTER_KEYWORD, "y");

/**
 * A whole entry in the order in which tor writes it, up to what follows. Repeats are bounded, and no text matches in
 * two ways: a hostile document cannot make it backtrack.
 */
const USUAL_ENTRY = new RegExp(
  `${ROUTER_LINE}(?:a ([^\\n]*)\\n)?(?:${OTHER_LINE}){0,8}s(?: ([^\\n]*))?\\n(?:${OTHER_LINE}){0,16}(?=r |${FOOTER_KEYWORD})`,
  "y",
);

/**
 * Reads the relays of a consensus.
 *
 * A relay that cannot be read is counted and left out. Tor did the same for long; today it refuses the document, since
 * it can fetch another, while whoever audits a capture has only this one: an odd line must not hide the other 9,000
 * relays, and the count stands in the report. A document of which no relay at all can be read is refused, and so is
 * one that ends before its footer: of a document cut short nobody could say that a relay is not listed.
 *
 * Source: dir-spec 3.4.1 (ns), 3.9.2 (microdesc).
 *
 * @throws {LeekError} LEEK_CONSENSUS_MALFORMED in these two cases.
 */
export function parseBody(bytes: Buffer, preamble: ParsedPreamble, source: string): ConsensusBody {
  return new BodyParser(bytes, preamble, source).parse();
}

class BodyParser {
  readonly #text: string;
  readonly #source: string;
  readonly #bodyLineNumber: number;
  readonly #relays: RelayTableBuilder;
  readonly #ipv4: EndpointList;
  readonly #ipv6: EndpointList;
  readonly #anomalies: ConsensusAnomalies = { malformedRelays: 0, malformedOrAddresses: 0, notRunning: 0 };
  readonly #flagSets = new Map<string, FlagSet>();
  readonly #reading = new EndpointReading();
  #firstBadStart = -1;
  #isKept = false;

  constructor(bytes: Buffer, preamble: ParsedPreamble, source: string) {
    this.#text = bytes.toString("latin1", preamble.bodyStart);
    this.#source = source;
    this.#bodyLineNumber = preamble.bodyLineNumber;
    const guess = Math.ceil(this.#text.length / TYPICAL_ENTRY_BYTES);
    this.#relays = new RelayTableBuilder(guess);
    this.#ipv4 = new EndpointList(4, guess);
    this.#ipv6 = new EndpointList(6, Math.ceil(guess / 2));
  }

  parse(): ConsensusBody {
    const text = this.#text;
    let start = 0;
    while (text.startsWith("r ", start)) {
      USUAL_ENTRY.lastIndex = start;
      const entry = USUAL_ENTRY.exec(text);
      const next = USUAL_ENTRY.lastIndex;
      const isRead = entry !== null && this.#keep(entry, entry[10] ?? "");
      if (isRead && entry[9] !== undefined) this.#readOrAddress(entry[9]);
      start = isRead ? next : this.#readAnyEntry(start);
    }
    this.#refuseUnlessUsable(start);
    return { relays: this.#relays.finish(), ipv4: this.#ipv4, ipv6: this.#ipv6, anomalies: this.#anomalies };
  }

  /** Reads an entry line by line, its lines in any order; returns where the next thing begins. */
  #readAnyEntry(start: number): number {
    const text = this.#text;
    ROUTER.lastIndex = start;
    const router = ROUTER.exec(text);
    const orAddresses: string[] = [];
    let flags: string | undefined;
    let lineStart = this.#endOfLine(start) + 1;
    while (lineStart < text.length && !text.startsWith("r ", lineStart) && !this.#isFooter(lineStart)) {
      const lineEnd = this.#endOfLine(lineStart);
      if (text.startsWith("a ", lineStart)) {
        if (orAddresses.length < MAX_OR_ADDRESSES) orAddresses.push(text.slice(lineStart + 2, lineEnd));
        else this.#anomalies.malformedOrAddresses++;
      } else if (text[lineStart] === "s" && (lineEnd === lineStart + 1 || text[lineStart + 1] === " ")) {
        flags ??= text.slice(lineStart + 2, lineEnd);
      }
      lineStart = lineEnd + 1;
    }
    if (router !== null && flags !== undefined && this.#keep(router, flags)) {
      for (const orAddress of orAddresses) this.#readOrAddress(orAddress);
    } else {
      this.#anomalies.malformedRelays++;
      if (this.#firstBadStart < 0) this.#firstBadStart = start;
    }
    return lineStart;
  }

  /**
   * Adds a relay, unless it is not running.
   *
   * @param match - Of ROUTER or USUAL_ENTRY, whose first groups are the same.
   * @returns false when one of its numbers is out of range.
   */
  #keep(match: RegExpExecArray, flags: string): boolean {
    const first = +match[3]!;
    const second = +match[4]!;
    const third = +match[5]!;
    const fourth = +match[6]!;
    const orPort = +match[7]!;
    const dirPort = +match[8]!;
    // The grammar lets 999 and 99999 pass.
    if ((first | second | third | fourth) > 255 || (orPort | dirPort) > 65535) return false;
    const { row, isRunning } = this.#flagSet(flags);
    this.#isKept = isRunning;
    if (isRunning) {
      const address = (first << 24) | (second << 16) | (third << 8) | fourth;
      this.#ipv4.push(0, 0, 0, address, orPort, this.#relays.length);
      this.#relays.add(match[1]!, match[2]!, address, orPort, dirPort, row);
    } else this.#anomalies.notRunning++;
    return true;
  }

  /** Adds an OR address of the relay that was kept last. */
  #readOrAddress(text: string): void {
    // "a" SP ("[" IPv6 "]" / IPv4) ":" port
    // a [2001:db8::7]:9001
    if (!this.#isKept) return;
    const space = text.indexOf(" ");
    if (readEndpoint(text, 0, space < 0 ? text.length : space, this.#reading)) {
      const { version, a, b, c, d, port } = this.#reading;
      (version === 4 ? this.#ipv4 : this.#ipv6).push(a, b, c, d, port, this.#relays.length - 1);
    } else this.#anomalies.malformedOrAddresses++;
  }

  #flagSet(flags: string): FlagSet {
    // "s" *(SP flag)
    // s Fast Guard Running Stable V2Dir Valid
    const known = this.#flagSets.get(flags);
    if (known !== undefined) return known;
    // A slice would keep the whole document in memory.
    const own = Buffer.from(flags, "latin1").toString("latin1");
    const set = { row: this.#relays.addFlagSet(own), isRunning: ` ${own} `.includes(" Running ") };
    if (this.#flagSets.size < MAX_FLAG_SETS) this.#flagSets.set(own, set);
    return set;
  }

  #refuseUnlessUsable(end: number): void {
    const text = this.#text;
    if (!this.#isFooter(end)) {
      const lastStart = text.lastIndexOf("\n", text.length - 2) + 1;
      throw this.#malformed(lastStart, "the document ends before its footer");
    }
    const isNothingRead = this.#relays.length === 0 && this.#anomalies.notRunning === 0;
    if (isNothingRead && this.#firstBadStart >= 0) {
      throw this.#malformed(this.#firstBadStart, "no relay in it can be read, starting with this one");
    }
  }

  #malformed(lineStart: number, problem: string): LeekError {
    let lineNumber = this.#bodyLineNumber;
    for (let i = this.#text.indexOf("\n"); i >= 0 && i < lineStart; i = this.#text.indexOf("\n", i + 1)) lineNumber++;
    return malformedConsensus(
      this.#source,
      lineNumber,
      this.#text.slice(lineStart, this.#endOfLine(lineStart)),
      problem,
    );
  }

  #isFooter(start: number): boolean {
    FOOTER.lastIndex = start;
    return FOOTER.test(this.#text);
  }

  #endOfLine(start: number): number {
    const newline = this.#text.indexOf("\n", start);
    return newline < 0 ? this.#text.length : newline;
  }
}

interface FlagSet {
  readonly row: number;
  readonly isRunning: boolean;
}
