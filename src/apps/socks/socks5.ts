import { formatEndpoint } from "../../net/index.js";
import type { StreamHead, StreamSide } from "../../streams/index.js";
import type { DetailValue } from "../flow-facts.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { isName, noteProxyTarget, targetOf } from "../proxy-target.js";
import {
  addressedBytes,
  COMMANDS,
  greetingBytes,
  hostOf,
  Method,
  NEED_MORE,
  NO_MESSAGE,
  REPLIES,
  USER_PASSWORD_VERSION,
  userPasswordBytes,
  VERSION,
} from "./socks5-messages.js";

const CONNECT = 0x01;
const UDP_ASSOCIATE = 0x03;
const RESOLVE = 0xf0;

/**
 * SOCKS 5, on any port.
 *
 * A client's greeting is often no more than `05 01 00`, which any binary protocol may begin with. So a greeting that is
 * all that was said, or is followed by what may follow, only opens a reader, and the reader names the flow when the
 * server chose one of the offered methods, or when a well-formed request came behind the greeting (of one direction
 * alone, or as optimistic data). Until then nothing is noted.
 *
 * Source: RFC 1928, RFC 1929, tor's socks-extensions.
 */
export const socks5: StreamProtocol = {
  protocol: "socks5",
  match(head: StreamHead, side: StreamSide): Match {
    if (side === 1 || head.bytes[0] !== VERSION) return Match.No;
    const size = greetingBytes(head);
    if (size === NEED_MORE) return Match.NeedMore;
    if (size === NO_MESSAGE) return Match.No;
    if (head.length === size || head.bytes[size] === VERSION) return Match.Yes;
    const isOffered = head.bytes.subarray(2, size).includes(Method.UserPassword);
    return isOffered && head.bytes[size] === USER_PASSWORD_VERSION ? Match.Yes : Match.No;
  },
  open: (context) => new Socks5Reader(context),
};

class Socks5Reader implements StreamReader {
  readonly #context: FlowContext;
  /** Where the next message of each side begins. */
  readonly #at = [0, 0];
  readonly #done = [false, false];
  /** Those offered. */
  #methods: readonly number[] | undefined;
  #chosen: number | undefined;
  #hasPassword = false;
  #command = 0;
  #isRecognised = false;
  /** Details noted when the flow is recognised. */
  #pending: [string, DetailValue][] = [];

  constructor(context: FlowContext) {
    this.#context = context;
  }

  read(side: StreamSide, head: StreamHead): number {
    while (!this.#done[side]) {
      const size = side === 0 ? this.#fromClient(head) : this.#fromServer(head);
      if (size === NEED_MORE) return head.length + 1;
      if (size === NO_MESSAGE) this.#stop(side);
      else this.#at[side]! += size;
    }
    return Infinity;
  }

  /** @returns Bytes of the message read; NEED_MORE or NO_MESSAGE. */
  #fromClient(head: StreamHead): number {
    const at = this.#at[0]!;
    if (this.#methods === undefined) return this.#greeting(head);
    if (at >= head.length) return NEED_MORE;
    if (head.bytes[at] === USER_PASSWORD_VERSION) return this.#userPassword(head, at);
    const size = addressedBytes(head, at);
    return size === NEED_MORE || size === NO_MESSAGE ? size : this.#request(head, at, size);
  }

  #greeting(head: StreamHead): number {
    const size = greetingBytes(head);
    if (size === NEED_MORE || size === NO_MESSAGE) return size;
    this.#methods = [...head.bytes.subarray(2, size)];
    this.#note("methods", this.#methods);
    return size;
  }

  /** tor takes one though the method was not agreed on (socks-extensions 1.1); before the agreement it must be offered. */
  #userPassword(head: StreamHead, at: number): number {
    const isExpected = this.#isRecognised || this.#methods!.includes(Method.UserPassword);
    if (!isExpected || this.#hasPassword) return NO_MESSAGE;
    const size = userPasswordBytes(head, at);
    if (size === NEED_MORE) return size;
    this.#hasPassword = true;
    const userBytes = head.bytes[at + 1]!;
    // That they are there, never what they are: tor isolates streams by them, others let people in.
    if (userBytes > 0) this.#note("userName", true);
    if (size > userBytes + 3) this.#note("password", true);
    return size;
  }

  #request(head: StreamHead, at: number, size: number): number {
    const command = head.bytes[at + 1]!;
    const name = COMMANDS.get(command);
    if (name === undefined) return NO_MESSAGE;
    const target = targetOf(hostOf(head, at, size), head.view.getUint16(at + size - 2));
    const isReal = target !== undefined && (target.port > 0 || command !== CONNECT);
    if (!this.#isRecognised && !isReal) return NO_MESSAGE;
    this.#recognise();
    this.#command = command;
    this.#note("command", name);
    // UDP ASSOCIATE says from where the client is going to send.
    if (isReal && command !== UDP_ASSOCIATE) noteProxyTarget(this.#context, target, this.#context.now);
    // What follows is for the target, maybe before the proxy has answered.
    this.#done[0] = true;
    return size;
  }

  #fromServer(head: StreamHead): number {
    const at = this.#at[1]!;
    if (this.#chosen === undefined) return this.#choice(head);
    if (head.length - at < 2) return NEED_MORE;
    if (head.bytes[at] === USER_PASSWORD_VERSION && this.#hasPassword) {
      this.#note("authenticated", head.bytes[at + 1] === 0);
      return 2;
    }
    return this.#reply(head, at);
  }

  /** `05 method` */
  #choice({ bytes, length }: StreamHead): number {
    if (bytes[0] !== VERSION) return NO_MESSAGE;
    if (length < 2 || this.#methods === undefined) return NEED_MORE;
    const method = bytes[1]!;
    if (method !== Method.NoneAcceptable && !this.#methods.includes(method)) return NO_MESSAGE;
    this.#chosen = method;
    this.#recognise();
    this.#note("method", method);
    if (method === Method.NoneAcceptable) this.#note("granted", false);
    // With other methods what follows is their own, and may be encrypted.
    if (method !== Method.None && method !== Method.UserPassword) this.#done.fill(true);
    return 2;
  }

  #reply(head: StreamHead, at: number): number {
    const size = addressedBytes(head, at);
    const code = head.bytes[at + 1]!;
    // Some servers end a refusal early.
    if (size === NEED_MORE && !(head.ended && head.length - at >= 4)) return size;
    if (size === NO_MESSAGE && (code === 0 || !REPLIES.has(code) || head.bytes[at] !== VERSION)) return size;
    this.#note("reply", code);
    this.#note("granted", code === 0);
    const text = REPLIES.get(code);
    if (text !== undefined) this.#note("replyText", text);
    if (size > 0 && code === 0) this.#answer(hostOf(head, at, size), head.view.getUint16(at + size - 2));
    this.#done[1] = true;
    return size;
  }

  #answer(host: string, port: number): void {
    const target = targetOf(host, port);
    if (target === undefined) return;
    if (this.#command >= RESOLVE) this.#note(isName(target) ? "resolvedName" : "resolvedAddress", target.host);
    // tor, and whoever hides it, says 0.0.0.0:0.
    else if (port !== 0) this.#note("boundAddress", formatEndpoint({ address: target.host, port }));
  }

  #note(key: string, value: DetailValue): void {
    if (this.#isRecognised) this.#context.facts.detail(key, value);
    else this.#pending.push([key, value]);
  }

  #recognise(): void {
    if (this.#isRecognised) return;
    this.#isRecognised = true;
    const { facts } = this.#context;
    facts.recognise("socks5", "content");
    for (const [key, value] of this.#pending) facts.detail(key, value);
    this.#pending = [];
  }

  /** A side said something else: where the flow was not recognised, it never will be. */
  #stop(side: StreamSide): void {
    if (this.#isRecognised) this.#done[side] = true;
    else this.#done.fill(true);
  }
}
