import { connect, type Socket } from "node:net";
import { type IpAddress, parseAddress } from "../net/index.js";
import { connectionFault, Fault, seconds } from "./fault.js";
import type { SocksProxy } from "./proxy.js";
import { Watch } from "./watch.js";

// SOCKS5, RFC 1928, with user and password, RFC 1929. CONNECT only.
const SOCKS_VERSION = 5;
const LOGIN_VERSION = 1;
const NO_LOGIN = 0;
const LOGIN = 2;
const NO_METHOD = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
const SUCCEEDED = 0;

/** RFC 1928 §6, as an answer about the server. */
const REFUSALS: readonly (string | undefined)[] = [
  undefined,
  "the proxy failed to reach it",
  "the proxy's rules do not allow to reach it",
  "the proxy found its network unreachable",
  "the proxy found it unreachable",
  "it refused the proxy's connection",
  "the proxy gave up on it (time to live expired)",
  "the proxy cannot connect to servers",
  "the proxy does not know addresses of this type",
];

/**
 * Opens a connection to `host` through a SOCKS5 proxy. A name is given to the proxy as a name: nothing is looked up here
 * but the proxy itself, should it be named.
 *
 * @param host - IP address, or host name of at most 253 ASCII characters.
 * @param timeoutMs - For all of it.
 * @returns The socket; whatever the server sent already is still to be read from it.
 * @throws {Fault}
 */
export async function connectThroughProxy(
  proxy: SocksProxy,
  host: string,
  port: number,
  timeoutMs: number,
  watch: Watch,
): Promise<Socket> {
  let isAsked = false;
  const timer = watch.limit(timeoutMs, () => {
    const time = seconds(timeoutMs);
    return isAsked
      ? new Fault(`the proxy did not reach it within ${time}`)
      : new Fault(`it did not answer within ${time}`, "proxy");
  });
  const socket = await openProxy(proxy, watch);
  if ((await negotiate(socket, proxy)) === LOGIN) await logIn(socket, proxy);
  isAsked = true;
  await requestConnection(socket, host, port);
  watch.lift(timer);
  return socket;
}

/**
 * Whether a SOCKS5 proxy answers there that would take us. Only the method is negotiated: the proxy is asked to connect
 * to nothing, so nothing goes to the network.
 */
export async function answersSocks(proxy: SocksProxy, timeoutMs: number): Promise<boolean> {
  const watch = new Watch();
  watch.limit(timeoutMs, () => new Fault("time-out", "proxy"));
  try {
    await negotiate(await openProxy(proxy, watch), proxy);
    return true;
  } catch (error) {
    if (watch.explain(error) instanceof Fault) return false;
    throw error;
  } finally {
    await watch.end();
  }
}

async function openProxy(proxy: SocksProxy, watch: Watch): Promise<Socket> {
  const socket = watch.hold(connect({ host: proxy.host, port: proxy.port }));
  await connected(socket, "proxy");
  return socket;
}

/** Waits until a new socket is connected. @throws {Fault} */
export async function connected(socket: Socket, culprit: "server" | "proxy"): Promise<void> {
  await settled(socket, "connect", "close");
  if (socket.destroyed) throw connectionFault(socket.errored ?? "closed", culprit);
}

async function negotiate(socket: Socket, proxy: SocksProxy): Promise<number> {
  // Without the login a tor would isolate nothing, so with one in hand nothing else is offered.
  const method = proxy.user === undefined ? NO_LOGIN : LOGIN;
  socket.write(Uint8Array.of(SOCKS_VERSION, 1, method));
  const [version, chosen] = await take(socket, 2);
  if (version !== SOCKS_VERSION) throw noSocks();
  if (chosen === NO_METHOD) {
    const need = method === LOGIN ? "it takes no user and password" : "it wants a user and a password";
    throw new Fault(need, "proxy");
  }
  if (chosen !== method) throw noSocks();
  return method;
}

async function logIn(socket: Socket, { user = "", password = "" }: SocksProxy): Promise<void> {
  const [name, secret] = [Buffer.from(user), Buffer.from(password)];
  if (name.length > 255 || secret.length > 255) throw new Fault("user or password are too long for it", "proxy");
  socket.write(Buffer.concat([Uint8Array.of(LOGIN_VERSION, name.length), name, Uint8Array.of(secret.length), secret]));
  const [version, status] = await take(socket, 2);
  if (version !== LOGIN_VERSION) throw noSocks();
  if (status !== 0) throw new Fault("it does not accept the user and password", "proxy");
}

async function requestConnection(socket: Socket, host: string, port: number): Promise<void> {
  // VER CMD RSV ATYP DST.ADDR DST.PORT
  socket.write(
    Buffer.concat([Uint8Array.of(SOCKS_VERSION, CONNECT, 0), destination(host), Uint8Array.of(port >> 8, port & 0xff)]),
  );
  // VER REP RSV ATYP BND.ADDR BND.PORT; where the proxy is bound to does not matter.
  const [version, reply, , type] = await take(socket, 4, "server");
  if (version !== SOCKS_VERSION) throw noSocks();
  // tor's own codes, 0xf0 and on, are about onion services (proposal 304).
  if (reply !== SUCCEEDED)
    throw new Fault(`${REFUSALS[reply!] ?? "the proxy failed to reach it"} (SOCKS reply ${reply})`);
  if (type !== IPV4 && type !== IPV6 && type !== NAME) throw noSocks();
  const addressBytes = type === IPV4 ? 4 : type === IPV6 ? 16 : (await take(socket, 1, "server"))[0]!;
  await take(socket, addressBytes + 2, "server");
}

function destination(host: string): Buffer {
  const address = parseAddress(host);
  if (address !== undefined)
    return Buffer.concat([Uint8Array.of(address.version === 4 ? IPV4 : IPV6), ipBytes(address)]);
  const name = Buffer.from(host, "latin1");
  return Buffer.concat([Uint8Array.of(NAME, name.length), name]);
}

function ipBytes({ version, a, b, c, d }: IpAddress): Buffer {
  const bytes = Buffer.alloc(16);
  [a, b, c, d].forEach((word, index) => {
    bytes.writeInt32BE(word | 0, index * 4);
  });
  return version === 4 ? bytes.subarray(12) : bytes;
}

function noSocks(): Fault {
  return new Fault("it does not speak SOCKS5", "proxy");
}

/**
 * Exactly `count` bytes; later ones stay in the socket.
 *
 * @param culprit - Who is at fault when the proxy falls silent: once it was asked for a server, perhaps that server.
 * @throws {Fault}
 */
async function take(socket: Socket, count: number, culprit: "server" | "proxy" = "proxy"): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  for (let length = 0; length < count; ) {
    // Never waits with bytes left in the socket: it would say at once, and for ever, that there are some.
    const piece: Buffer | null = socket.read(Math.min(count - length, socket.readableLength));
    if (piece !== null) {
      length += piece.copy(bytes, length);
    } else if (socket.readableEnded || socket.destroyed) {
      const who = culprit === "proxy" ? "it" : "the proxy";
      throw new Fault(`${who} closed the connection instead of an answer`, culprit, socket.errored ?? undefined);
    } else {
      await settled(socket, "readable", "end", "close");
    }
  }
  return bytes;
}

/** Waits for the first of these events. An error is always followed by "close". */
export function settled(socket: Socket, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) socket.off(event, done);
      resolve();
    };
    for (const event of events) socket.on(event, done);
  });
}
