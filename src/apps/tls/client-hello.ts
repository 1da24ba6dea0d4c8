import { KnownLists } from "../known-lists.js";

/** What a ClientHello says in the clear. */
export interface ClientHello {
  /** The newest version that it offers, as on the wire: 0x0304 is TLS 1.3, 0xfefc DTLS 1.3. */
  readonly version: number;
  readonly serverName: string | undefined;
  readonly alpn: readonly string[];
  /** In the order in which they stand, GREASE left out. */
  readonly cipherSuites: readonly number[];
  /** Types, likewise. */
  readonly extensions: readonly number[];
  readonly signatureAlgorithms: readonly number[];
  /**
   * It carries an Encrypted ClientHello: the server name may be that of a front. Or it pretends to, as browsers do so that
   * the true ones do not stand out (GREASE ECH): nobody on the path can tell.
   */
  readonly hasEncryptedHello: boolean;
  /** Not all of it is there, or its lengths contradict each other: there may be more than what was read. */
  readonly isCut: boolean;
}

const Extension = {
  serverName: 0,
  signatureAlgorithms: 13,
  alpn: 16,
  supportedVersions: 43,
  encryptedClientHello: 0xfe0d,
} as const;
const CLIENT_HELLO = 1;
/** type 1, length 3 */
const MESSAGE_HEADER = 4;
/** Of the length of the session id: the header, version 2, random 32. */
const SESSION_ID = 38;
const MAX_SESSION_ID = 32;
const HOST_NAME = 0;
const MAX_NAME = 255;
/** First byte of the versions of TLS, and of DTLS, which counts downwards. */
const TLS = 0x03;
const DTLS = 0xfe;

// What is being read; lengths in a ClientHello have 16 bits.
const NUMBERS = new Uint16Array(1 << 16);
const EXTENSIONS = new Uint16Array(1 << 14);
const NUMBER_LISTS = new KnownLists<readonly number[]>();
const PROTOCOL_LISTS = new KnownLists<readonly string[]>();
const NO_NUMBERS: readonly number[] = [];
const NO_PROTOCOLS: readonly string[] = [];

/**
 * Reads a ClientHello as far as its bytes reach. `start` is at the handshake header, not at that of a record; of DTLS,
 * where the header is longer, the fragments are put together behind a header as TLS has it.
 *
 * Source: RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1, RFC 9147 5.3 (DTLS: with a cookie).
 *
 * @param end - Just past the last byte that is there.
 * @returns undefined when this is none, or too little of it is there to tell.
 */
export function readClientHello(
  view: DataView,
  start: number,
  end: number,
  transport: "stream" | "datagram" = "stream",
): ClientHello | undefined {
  const isDatagram = transport === "datagram";
  if (end - start <= SESSION_ID || view.getUint8(start) !== CLIENT_HELLO) return undefined;
  if (view.getUint8(start + MESSAGE_HEADER) !== (isDatagram ? DTLS : TLS)) return undefined;
  const sessionIdLength = view.getUint8(start + SESSION_ID);
  if (sessionIdLength > MAX_SESSION_ID) return undefined;
  const messageEnd = start + MESSAGE_HEADER + ((view.getUint8(start + 1) << 16) | view.getUint16(start + 2));
  const stop = Math.min(end, messageEnd);
  const hello = {
    version: view.getUint16(start + MESSAGE_HEADER),
    serverName: undefined as string | undefined,
    alpn: NO_PROTOCOLS,
    cipherSuites: NO_NUMBERS,
    extensions: NO_NUMBERS,
    signatureAlgorithms: NO_NUMBERS,
    hasEncryptedHello: false,
    isCut: true,
  };
  let at = start + SESSION_ID + 1 + sessionIdLength;
  if (isDatagram) {
    if (stop - at < 1) return hello;
    at += 1 + view.getUint8(at); // cookie
  }
  if (stop - at < 2) return hello;
  const ciphersEnd = at + 2 + view.getUint16(at);
  hello.cipherSuites = readNumbers(view, at + 2, Math.min(stop, ciphersEnd));
  if (stop - ciphersEnd < 1) return hello;
  at = ciphersEnd + 1 + view.getUint8(ciphersEnd); // compression methods
  if (stop - at < 2) {
    // Before TLS 1.3 there may be no extensions at all.
    hello.isCut = at !== messageEnd || messageEnd > end;
    return hello;
  }
  const extensionsEnd = at + 2 + view.getUint16(at);
  const reach = Math.min(stop, extensionsEnd);
  at += 2;
  let count = 0;
  while (reach - at >= 4) {
    const type = view.getUint16(at);
    const body = at + 4;
    const bodyEnd = body + view.getUint16(at + 2);
    if (type === Extension.serverName) hello.serverName ??= readServerName(view, body, Math.min(bodyEnd, reach));
    if (bodyEnd > reach) break;
    if (!isGrease(type)) EXTENSIONS[count++] = type;
    if (type === Extension.alpn) hello.alpn = joined(hello.alpn, readProtocols(view, body + 2, bodyEnd));
    else if (type === Extension.signatureAlgorithms) {
      hello.signatureAlgorithms = joined(hello.signatureAlgorithms, readNumbers(view, body + 2, bodyEnd));
    } else if (type === Extension.supportedVersions) {
      hello.version = newestVersion(readNumbers(view, body + 1, bodyEnd), isDatagram) ?? hello.version;
    } else if (type === Extension.encryptedClientHello) hello.hasEncryptedHello = true;
    at = bodyEnd;
  }
  hello.extensions = NUMBER_LISTS.of(EXTENSIONS, count, listOf);
  hello.isCut = at !== extensionsEnd;
  return hello;
}

/** Values that clients throw in so that servers stay tolerant (RFC 8701 2). */
function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff);
}

/** The same list for the same numbers. */
function readNumbers(view: DataView, start: number, end: number): readonly number[] {
  let count = 0;
  for (let at = start; end - at >= 2; at += 2) {
    const value = view.getUint16(at);
    if (!isGrease(value)) NUMBERS[count++] = value;
  }
  return NUMBER_LISTS.of(NUMBERS, count, listOf);
}

function listOf(numbers: Uint16Array): readonly number[] {
  return [...numbers];
}

/** An extension may stand there twice, against the rules. */
function joined<T>(before: readonly T[], list: readonly T[]): readonly T[] {
  return before.length === 0 ? list : [...before, ...list];
}

function readServerName(view: DataView, start: number, end: number): string | undefined {
  // list length 2, name type 1, name length 2
  if (end - start < 5 || view.getUint8(start + 2) !== HOST_NAME) return undefined;
  const length = view.getUint16(start + 3);
  if (length === 0 || length > MAX_NAME || end - (start + 5) < length) return undefined;
  return latin1(view, start + 5, start + 5 + length);
}

function readProtocols(view: DataView, start: number, end: number): readonly string[] {
  let count = 0;
  for (let at = start; at < end; at++) NUMBERS[count++] = view.getUint8(at);
  return PROTOCOL_LISTS.of(NUMBERS, count, protocolsOf);
}

function protocolsOf(numbers: Uint16Array): readonly string[] {
  const bytes = Buffer.from(numbers);
  const protocols: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + bytes[at]!;
    if (next > bytes.length) break;
    protocols.push(bytes.toString("latin1", at + 1, next));
    at = next;
  }
  return protocols;
}

/** Drafts' numbers do not count. */
function newestVersion(offered: readonly number[], isDatagram: boolean): number | undefined {
  const versions = offered.filter((version) => version >> 8 === (isDatagram ? DTLS : TLS)).sort((a, b) => a - b);
  return isDatagram ? versions[0] : versions.at(-1);
}

function latin1(view: DataView, start: number, end: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, end - start).toString("latin1");
}
