import { type FrameKind, type StreamHead, type StreamSide, TLS_RECORDS } from "../../streams/index.js";
import { type FlowContext, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { CellShape } from "../tor/cell-shape.js";
import { readCertificateNames } from "./certificate-names.js";
import { readClientHello } from "./client-hello.js";
import { isDohResolver } from "./doh-resolvers.js";
import { HandshakeMessages, type MessageReader } from "./handshake-messages.js";
import { noteClientHello, noteServerHello } from "./hello-facts.js";
import { readServerHello } from "./server-hello.js";

const HANDSHAKE = 22;
const APPLICATION_DATA = 23;
/** Types of handshake messages. */
const Message = { clientHello: 1, serverHello: 2, certificate: 11 } as const;
const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;
const RECORD_HEADER = 5;
/** A record's header, a message's header, and a version: enough to tell a hello. */
const HELLO_START = RECORD_HEADER + 6;
/** The least that a cipher of TLS 1.2 or 1.3 adds, and a byte of content or of its type. */
const MIN_CIPHERTEXT = 17;
const DOT_PORT = 853;

/** TLS over TCP, by its handshake on any port; where a flow began before the capture, by its records. */
export const tls: StreamProtocol = {
  protocol: "tls",
  match(head) {
    const first = head.bytes[0];
    if (first === HANDSHAKE) return matchHello(head);
    return first === APPLICATION_DATA && !head.fromStart ? matchRecords(head) : Match.No;
  },
  open: (context) => new TlsReader(context),
};

/** A ClientHello or a ServerHello, of either side: who opened a connection may have been guessed. */
function matchHello({ bytes, view, length, ended }: StreamHead): Match {
  if (length >= 2 && bytes[1] !== 3) return Match.No;
  if (length < HELLO_START && !ended) return Match.NeedMore;
  // Of a hello that is cut, the first byte tells.
  if (length <= RECORD_HEADER) return Match.No;
  const body = TLS_RECORDS.bodyBytes(view, 0);
  const type = bytes[RECORD_HEADER];
  if (body < 1 || (type !== Message.clientHello && type !== Message.serverHello)) return Match.No;
  // Some clients cut the ClientHello into tiny records, so that not even these are in the first.
  if (length < HELLO_START || body < 6) return Match.Yes;
  const isShort = bytes[RECORD_HEADER + 1] === 0;
  return isShort && bytes[RECORD_HEADER + 4] === 3 ? Match.Yes : Match.No;
}

/** Application data of TLS 1.2 or later, alone so far, or with the next record where it should be. */
function matchRecords({ view, length, ended }: StreamHead): Match {
  if (length < RECORD_HEADER) return ended ? Match.No : Match.NeedMore;
  const body = TLS_RECORDS.bodyBytes(view, 0);
  if (body < MIN_CIPHERTEXT || view.getUint16(1) !== TLS_1_2) return Match.No;
  const next = RECORD_HEADER + body;
  return length - next < RECORD_HEADER || TLS_RECORDS.bodyBytes(view, next) >= 0 ? Match.Yes : Match.No;
}

class TlsReader implements StreamReader, MessageReader {
  readonly frames: FrameKind | undefined;
  readonly #context: FlowContext;
  /** Undefined where lists tell what the flow is. */
  readonly #shape: CellShape | undefined;
  readonly #messages: [HandshakeMessages | undefined, HandshakeMessages | undefined] = [undefined, undefined];
  /** Who said the ClientHello. */
  #client: StreamSide | undefined;
  /** What the server chose; 0 before. */
  #version = 0;

  constructor(context: FlowContext) {
    const { facts, ports } = context;
    this.#context = context;
    if (!context.isListed) {
      this.#shape = new CellShape();
      this.frames = TLS_RECORDS;
      facts.torShape = this.#shape;
    }
    const isDot = ports.responder === DOT_PORT || ports.originator === DOT_PORT;
    // Until a hello is seen.
    facts.recognise(isDot ? "dns-over-tls" : "tls", isDot ? "port" : "shape");
  }

  /** In TLS 1.3 all but the hellos is encrypted. The client's may have come late. */
  get isRead(): boolean {
    return this.#version === TLS_1_3 && this.#client !== undefined;
  }

  get isSettled(): boolean {
    return this.#shape?.isSettled ?? true;
  }

  read(side: StreamSide, head: StreamHead): number {
    if (head.bytes[0] !== HANDSHAKE) return Infinity;
    const { facts } = this.#context;
    if (facts.by === "shape") facts.recognise("tls", "content");
    this.#messages[side] ??= new HandshakeMessages(side, this);
    return this.#messages[side].read(head);
  }

  frame(side: StreamSide, view: DataView, at: number, bodyBytes: number): boolean {
    const shape = this.#shape;
    if (shape === undefined) return false;
    const wasSuspected = shape.isSuspected;
    shape.record(side, view.getUint8(at), bodyBytes);
    if (shape.isSuspected !== wasSuspected) this.#context.facts.shapeChanged();
    return !this.isSettled;
  }

  /** @returns Whether this side may have more to tell. */
  message(side: StreamSide, view: DataView, start: number, end: number): boolean {
    switch (view.getUint8(start)) {
      case Message.clientHello:
        // Another one follows a HelloRetryRequest; or else a client's certificate.
        if (this.#client === undefined) this.#clientHello(side, view, start, end);
        return this.#version !== TLS_1_3;
      case Message.serverHello:
        this.#serverHello(view, start, end);
        return this.#version !== TLS_1_3;
      case Message.certificate:
        this.#certificate(side, view, start, end);
        return false;
      default:
        return false;
    }
  }

  #clientHello(side: StreamSide, view: DataView, start: number, end: number): void {
    const hello = readClientHello(view, start, end);
    if (hello === undefined) return;
    this.#client = side;
    const { facts } = this.#context;
    const { serverName, alpn } = hello;
    const wasResolved = noteClientHello(this.#context, hello, "t");
    if (alpn.includes("dot")) facts.recognise("dns-over-tls", "content");
    else if (facts.protocol === "tls" && serverName !== undefined && isDohResolver(serverName)) {
      facts.recognise("dns-over-https", "content");
    }
    this.#shape?.hello(serverName, wasResolved);
  }

  #serverHello(view: DataView, start: number, end: number): void {
    const hello = readServerHello(view, start, end);
    if (hello === undefined) return;
    this.#version = hello.version;
    noteServerHello(this.#context, hello);
    this.#shape?.agreed(hello.version, hello.cipherSuite);
  }

  #certificate(side: StreamSide, view: DataView, start: number, end: number): void {
    const certificate = readCertificateNames(view, start, end);
    if (certificate === undefined) return;
    const { subject, issuer, alternatives } = certificate;
    const { facts } = this.#context;
    const names = [...new Set([subject, ...alternatives])].filter((name) => name !== "");
    for (const name of names) facts.disclose("certificate-name", name);
    if (side === this.#client) {
      facts.detail("clientCertificateNames", names);
      return;
    }
    this.#shape?.certificate(subject, issuer);
    for (const name of names) facts.name(name, "certificate");
    facts.detail("certificateNames", names);
    if (issuer !== "") facts.detail("certificateIssuer", issuer);
  }
}
