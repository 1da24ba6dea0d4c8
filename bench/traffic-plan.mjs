// Who talks to whom in the made-up capture: a house of 24 hosts behind one line, watched at its gateway.

import { ETHERNET_BYTES } from "./frame-writer.mjs";

/** @typedef {import("./consensus-generator.mjs").GeneratedRelay} GeneratedRelay */

/**
 * @typedef {"tor" | "relay-other-port" | "https" | "http" | "bitcoin" | "ssh" | "dns" | "quic" | "refused" |
 *   "unanswered" | "local"} FlowKind
 *
 * @typedef {object} Host
 * @property {Buffer} mac
 * @property {Buffer} ipv4
 * @property {Buffer} ipv6 Global.
 * @property {Buffer} localIpv6 The one it uses towards the house's own prefix, as RFC 6724 has it.
 *
 * @typedef {object} PlannedFlow
 * @property {FlowKind} kind
 * @property {"tor" | "clearnet" | "local"} flowClass What an analysis by address, port and time must make of it.
 * @property {4 | 6} version
 * @property {Host} client
 * @property {number} clientPort
 * @property {Buffer} serverAddress 4 or 16 bytes.
 * @property {number} serverPort
 * @property {string} serverName
 * @property {number} packets Of both directions.
 */

const CLIENTS = 24;
const IPV6_SHARE = 0.1;

/** Of all flows. tor fills what is left of the whole: 30 %. */
const SHARES = /** @type {const} */ ({
  "relay-other-port": 0.002,
  https: 0.36,
  http: 0.03,
  bitcoin: 0.03,
  ssh: 0.01,
  dns: 0.22,
  quic: 0.013,
  refused: 0.01,
  unanswered: 0.01,
  local: 0.015,
});

/** How many packets such a flow has beside an https flow; fixed numbers stand in FIXED_PACKETS. */
const WEIGHTS = { tor: 1.5, "relay-other-port": 0.3, https: 1, http: 0.6, bitcoin: 2, ssh: 1, quic: 1, local: 1 };
/** @type {Partial<Record<FlowKind, number>>} */
const FIXED_PACKETS = { dns: 2, refused: 2, unanswered: 3 };
const SERVER_PORTS = {
  https: 443,
  http: 80,
  bitcoin: 8333,
  ssh: 22,
  dns: 53,
  quic: 443,
  refused: 8333,
  unanswered: 443,
};

/** SYN, SYN-ACK, ACK, request, answer, ACK, FIN, FIN, ACK. */
export const FEWEST_TCP_PACKETS = 9;

export const GATEWAY_MAC = Buffer.from("02005e100001", "hex");
const GATEWAY_IPV4 = Buffer.of(192, 168, 10, 1);
const GATEWAY_IPV6 = Buffer.from("fd001000000000000000000000000001", "hex");

/** @returns {Host[]} */
export function makeClients() {
  return Array.from({ length: CLIENTS }, (_, i) => ({
    mac: Buffer.of(2, 0, 0x5e, 0x10, 1, i),
    ipv4: Buffer.of(192, 168, 10, 20 + i),
    ipv6: Buffer.concat([Buffer.from("260010000010000000000000", "hex"), Buffer.of(0, 0, 1, i)]),
    localIpv6: Buffer.concat([GATEWAY_IPV6.subarray(0, 8), Buffer.of(0, 0, 0, 0, 0, 0, 1, i)]),
  }));
}

/**
 * @param {object} options
 * @param {number} options.packets The sum over all flows.
 * @param {number} options.flows
 * @param {readonly GeneratedRelay[]} options.relays Theirs are the first octets 20 to 79 and 2a00 to 2a07; servers
 *   that are no relays have others.
 * @param {readonly Host[]} options.clients
 * @param {() => number} options.random
 * @returns {PlannedFlow[]}
 * @throws {RangeError} when there are too few packets for so many flows.
 */
export function planFlows({ packets, flows, relays, clients, random }) {
  const below = (/** @type {number} */ limit) => Math.floor(random() * limit);
  const pick = /** @template T @param {readonly T[]} list @returns {T} */ (list) =>
    /** @type {T} */ (list[below(list.length)]);
  const servers = makeServers(Math.max(8, Math.round(flows / 8)), random);
  const relaysWithIpv6 = relays.filter((relay) => relay.ipv6 !== undefined);
  const orPorts = new Set(relays.map((relay) => `${relay.address}:${relay.orPort}`));
  const nextPorts = clients.map(() => 32768 + below(1000));

  const kinds = makeKinds(flows, random);
  const counts = sharePackets(kinds, packets, random);
  return kinds.map((kind, i) => {
    const version = random() < IPV6_SHARE && kind !== "relay-other-port" ? 6 : 4;
    const clientIndex = below(clients.length);
    const clientPort = /** @type {number} */ (nextPorts[clientIndex]);
    nextPorts[clientIndex] = clientPort + 1;
    const client = /** @type {Host} */ (clients[clientIndex]);
    const common = { kind, version: /** @type {4 | 6} */ (version), client, clientPort, packets: counts[i] ?? 0 };

    if (kind === "tor") {
      const relay = pick(version === 6 ? relaysWithIpv6 : relays);
      const ipv6 = version === 6 ? relay.ipv6 : undefined;
      return {
        ...common,
        flowClass: "tor",
        serverAddress: ipv6 ? parseIpv6(ipv6.address) : parseIpv4(relay.address),
        serverPort: ipv6 ? ipv6.port : relay.orPort,
        serverName: `www.${randomName(random, 8 + below(12))}.com`,
      };
    }
    if (kind === "relay-other-port") {
      const relay = pick(relays);
      const port = /** @type {number} */ ([22, 443, 8443].find((p) => !orPorts.has(`${relay.address}:${p}`)) ?? 25);
      const where = { serverAddress: parseIpv4(relay.address), serverPort: port, serverName: "relay.example.org" };
      return { ...common, flowClass: "clearnet", ...where };
    }
    const server = pick(servers);
    if (kind === "local" || (kind === "dns" && random() < 0.5)) {
      return {
        ...common,
        flowClass: "local",
        serverAddress: version === 6 ? GATEWAY_IPV6 : GATEWAY_IPV4,
        serverPort: kind === "dns" ? 53 : pick([22, 80, 443, 445]),
        serverName: kind === "dns" ? server.name : "gateway.home.arpa",
      };
    }
    return {
      ...common,
      flowClass: "clearnet",
      serverAddress: version === 6 ? server.ipv6 : server.ipv4,
      serverPort: SERVER_PORTS[kind],
      serverName: server.name,
    };
  });
}

/**
 * @param {Host} client
 * @param {PlannedFlow} flow
 * @param {"client" | "server"} sender
 * @param {number} protocol
 * @returns {Buffer} Ethernet and IP header; lengths, id and checksum are 0.
 */
export function frameStart(client, flow, sender, protocol) {
  const fromClient = sender === "client";
  const macs = fromClient ? [GATEWAY_MAC, client.mac] : [client.mac, GATEWAY_MAC];
  const clientIpv6 = flow.flowClass === "local" ? client.localIpv6 : client.ipv6;
  const clientAddress = flow.version === 6 ? clientIpv6 : client.ipv4;
  const addresses = fromClient ? [clientAddress, flow.serverAddress] : [flow.serverAddress, clientAddress];
  const hops = fromClient ? 64 : 48 + (flow.clientPort % 12);
  if (flow.version === 4) {
    const ip = Buffer.of(0x45, 0, 0, 0, 0, 0, 0x40, 0, hops, protocol, 0, 0);
    return Buffer.concat([...macs, Buffer.of(8, 0), ip, ...addresses], ETHERNET_BYTES + 20);
  }
  const ip = Buffer.of(0x60, flow.clientPort & 15, flow.clientPort >> 8, flow.serverPort & 255, 0, 0, protocol, hops);
  return Buffer.concat([...macs, Buffer.of(0x86, 0xdd), ip, ...addresses], ETHERNET_BYTES + 40);
}

/**
 * @param {number} flows
 * @param {() => number} random
 * @returns {FlowKind[]} In random order.
 */
function makeKinds(flows, random) {
  /** @type {FlowKind[]} */
  const kinds = [];
  for (const [kind, share] of Object.entries(SHARES)) {
    const count = Math.max(1, Math.round(flows * share));
    for (let i = 0; i < count; i++) kinds.push(/** @type {FlowKind} */ (kind));
  }
  if (kinds.length >= flows) throw new RangeError(`${flows} flows are too few to hold one of each kind.`);
  while (kinds.length < flows) kinds.push("tor");
  for (let i = kinds.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kind = /** @type {FlowKind} */ (kinds[i]);
    kinds[i] = /** @type {FlowKind} */ (kinds[j]);
    kinds[j] = kind;
  }
  return kinds;
}

/**
 * Most flows are short and a few carry most of the packets, as everywhere (log-normal).
 *
 * @param {readonly FlowKind[]} kinds
 * @param {number} packets
 * @param {() => number} random
 */
function sharePackets(kinds, packets, random) {
  const weights = kinds.map((kind) => {
    if (FIXED_PACKETS[kind] !== undefined) return 0;
    const gauss = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return WEIGHTS[/** @type {keyof typeof WEIGHTS} */ (kind)] * Math.exp(1.3 * gauss);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = kinds.map((kind) => FIXED_PACKETS[kind] ?? FEWEST_TCP_PACKETS);
  const free = packets - counts.reduce((sum, count) => sum + count, 0);
  if (free < 0) throw new RangeError(`${packets} packets are too few for ${kinds.length} flows.`);
  let left = free;
  for (let i = 0; i < counts.length; i++) {
    const more = Math.floor((free * (weights[i] ?? 0)) / total);
    counts[i] = (counts[i] ?? 0) + more;
    left -= more;
  }
  const largest = weights.indexOf(Math.max(...weights));
  counts[largest] = (counts[largest] ?? 0) + left;
  return counts;
}

/**
 * @param {number} count
 * @param {() => number} random
 */
function makeServers(count, random) {
  const below = (/** @type {number} */ limit) => Math.floor(random() * limit);
  return Array.from({ length: count }, () => ({
    name: `${["www", "cdn", "api", "static"][below(4)]}.${randomName(random, 5 + below(10))}.${["com", "org", "net"][below(3)]}`,
    ipv4: Buffer.of(130 + below(30), below(256), below(256), 1 + below(254)),
    ipv6: Buffer.from([
      0x26,
      0x07,
      ...Array.from({ length: 4 }, () => below(256)),
      ...new Array(8).fill(0),
      below(256),
      1,
    ]),
  }));
}

/**
 * @param {() => number} random
 * @param {number} length
 */
function randomName(random, length) {
  return Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
}

/** @param {string} text */
function parseIpv4(text) {
  return Buffer.from(text.split(".").map(Number));
}

/** @param {string} text With or without `::`. */
function parseIpv6(text) {
  const [before = "", after] = text.split("::");
  const head = before.split(":").filter(Boolean);
  const tail = (after ?? "").split(":").filter(Boolean);
  const groups = [...head, ...new Array(8 - head.length - tail.length).fill("0"), ...tail];
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}
