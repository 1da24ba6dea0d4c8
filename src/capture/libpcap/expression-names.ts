import { isIPv6 } from "node:net";
import { type WordRole, wordRole } from "./expression-words.js";

/** A name in an expression that libpcap would ask the resolver about. */
export interface ResolvedName {
  readonly name: string;
  /** Offset in the expression, in UTF-16 units. */
  readonly offset: number;
}

/** What libpcap would do with a name at this point of an expression. */
type NameUse =
  /** Ask the resolver, or fail: refuse. */
  | "resolve"
  /** Look into /etc/services, /etc/protocols, /etc/ethers or its own tables. */
  | "local";

type Token =
  | { readonly kind: "word"; readonly role: WordRole; readonly text: string }
  | { readonly kind: "name" | "number" | "address" | "operator"; readonly text: string };

// Longest match first, as flex does. A word holds every character of names, so `1.2.3.4.5` is one (bad) word.
const SPACE = /[ \r\n\t]+/y;
const COLONS = /[0-9A-Fa-f.]*:[0-9A-Fa-f:.]+/y;
const WORD = /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y;
const QUOTED_NAME = /\\[^ !()\n\t]+/y;
const ARCNET_ADDRESS = /\$[0-9A-Fa-f]{1,2}/y;
const OPERATOR = /&&|\|\||>=|<=|!=|==|<<|>>|[+\-*/%:[\]!<>()&|^=]/y;

const LOGIC_OPERATORS: ReadonlySet<string> = new Set(["&&", "||", "!"]);

const NUMBER = /^(?:[0-9]+|0[xX][0-9A-Fa-f]+)$/;
const PART = "(?:[0-9]+|0[xX][0-9A-Fa-f]+)";
const IPV4_OR_NET = new RegExp(`^${PART}(?:\\.${PART}){1,3}$`);
const MAC =
  /^(?:[0-9A-Fa-f]{1,2}(?:([:.-])[0-9A-Fa-f]{1,2}(?:\1[0-9A-Fa-f]{1,2}){4})|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}|[0-9A-Fa-f]{12})$/;

/**
 * Finds the first name in a pcap-filter expression that pcap_compile would hand to the resolver, because leek never
 * asks the network. It errs on the side of refusing: a name passes only where libpcap's grammar cannot see a host.
 *
 * libpcap decides what a name means by the qualifiers before it, or, after `and`, `or`, `not` and `(`, by those of the
 * operand before: `port http or 443 or smtp` are three ports, `host 192.0.2.1 and (port 80) or x` asks for host x.
 * A `)` restores the qualifiers of its `(` in some rules of the grammar and keeps the inner ones in others.
 *
 * @param minorVersion - Of the libpcap 1 that will compile it; 0 when unknown.
 * @returns undefined when no name would be looked up; the expression may still be wrong.
 */
export function findResolvedName(expression: string, minorVersion: number): ResolvedName | undefined {
  let use: NameUse = "resolve";
  let linkHead: LinkHead = "none";
  let previous: Token | undefined;
  const outerUses: NameUse[] = [];

  for (const { token, offset } of tokens(expression, minorVersion)) {
    switch (token.kind) {
      case "name":
        if (use === "resolve" && linkHead !== "open" && !cannotBeHost(previous)) return { name: token.text, offset };
        if (linkHead === "open") use = "local";
        break;
      case "number":
      case "address":
        // `ether host 00:00:5e:00:53:01 or b`: b inherits, and comes from /etc/ethers too.
        if (linkHead === "open") use = "local";
        break;
      case "word":
        if (token.text === "gateway") return { name: token.text, offset };
        if (token.role !== "logic") use = token.role === "local-type" ? "local" : "resolve";
        break;
      case "operator":
        if (token.text === "(") outerUses.push(use);
        else if (token.text === ")") use = outerUses.pop() === "local" ? use : "resolve";
        else if (!LOGIC_OPERATORS.has(token.text)) use = "resolve";
        break;
    }
    linkHead = nextLinkHead(linkHead, token, previous);
    previous = token;
  }
  return undefined;
}

/**
 * True at the very start, right after an arithmetic operator, where the grammar has no names at all (libpcap reports a
 * syntax error and asks nobody), and after a keyword that takes one name of a fixed list.
 */
function cannotBeHost(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === "word") return previous.role === "fixed-name";
  return previous.kind === "operator" && !LOGIC_OPERATORS.has(previous.text) && !/[()]/.test(previous.text);
}

/** How far `ether [src|dst|src or dst|...] [host]` has been read. */
type LinkHead = "none" | "open" | "after-direction-or";

function nextLinkHead(head: LinkHead, token: Token, previous: Token | undefined): LinkHead {
  if (token.kind !== "word") return "none";
  if (token.role === "link-protocol") return "open";
  if (token.role === "direction") return head === "none" ? "none" : "open";
  if (token.text === "host") return head === "open" ? "open" : "none";
  // In `ether or host x` the `or` joins two primitives, and x is looked up; only between src and dst it does not.
  const joinsDirections = token.role === "logic" && token.text !== "not" && isDirection(previous);
  return head === "open" && joinsDirections ? "after-direction-or" : "none";
}

function isDirection(token: Token | undefined): boolean {
  return token?.kind === "word" && token.role === "direction";
}

function* tokens(expression: string, minorVersion: number): Generator<{ token: Token; offset: number }> {
  let offset = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset;
    return pattern.exec(expression)?.[0];
  };
  while (offset < expression.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      offset += space.length;
      continue;
    }
    const token = nextToken(take, minorVersion);
    // libpcap's scanner stops here with an error of its own, and reads nothing that follows.
    if (token === undefined) return;
    yield { token, offset };
    offset += token.text.length;
  }
}

function nextToken(take: (pattern: RegExp) => string | undefined, minorVersion: number): Token | undefined {
  const colons = take(COLONS);
  if (colons !== undefined && (isIPv6(colons) || MAC.test(colons))) return { kind: "address", text: colons };
  const word = take(WORD);
  if (word !== undefined) return wordToken(word, minorVersion);
  const quoted = take(QUOTED_NAME);
  if (quoted !== undefined) return { kind: "name", text: quoted };
  const arcnet = take(ARCNET_ADDRESS);
  if (arcnet !== undefined) return { kind: "address", text: arcnet };
  const operator = take(OPERATOR);
  return operator === undefined ? undefined : { kind: "operator", text: operator };
}

function wordToken(text: string, minorVersion: number): Token {
  const role = wordRole(text, minorVersion);
  if (role !== undefined) return { kind: "word", role, text };
  if (MAC.test(text) || IPV4_OR_NET.test(text)) return { kind: "address", text };
  if (NUMBER.test(text)) return { kind: "number", text };
  return { kind: "name", text };
}
