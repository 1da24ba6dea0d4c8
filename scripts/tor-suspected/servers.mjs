/**
 * The servers of plan.mjs, in the namespace of the private internet. Started by record.mjs, with the files of an RSA key
 * and its certificate as arguments; says `ready` when all listen, and ends with its parent.
 */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTlsServer } from "node:tls";
import { SERVER, THROUGH_TOR_PORT, WEB_KINDS } from "./plan.mjs";

const [, , keyFile = "", certificateFile = ""] = process.argv;
const key = readFileSync(keyFile);
const cert = readFileSync(certificateFile);

process.on("disconnect", () => process.exit());

await listen(createHttpServer(answer), THROUGH_TOR_PORT);
for (const kind of WEB_KINDS) await listen(serverOf(kind), kind.port);
process.send?.("ready");

/** @param {import("./plan.mjs").WebKind} kind */
function serverOf({ speaks, cipher }) {
  /** @type {import("node:tls").TlsOptions} */
  const tls = cipher
    ? { key, cert, maxVersion: "TLSv1.2", ciphers: `${cipher}:@SECLEVEL=0` }
    : { key, cert, minVersion: "TLSv1.3" };
  switch (speaks) {
    case "http1":
      return createHttpsServer(tls, answer);
    case "http2":
      return createSecureServer(tls, answer);
    case "messages":
      return createTlsServer(tls, exchangeMessages);
  }
}

/**
 * @param {import("node:http").IncomingMessage | import("node:http2").Http2ServerRequest} request
 * @param {import("node:http").ServerResponse | import("node:http2").Http2ServerResponse} response
 */
function answer(request, response) {
  request.resume();
  request.on("end", () => {
    const bytes = Number(request.url?.slice(1)) || 0;
    response.writeHead(200, { "content-type": "application/octet-stream" });
    response.end(Buffer.alloc(bytes, "x"));
  });
}

/** Each message begins with its own length and that of the wanted answer. @param {import("node:tls").TLSSocket} socket */
function exchangeMessages(socket) {
  let pending = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= 8 && pending.length >= pending.readUInt32BE(0)) {
      socket.write(Buffer.alloc(pending.readUInt32BE(4), "y"));
      pending = pending.subarray(pending.readUInt32BE(0));
    }
  });
  socket.on("end", () => socket.end());
}

/**
 * @param {import("node:net").Server} server
 * @param {number} port
 */
async function listen(server, port) {
  server.on("error", () => {});
  server.listen({ host: SERVER, port });
  await once(server, "listening");
}
