import type { StreamHead, StreamSide } from "../streams/index.js";
import type { FlowFacts } from "./flow-facts.js";
import { firstText } from "./line-cursor.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "./protocol-reader.js";
import { TwoSidedLines } from "./two-sided-lines.js";

const MATCH_BYTES = 128;
/** RFC 5321 4.5.3.1: 512 for commands and replies, more with extensions. */
const MAX_LINE = 1000;
/** Lines of one side that are looked at. */
const MAX_LINES = 200;
const MAX_RECIPIENTS = 32;

const DIGIT_2 = 0x32;
/** Of what a server says first. FTP says 220 too, so that a word must tell; a host name is none. */
const GREETING_START = /^220(?:[ -]|$)/;
const GREETING_WORD = /(?<![\w.-])E?SMTP(?![\w-]|\.\w)/i;
const FTP_WORD = /(?<![A-Z])S?FTPD?(?![A-Z])|FTPD/i;
/** What a client says first: a domain or an address literal (RFC 5321 4.1.1.1). */
const HELLO = /^(?:EHLO|HELO) +([\w.-]+|\[[\w.:]+\]) *\r?\n/i;
const HELLO_SO_FAR = /^(?:EHLO|HELO)(?: +[\w.:[\]-]*)? *\r?$/i;
const HELLO_LINE = /^(?:EHLO|HELO) +(\S+) *$/i;
/** The path may begin with a source route, which is dropped. */
const PATH = /^(MAIL FROM|RCPT TO): *<(?:@[^<>:]*:)?([^<>]*)>/i;
const REPLY = /^(\d{3})(?:[ -](.*))?$/;
/** A host's name or address literal; the code of `220 2.0.0 Ready` is none. */
const HOST = /^(?:(?=.*\.)(?=.*[a-z])[\w.-]+|\[[\w.:]+\])$/i;
/** What a server says after its name, where it says SMTP at all: mostly its program. */
const SERVICE = /^E?SMTP *$/i;

/**
 * SMTP, by the server's greeting where it says so, or by the client's EHLO or HELO.
 *
 * Source: RFC 5321 3.1 and 4.1, RFC 3207 (STARTTLS), RFC 4954 (AUTH).
 */
export const smtp: StreamProtocol = {
  protocol: "smtp",
  match(head: StreamHead): Match {
    const first = head.bytes[0]!;
    if (first === DIGIT_2) return matchGreeting(head);
    return (first | 0x20) === 0x65 || (first | 0x20) === 0x68 ? matchHello(head) : Match.No;
  },
  open: (context) => new SmtpReader(context),
};

function matchGreeting(head: StreamHead): Match {
  const start = firstText(head, 4);
  if (!GREETING_START.test(start)) return "220".startsWith(start) ? Match.NeedMore : Match.No;
  const text = firstText(head, MATCH_BYTES);
  const lineEnd = text.indexOf("\n");
  // A word that is cut off may go on as another: only a whole line, or the most there is, decides.
  if (lineEnd < 0 && head.length < MATCH_BYTES && !head.ended) return Match.NeedMore;
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  return GREETING_WORD.test(line) && !FTP_WORD.test(line) ? Match.Yes : Match.No;
}

function matchHello(head: StreamHead): Match {
  const text = firstText(head, MATCH_BYTES);
  if (text.length < 5) {
    const upper = text.toUpperCase();
    return "EHLO ".startsWith(upper) || "HELO ".startsWith(upper) ? Match.NeedMore : Match.No;
  }
  if (HELLO.test(text)) return Match.Yes;
  return head.length < MATCH_BYTES && HELLO_SO_FAR.test(text) ? Match.NeedMore : Match.No;
}

class SmtpReader implements StreamReader {
  readonly #facts: FlowFacts;
  readonly #lines = new TwoSidedLines(MAX_LINE, MAX_LINES);
  readonly #recipients: string[] = [];
  /** Who is the server, once a reply is seen: the flow's originator may have been guessed. */
  #server: StreamSide | undefined;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    facts.recognise("smtp", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    return this.#lines.read(side, head, this.#line);
  }

  readonly #line = (side: StreamSide, line: string) => {
    if (side === this.#server || (this.#server === undefined && REPLY.test(line))) this.#reply(side, line);
    else this.#command(side, line);
  };

  #reply(side: StreamSide, text: string): void {
    this.#server = side;
    const [, code, words = ""] = REPLY.exec(text) ?? [];
    if (code === undefined || code === "354") this.#lines.end(side);
    else if (code === "220" && this.#lines.count(side) === 1) this.#greeting(words);
    else if (code === "250" && /^STARTTLS *$/i.test(words)) this.#facts.detail("startTlsOffered", true);
  }

  #greeting(words: string): void {
    const facts = this.#facts;
    facts.detail("greeting", words);
    const [host = "", ...rest] = words.split(" ");
    if (!HOST.test(host)) return;
    facts.detail("serverHost", host);
    facts.name(host, "greeting");
    facts.disclose("host-name", host);
    const service = rest.join(" ").trim();
    if (GREETING_WORD.test(service) && !SERVICE.test(service)) facts.disclose("software", service);
  }

  #command(side: StreamSide, text: string): void {
    const facts = this.#facts;
    const hello = HELLO_LINE.exec(text)?.[1];
    if (hello !== undefined) {
      facts.detail("clientHost", hello);
      facts.disclose("host-name", hello);
      return;
    }
    const [, command, address] = PATH.exec(text) ?? [];
    if (command !== undefined && address !== undefined) this.#address(command, address);
    else if (/^AUTH(?: |$)/i.test(text)) facts.detail("authentication", true);
    else if (/^STARTTLS *$/i.test(text)) {
      facts.detail("startTls", true);
      this.#lines.end(side);
    } else if (/^(?:DATA *$|BDAT )/i.test(text)) this.#lines.end(side);
  }

  #address(command: string, address: string): void {
    // MAIL FROM:<> is a bounce's.
    if (address === "") return;
    const facts = this.#facts;
    if (/^M/i.test(command)) facts.detail("sender", address);
    else if (this.#recipients.length < MAX_RECIPIENTS) {
      this.#recipients.push(address);
      facts.detail("recipients", this.#recipients);
    }
    facts.disclose("mail-address", address);
  }
}
