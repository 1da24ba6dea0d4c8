import { parseAddress } from "../net/index.js";
import type { StreamHead, StreamSide } from "../streams/index.js";
import type { FlowFacts } from "./flow-facts.js";
import { firstText } from "./line-cursor.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "./protocol-reader.js";
import { TwoSidedLines } from "./two-sided-lines.js";
import { disclosePublicAddress } from "./wire-values.js";

const MATCH_BYTES = 128;
/** 512 with CR LF, RFC 2812 2.3; tags of IRCv3 make them longer. */
const MAX_LINE = 2000;
/** Lines of one side that are looked at. */
const MAX_LINES = 200;
const MAX_CHANNELS = 16;

/** N, U, C, P of a client's first commands; a colon or N of a server's first line. */
const FIRST_BYTES = new Set(Buffer.from("NUCPnucp:", "latin1"));
/** FTP and POP3 say USER too, with one parameter; PASS alone is anybody's. */
const CLIENT =
  /^(?:PASS [^\r\n]+\r?\n)?(?:NICK :?[^\s:,!@*?#&]{1,64}\r?\n|USER (?:[^\s:]\S* ){3}:?[^\r\n]*\r?\n|CAP (?:LS(?: \d{1,3})?|REQ :?[^\r\n]+)\r?\n)/i;
const SERVER = /^(?::[\w.:-]+ (?:001 [^\s:]+ :?|NOTICE (?:AUTH|\*) :|CAP \* (?:LS|ACK|NAK) )|NOTICE AUTH :\*\*\* )/i;
/** Beginnings that may still become one of them. */
const COMMANDS = ["NICK ", "USER ", "CAP LS", "CAP REQ ", "PASS ", "NOTICE AUTH :*** "];

/** An optional prefix, and the rest. */
const MESSAGE = /^(?:@\S+ +)?(?::(\S+) +)?([A-Z]+|\d{3})(?: (.*))?$/is;
/** What a welcome ends with: how the server calls the client. */
const MASK = /!~?[^\s!@]+@([^\s!@]+)$/;
/** A cloak, as `user/wiz`, is none. */
const HOST_NAME = /^(?=.*[a-z])[\w-]+(?:\.[\w-]+)+$/i;

/**
 * IRC, by the first commands of a client or the first line of a server.
 *
 * Source: RFC 2812 3.1 and 5.1; IRCv3 capability negotiation.
 */
export const irc: StreamProtocol = {
  protocol: "irc",
  match(head: StreamHead): Match {
    if (!FIRST_BYTES.has(head.bytes[0]!)) return Match.No;
    const text = firstText(head, MATCH_BYTES);
    if (CLIENT.test(text) || SERVER.test(text)) return Match.Yes;
    return head.length < MATCH_BYTES && mayBecome(text) ? Match.NeedMore : Match.No;
  },
  open: (context) => new IrcReader(context),
};

function mayBecome(text: string): boolean {
  if (text.startsWith(":")) return !/[\r\n\0]/.test(text);
  let start = text;
  if (/^PASS /i.test(text)) {
    const lineEnd = text.indexOf("\n");
    if (lineEnd < 0) return true;
    start = text.slice(lineEnd + 1);
  }
  if (start.includes("\n")) return false;
  const upper = start.toUpperCase();
  return COMMANDS.some((it) => it.startsWith(upper) || upper.startsWith(it));
}

class IrcReader implements StreamReader {
  readonly #facts: FlowFacts;
  readonly #lines = new TwoSidedLines(MAX_LINE, MAX_LINES);
  readonly #channels: string[] = [];

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    facts.recognise("irc", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    return this.#lines.read(side, head, this.#line);
  }

  readonly #line = (side: StreamSide, line: string) => {
    const [, prefix, command, rest = ""] = MESSAGE.exec(line) ?? [];
    if (command === undefined) return;
    // Clients send no prefix, servers nearly always do: so it does not matter who began.
    if (prefix === undefined) this.#fromClient(side, command.toUpperCase(), rest);
    else this.#fromServer(side, prefix, command, rest);
  };

  #fromClient(side: StreamSide, command: string, rest: string): void {
    const facts = this.#facts;
    switch (command) {
      case "PASS":
        facts.detail("password", true);
        break;
      case "AUTHENTICATE":
        facts.detail("authentication", true);
        break;
      case "NICK": {
        const nick = parameters(rest)[0];
        if (nick === undefined) break;
        facts.detail("nick", nick);
        facts.disclose("user-name", nick);
        break;
      }
      case "USER":
        this.#user(parameters(rest));
        break;
      case "JOIN":
        this.#join(parameters(rest)[0] ?? "");
        break;
      case "STARTTLS":
        facts.detail("startTls", true);
        this.#lines.end(side);
        break;
    }
  }

  /** USER user mode unused :real name */
  #user([user, , , realName]: readonly string[]): void {
    if (realName === undefined) return;
    const facts = this.#facts;
    for (const [key, value] of [
      ["user", user],
      ["realName", realName],
    ] as const) {
      if (value === undefined || value === "") continue;
      facts.detail(key, value);
      facts.disclose("user-name", value);
    }
  }

  /** Names only: the keys of channels are secrets. */
  #join(names: string): void {
    for (const name of names.split(",", MAX_CHANNELS)) {
      if (!/^[#&+!]./.test(name) || this.#channels.length >= MAX_CHANNELS || this.#channels.includes(name)) continue;
      this.#channels.push(name);
      this.#facts.detail("channels", this.#channels);
    }
  }

  #fromServer(side: StreamSide, host: string, command: string, rest: string): void {
    if (command !== "001") return;
    const facts = this.#facts;
    this.#lines.end(side);
    facts.detail("serverHost", host);
    facts.name(host, "greeting");
    facts.disclose("host-name", host);
    const [nick, welcome = ""] = parameters(rest);
    if (nick !== undefined) {
      facts.detail("nick", nick);
      facts.disclose("user-name", nick);
    }
    const seenFrom = MASK.exec(welcome)?.[1];
    if (seenFrom === undefined) return;
    facts.detail("clientHost", seenFrom);
    const address = parseAddress(seenFrom);
    if (address !== undefined) disclosePublicAddress(facts, address);
    else if (HOST_NAME.test(seenFrom)) facts.disclose("host-name", seenFrom);
  }
}

/** The first four parameters; one that begins with a colon is the last and may have spaces. */
function parameters(rest: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < rest.length && found.length < 4) {
    if (rest[at] === " ") {
      at++;
      continue;
    }
    if (rest[at] === ":") {
      found.push(rest.slice(at + 1));
      break;
    }
    const space = rest.indexOf(" ", at);
    const end = space < 0 ? rest.length : space;
    found.push(rest.slice(at, end));
    at = end;
  }
  return found;
}
