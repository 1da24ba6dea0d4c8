import { endianness } from "node:os";
import { type Endpoint, formatAddress } from "../net/index.js";
import { readLines } from "./read-text.js";

/** A socket as /proc/net lists it. */
export interface Socket {
  readonly local: Endpoint;
  /** Of an unconnected or listening socket, the unspecified address and port 0. */
  readonly remote: Endpoint;
  /** 0 for a socket that no process holds any more, as in TIME_WAIT. */
  readonly inode: number;
}

const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const LITTLE_ENDIAN = endianness() === "LE";
/** Of some 400,000 sockets. What comes after stays unknown. */
const MAX_TABLE_BYTES = 1 << 26;

export function isUnspecified({ address }: Endpoint): boolean {
  return UNSPECIFIED.has(address);
}

/** Reads a file as `parseSocketTable` has it. */
export function readSocketTable(path: string, ports: ReadonlySet<number>): Socket[] {
  const sockets: Socket[] = [];
  readLines(path, MAX_TABLE_BYTES, (lines) => {
    for (const socket of parseSocketTable(lines, ports)) sockets.push(socket);
  });
  return sockets;
}

/**
 * Reads /proc/net/tcp, tcp6, udp or udp6 (proc(5)): a heading, then one socket a line with slot, local and remote
 * address:port in hex, state, ..., and the inode in the tenth field. Other lines are left out.
 *
 * @param ports - Local ports to look for; a machine can have very many sockets.
 */
export function parseSocketTable(text: string, ports: ReadonlySet<number>): Socket[] {
  const sockets: Socket[] = [];
  for (const line of text.split("\n")) {
    // The port stands after the second colon.
    const colon = line.indexOf(":", line.indexOf(":") + 1);
    if (!ports.has(Number.parseInt(line.slice(colon + 1, colon + 5), 16))) continue;
    const match = /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) (.*)$/.exec(line);
    if (match === null) continue;
    const [, localAddress = "", localPort = "", remoteAddress = "", remotePort = "", rest = ""] = match;
    if (remoteAddress.length !== localAddress.length) continue;
    // State, queues, timer, retransmissions, uid, timeout, inode.
    const inode = rest.trim().split(/\s+/)[6] ?? "";
    if (!/^\d{1,15}$/.test(inode)) continue;
    sockets.push({
      local: { address: addressText(localAddress), port: Number.parseInt(localPort, 16) },
      remote: { address: addressText(remoteAddress), port: Number.parseInt(remotePort, 16) },
      inode: Number(inode),
    });
  }
  return sockets;
}

/** @param hex - 32-bit words of the address, each in the byte order of the machine. */
function addressText(hex: string): string {
  const words = Array.from({ length: hex.length / 8 }, (_, i) => {
    const word = Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16);
    return (LITTLE_ENDIAN ? swapBytes(word) : word) | 0;
  });
  if (words.length === 1) return formatAddress(4, 0, 0, 0, words[0]!);
  const [a, b, c, d] = words as [number, number, number, number];
  // IPv4 over a socket of both versions, which packets show as IPv4.
  if (a === 0 && b === 0 && c === 0xffff) return formatAddress(4, 0, 0, 0, d);
  return formatAddress(6, a, b, c, d);
}

function swapBytes(word: number): number {
  return (word << 24) | ((word << 8) & 0xff0000) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
