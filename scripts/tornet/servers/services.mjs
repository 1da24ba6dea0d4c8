/** The servers of the private internet, small enough to read. */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, isIPv6 } from "node:net";
import { ZONE } from "../plan.mjs";
import { greet } from "../wire/bitcoin.mjs";
import { encodeAnswer, NXDOMAIN, parseQuery, withLength } from "../wire/dns.mjs";

/** The most that `GET /bytes/N` gives. */
const MAX_BODY_BYTES = 200_000;

/**
 * @typedef {object} Surroundings
 * @property {{ key: string, cert: string } | undefined} tls - Files.
 * @property {(accepted: import("./start.mjs").Accepted) => void} report
 */

/**
 * Starts one server and waits until it listens.
 *
 * @param {import("../plan.mjs").ServicePlan} service
 * @param {Surroundings} surroundings
 */
export async function startService(service, surroundings) {
  switch (service.kind) {
    case "http":
      return listen(createHttpServer(answerHttp), service, surroundings);
    case "https":
      return listen(createHttpsServer(readTls(surroundings), answerHttp), service, surroundings);
    case "bitcoin":
      return listen(createServer(answerBitcoin), service, surroundings);
    case "ssh":
      return listen(createServer(answerSsh), service, surroundings);
    case "echo":
      return listen(
        createServer((socket) => socket.pipe(socket)),
        service,
        surroundings,
      );
    case "dns":
      await listen(createServer(answerDnsOverTcp), service, surroundings);
      return bind(service, (message) => answerDns(message));
    case "ntp":
      return bind(service, answerNtp);
  }
}

/**
 * @param {import("node:net").Server} server
 * @param {import("../plan.mjs").ServicePlan} service
 * @param {Surroundings} surroundings
 */
async function listen(server, { kind, address, port }, { report }) {
  server.on("connection", (/** @type {import("node:net").Socket} */ socket) => {
    // A visitor that goes away early is no reason for the server to end.
    socket.on("error", () => {});
    report({
      kind,
      originator: { address: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 },
      responder: { address, port },
    });
  });
  server.listen({ host: address, port });
  await once(server, "listening");
}

/**
 * @param {import("../plan.mjs").ServicePlan} service
 * @param {(message: Buffer) => Buffer} answer
 */
async function bind({ address, port }, answer) {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  socket.on("message", (message, sender) => socket.send(answer(message), sender.port, sender.address));
  socket.bind(port, address);
  await once(socket, "listening");
}

/** @param {Surroundings} surroundings */
function readTls({ tls }) {
  if (!tls) throw new Error("An https service needs a key and a certificate");
  return { key: readFileSync(tls.key), cert: readFileSync(tls.cert) };
}

/** `/bytes/N` gives N bytes, anything else a greeting. @type {import("node:http").RequestListener} */
function answerHttp(request, response) {
  const [, count] = /^\/bytes\/(\d+)$/.exec(request.url ?? "") ?? [];
  const body = count ? "x".repeat(Math.min(Number(count), MAX_BODY_BYTES)) : `Hello from ${request.headers.host}\n`;
  response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length }).end(body);
}

/** @param {import("node:net").Socket} socket */
async function answerBitcoin(socket) {
  const { remoteAddress: address = "", remotePort: port = 0 } = socket;
  try {
    await greet(socket, { initiates: false, userAgent: "/Satoshi:29.0.0/", receiver: { address, port } });
  } catch {
    // Not a Bitcoin peer, or gone: end the conversation.
    socket.destroy();
  }
}

/** @param {import("node:net").Socket} socket */
function answerSsh(socket) {
  socket.write("SSH-2.0-OpenSSH_9.9\r\n");
  socket.once("data", () => socket.end());
}

/** @param {Buffer} message */
function answerDns(message) {
  const query = parseQuery(message);
  const records = ZONE[query.name.toLowerCase()];
  if (!records) return encodeAnswer(query, NXDOMAIN, []);
  return encodeAnswer(query, 0, query.type ? (records[query.type] ?? []) : []);
}

/** @param {import("node:net").Socket} socket */
function answerDnsOverTcp(socket) {
  // One query in one segment is all that the visitor sends.
  socket.once("data", (bytes) => socket.end(withLength(answerDns(bytes.subarray(2)))));
}

/** Version 4, mode 4 (server), and the time in seconds since 1900 (RFC 5905 §7.3). @param {Buffer} request */
function answerNtp(request) {
  const secondsFrom1900To1970 = 2_208_988_800;
  const reply = Buffer.alloc(48);
  reply.writeUInt8(0x24, 0);
  const stratum = 2;
  reply.writeUInt8(stratum, 1);
  // The client recognises its own transmit time as the reply's originate time.
  request.copy(reply, 24, 40, 48);
  const now = Math.floor(Date.now() / 1000) + secondsFrom1900To1970;
  reply.writeUInt32BE(now, 32);
  reply.writeUInt32BE(now, 40);
  return reply;
}
