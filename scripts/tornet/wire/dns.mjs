/** DNS messages (RFC 1035 §4): one question, answers of type A and AAAA. */

import { isIP } from "node:net";

const TYPE_CODES = { A: 1, AAAA: 28 };
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const TTL_SECONDS = 300;
export const NXDOMAIN = 3;

/** @typedef {keyof typeof TYPE_CODES} AddressType */

/**
 * @param {number} id
 * @param {string} name
 * @param {AddressType} type
 */
export function encodeQuery(id, name, type) {
  const question = Buffer.concat([encodeName(name), uint16(TYPE_CODES[type]), uint16(CLASS_IN)]);
  const recursionDesired = 0x0100;
  return Buffer.concat([header(id, recursionDesired, 0), question]);
}

/**
 * @param {Buffer} message
 * @returns {{ id: number, name: string, type: AddressType | undefined, question: Buffer }} `question` as it was sent:
 *   resolvers mix upper and lower case and want it back unchanged. `type` is undefined for other types.
 */
export function parseQuery(message) {
  const labels = [];
  let offset = HEADER_BYTES;
  for (let length = message.readUInt8(offset); length > 0; length = message.readUInt8(offset)) {
    labels.push(message.toString("latin1", offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const code = message.readUInt16BE(offset + 1);
  const end = offset + 1 + 4;
  const type = code === TYPE_CODES.A ? "A" : code === TYPE_CODES.AAAA ? "AAAA" : undefined;
  return { id: message.readUInt16BE(0), name: labels.join("."), type, question: message.subarray(HEADER_BYTES, end) };
}

/**
 * @param {{ id: number, question: Buffer }} query
 * @param {number} responseCode
 * @param {readonly string[]} addresses - IPv4 and IPv6 in text form.
 */
export function encodeAnswer({ id, question }, responseCode, addresses) {
  const responseWithRecursion = 0x8180;
  const answers = addresses.map((address) => {
    const data = isIP(address) === 4 ? ipv4Bytes(address) : ipv6Bytes(address);
    const type = isIP(address) === 4 ? TYPE_CODES.A : TYPE_CODES.AAAA;
    const nameOfTheQuestion = uint16(0xc000 | HEADER_BYTES);
    const ttl = Buffer.concat([uint16(0), uint16(TTL_SECONDS)]);
    return Buffer.concat([nameOfTheQuestion, uint16(type), uint16(CLASS_IN), ttl, uint16(data.length), data]);
  });
  return Buffer.concat([header(id, responseWithRecursion | responseCode, answers.length), question, ...answers]);
}

/** @param {Buffer} message */
export function readAnswerHeader(message) {
  return { id: message.readUInt16BE(0), responseCode: message.readUInt8(3) & 15, answers: message.readUInt16BE(6) };
}

/** DNS over TCP puts the length in front (RFC 1035 §4.2.2). @param {Buffer} message */
export function withLength(message) {
  return Buffer.concat([uint16(message.length), message]);
}

/** @param {string} address */
export function ipv4Bytes(address) {
  return Buffer.from(address.split(".").map(Number));
}

/** @param {string} address - With at most one `::`, without an IPv4 tail. */
export function ipv6Bytes(address) {
  const [head = "", tail] = address.split("::");
  const groups = (/** @type {string} */ part) =>
    part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
  const before = groups(head);
  const after = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return Buffer.concat([...before, ...zeros, ...after].map(uint16));
}

/**
 * @param {number} id
 * @param {number} flags
 * @param {number} answers
 */
function header(id, flags, answers) {
  return Buffer.concat([id, flags, 1, answers, 0, 0].map(uint16));
}

/** @param {string} name */
function encodeName(name) {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** @param {number} value */
function uint16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
