import type { StreamHead, StreamSide } from "../streams/index.js";
import { firstText } from "./line-cursor.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "./protocol-reader.js";
import { TwoSidedLines } from "./two-sided-lines.js";

const MATCH_BYTES = 128;
/** Histories of much-used addresses are longer; after one of them a side is not followed any more. */
const MAX_LINE = 8192;
/** Lines of one side that are looked at. */
const MAX_LINES = 500;
const MAX_METHODS = 48;
/** Distinct ones that are counted; a wallet asks for a few dozen. */
const MAX_QUERIES = 1024;
/** Of these, disclosed. */
const MAX_DISCLOSED_QUERIES = 16;

const BRACE = 0x7b;
const BRACKET = 0x5b;
/** Methods of servers for wallets. Mining pools, which speak JSON in lines too, say `mining.`. */
const METHOD =
  /^(?:server\.(?:add_peer|donation_address|features|peers\.subscribe|version)|blockchain\.(?:address|block|estimatefee|headers|numblocks|outpoint|relayfee|scripthash|scriptpubkey|transaction|utxo)(?:\.[a-z_]+)*|mempool\.[a-z_]+(?:\.[a-z_]+)*)$/;
/** Other servers may have these too: they do not tell that it is one of Electrum's. */
const COMMON_METHOD = /^server\.(?:banner|ping)$/;
/** The members that stand before the method, in the order in which programs write them: short, or not a match. */
const REQUEST =
  /^(?:\[ ?)?\{ ?(?:"(?:id|jsonrpc)" ?: ?(?:"[\w. -]{0,40}"|\d{1,16}|null) ?, ?)*"method" ?: ?"([a-z_.]{4,48})"/;
/** A server's answer to server.version: its software (ElectrumX, electrs, Fulcrum, ...) and the protocol's version. */
const ANSWER =
  /^\{ ?(?:"(?:id|jsonrpc)" ?: ?(?:"[\w. -]{0,40}"|\d{1,16}|null) ?, ?)*"result" ?: ?\[ ?"(?=[^"]*(?:[Ee]lectr|Fulcrum))[\w ./+-]{2,60}" ?, ?"1\.\d[\d.]{0,5}" ?\]/;
/** Printable, as JSON in one line is. */
const TEXT = /^[\t -~\x80-\xff]*$/;
const SCRIPT_HASH = /^[0-9a-f]{64}$/i;
const PROTOCOL_VERSION = /^\d+(?:\.\d+){1,3}$/;

/**
 * Electrum: a wallet and its server, in lines of JSON. Whoever reads along learns which addresses (as hashes of scripts)
 * belong together.
 *
 * Source: ElectrumX's protocol documentation, "Protocol Basics" and "Protocol Methods"; JSON-RPC 2.0.
 */
export const electrum: StreamProtocol = {
  protocol: "electrum",
  match(head: StreamHead): Match {
    const first = head.bytes[0];
    if (first !== BRACE && first !== BRACKET) return Match.No;
    const text = firstText(head, MATCH_BYTES);
    const method = REQUEST.exec(text)?.[1];
    if (method !== undefined) return METHOD.test(method) ? Match.Yes : Match.No;
    if (ANSWER.test(text)) return Match.Yes;
    return head.length < MATCH_BYTES && TEXT.test(text) ? Match.NeedMore : Match.No;
  },
  open: (context) => new ElectrumReader(context),
};

/** An object of JSON, of whose members nothing is known. */
type Members = Readonly<Record<string, unknown>>;

class ElectrumReader implements StreamReader {
  readonly #context: FlowContext;
  readonly #lines = new TwoSidedLines(MAX_LINE, MAX_LINES);
  readonly #methods: string[] = [];
  readonly #scriptHashes = new Set<string>();
  readonly #addresses = new Set<string>();
  #broadcasts = 0;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("electrum", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    return this.#lines.read(side, head, this.#line);
  }

  readonly #line = (_side: StreamSide, line: string) => {
    const value = parseJson(line);
    // Many at once.
    if (Array.isArray(value)) for (const item of value) this.#message(item);
    else this.#message(value);
  };

  #message(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const { method, params, result, id } = value as Members;
    if (typeof method === "string") {
      // A server's notice has the name of a method too, but waits for no answer.
      const isKnown = METHOD.test(method) || COMMON_METHOD.test(method);
      if (id !== undefined && isKnown) this.#request(method, Array.isArray(params) ? params : []);
    } else if (Array.isArray(result)) this.#answer(result);
  }

  #request(method: string, parameters: readonly unknown[]): void {
    const { facts } = this.#context;
    if (this.#methods.length < MAX_METHODS && !this.#methods.includes(method)) {
      this.#methods.push(method);
      facts.detail("methods", this.#methods);
    }
    const [first, second] = parameters;
    if (method === "server.version") this.#client(first, second);
    else if (method === "blockchain.transaction.broadcast") facts.detail("broadcasts", ++this.#broadcasts);
    else if (typeof first !== "string" || first.length > 128) return;
    else if (method.startsWith("blockchain.scripthash.")) {
      if (SCRIPT_HASH.test(first)) this.#query("scripthashes", this.#scriptHashes, first);
    } else if (method.startsWith("blockchain.address.")) this.#query("addresses", this.#addresses, first);
  }

  #client(software: unknown, versions: unknown): void {
    const { facts } = this.#context;
    if (typeof software === "string" && software !== "") {
      facts.detail("clientSoftware", software);
      facts.disclose("software", software);
    }
    // One version, or the oldest and the newest.
    const offered = (Array.isArray(versions) ? versions : [versions]).slice(0, 2).filter(isProtocolVersion);
    if (offered.length > 0) facts.detail("clientVersions", offered);
  }

  #query(key: string, known: Set<string>, value: string): void {
    if (known.size >= MAX_QUERIES || known.has(value)) return;
    known.add(value);
    this.#context.facts.detail(key, known.size);
    // Whoever reads them can put a wallet's addresses together.
    if (known.size <= MAX_DISCLOSED_QUERIES) this.#context.facts.disclose("wallet-query", value);
  }

  #answer([software, version, ...rest]: readonly unknown[]): void {
    if (typeof software !== "string" || software === "" || !isProtocolVersion(version) || rest.length > 0) return;
    const { facts } = this.#context;
    facts.detail("serverSoftware", software);
    facts.detail("version", version);
    facts.disclose("software", software);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProtocolVersion(value: unknown): value is string {
  return typeof value === "string" && value.length < 16 && PROTOCOL_VERSION.test(value);
}
