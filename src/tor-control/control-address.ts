import { escapeText, LeekError } from "../base/index.js";
import { parseAddress } from "../net/index.js";

/** Where a server listens: an IP address or host name with a port, or a unix socket. */
export type SocketAddress = TcpAddress | UnixAddress;

export interface TcpAddress {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

export interface UnixAddress {
  readonly path: string;
}

const LOCALHOST = "127.0.0.1";

/** sun_path has 108 bytes on Linux with the zero at its end. Node.js may cut what is longer. */
const MAX_UNIX_PATH_BYTES = 107;

/**
 * Reads where tor's control port is: `9051` (on 127.0.0.1), `127.0.0.1:9051`, `[::1]:9051`, `localhost:9051`,
 * `unix:/run/tor/control` (quotes around the path as in torrc), or the path alone.
 *
 * @throws {LeekError} LEEK_TOR_CONTROL_ADDRESS, quoting the text.
 */
export function parseControlAddress(text: string): SocketAddress {
  const address = parseSocketAddress(text.trim());
  if (address !== undefined) return address;
  throw new LeekError("LEEK_TOR_CONTROL_ADDRESS", "usage", `"${escapeText(text)}" is no address of a control port.`, {
    hint: "Write a port, ADDR:PORT, [ADDR6]:PORT, or the path of a unix socket: 9051, 127.0.0.1:9051, /run/tor/control.",
  });
}

/** The same for what tor itself tells; undefined when it is none of these. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  if (text.startsWith("unix:")) return unixAddress(text.slice("unix:".length).replace(/^"(.*)"$/, "$1"));
  if (text.includes("/")) return unixAddress(text);
  if (/^\d+$/.test(text)) return tcpAddress(LOCALHOST, text);
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) return undefined;
  if (bracketed !== undefined) {
    return parseAddress(bracketed)?.version === 6 ? tcpAddress(bracketed, port) : undefined;
  }
  return plain === undefined || plain.length > 253 ? undefined : tcpAddress(plain, port);
}

/** `127.0.0.1:9051`, `[::1]:9051`, `unix:/run/tor/control`: a text that parseControlAddress() reads. */
export function formatSocketAddress(address: SocketAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host.includes(":") ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Whether what is sent there stays on this machine. */
export function isOnThisMachine(address: SocketAddress): boolean {
  if ("path" in address) return true;
  const ip = parseAddress(address.host);
  if (ip === undefined) return address.host.toLowerCase() === "localhost";
  if (ip.version === 4) return ip.d >>> 24 === 127;
  return ip.a === 0 && ip.b === 0 && ip.c === 0 && ip.d === 1;
}

function tcpAddress(host: string, digits: string): TcpAddress | undefined {
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}

function unixAddress(path: string): UnixAddress | undefined {
  if (path === "" || path.includes("\0") || Buffer.byteLength(path) > MAX_UNIX_PATH_BYTES) return undefined;
  return { path };
}
