// What belongs to no conversation: ARP, neighbour discovery, pings.

import { checksum } from "./frame-writer.mjs";
import { GATEWAY_MAC } from "./traffic-plan.mjs";

/** @typedef {import("./traffic-plan.mjs").Host} Host */
/** @typedef {{ bytes: Buffer, frameClass: "clearnet" | "local" | "non-ip" }} BackgroundFrame */

const GATEWAY_IPV4 = Buffer.of(192, 168, 10, 1);
const BROADCAST_MAC = Buffer.alloc(6, 0xff);

/**
 * A round of four exchanges of one host, two frames each.
 *
 * @param {Host} host
 * @param {number} sequence Of the pings.
 * @returns {BackgroundFrame[]}
 */
export function backgroundRound(host, sequence) {
  const pinged = Buffer.of(149, 10, host.ipv4[3] ?? 0, 9);
  return [
    { bytes: arp(1, host, BROADCAST_MAC), frameClass: "non-ip" },
    { bytes: arp(2, host, host.mac), frameClass: "non-ip" },
    { bytes: ping(8, host.ipv4, pinged, host.mac, GATEWAY_MAC, sequence), frameClass: "clearnet" },
    { bytes: ping(0, pinged, host.ipv4, GATEWAY_MAC, host.mac, sequence), frameClass: "clearnet" },
    { bytes: ping(8, host.ipv4, GATEWAY_IPV4, host.mac, GATEWAY_MAC, sequence), frameClass: "local" },
    { bytes: ping(0, GATEWAY_IPV4, host.ipv4, GATEWAY_MAC, host.mac, sequence), frameClass: "local" },
    { bytes: neighbour(135, host), frameClass: "local" },
    { bytes: neighbour(136, host), frameClass: "local" },
  ];
}

/**
 * @param {1 | 2} operation Request by the host, or reply by the gateway.
 * @param {Host} host
 * @param {Buffer} destination
 */
function arp(operation, host, destination) {
  const [sender, senderIp, target, targetIp] =
    operation === 1
      ? [host.mac, host.ipv4, Buffer.alloc(6), GATEWAY_IPV4]
      : [GATEWAY_MAC, GATEWAY_IPV4, host.mac, host.ipv4];
  const header = Buffer.of(8, 6, 0, 1, 8, 0, 6, 4, 0, operation);
  return Buffer.concat([destination, sender, header, sender, senderIp, target, targetIp], 60);
}

/**
 * @param {0 | 8} type
 * @param {Buffer} from
 * @param {Buffer} to
 * @param {Buffer} fromMac
 * @param {Buffer} toMac
 * @param {number} sequence
 */
function ping(type, from, to, fromMac, toMac, sequence) {
  const icmp = Buffer.alloc(64, 0x61);
  icmp.writeUInt32BE(type << 24, 0);
  icmp.writeUInt16BE(0x1234, 4);
  icmp.writeUInt16BE(sequence & 0xffff, 6);
  icmp.writeUInt16BE(checksum(sumOf(icmp)), 2);
  const ip = Buffer.concat([Buffer.of(0x45, 0, 0, 84, 0, 0, 0x40, 0, 64, 1, 0, 0), from, to]);
  ip.writeUInt16BE(checksum(sumOf(ip)), 10);
  return Buffer.concat([toMac, fromMac, Buffer.of(8, 0), ip, icmp]);
}

/**
 * @param {135 | 136} type Solicitation by the host, or advertisement by the gateway.
 * @param {Host} host
 */
function neighbour(type, host) {
  const gateway = linkLocal(GATEWAY_MAC);
  const from = type === 135 ? linkLocal(host.mac) : gateway;
  const to = type === 135 ? gateway : linkLocal(host.mac);
  const fromMac = type === 135 ? host.mac : GATEWAY_MAC;
  const flags = type === 135 ? 0 : 0xe0;
  const icmp = Buffer.concat([Buffer.of(type, 0, 0, 0, flags, 0, 0, 0), gateway, Buffer.of(type - 134, 1), fromMac]);
  icmp.writeUInt16BE(checksum(sumOf(from) + sumOf(to) + icmp.length + 58 + sumOf(icmp)), 2);
  const ip = Buffer.concat([Buffer.of(0x60, 0, 0, 0, 0, icmp.length, 58, 255), from, to]);
  return Buffer.concat([type === 135 ? GATEWAY_MAC : host.mac, fromMac, Buffer.of(0x86, 0xdd), ip, icmp]);
}

/** @param {Buffer} mac */
function linkLocal(mac) {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac;
  return Buffer.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f);
}

/** @param {Buffer} bytes Of an even number. */
function sumOf(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  return sum;
}
