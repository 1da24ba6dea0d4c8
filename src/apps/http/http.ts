import { parseAddress } from "../../net/index.js";
import type { StreamHead, StreamSide } from "../../streams/index.js";
import { firstText } from "../line-cursor.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { MessageWalker, Step } from "./message-walker.js";
import { noteHost, noteRequestField, noteRequestLine } from "./request-facts.js";
import { matchStartLine, parseRequestLine, parseStatusLine, type RequestLine } from "./start-line.js";

const MATCH_BYTES = 128;
/** Requests whose answers may be on their way. */
const MAX_PENDING = 256;

/**
 * HTTP/1.x on any port, by the first line of either side; `http-connect` when a tunnel is asked for; HTTP/2 in the
 * clear by its preface alone.
 *
 * Source: RFC 9110, RFC 9112, RFC 9113 3.4.
 */
export const http: StreamProtocol = {
  protocol: "http",
  match(head: StreamHead): Match {
    const first = head.bytes[0]!;
    if (first < 0x41 || first > 0x5a) return Match.No;
    return matchStartLine(firstText(head, MATCH_BYTES), head.length >= MATCH_BYTES || head.ended);
  },
  open: (context) => new HttpReader(context),
};

class HttpReader implements StreamReader {
  readonly #context: FlowContext;
  readonly #walkers = [new MessageWalker(), new MessageWalker()] as const;
  /** Who asks: the flow's originator may have been guessed. */
  #client: StreamSide | undefined;
  /** Methods of requests that were not answered yet. */
  #pending: string[] = [];
  #requests = 0;
  #method = "";
  #status = 0;
  /** Of the request that is being read. */
  #hasHost = false;
  #asksUpgrade = false;
  /** What the client says next depends on the answer: a tunnel or another protocol may begin. */
  #waits = false;
  #hasStatus = false;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("http", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    const walker = this.#walkers[side];
    for (;;) {
      if (this.#waits && side === this.#client) return head.length + 1;
      switch (walker.next(head)) {
        case Step.NeedMore:
          return walker.wanted(head);
        case Step.Ended:
          return Infinity;
        case Step.StartLine:
          if (!this.#startLine(side, walker.text)) walker.end();
          break;
        case Step.Field:
          if (side === this.#client) this.#requestField(walker.name, walker.text);
          else this.#responseField(walker.name, walker.text);
          break;
        case Step.HeadEnd:
          if (side === this.#client) this.#requestEnd(walker);
          else this.#responseEnd(walker);
          break;
      }
    }
  }

  /** @returns false when it is none, or comes from the wrong side. */
  #startLine(side: StreamSide, text: string): boolean {
    const request = parseRequestLine(text);
    if (request !== undefined) {
      this.#client ??= side;
      if (this.#client !== side || this.#pending.length >= MAX_PENDING) return false;
      this.#request(request);
      return true;
    }
    const response = parseStatusLine(text);
    if (response === undefined) return false;
    this.#client ??= side === 0 ? 1 : 0;
    if (this.#client === side) return false;
    const { facts } = this.#context;
    this.#status = response.status;
    if (facts.detailOf("version") === undefined) facts.detail("version", response.version);
    if ((response.status >= 200 || response.status === 101) && !this.#hasStatus) {
      this.#hasStatus = true;
      facts.detail("status", response.status);
    }
    return true;
  }

  #request(request: RequestLine): void {
    const { facts } = this.#context;
    const { method, version } = request;
    this.#method = method;
    this.#requests++;
    this.#asksUpgrade = false;
    this.#pending.push(method);
    if (method === "PRI") {
      facts.detail("version", version);
      this.#end();
      return;
    }
    if (this.#requests === 1) {
      facts.detail("method", method);
      facts.detail("version", version);
    } else facts.detail("requests", this.#requests);
    if (method === "CONNECT") facts.recognise("http-connect", "content");
    this.#hasHost = noteRequestLine(this.#context, request);
  }

  #requestField(name: string, value: string): void {
    if (name === "host") {
      if (!this.#hasHost) noteHost(this.#context, value);
      this.#hasHost = true;
    } else if (name === "upgrade" && value !== "") {
      this.#asksUpgrade = true;
      this.#context.facts.detail("upgrade", value);
    } else noteRequestField(this.#context, name, value);
  }

  #requestEnd(walker: MessageWalker): void {
    this.#waits = this.#method === "CONNECT" || this.#asksUpgrade;
    // A tunnel's bytes come at once (RFC 9110 9.3.6).
    if (this.#method === "CONNECT") walker.noBody();
    else walker.body("none");
  }

  #responseField(name: string, value: string): void {
    const { facts } = this.#context;
    if (value === "") return;
    if (name === "server") {
      facts.detail("server", value);
      facts.disclose("software", value);
    } else if (name === "set-cookie") facts.detail("cookies", true);
    // dir-spec appendix B: a directory tells its client how it sees it.
    else if (name === "x-your-address-is" && parseAddress(value) !== undefined) facts.disclose("public-address", value);
  }

  #responseEnd(walker: MessageWalker): void {
    const status = this.#status;
    const { facts } = this.#context;
    if (status === 101) {
      facts.detail("upgraded", true);
      this.#end();
      return;
    }
    // Before 200 another answer to the same request follows.
    const method = status < 200 ? undefined : this.#pending.shift();
    if (this.#pending.length === 0) this.#waits = false;
    if (method === "CONNECT") facts.detail("granted", status < 300);
    if (method === "CONNECT" && status < 300) this.#end();
    else if (status < 200 || status === 204 || status === 304 || method === "HEAD") walker.noBody();
    else walker.body("until-close");
  }

  /** What follows is another protocol, on both sides. */
  #end(): void {
    for (const walker of this.#walkers) walker.end();
    this.#waits = false;
  }
}
