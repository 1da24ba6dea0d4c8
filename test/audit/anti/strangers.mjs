// Servers of the private internet that the private Tor network does not have: one address, many ports. See audit-lab.ts.
//
// Arguments: the folder with tls-key.pem and tls-cert.pem. Says "ready" on standard output when all of them listen.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { encodeAnswer, parseQuery, withLength } from "../../../scripts/tornet/wire/dns.mjs";

const STRANGER = "203.0.113.99";
const GATEWAY = "192.168.50.1";
const SSDP_GROUP = "239.255.255.250";
const folder = process.argv[2] ?? "";
const tls = { key: readFileSync(join(folder, "tls-key.pem")), cert: readFileSync(join(folder, "tls-cert.pem")) };

/** @param {import("node:net").Socket} socket */
const quietly = (socket) => socket.on("error", () => {});
/** @param {Buffer} query */
const answer = (query) => encodeAnswer(parseQuery(query), 0, ["203.0.113.80"]);

/** Whoever says something gets it back, once. @param {import("node:net").Socket} socket */
function echo(socket) {
  quietly(socket).pipe(socket);
}

/** Enough for a client to say who it is. @param {import("node:net").Socket} socket */
function mail(socket) {
  quietly(socket).write("220 mail.example.com ESMTP\r\n");
  socket.on("data", (line) => {
    if (/^QUIT/i.test(String(line))) socket.end("221 Bye\r\n");
    else socket.write("250 mail.example.com\r\n");
  });
}

/** Leaves after the client's first words. @param {import("node:net").Socket} socket */
function ssh(socket) {
  quietly(socket).write("SSH-2.0-OpenSSH_9.9\r\n");
  socket.once("data", () => socket.end());
}

/** @param {import("node:net").Socket} socket */
function dnsOverTls(socket) {
  quietly(socket).once("data", (bytes) => socket.end(withLength(answer(bytes.subarray(2)))));
}

/**
 * Mapped TCP, for an hour, from the port that was asked for (RFC 6886 3.3); the external address otherwise (3.2).
 *
 * @param {Buffer} request
 */
function portMapping(request) {
  const isMapping = request.length === 12;
  const reply = Buffer.alloc(isMapping ? 16 : 12);
  reply.writeUInt8(0x80 | request.readUInt8(1), 1);
  if (isMapping) {
    request.copy(reply, 8, 4, 8);
    reply.writeUInt32BE(3600, 12);
  } else Buffer.of(203, 0, 113, 1).copy(reply, 8);
  return reply;
}

/** Where the router is asked for ports by UPnP. */
const UPNP_PORT = 5000;
const UPNP_SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1";
/** What has not this one too is no gateway to clients. */
const UPNP_COMMON = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
const UPNP_GATEWAY = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

/** Searches for a gateway are answered, UPnP Device Architecture 1.3.3. @param {Buffer} request */
function discovery(request) {
  const text = String(request);
  const fields = [
    "HTTP/1.1 200 OK",
    `LOCATION: http://${GATEWAY}:${UPNP_PORT}/gateway.xml`,
    "SERVER: Linux UPnP/1.1 router/1",
    `ST: ${UPNP_GATEWAY}`,
    `USN: uuid:1::${UPNP_GATEWAY}`,
  ];
  if (!text.startsWith("M-SEARCH ") || !text.includes(UPNP_GATEWAY)) return undefined;
  return Buffer.from(`${fields.join("\r\n")}\r\n\r\n`);
}

/** Tells where a port is to be asked for, and grants it: the answer to any action has what a client reads in any. */
const gateway = createHttpServer((request, response) => {
  const action = /#(\w+)"?$/.exec(String(request.headers.soapaction))?.[1];
  request.resume();
  response.setHeader("Content-Type", "text/xml");
  response.end(
    action === undefined
      ? `<root><device><deviceType>${UPNP_GATEWAY}</deviceType><serviceList>` +
          [UPNP_COMMON, UPNP_SERVICE]
            .map((type) => `<service><serviceType>${type}</serviceType><controlURL>/control</controlURL></service>`)
            .join("") +
          "</serviceList></device></root>"
      : `<Envelope><Body><u:${action}Response xmlns:u="${UPNP_SERVICE}">` +
          "<NewConnectionStatus>Connected</NewConnectionStatus><NewExternalIPAddress>203.0.113.1</NewExternalIPAddress>" +
          "<NewInternalClient>192.168.50.2</NewInternalClient><NewInternalPort>8333</NewInternalPort>" +
          `</u:${action}Response></Body></Envelope>`,
  );
});

for (const [port, server] of /** @type {const} */ ([
  [22, createServer(ssh)],
  [25, createServer(mail)],
  [853, createTlsServer({ ...tls, ALPNProtocols: ["dot"] }, dnsOverTls)],
  ...[6881, 9735, 18080, 40_000, 50_001].map((port) => /** @type {const} */ ([port, createServer(echo)])),
])) {
  await once(server.listen({ host: STRANGER, port }), "listening");
}
await once(createServer(echo).listen({ host: GATEWAY, port: 40_000 }), "listening");
await once(gateway.listen({ host: GATEWAY, port: UPNP_PORT }), "listening");
for (const [address, port, reply] of /** @type {const} */ ([
  [GATEWAY, 53, answer],
  [GATEWAY, 5351, portMapping],
  [SSDP_GROUP, 1900, discovery],
  [STRANGER, 443, () => undefined],
  [STRANGER, 3478, () => undefined],
  [STRANGER, 40_000, () => undefined],
])) {
  const socket = createSocket("udp4");
  socket.on("message", (request, { port: from, address: to }) => {
    const said = reply(request);
    if (said !== undefined) socket.send(said, from, to);
  });
  socket.bind(port, address);
  await once(socket, "listening");
  if (address === SSDP_GROUP) socket.addMembership(SSDP_GROUP, GATEWAY);
}
process.stdout.write("ready\n");
