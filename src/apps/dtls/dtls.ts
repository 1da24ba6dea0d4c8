import type { PacketHeaders } from "../../decode/index.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { HelloPieces, MessagePieces, noteServerHello, readServerHello } from "../tls/index.js";
import { type HandshakeFragment, handshakeRecordEnd, RECORD_HEADER, readFragment } from "./handshake-fragment.js";

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
/** Types that may be the first that is seen: the hellos, HelloVerifyRequest, and what else is not encrypted. */
const FIRST: ReadonlySet<number> = new Set([CLIENT_HELLO, SERVER_HELLO, 3, 11, 12, 13, 14, 16]);
/** Version 2, random 32, and the lengths of session id 1, cookie 1, cipher suites 2, compression methods 1. */
const MIN_CLIENT_HELLO = 39;
/** Within these both hellos have come, or they were not captured. */
const MAX_DATAGRAMS = 24;
/** Fragments in one datagram that are looked at. */
const MAX_FRAGMENTS = 16;
const MAX_SERVER_HELLO = 4096;
/** That of TLS, behind which fragments are put together: type 1, length 3. */
const MESSAGE_HEADER = 4;

/**
 * DTLS 1.0 to 1.3, by a handshake record: the lengths in its two headers must agree with each other and with the datagram.
 *
 * Source: RFC 6347, RFC 9147.
 */
export const dtls: DatagramProtocol = {
  protocol: "dtls",
  match(view, { payloadStart, payloadEnd, payloadLength }) {
    const recordEnd = handshakeRecordEnd(view, payloadStart, payloadEnd, payloadStart + payloadLength);
    if (recordEnd < 0) return false;
    const fragment = readFragment(view, payloadStart + RECORD_HEADER, payloadEnd, recordEnd);
    if (fragment === undefined || !FIRST.has(fragment.type)) return false;
    return fragment.type !== CLIENT_HELLO || isClientHello(view, fragment, payloadEnd);
  },
  open: (context) => new DtlsReader(context),
};

function isClientHello(view: DataView, { messageLength, offset, start, end }: HandshakeFragment, captured: number) {
  if (messageLength < MIN_CLIENT_HELLO) return false;
  const isVersionThere = offset === 0 && Math.min(end, captured) > start;
  return !isVersionThere || view.getUint8(start) === 0xfe;
}

/** A message whose fragments are put together. */
interface Assembly<Pieces> {
  readonly messageSequence: number;
  readonly messageLength: number;
  readonly pieces: Pieces;
}

class DtlsReader implements DatagramReader {
  readonly #context: FlowContext;
  #left = MAX_DATAGRAMS;
  #client: Assembly<HelloPieces> | undefined;
  #server: Assembly<MessagePieces> | undefined;
  #hasClientHello = false;
  #hasServerHello = false;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("dtls", "content");
  }

  read(view: DataView, { payloadStart, payloadEnd, payloadLength }: PacketHeaders): boolean {
    let at = payloadStart;
    for (let left = MAX_FRAGMENTS; left > 0; left--) {
      const recordEnd = handshakeRecordEnd(view, at, payloadEnd, payloadStart + payloadLength);
      if (recordEnd < 0) break;
      at += RECORD_HEADER;
      for (; left > 0; left--) {
        const fragment = readFragment(view, at, payloadEnd, recordEnd);
        if (fragment === undefined) break;
        this.#fragment(view, fragment, payloadEnd);
        at = fragment.end;
      }
      at = recordEnd;
    }
    if (!(this.#hasClientHello && this.#hasServerHello) && --this.#left > 0) return true;
    this.#client = this.#server = undefined;
    return false;
  }

  #fragment(view: DataView, fragment: HandshakeFragment, captured: number): void {
    const { type, offset, start, end } = fragment;
    const length = Math.max(0, Math.min(end, captured) - start);
    const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length);
    if (type === CLIENT_HELLO && !this.#hasClientHello) {
      this.#client = assemble(this.#client, fragment, () => new HelloPieces(this.#context, "d"));
      this.#client.pieces.add(MESSAGE_HEADER + offset, bytes);
      this.#hasClientHello = this.#client.pieces.note()?.isCut === false;
    } else if (type === SERVER_HELLO && !this.#hasServerHello) {
      this.#server = assemble(this.#server, fragment, () => new MessagePieces(MAX_SERVER_HELLO));
      if (this.#server.pieces.add(MESSAGE_HEADER + offset, bytes)) this.#serverHello(this.#server.pieces);
    }
  }

  #serverHello({ view, length }: MessagePieces): void {
    const hello = readServerHello(view, 0, length);
    if (hello === undefined) return;
    this.#hasServerHello = true;
    noteServerHello(this.#context, hello);
  }
}

/** What a fragment belongs to: the same message, or a new one, as when a hello is said again with a cookie. */
function assemble<Pieces extends { add(offset: number, bytes: Uint8Array): unknown }>(
  known: Assembly<Pieces> | undefined,
  { type, messageLength, messageSequence }: HandshakeFragment,
  makePieces: () => Pieces,
): Assembly<Pieces> {
  if (known?.messageSequence === messageSequence && known.messageLength === messageLength) return known;
  const pieces = makePieces();
  pieces.add(0, Uint8Array.of(type, messageLength >> 16, (messageLength >> 8) & 0xff, messageLength & 0xff));
  return { messageSequence, messageLength, pieces };
}
