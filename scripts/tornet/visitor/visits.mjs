/**
 * What the visitor on the node can do: real conversations with servers, directly or through the client tor.
 *
 * Each tells its 5-tuple as soon as it has one, also when the conversation fails later, because its packets are in
 * the capture all the same.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, isIP, isIPv6 } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { askTor } from "../control-port.mjs";
import { CLIENT_PORTS, NODE } from "../plan.mjs";
import { greet } from "../wire/bitcoin.mjs";
import { encodeQuery, readAnswerHeader, withLength } from "../wire/dns.mjs";
import { requestConnection } from "../wire/socks.mjs";

/** @typedef {{ address: string, port: number }} Endpoint */

/**
 * A conversation that the visitor began.
 *
 * @typedef {object} Visit
 * @property {"tcp" | "udp"} transport
 * @property {Endpoint} originator
 * @property {Endpoint} responder
 * @property {string} what - In words.
 * @property {readonly string[]} names - Host names that its bytes carry in clear.
 */

/** @typedef {(visit: Visit) => void} Record */

/** Where to, and optionally how. @typedef {Endpoint & { socks?: import("../wire/socks.mjs").SocksVersion }} Target */

/** @typedef {Target & { host: string, path?: string }} WebTarget */

const SOCKS_PROXY = { address: "127.0.0.1", port: CLIENT_PORTS.socks };

/** A conversation that makes no progress for so long is given up. */
const PATIENCE_MS = 20_000;

/** Connections that stay open between visits, by the name that the caller gave. @type {Map<string, import("node:net").Socket>} */
const kept = new Map();

/**
 * One GET over plain HTTP. With `socks`, `address` may be a name.
 *
 * @param {WebTarget} target
 * @param {Record} record
 */
async function http(target, record) {
  const socket = await open(target, [target.host], `HTTP GET http://${target.host}${target.path ?? "/"}`, record);
  return get(socket, target);
}

/**
 * One GET over TLS, with the host as SNI.
 *
 * @param {WebTarget} target
 * @param {Record} record
 */
async function https(target, record) {
  const socket = await open(target, [target.host], `HTTPS to ${target.host}`, record);
  // The certificate signs itself; who made it does not matter for the packets.
  const tls = connectTls({
    socket,
    servername: target.host,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: false,
  });
  await once(tls, "secureConnect");
  return get(tls, target);
}

/**
 * Greets a Bitcoin peer, as Bitcoin Core does.
 *
 * @param {Target} target
 * @param {Record} record
 */
async function bitcoin(target, record) {
  const socket = await open(target, [], "Bitcoin version handshake", record);
  const receiver = target.socks ? undefined : { address: target.address, port: target.port };
  const seen = await greet(socket, { initiates: true, userAgent: "/Satoshi:29.0.0/", receiver });
  if (!seen.includes("verack")) throw new Error(`The Bitcoin peer said only: ${seen.join(", ")}`);
  return seen.join(" ");
}

/**
 * Reads an SSH server's banner and leaves.
 *
 * @param {Target} target
 * @param {Record} record
 */
async function ssh(target, record) {
  const socket = await open(target, [], "SSH banner exchange", record);
  socket.write("SSH-2.0-OpenSSH_9.9\r\n");
  return text(socket);
}

/**
 * One query over UDP, from a fresh port.
 *
 * @param {Endpoint & { name: string, type: import("../wire/dns.mjs").AddressType }} question
 * @param {Record} record
 */
async function dns({ address, port, name, type }, record) {
  const what = `DNS query ${name} ${type}`;
  const reply = await askUdp({ address, port }, encodeQuery(queryId(), name, type), { names: [name], what }, record);
  return readAnswerHeader(reply);
}

/**
 * One query over TCP.
 *
 * @param {Endpoint & { name: string, type: import("../wire/dns.mjs").AddressType }} question
 * @param {Record} record
 */
async function dnsOverTcp({ address, port, name, type }, record) {
  const socket = await open({ address, port }, [name], `DNS over TCP, query ${name} ${type}`, record);
  socket.write(withLength(encodeQuery(queryId(), name, type)));
  const [reply] = await once(socket, "data");
  await closed(socket);
  return readAnswerHeader(reply.subarray(2));
}

/**
 * Asks for the time.
 *
 * @param {Endpoint} server
 * @param {Record} record
 */
async function ntp(server, record) {
  const request = Buffer.alloc(48);
  // Version 4, mode 3 (client).
  request.writeUInt8(0x23, 0);
  const reply = await askUdp(server, request, { names: [], what: "NTP request" }, record);
  return `${reply.length} bytes`;
}

/**
 * Talks to tor's control port, as monitoring tools do.
 *
 * @param {{ cookieFile: string }} options
 * @param {Record} record
 */
async function control({ cookieFile }, record) {
  const where = { host: "127.0.0.1", port: CLIENT_PORTS.control, cookieFile };
  const commands = ["GETINFO version", "GETINFO orconn-status", "GETINFO entry-guards"];
  const { localPort, replies } = await askTor(where, commands);
  record({
    transport: "tcp",
    originator: { address: where.host, port: localPort },
    responder: { address: where.host, port: where.port },
    what: "control port session of the visitor",
    names: [],
  });
  return replies.flat().join("\n");
}

/**
 * Opens a connection to an echo server that stays open, for captures which start or end in the middle.
 *
 * @param {Endpoint & { key: string }} target
 * @param {Record} record
 */
async function openEcho({ key, ...target }, record) {
  kept.set(key, await open(target, [], "echo, over a connection that stays open", record));
  return useEcho({ key });
}

/** Sends a line over a kept connection and waits for its return. @param {{ key: string }} options */
async function useEcho({ key }) {
  const socket = keptConnection(key);
  socket.write(`A line that comes back, ${new Date().toISOString()}\n`);
  const [line] = await once(socket, "data");
  return String(line);
}

/** @param {{ key: string }} options */
async function closeEcho({ key }) {
  const socket = keptConnection(key);
  kept.delete(key);
  socket.end();
  await closed(socket);
}

/** @param {string} key */
function keptConnection(key) {
  const socket = kept.get(key);
  if (!socket) throw new Error(`No connection is kept under the name ${key}`);
  return socket;
}

/** Everything that the visitor can be told to do, by name. */
export const VISITS = { http, https, bitcoin, ssh, dns, dnsOverTcp, ntp, control, openEcho, useEcho, closeEcho };

/**
 * @param {Target} target
 * @param {readonly string[]} names
 * @param {string} what
 * @param {Record} record
 */
async function open({ address, port, socks }, names, what, record) {
  const responder = socks ? SOCKS_PROXY : { address, port };
  const socket = connectTcp({ host: responder.address, port: responder.port });
  // Whoever waits for the next byte hears of an error by that; without a listener it would end the program.
  socket.on("error", () => {});
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`No progress: ${what}`)));
  await once(socket, "connect");
  record({
    transport: "tcp",
    originator: { address: socket.localAddress ?? "", port: socket.localPort ?? 0 },
    responder,
    what: socks ? `SOCKS${socks} request of the visitor: ${what}` : what,
    // An address is not a name, wherever it is written.
    names: names.filter((name) => isIP(name) === 0),
  });
  if (socks) await requestConnection(socket, socks, { host: address, port });
  return socket;
}

/**
 * Reads to the end of the connection, so that its last packets are on the wire when this returns.
 *
 * @param {import("node:net").Socket} stream
 * @param {{ host: string, path?: string }} target
 */
async function get(stream, { host, path = "/" }) {
  stream.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: visitor/1.0\r\nConnection: close\r\n\r\n`);
  const answer = await text(stream);
  // A relay's DirPort answers with HTTP/1.0.
  if (!/^HTTP\/1\.[01] 200/.test(answer)) throw new Error(`Unexpected answer: ${answer.slice(0, 100)}`);
  return answer.slice(answer.indexOf("\r\n\r\n") + 4);
}

/**
 * @param {Endpoint} responder
 * @param {Buffer} request
 * @param {{ names: readonly string[], what: string }} about
 * @param {Record} record
 * @returns {Promise<Buffer>}
 */
async function askUdp(responder, request, { names, what }, record) {
  const ipv6 = isIPv6(responder.address);
  const socket = createSocket(ipv6 ? "udp6" : "udp4");
  // Bound to an address, because an unbound socket does not tell which one it uses.
  socket.bind(0, ipv6 ? NODE.ipv6 : NODE.address);
  await once(socket, "listening");
  record({ transport: "udp", originator: endpoint(socket.address()), responder, what, names });
  socket.send(request, responder.port, responder.address);
  const [reply] = await once(socket, "message", { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.close();
  return reply;
}

/** @param {import("node:net").Socket} socket */
async function closed(socket) {
  if (!socket.closed) await once(socket, "close");
}

/** @param {{ address: string, port: number }} address */
function endpoint({ address, port }) {
  return { address, port };
}

function queryId() {
  return Math.floor(Math.random() * 0x10000);
}
