/**
 * Clients of the servers of plan.mjs, on the node. Run by record.mjs with one argument, JSON:
 * `{ web: N }` has N connections of each kind; `{ upload: BYTES }` and `{ download: BYTES }` go through Tor.
 */

import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request as requestHttps } from "node:https";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { CLIENT_PORTS } from "../tornet/plan.mjs";
import { requestConnection } from "../tornet/wire/socks.mjs";
import { SERVER, SERVER_NAMES, THROUGH_TOR_PORT, WEB_KINDS } from "./plan.mjs";

const { web = 0, upload = 0, download = 0 } = JSON.parse(process.argv[2] ?? "{}");
const LARGEST_ANSWER = 300_000;
const MOST_REQUESTS = 24;
const AT_ONCE = 4;

if (upload > 0)
  await throughTor(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${upload}\r\nConnection: close\r\n\r\n`, upload);
if (download > 0) await throughTor(`GET /${download} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 0);
for (const kind of WEB_KINDS) {
  for (let done = 0; done < web; done += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, web - done) }, (_, i) => talk(kind, done + i));
    await Promise.all(batch);
  }
}

/**
 * @param {import("./plan.mjs").WebKind} kind
 * @param {number} number
 */
async function talk(kind, number) {
  const servername = SERVER_NAMES[number % SERVER_NAMES.length] ?? "";
  const requests = 4 + Math.floor(Math.random() * MOST_REQUESTS);
  const constant = 1 + Math.floor(Math.random() * 3_000);
  const sizes = Array.from({ length: requests }, () => sizeOf(kind, constant));
  const where = { host: SERVER, port: kind.port, servername, rejectUnauthorized: false };
  switch (kind.speaks) {
    case "http1":
      return overHttp1({ ...where, ciphers: "ALL:@SECLEVEL=0" }, sizes);
    case "http2":
      return overHttp2(where, sizes);
    case "messages":
      return overMessages(
        { ...where, ciphers: "ALL:@SECLEVEL=0" },
        kind.sizes === "random" ? sizes : sizes.map((size) => Math.max(size, 8)),
      );
  }
}

/**
 * @param {import("./plan.mjs").WebKind} kind
 * @param {number} constant
 */
function sizeOf({ speaks, sizes }, constant) {
  if (sizes === "constant") return constant;
  if (sizes !== "random") return sizes[Math.floor(Math.random() * sizes.length)] ?? 0;
  // As many small ones as large ones of each order of magnitude.
  const largest = speaks === "messages" ? 16_000 : LARGEST_ANSWER;
  return Math.max(8, Math.floor(Math.exp(Math.random() * Math.log(largest))));
}

/**
 * One after the other over one connection.
 *
 * @param {import("node:https").RequestOptions} where
 * @param {readonly number[]} sizes
 */
async function overHttp1(where, sizes) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const size of sizes) {
    const request = requestHttps({ ...where, agent, path: `/${size}`, headers: { "user-agent": "clients" } });
    request.end();
    const [response] = await once(request, "response");
    response.resume();
    await once(response, "end");
  }
  agent.destroy();
}

/**
 * All at once over one connection.
 *
 * @param {{ host: string, port: number, servername: string, rejectUnauthorized: boolean }} where
 * @param {readonly number[]} sizes
 */
async function overHttp2({ host, port, servername, rejectUnauthorized }, sizes) {
  const session = connectHttp2(`https://${host}:${port}`, { servername, rejectUnauthorized });
  await Promise.all(
    sizes.map(async (size) => {
      const stream = session.request({ ":path": `/${size}` });
      stream.resume();
      await once(stream, "end");
    }),
  );
  session.close();
  await once(session, "close");
}

/**
 * Question and answer of the same size.
 *
 * @param {import("node:tls").ConnectionOptions} where
 * @param {readonly number[]} sizes
 */
async function overMessages(where, sizes) {
  const socket = connectTls(where);
  await once(socket, "secureConnect");
  let received = 0;
  for (const size of sizes) {
    const message = Buffer.alloc(size, "z");
    message.writeUInt32BE(size, 0);
    message.writeUInt32BE(size, 4);
    socket.write(message);
    for (received -= size; received < 0; ) received += (await once(socket, "data"))[0].length;
  }
  socket.end();
  socket.resume();
  await once(socket, "close");
}

/**
 * @param {string} request
 * @param {number} bytes - Of the body that follows.
 */
async function throughTor(request, bytes) {
  const socket = connectTcp({ host: "127.0.0.1", port: CLIENT_PORTS.socks });
  await once(socket, "connect");
  await requestConnection(socket, "5 isolated", { host: SERVER, port: THROUGH_TOR_PORT });
  socket.write(request);
  if (bytes > 0) socket.write(Buffer.alloc(bytes, "u"));
  socket.resume();
  await once(socket, "close");
}
