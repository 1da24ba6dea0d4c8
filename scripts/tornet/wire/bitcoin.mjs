/** Bitcoin's P2P messages, transport version 1, as far as two peers need them to greet each other. */

import { createHash, randomBytes } from "node:crypto";
import { isIPv4 } from "node:net";
import { ipv4Bytes, ipv6Bytes } from "./dns.mjs";

const MAINNET_MAGIC = Buffer.from("f9beb4d9", "hex");
const HEADER_BYTES = 24;
const PROTOCOL_VERSION = 70016;
/** NETWORK | WITNESS | NETWORK_LIMITED */
const SERVICES = 1n + 8n + 1024n;

/**
 * @param {string} command
 * @param {Buffer} [payload]
 */
export function encodeMessage(command, payload = Buffer.alloc(0)) {
  const name = Buffer.alloc(12);
  name.write(command, "ascii");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  return Buffer.concat([MAINNET_MAGIC, name, length, checksum(payload), payload]);
}

/**
 * @param {object} options
 * @param {string} options.userAgent - Such as `/Satoshi:29.0.0/`.
 * @param {{ address: string, port: number } | undefined} options.receiver - Left out (zeros) by a node that dials
 *   through a proxy, as Bitcoin Core does.
 */
export function encodeVersion({ userAgent, receiver }) {
  const fixed = Buffer.alloc(20);
  fixed.writeInt32LE(PROTOCOL_VERSION, 0);
  fixed.writeBigUInt64LE(SERVICES, 4);
  fixed.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1000)), 12);
  const sender = Buffer.alloc(26);
  const agent = Buffer.from(userAgent, "ascii");
  const startHeight = Buffer.alloc(4);
  startHeight.writeInt32LE(900_000);
  const relay = Buffer.from([1]);
  const nonce = randomBytes(8);
  const agentLength = Buffer.from([agent.length]);
  return Buffer.concat([fixed, encodeReceiver(receiver), sender, nonce, agentLength, agent, startHeight, relay]);
}

/** @param {{ address: string, port: number } | undefined} receiver */
function encodeReceiver(receiver) {
  const bytes = Buffer.alloc(26);
  if (!receiver) return bytes;
  bytes.writeBigUInt64LE(SERVICES, 0);
  const { address, port } = receiver;
  const mapped = Buffer.from("00000000000000000000ffff", "hex");
  (isIPv4(address) ? Buffer.concat([mapped, ipv4Bytes(address)]) : ipv6Bytes(address)).copy(bytes, 8);
  // The only big-endian number in the message.
  bytes.writeUInt16BE(port, 24);
  return bytes;
}

/**
 * Speaks with a peer until both have said `verack` and one ping was answered.
 *
 * @param {import("node:stream").Duplex} stream
 * @param {object} self
 * @param {boolean} self.initiates - The one who connected speaks first, sends the ping, and closes.
 * @param {string} self.userAgent
 * @param {{ address: string, port: number } | undefined} self.receiver
 * @returns {Promise<string[]>} The names of the messages that came from the peer.
 */
export async function greet(stream, { initiates, userAgent, receiver }) {
  const seen = [];
  const version = encodeMessage("version", encodeVersion({ userAgent, receiver }));
  if (initiates) stream.write(version);
  for await (const { command, payload } of readMessages(stream)) {
    seen.push(command);
    if (command === "version") {
      if (!initiates) stream.write(version);
      // BIP 339 and BIP 155 want these two before verack.
      for (const name of ["wtxidrelay", "sendaddrv2", "verack"]) stream.write(encodeMessage(name));
    }
    if (command === "verack" && initiates) stream.write(encodeMessage("ping", randomBytes(8)));
    if (command === "ping") stream.write(encodeMessage("pong", payload));
    if (command === "pong") stream.end();
  }
  return seen;
}

/**
 * @param {AsyncIterable<Buffer>} stream
 * @returns {AsyncGenerator<{ command: string, payload: Buffer }>}
 */
async function* readMessages(stream) {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= HEADER_BYTES) {
      if (!bytes.subarray(0, 4).equals(MAINNET_MAGIC)) throw new Error("Not a Bitcoin message: wrong magic");
      const end = HEADER_BYTES + bytes.readUInt32LE(16);
      if (bytes.length < end) break;
      yield {
        command: bytes.toString("ascii", 4, 16).replaceAll("\0", ""),
        payload: bytes.subarray(HEADER_BYTES, end),
      };
      bytes = bytes.subarray(end);
    }
  }
}

/** @param {Buffer} payload */
function checksum(payload) {
  const sha256 = (/** @type {Buffer} */ bytes) => createHash("sha256").update(bytes).digest();
  return sha256(sha256(payload)).subarray(0, 4);
}
