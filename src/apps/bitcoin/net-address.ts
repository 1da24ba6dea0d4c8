import { formatAddress, localRange } from "../../net/index.js";
import { base32, onionName } from "./onion-name.js";

/** Networks by which peers are reached; `onion-v2` is gone from Tor since 2021, but not from all nodes' lists. */
export type PeerNetwork = "ipv4" | "ipv6" | "onion-v2" | "onion" | "i2p" | "cjdns" | "yggdrasil";

/** Where a node is reached, or says so. */
export interface NetAddress {
  readonly network: PeerNetwork;
  /** An address in canonical text, or a name. */
  readonly host: string;
  /** 0 where the network has none (I2P). */
  readonly port: number;
  /** An IP address that is not of this machine, link or site only. */
  readonly isInternet: boolean;
}

/** BIP 155: network id -> its name, and bytes of its addresses. */
const NETWORKS: readonly (readonly [network: PeerNetwork, bytes: number] | undefined)[] = [
  undefined,
  ["ipv4", 4],
  ["ipv6", 16],
  ["onion-v2", 10],
  ["onion", 32],
  ["i2p", 32],
  ["cjdns", 16],
  ["yggdrasil", 16],
];
const IPV4_MAPPED = [0, 0, 0xffff] as const;
/** fd87:d87e:eb43::/48, OnionCat: onion names of version 2, in messages that know IPv6 only. */
const ONION_CAT = [0xfd87d87e | 0, 0xeb43] as const;
const ONION_CAT_BYTES = 6;

/** The network of a BIP 155 address; undefined for an id that is not known, or a length that is not its. */
export function networkOf(id: number, bytes: number): PeerNetwork | undefined {
  const known = NETWORKS[id];
  return known?.[1] === bytes ? known[0] : undefined;
}

/** The network of the 16 bytes of an address in `version` and `addr`; undefined when they are all zero. */
export function networkAt(view: DataView, at: number): PeerNetwork | undefined {
  const [a, b, c, d] = words(view, at);
  if (a === IPV4_MAPPED[0] && b === IPV4_MAPPED[1] && c === IPV4_MAPPED[2]) return d === 0 ? undefined : "ipv4";
  if (a === ONION_CAT[0] && b >>> 16 === ONION_CAT[1]) return "onion-v2";
  return a === 0 && b === 0 && c === 0 && d === 0 ? undefined : "ipv6";
}

/** Where the bytes of an address of this network begin within its 16 bytes. */
export function offsetOf(network: PeerNetwork): number {
  if (network === "ipv4") return 12;
  return network === "onion-v2" ? ONION_CAT_BYTES : 0;
}

/** @param at - Of the address, all of whose bytes are there. */
export function netAddress(network: PeerNetwork, view: DataView, at: number, port: number): NetAddress {
  switch (network) {
    case "ipv4": {
      const d = view.getInt32(at);
      return { network, host: formatAddress(4, 0, 0, 0, d), port, isInternet: localRange(4, 0, 0, 0, d) === undefined };
    }
    case "onion-v2":
      return { network, host: `${base32(bytesAt(view, at, 10))}.onion`, port, isInternet: false };
    case "onion":
      return { network, host: onionName(bytesAt(view, at, 32)), port, isInternet: false };
    case "i2p":
      return { network, host: `${base32(bytesAt(view, at, 32))}.b32.i2p`, port, isInternet: false };
    default: {
      const [a, b, c, d] = words(view, at);
      const isInternet = network === "ipv6" && localRange(6, a, b, c, d) === undefined;
      return { network, host: formatAddress(6, a, b, c, d), port, isInternet };
    }
  }
}

function words(view: DataView, at: number): [number, number, number, number] {
  return [view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12)];
}

function bytesAt(view: DataView, at: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, count);
}
