import { formatEndpoint, formatIpv4 } from "../../net/index.js";
import type { StreamHead, StreamSide } from "../../streams/index.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { type Moment, noteProxyTarget, type Target, targetOf } from "../proxy-target.js";

const VERSION = 4;
const RESOLVE = 0xf0;
/** tor's RESOLVE is allowed with names only (socks-extensions). */
const COMMANDS: ReadonlyMap<number, string> = new Map([
  [0x01, "connect"],
  [0x02, "bind"],
  [RESOLVE, "resolve"],
]);
const GRANTED = 0x5a;
const REPLIES: ReadonlyMap<number, string> = new Map([
  [GRANTED, "granted"],
  [0x5b, "rejected or failed"],
  [0x5c, "no identd on the client"],
  [0x5d, "identd reports another user"],
]);
/** version, command, port 2, address 4 */
const HEADER_BYTES = 8;
const REPLY_BYTES = 8;
/** Of a user id or a name. */
const MAX_TEXT = 255;
/** Where a bare address asked for is likely to be a proxy's business: SOCKS, tor, Tor Browser. */
const PROXY_PORTS = [1080, 9050, 9150];

/**
 * SOCKS 4 and 4a, on any port.
 *
 * A request with a name (4a) has a form of its own, and is recognised alone. One with a bare address is little more than
 * `04 01` and a zero somewhere: it is recognised when the server's reply follows, or at once on a port of proxies.
 *
 * Source: the SOCKS 4 protocol and its extension 4A (Ying-Da Lee, openssh.com), tor's socks-extensions.
 */
export const socks4: StreamProtocol = {
  protocol: "socks4",
  match(head: StreamHead, side: StreamSide): Match {
    const { bytes, length } = head;
    if (side === 1 || bytes[0] !== VERSION) return Match.No;
    if (length > 1 && !COMMANDS.has(bytes[1]!)) return Match.No;
    if (length < HEADER_BYTES) return Match.NeedMore;
    const hasName = isNameAddress(head);
    const isPossible = bytes[1] === RESOLVE ? hasName : head.view.getUint16(2) !== 0 && (hasName || isUnicast(head));
    if (!isPossible) return Match.No;
    for (let i = HEADER_BYTES; i < length; i++) {
      if (bytes[i] === 0) return Match.Yes;
      if (!isPrintable(bytes[i]!)) return Match.No;
    }
    return Match.NeedMore;
  },
  open: (context) => new Socks4Reader(context),
};

/** 0.0.0.x with x other than 0: the name comes behind the user id. */
function isNameAddress({ view }: StreamHead): boolean {
  return view.getUint32(4) >>> 8 === 0 && view.getUint8(7) !== 0;
}

function isUnicast({ bytes }: StreamHead): boolean {
  return bytes[4]! > 0 && bytes[4]! < 224;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

class Socks4Reader implements StreamReader {
  readonly #context: FlowContext;
  readonly #done = [false, false];
  /** Of the text that is being read: where it began, and how far it was looked at. */
  #textStart = HEADER_BYTES;
  #at = HEADER_BYTES;
  #hasUserId = false;
  #inName = false;
  #command = 0;
  #target: Target | undefined;
  /** When the request was whole. */
  #asked: Moment | undefined;
  #isRecognised = false;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  read(side: StreamSide, head: StreamHead): number {
    if (this.#done[side]) return Infinity;
    return side === 0 ? this.#fromClient(head) : this.#fromServer(head);
  }

  #fromClient(head: StreamHead): number {
    const { bytes, length } = head;
    while (this.#at < length) {
      const byte = bytes[this.#at]!;
      if (byte === 0) {
        const text = Buffer.from(bytes.buffer, this.#textStart, this.#at - this.#textStart).toString("latin1");
        this.#textStart = ++this.#at;
        if (this.#inName) return this.#request(head, text);
        this.#hasUserId = text !== "";
        if (!isNameAddress(head)) return this.#request(head, formatIpv4(head.view.getInt32(4)));
        this.#inName = true;
      } else if (!isPrintable(byte) || this.#at - this.#textStart >= MAX_TEXT) return this.#stop(0);
      else this.#at++;
    }
    return length + 1;
  }

  #request({ bytes, view }: StreamHead, host: string): number {
    const target = targetOf(host, view.getUint16(2));
    if (target === undefined) return this.#stop(0);
    const { seconds, nanoseconds, packet } = this.#context.now;
    this.#command = bytes[1]!;
    this.#target = target;
    this.#asked = { seconds, nanoseconds, packet };
    if (this.#inName || PROXY_PORTS.includes(this.#context.ports.responder)) this.#recognise();
    // What follows is for the target.
    this.#done[0] = true;
    return Infinity;
  }

  /** `00 code port(2) address(4)` */
  #fromServer({ bytes, view, length }: StreamHead): number {
    const isReply = bytes[0] === 0 && (length < 2 || REPLIES.has(bytes[1]!));
    if (!isReply) return this.#stop(1);
    if (length < REPLY_BYTES || this.#asked === undefined) return length + 1;
    this.#recognise();
    this.#done[1] = true;
    const { facts } = this.#context;
    const code = bytes[1]!;
    facts.detail("reply", code);
    facts.detail("granted", code === GRANTED);
    facts.detail("replyText", REPLIES.get(code)!);
    if (code !== GRANTED) return Infinity;
    const address = formatIpv4(view.getInt32(4));
    const port = view.getUint16(2);
    if (this.#command === RESOLVE) facts.detail("resolvedAddress", address);
    // tor says 0.0.0.0:0.
    else if (port !== 0) facts.detail("boundAddress", formatEndpoint({ address, port }));
    return Infinity;
  }

  #recognise(): void {
    if (this.#isRecognised) return;
    this.#isRecognised = true;
    const { facts } = this.#context;
    facts.recognise("socks4", "content");
    facts.detail("version", this.#inName ? "4a" : "4");
    facts.detail("command", COMMANDS.get(this.#command)!);
    if (this.#hasUserId) facts.detail("userName", true);
    noteProxyTarget(this.#context, this.#target!, this.#asked!);
  }

  /** A side said something else: where the flow was not recognised, it never will be. */
  #stop(side: StreamSide): number {
    if (this.#isRecognised) this.#done[side] = true;
    else this.#done.fill(true);
    return Infinity;
  }
}
