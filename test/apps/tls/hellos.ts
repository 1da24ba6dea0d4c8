// Hellos made field by field. Source: RFC 8446 4.1.2, 4.1.3 and 5.1; RFC 6066 3; RFC 7301 3.1; RFC 9147 5.3.

export interface HelloFields {
  /** Of the message itself; by default that of TLS 1.2. */
  readonly legacyVersion?: number;
  /** In supported_versions; the extension is left out where it is empty. */
  readonly versions?: readonly number[];
  /** A character for each byte. */
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly cipherSuites?: readonly number[];
  readonly signatureAlgorithms?: readonly number[];
  /** Others, behind the server name. */
  readonly extensions?: readonly (readonly [type: number, body: Uint8Array])[];
  /** Of DTLS. */
  readonly cookie?: Uint8Array;
  /** False: not even the length of the extensions is there. */
  readonly hasExtensions?: boolean;
}

export const u16 = (value: number) => Buffer.of((value >> 8) & 0xff, value & 0xff);
const u24 = (value: number) => Buffer.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
const u16s = (values: readonly number[]) => Buffer.concat(values.map(u16));
const short = (bytes: Uint8Array) => Buffer.concat([Buffer.of(bytes.length), bytes]);
const long = (bytes: Uint8Array) => Buffer.concat([u16(bytes.length), bytes]);
const extension = (type: number, body: Uint8Array) => Buffer.concat([u16(type), long(body)]);

/** A key share as large as that of X25519MLKEM768. */
export const LARGE_KEY_SHARE: readonly [number, Uint8Array] = [
  51,
  long(Buffer.concat([u16(0x11ec), long(Buffer.alloc(1216, 0x5a))])),
];

export function handshake(type: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), u24(body.length), body]);
}

/** A ClientHello with its handshake header. */
export function clientHello(fields: HelloFields = {}): Buffer {
  const { serverName, alpn, cookie, versions = [0x0304, 0x0303] } = fields;
  const extensions: Buffer[] = [];
  if (serverName !== undefined) {
    const name = long(Buffer.from(serverName, "latin1"));
    extensions.push(extension(0, long(Buffer.concat([Buffer.of(0), name]))));
  }
  for (const [type, body] of fields.extensions ?? []) extensions.push(extension(type, body));
  if (alpn !== undefined) {
    extensions.push(extension(16, long(Buffer.concat(alpn.map((name) => short(Buffer.from(name, "latin1")))))));
  }
  const signatures = fields.signatureAlgorithms ?? [0x0403, 0x0804];
  if (signatures.length > 0) extensions.push(extension(13, long(u16s(signatures))));
  if (versions.length > 0) extensions.push(extension(43, short(u16s(versions))));
  const body = [
    u16(fields.legacyVersion ?? (cookie === undefined ? 0x0303 : 0xfefd)),
    Buffer.alloc(32, 0xab),
    short(Buffer.alloc(cookie === undefined ? 32 : 0, 0xcd)),
    ...(cookie === undefined ? [] : [short(cookie)]),
    long(u16s(fields.cipherSuites ?? [0x1301, 0x1302, 0xc02f])),
    short(Buffer.of(0)),
  ];
  if (fields.hasExtensions !== false) body.push(long(Buffer.concat(extensions)));
  return handshake(1, Buffer.concat(body));
}

/** A ServerHello with its handshake header. */
export function serverHello(version: number, cipherSuite: number, random: Uint8Array = Buffer.alloc(32, 0xef)): Buffer {
  const isNewest = version === 0x0304 || version === 0xfefc;
  const legacyVersion = version === 0x0304 ? 0x0303 : version === 0xfefc ? 0xfefd : version;
  const extensions = isNewest ? extension(43, u16(version)) : extension(0xff01, Buffer.of(0));
  return handshake(
    2,
    Buffer.concat([
      u16(legacyVersion),
      random,
      short(Buffer.alloc(0)),
      u16(cipherSuite),
      Buffer.of(0),
      long(extensions),
    ]),
  );
}

export function record(type: number, body: Uint8Array, version = 0x0303): Buffer {
  return Buffer.concat([Buffer.of(type), u16(version), long(body)]);
}

/** Handshake records of so many bytes of messages each. */
export function records(messages: Uint8Array, size = 16_384): Buffer {
  const all: Buffer[] = [];
  for (let at = 0; at < messages.length; at += size) all.push(record(22, messages.subarray(at, at + size), 0x0301));
  return Buffer.concat(all);
}

export const CHANGE_CIPHER_SPEC = record(20, Buffer.of(1));

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
