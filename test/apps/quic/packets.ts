// QUIC packets made field by field. Source: RFC 9000 17 and 19, RFC 9001 5, RFC 9369 3.
import { createCipheriv, createHmac } from "node:crypto";

/** What differs between versions. */
export interface VersionFields {
  readonly number: number;
  readonly salt: string;
  readonly label: string;
  /** Bits of the type of an Initial packet, and of a Handshake packet. */
  readonly initial: number;
  readonly handshake: number;
}

const SALT = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a";
export const V1: VersionFields = { number: 1, salt: SALT, label: "quic", initial: 0, handshake: 2 };
export const V2: VersionFields = {
  number: 0x6b3343cf,
  salt: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
  label: "quicv2",
  initial: 1,
  handshake: 3,
};
export const DRAFT_29: VersionFields = { ...V1, number: 0xff00001d, salt: "afbfec289993d24c9e9786f19c6111e04390a899" };
export const DRAFT_27: VersionFields = { ...V1, number: 0xff00001b, salt: "c3eef712c72ebb5a11a7d2432bb46365bef9f502" };

export interface InitialFields {
  readonly version?: VersionFields;
  readonly destination?: Uint8Array;
  readonly source?: Uint8Array;
  readonly token?: Uint8Array;
  readonly number?: number;
  /** Bytes of the packet number: 1 to 4. */
  readonly numberBytes?: number;
  readonly frames: Uint8Array;
  /** The packet is padded to this many bytes; 1,200 by default. */
  readonly size?: number;
  /** Connection id from which the keys are made; that of the destination by default. */
  readonly keysFrom?: Uint8Array;
  readonly from?: "client" | "server";
}

export const DESTINATION = Buffer.from("8394c8f03e515708", "hex");
const SOURCE = Buffer.from("c0ffee", "hex");
const TAG_BYTES = 16;

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A variable-length integer in the fewest bytes, or in so many. */
export function varInt(value: number, bytes = value < 64 ? 1 : value < 16_384 ? 2 : value < 2 ** 30 ? 4 : 8): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  const tail = out.subarray(8 - bytes);
  tail[0]! |= Math.log2(bytes) << 6;
  return tail;
}

export function cryptoFrame(offset: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(6), varInt(offset), varInt(bytes.length), bytes]);
}

const shortId = (id: Uint8Array) => Buffer.concat([Buffer.of(id.length), id]);

/** An Initial packet as its sender would protect it. */
export function initial({
  version = V1,
  destination = DESTINATION,
  source = SOURCE,
  token = new Uint8Array(0),
  number = 0,
  numberBytes = 2,
  frames,
  size = 1200,
  keysFrom = destination,
  from = "client",
}: InitialFields): Buffer {
  const head = Buffer.concat([
    Buffer.of(0xc0 | (version.initial << 4) | (numberBytes - 1)),
    u32(version.number),
    shortId(destination),
    shortId(source),
    varInt(token.length),
    token,
  ]);
  const length = Math.max(size - head.length - 2, numberBytes + frames.length + TAG_BYTES);
  const header = Buffer.concat([head, varInt(length, 2), u32(number).subarray(4 - numberBytes)]);
  const plain = Buffer.alloc(length - numberBytes - TAG_BYTES);
  plain.set(frames);
  const secret = expand(
    createHmac("sha256", Buffer.from(version.salt, "hex")).update(keysFrom).digest(),
    `${from} in`,
    32,
  );
  const nonce = expand(secret, `${version.label} iv`, 12);
  nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ number) >>> 0, 8);
  const cipher = createCipheriv("aes-128-gcm", expand(secret, `${version.label} key`, 16), nonce);
  cipher.setAAD(header);
  const packet = Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const numberAt = header.length - numberBytes;
  const mask = createCipheriv("aes-128-ecb", expand(secret, `${version.label} hp`, 16), null).update(
    packet.subarray(numberAt + 4, numberAt + 20),
  );
  packet[0]! ^= mask[0]! & 0x0f;
  for (let i = 0; i < numberBytes; i++) packet[numberAt + i]! ^= mask[1 + i]!;
  return packet;
}

/** A Handshake packet whose payload is anything. */
export function handshakePacket(payload: Uint8Array, version = V1): Buffer {
  return Buffer.concat([
    Buffer.of(0xc0 | (version.handshake << 4)),
    u32(version.number),
    shortId(DESTINATION),
    shortId(SOURCE),
    varInt(payload.length),
    payload,
  ]);
}

export function retry(source: Uint8Array, version = V1): Buffer {
  const type = version === V1 ? 3 : 0;
  return Buffer.concat([
    Buffer.of(0xc0 | (type << 4)),
    u32(version.number),
    shortId(SOURCE),
    shortId(source),
    Buffer.from("a token of the server"),
    Buffer.alloc(TAG_BYTES, 0x99),
  ]);
}

export function versionNegotiation(versions: readonly number[]): Buffer {
  return Buffer.concat([Buffer.of(0x80), u32(0), shortId(SOURCE), shortId(DESTINATION), ...versions.map(u32)]);
}

function expand(secret: Uint8Array, label: string, length: number): Buffer {
  const name = `tls13 ${label}`;
  const info = Buffer.concat([Buffer.of(0, length, name.length), Buffer.from(name), Buffer.of(0, 1)]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}
