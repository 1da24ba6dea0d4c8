// Says the first words of programs that are too large to install for a test. Runs on the node; see leaks.ts.
//
// Arguments: what to say, and to whom: `node snippets.mjs electrum 203.0.113.99`.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { quicClientInitial } from "../../../bench/payloads.mjs";
import { askTor } from "../../../scripts/tornet/control-port.mjs";
import { CLIENT_PORTS } from "../../../scripts/tornet/plan.mjs";
import { encodeAnswer, encodeQuery, ipv4Bytes, parseQuery } from "../../../scripts/tornet/wire/dns.mjs";

/** Monero's own network id (src/cryptonote_config.h), in a handshake (docs/LEVIN_PROTOCOL.md). */
const MONERO_ID = Buffer.from("1230f171610441611731008216a1a110", "hex");
/** A point on secp256k1: its generator. */
const SOME_POINT = Buffer.from("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "hex");
const SSDP = { address: "239.255.255.250", port: 1900 };
const SSDP_NOTIFY = [
  "NOTIFY * HTTP/1.1",
  `HOST: ${SSDP.address}:${SSDP.port}`,
  "CACHE-CONTROL: max-age=1800",
  "LOCATION: http://192.168.50.2:8200/rootDesc.xml",
  "NT: upnp:rootdevice",
  "NTS: ssdp:alive",
  "SERVER: Debian DLNADOC/1.50 UPnP/1.0 MiniDLNA/1.3.0",
  "USN: uuid:4d696e69-444c-164e-9d41-020000005002::upnp:rootdevice",
  "\r\n",
].join("\r\n");
const PATIENCE_MS = 3_000;

/** @type {Record<string, (address: string, port: number) => Promise<unknown>>} */
const SAYINGS = {
  electrum: (address, port = 50_001) =>
    converse(
      address,
      port,
      '{"id": 0, "method": "server.version", "params": ["electrum/4.5.5", "1.4"]}\n' +
        `{"id": 1, "method": "blockchain.scripthash.subscribe", "params": ["${"5a".repeat(32)}"]}\n`,
    ),
  // BOLT 8, act one: version, ephemeral key, tag. The echo looks like act two.
  lightning: (address, port = 9735) =>
    converse(address, port, Buffer.concat([Buffer.of(0), SOME_POINT, Buffer.alloc(16, 7)])),
  monero: (address, port = 18_080) => converse(address, port, moneroHandshake()),
  // BEP 3: the handshake.
  bittorrent: (address, port = 6881) =>
    converse(
      address,
      port,
      Buffer.concat([
        Buffer.from("\x13BitTorrent protocol"),
        Buffer.alloc(8),
        Buffer.alloc(20, 0xab),
        Buffer.from("-TR4050-abcdefghijkl"),
      ]),
    ),
  text: (address, port = 40_000) => converse(address, port, "Nothing that a protocol says.\n"),
  datagram: (address, port = 40_000) => send(address, port, Buffer.from("Nothing that a protocol says.\n")),
  quic: (address, port = 443) => send(address, port, quicClientInitial("www.example.com", Math.random, 1200)),
  // RFC 6762: a response that nobody asked for, to everybody on the link, with the machine's name.
  mdns: async () => {
    const answer = encodeAnswer(parseQuery(encodeQuery(0, "hals-laptop.local", "A")), 0, ["192.168.50.2"]);
    await send("224.0.0.251", 5353, answer, 5353);
  },
  // RFC 4795 4.1: whether anybody else on the link has the machine's name. Without the flag by which DNS wants recursion.
  llmnr: async () => {
    const query = encodeQuery(1, "hals-laptop", "A");
    query.writeUInt16BE(0, 2);
    await send("224.0.0.252", 5355, query);
  },
  netbios: () => send("192.168.50.255", 137, netbiosRegistration("HALS-LAPTOP", "192.168.50.2"), 137),
  // UPnP Device Architecture 2.0, 1.2.2: a media server says that it is there.
  "ssdp-notify": () => send(SSDP.address, SSDP.port, Buffer.from(SSDP_NOTIFY)),
  // No leak: lets the node's tor answer DNS questions on this port.
  "dns-port": async (cookieFile, port) => {
    const control = { host: "127.0.0.1", port: CLIENT_PORTS.control, cookieFile };
    await askTor(control, [`SETCONF DNSPort=127.0.0.1:${port}`]);
  },
  // Much more than a kernel buffer of 8 KiB holds.
  flood: async (address, port = 9) => {
    const socket = createSocket("udp4");
    for (let i = 0; i < 20_000; i++) {
      await new Promise((resolve) => socket.send(Buffer.alloc(200), port, address, resolve));
    }
    socket.close();
  },
  // Many connections at once, each with a request that does not end.
  crowd: async (address, port = 40_000) => {
    const sockets = Array.from({ length: 300 }, () => connect({ host: address, port }));
    for (const socket of sockets) socket.on("error", () => {}).write(`GET / HTTP/1.1\r\nX: ${"x".repeat(8_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const socket of sockets) socket.destroy();
  },
  // A service that anybody may reach; ends with the connection.
  serve: async (address, port = 8333) => {
    const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
    await once(server.listen({ host: address, port }), "listening");
    process.stdout.write("ready\n");
    const [socket] = await once(server, "connection");
    await once(socket, "close");
    server.close();
  },
};

/** Says it over TCP, and waits for an answer, and for the end. @param {string | Buffer} words */
async function converse(/** @type {string} */ host, /** @type {number} */ port, words) {
  const socket = connect({ host, port });
  socket.write(words);
  await once(socket, "data", { signal: AbortSignal.timeout(PATIENCE_MS) });
  socket.end();
  await once(socket, "close");
}

/**
 * @param {string} address
 * @param {number} port
 * @param {Buffer} datagram
 * @param {number} [from] - The port to send it from.
 */
async function send(address, port, datagram, from) {
  const socket = createSocket("udp4");
  await once(socket.bind(from), "listening");
  socket.setBroadcast(true);
  await new Promise((resolve) => socket.send(datagram, port, address, resolve));
  socket.close();
}

/** A request with one entry, `network_id`, in Monero's portable storage. */
function moneroHandshake() {
  const entry = Buffer.concat([Buffer.from("\x0anetwork_id\x0a\x40", "latin1"), MONERO_ID]);
  const nodeData = Buffer.concat([Buffer.from("\x09node_data\x0c\x04", "latin1"), entry]);
  const body = Buffer.concat([Buffer.from("011101010101020101", "hex"), Buffer.of(4), nodeData]);
  const header = Buffer.alloc(33);
  header.write("0121010101010101", "hex");
  header.writeUInt32LE(body.length, 8);
  header.writeUInt8(1, 16);
  header.writeUInt32LE(1001, 17);
  header.writeUInt32LE(1, 25);
  header.writeUInt32LE(1, 29);
  return Buffer.concat([header, body]);
}

/**
 * "I have this name now", to everybody on the link (RFC 1002 4.2.2).
 *
 * @param {string} name - At most 15 characters.
 * @param {string} address
 */
function netbiosRegistration(name, address) {
  const words = (/** @type {number[]} */ ...values) => Buffer.from(values.flatMap((it) => [it >> 8, it & 255]));
  // RFC 1001 14.1: two letters for each byte. The last one says that a machine has the name, and not a user or group.
  const bytes = [...Buffer.from(name.padEnd(15)), 0];
  const letters = bytes.flatMap((byte) => [0x41 + (byte >> 4), 0x41 + (byte & 15)]);
  // Opcode 5 with recursion wanted, and broadcast; one question, and one further record for the same name.
  const head = words(1, 0x2910, 1, 0, 0, 1);
  const question = Buffer.from([letters.length, ...letters, 0]);
  // Type NB, class IN.
  const kind = words(0x20, 1);
  const record = Buffer.concat([words(0xc00c), kind, words(0, 0, 6, 0), ipv4Bytes(address)]);
  return Buffer.concat([head, question, kind, record]);
}

const [what = "", address = "", port] = process.argv.slice(2);
await SAYINGS[what]?.(address, /** @type {number} */ (port === undefined ? undefined : Number(port)));
