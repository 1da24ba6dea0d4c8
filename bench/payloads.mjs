// How the conversations of the made-up capture begin: enough that a recogniser sees what it would see in a real one.

import { createCipheriv, createHmac } from "node:crypto";

const EMPTY = new Uint8Array(0);

/**
 * A TLS 1.3 ClientHello with a server name. Source: RFC 8446 4.1.2, RFC 6066 3.
 *
 * @param {string} serverName
 * @param {() => number} random
 * @returns {Buffer} The record, 5 bytes of header included.
 */
export function clientHello(serverName, random) {
  return record(22, clientHelloMessage(serverName, random), 0x0301);
}

/**
 * @param {string} serverName
 * @param {() => number} random
 * @returns {Buffer} The handshake message.
 */
function clientHelloMessage(serverName, random) {
  const name = Buffer.from(serverName, "ascii");
  const serverNames = Buffer.concat([uint16(name.length + 3), Buffer.of(0), uint16(name.length), name]);
  const extensions = Buffer.concat([
    extension(0, serverNames),
    extension(10, Buffer.of(0, 4, 0, 0x1d, 0, 0x17)), // supported_groups: x25519, secp256r1
    extension(13, Buffer.of(0, 4, 4, 3, 8, 4)), // signature_algorithms
    extension(16, Buffer.from("\0\x0c\x02h2\x08http/1.1", "latin1")), // application_layer_protocol_negotiation
    extension(43, Buffer.of(2, 3, 4)), // supported_versions: TLS 1.3
    extension(51, Buffer.concat([Buffer.of(0, 36, 0, 0x1d, 0, 32), randomBytes(32, random)])), // key_share: x25519
  ]);
  const body = Buffer.concat([
    Buffer.of(3, 3),
    randomBytes(32, random),
    Buffer.of(32),
    randomBytes(32, random), // session id, as middleboxes like it
    Buffer.of(0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0),
    uint16(extensions.length),
    extensions,
  ]);
  return Buffer.concat([Buffer.of(1, 0), uint16(body.length), body]);
}

/**
 * ServerHello, ChangeCipherSpec, and the header of the encrypted rest.
 *
 * @param {() => number} random
 * @param {number} encryptedLength Of the record whose header comes last.
 */
export function serverHello(random, encryptedLength) {
  const extensions = Buffer.concat([
    extension(43, Buffer.of(3, 4)),
    extension(51, Buffer.concat([Buffer.of(0, 0x1d, 0, 32), randomBytes(32, random)])),
  ]);
  const body = Buffer.concat([
    Buffer.of(3, 3),
    randomBytes(32, random),
    Buffer.of(32),
    randomBytes(32, random),
    Buffer.of(0x13, 1, 0),
    uint16(extensions.length),
    extensions,
  ]);
  const hello = record(22, Buffer.concat([Buffer.of(2, 0), uint16(body.length), body]), 0x0303);
  return Buffer.concat([hello, Buffer.of(20, 3, 3, 0, 1, 1), applicationData(encryptedLength)]);
}

/**
 * The header of a TLS record of encrypted data.
 *
 * @param {number} length Of what follows; at most 16,640.
 */
export function applicationData(length) {
  return Buffer.of(23, 3, 3, length >> 8, length & 0xff);
}

/**
 * The header of a Bitcoin message on the main network; its checksum is made up.
 *
 * @param {string} command
 * @param {number} length Of the payload that follows.
 * @param {() => number} random
 */
export function bitcoinHeader(command, length, random) {
  const header = Buffer.alloc(24);
  header.writeUInt32BE(0xf9beb4d9, 0);
  header.write(command, 4, 12, "ascii");
  header.writeUInt32LE(length, 16);
  header.writeInt32LE((random() * 2 ** 32) | 0, 20);
  return header;
}

/** RFC 9001 5.2. */
const QUIC_SALT = Buffer.from("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex");
const QUIC_TAG_BYTES = 16;

/**
 * The datagram with a client's first Initial packet, of QUIC version 1, encrypted as it should be: whoever is on the path
 * can read the server's name. Source: RFC 9000 17.2.2, RFC 9001 5.
 *
 * @param {string} serverName
 * @param {() => number} random
 * @param {number} datagramLength
 */
export function quicClientInitial(serverName, random, datagramLength) {
  const destination = randomBytes(8, random);
  const hello = clientHelloMessage(serverName, random);
  // CRYPTO frame at offset 0, then padding.
  const frames = Buffer.concat([Buffer.of(6, 0), uint16(0x4000 | hello.length), hello]);
  const header = Buffer.concat([
    Buffer.of(0xc1, 0, 0, 0, 1, destination.length),
    destination,
    Buffer.of(8),
    randomBytes(8, random),
    Buffer.of(0), // no token
  ]);
  const length = datagramLength - header.length - 2;
  const start = Buffer.concat([header, uint16(0x4000 | length), uint16(0)]); // packet number 0
  const plain = Buffer.concat([frames, Buffer.alloc(length - 2 - QUIC_TAG_BYTES - frames.length)]);
  const secret = expand(createHmac("sha256", QUIC_SALT).update(destination).digest(), "client in", 32);
  const cipher = createCipheriv("aes-128-gcm", expand(secret, "quic key", 16), expand(secret, "quic iv", 12));
  cipher.setAAD(start);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const packet = Buffer.concat([start, sealed]);
  const numberAt = start.length - 2;
  const mask = createCipheriv("aes-128-ecb", expand(secret, "quic hp", 16), null).update(
    packet.subarray(numberAt + 4, numberAt + 20),
  );
  packet[0] = /** @type {number} */ (packet[0]) ^ (Number(mask[0]) & 0x0f);
  for (let i = 0; i < 2; i++) {
    packet[numberAt + i] = /** @type {number} */ (packet[numberAt + i]) ^ /** @type {number} */ (mask[i + 1]);
  }
  return packet;
}

/**
 * HKDF-Expand-Label of at most 32 bytes. Source: RFC 8446 7.1.
 *
 * @param {Buffer} secret
 * @param {string} label
 * @param {number} length
 */
function expand(secret, label, length) {
  const name = Buffer.from(`tls13 ${label}`, "ascii");
  const info = Buffer.concat([uint16(length), Buffer.of(name.length), name, Buffer.of(0, 1)]);
  return createHmac("sha256", secret).update(info).digest().subarray(0, length);
}

/**
 * The header of a server's QUIC version 1 Initial packet, of which the rest is random. Source: RFC 9000 17.2.2.
 *
 * @param {() => number} random
 * @param {number} datagramLength
 */
export function quicServerInitial(random, datagramLength) {
  const start = Buffer.concat([
    Buffer.of(0xc3, 0, 0, 0, 1, 8),
    randomBytes(8, random),
    Buffer.of(8),
    randomBytes(8, random),
    Buffer.of(0), // no token
  ]);
  return Buffer.concat([start, uint16(0x4000 | (datagramLength - start.length - 2))]);
}

/**
 * @param {number} id
 * @param {string} name
 * @param {4 | 6} version Asks for A or AAAA.
 */
export function dnsQuery(id, name, version) {
  return Buffer.concat([uint16(id), Buffer.of(1, 0, 0, 1, 0, 0, 0, 0, 0, 0), dnsQuestion(name, version)]);
}

/**
 * @param {number} id
 * @param {string} name
 * @param {4 | 6} version
 * @param {Uint8Array} address 4 or 16 bytes.
 */
export function dnsAnswer(id, name, version, address) {
  return Buffer.concat([
    uint16(id),
    Buffer.of(0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0),
    dnsQuestion(name, version),
    Buffer.of(0xc0, 12, 0, version === 4 ? 1 : 28, 0, 1, 0, 0, 1, 44), // TTL 300 s
    uint16(address.length),
    address,
  ]);
}

/**
 * @param {string} name
 * @param {4 | 6} version
 */
function dnsQuestion(name, version) {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Buffer.of(0, 0, version === 4 ? 1 : 28, 0, 1)]);
}

/** @param {string} name */
export function httpRequest(name) {
  return Buffer.from(`GET / HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`, "ascii");
}

export function httpResponse() {
  return Buffer.from("HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/octet-stream\r\n\r\n", "ascii");
}

/**
 * @param {number} length
 * @param {() => number} random
 */
export function randomBytes(length, random) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

export { EMPTY };

/**
 * @param {number} type
 * @param {Buffer} body
 * @param {number} version
 */
function record(type, body, version) {
  return Buffer.concat([Buffer.of(type), uint16(version), uint16(body.length), body]);
}

/**
 * @param {number} type
 * @param {Buffer} body
 */
function extension(type, body) {
  return Buffer.concat([uint16(type), uint16(body.length), body]);
}

/** @param {number} value */
function uint16(value) {
  return Buffer.of(value >> 8, value & 0xff);
}
