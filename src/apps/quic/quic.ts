import type { PacketHeaders } from "../../decode/index.js";
import type { StreamSide } from "../../streams/index.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { type ClientHello, HelloPieces, isDohResolver } from "../tls/index.js";
import { readCryptoFrames } from "./crypto-frames.js";
import { clientInitialKeys, type InitialKeys, openInitial } from "./initial-packet.js";
import { isVersionNegotiation, type LongHeader, readLongHeader } from "./long-header.js";
import { PacketType, type QuicVersion } from "./quic-versions.js";

/** Within these the ClientHello has come, or it was not captured. */
const MAX_DATAGRAMS = 32;
/** Packets in one datagram that are looked at; honest ones have three or four. */
const MAX_COALESCED = 8;
/** Times that keys are made, and packets decrypted: what a hostile flow can cost. */
const MAX_KEYS = 16;
const MAX_DECRYPTIONS = 48;

/**
 * QUIC, by a long header of a known version, or a version negotiation. Of flows that began before the capture there are
 * only short headers, which look like nothing.
 *
 * Source: RFC 9000, RFC 9001, RFC 9369 (version 2).
 */
export const quic: DatagramProtocol = {
  protocol: "quic",
  match: (view, headers) =>
    (view.getUint8(headers.payloadStart) & 0x80) !== 0 &&
    (readLongHeader(view, headers, headers.payloadStart) !== undefined || isVersionNegotiation(view, headers)),
  open: (context) => new QuicReader(context),
};

/** Reads the ClientHello, which is encrypted with keys that anybody can make who saw the packet. */
class QuicReader implements DatagramReader {
  readonly #context: FlowContext;
  #left = MAX_DATAGRAMS;
  #keysLeft = MAX_KEYS;
  #decryptionsLeft = MAX_DECRYPTIONS;
  /** Those that opened a packet, of this version. */
  #keys: InitialKeys | undefined;
  #version: QuicVersion | undefined;
  #client: StreamSide | undefined;
  #hello: HelloPieces | undefined;
  #done = false;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("quic", "content");
  }

  read(view: DataView, headers: PacketHeaders, side: StreamSide): boolean {
    let at = headers.payloadStart;
    for (let count = 0; count < MAX_COALESCED && !this.#done; count++) {
      const packet = readLongHeader(view, headers, at);
      if (packet === undefined) break;
      this.#packet(view, headers, side, packet);
      at = packet.end;
    }
    if (!this.#done && --this.#left > 0) return true;
    this.#hello = undefined;
    return false;
  }

  #packet(view: DataView, { payloadEnd }: PacketHeaders, side: StreamSide, packet: LongHeader): void {
    const { facts } = this.#context;
    if (facts.detailOf("version") === undefined) facts.detail("version", packet.version.name);
    // Where the snaplen cut it, its tag is missing: there is no telling whether the keys are right.
    if (packet.type !== PacketType.Initial || packet.end > payloadEnd) return;
    if (this.#client !== undefined && this.#client !== side) return;
    const frames = this.#open(view, packet);
    if (frames === undefined) return;
    this.#client = side;
    facts.detail("version", packet.version.name);
    this.#hello ??= new HelloPieces(this.#context, "q");
    const hello = this.#hello;
    readCryptoFrames(frames, (offset, bytes) => hello.add(offset, bytes));
    const noted = hello.note();
    if (noted === undefined) return;
    this.#recogniseDns(noted);
    this.#done = !noted.isCut;
  }

  /** @returns The frames of a client's Initial packet; undefined of a server's, and of what is damaged. */
  #open(view: DataView, packet: LongHeader): Uint8Array | undefined {
    if (this.#keys !== undefined && this.#version === packet.version) {
      // As a rule the keys stay when the client has learned the server's own connection id.
      const frames = this.#decrypt(view, packet, this.#keys);
      if (frames !== undefined) return frames;
    }
    if (this.#keysLeft-- <= 0) return undefined;
    const { destination, destinationEnd } = packet;
    const id = new Uint8Array(view.buffer, view.byteOffset + destination, destinationEnd - destination);
    const keys = clientInitialKeys(packet.version, id);
    const frames = this.#decrypt(view, packet, keys);
    if (frames === undefined) return undefined;
    // A new attempt, after a Retry or a version negotiation: with a ClientHello of its own.
    this.#hello = undefined;
    this.#keys = keys;
    this.#version = packet.version;
    return frames;
  }

  #decrypt(view: DataView, packet: LongHeader, keys: InitialKeys): Uint8Array | undefined {
    return this.#decryptionsLeft-- > 0 ? openInitial(view, packet, keys) : undefined;
  }

  #recogniseDns({ serverName, alpn }: ClientHello): void {
    const { facts } = this.#context;
    // RFC 9250 4.1.1; drafts said doq-i03 and the like. The same resolvers answer it, and the server's name comes first.
    if (alpn.some((name) => name === "doq" || name.startsWith("doq-"))) {
      facts.recognise("quic", "content");
      facts.detail("dnsOverQuic", true);
    } else if (serverName !== undefined && isDohResolver(serverName)) facts.recognise("dns-over-https", "content");
  }
}
