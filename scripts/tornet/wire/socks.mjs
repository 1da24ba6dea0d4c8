/** The client's side of SOCKS: version 5 (RFC 1928) and version 4a. */

import { randomBytes } from "node:crypto";
import { isIPv4 } from "node:net";
import { ipv4Bytes } from "./dns.mjs";

/**
 * `5 isolated` is what Bitcoin Core does: made-up credentials, by which tor keeps circuits apart, and every target
 * written as text, also an address.
 *
 * @typedef {"5" | "5 isolated" | "4a"} SocksVersion
 */

const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;

/**
 * Asks a proxy for a connection. Afterwards the stream leads to the target.
 *
 * @param {import("node:net").Socket} socket - Connected to the proxy.
 * @param {SocksVersion} version
 * @param {{ host: string, port: number }} target - A name, or an IPv4 address.
 */
export async function requestConnection(socket, version, target) {
  if (version === "4a") return requestSocks4a(socket, target);
  const isolated = version === "5 isolated";
  await greetSocks5(socket, isolated);
  await requestSocks5(socket, target, isolated || !isIPv4(target.host));
}

/**
 * @param {import("node:net").Socket} socket
 * @param {boolean} isolated
 */
async function greetSocks5(socket, isolated) {
  const methods = isolated ? [NO_AUTHENTICATION, USER_AND_PASSWORD] : [NO_AUTHENTICATION];
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const [, method] = await readBytes(socket, 2);
  if (method === NO_AUTHENTICATION) return;
  if (method !== USER_AND_PASSWORD) throw new Error(`The SOCKS proxy wants the unknown method ${method}`);
  // RFC 1929. The value means nothing; its being different does.
  const secret = Buffer.from(`${randomBytes(8).toString("hex")}-0`);
  const length = Buffer.from([secret.length]);
  socket.write(Buffer.concat([Buffer.from([1]), length, secret, length, secret]));
  const [, status] = await readBytes(socket, 2);
  if (status !== 0) throw new Error("The SOCKS proxy refused the credentials");
}

/**
 * @param {import("node:net").Socket} socket
 * @param {{ host: string, port: number }} target
 * @param {boolean} asText
 */
async function requestSocks5(socket, { host, port }, asText) {
  const address = asText
    ? Buffer.concat([Buffer.from([3, host.length]), Buffer.from(host)])
    : Buffer.concat([Buffer.from([1]), ipv4Bytes(host)]);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), address, portBytes(port)]));
  // tor answers with an IPv4 address (0.0.0.0) whatever was asked: 10 bytes.
  const [, status] = await readBytes(socket, 10);
  if (status !== 0) throw new Error(`SOCKS5 error ${status} for ${host}:${port}`);
}

/**
 * @param {import("node:net").Socket} socket
 * @param {{ host: string, port: number }} target
 */
async function requestSocks4a(socket, { host, port }) {
  const addressThatMeansAName = Buffer.from([0, 0, 0, 1]);
  const noUser = Buffer.from([0]);
  const name = Buffer.from(`${host}\0`);
  socket.write(Buffer.concat([Buffer.from([4, 1]), portBytes(port), addressThatMeansAName, noUser, name]));
  const reply = await readBytes(socket, 8);
  if (reply[1] !== 0x5a) throw new Error(`SOCKS4a error ${reply[1]} for ${host}:${port}`);
}

/**
 * Reads exactly so many bytes and leaves the rest in the stream.
 *
 * @param {import("node:net").Socket} socket
 * @param {number} count
 * @returns {Promise<Buffer>}
 */
function readBytes(socket, count) {
  return new Promise((resolve, reject) => {
    const onEnd = () => reject(new Error("The SOCKS proxy closed the connection"));
    const onReadable = () => {
      const bytes = socket.read(count);
      if (bytes === null) return;
      socket.off("readable", onReadable).off("end", onEnd).off("error", reject);
      resolve(bytes);
    };
    socket.on("readable", onReadable).on("end", onEnd).on("error", reject);
    onReadable();
  });
}

/** @param {number} port */
function portBytes(port) {
  return Buffer.from([port >> 8, port & 255]);
}
