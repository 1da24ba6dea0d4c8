import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { LeekError } from "../base/index.js";
import { isOnThisMachine } from "./control-address.js";
import type { ControlLink } from "./control-link.js";
import { readCookie, readCookieNamedByStranger } from "./cookie-file.js";
import { authenticationError, malformedError, notTorError, refusal, refusedError } from "./faults.js";
import { type ProtocolInfo, parseProtocolInfo } from "./protocol-info.js";
import { type Reply, ReplyFault } from "./reply-parser.js";

/** What leek may show to tor. */
export interface Credentials {
  /** The one whose hash is HashedControlPassword in torrc. Where given, and tor takes passwords, it comes first. */
  readonly password?: string | undefined;
  /** Instead of the file that tor names, where tor sees its files under other paths (in a container). Absolute. */
  readonly cookieFile?: string | undefined;
}

const SERVER_KEY = "Tor safe cookie authentication server-to-controller hash";
const CLIENT_KEY = "Tor safe cookie authentication controller-to-server hash";
const NONCE_BYTES = 32;

const NO_METHOD_HINT =
  'Set "CookieAuthentication 1" in torrc, or HashedControlPassword and give that password; then restart tor.';
const PASSWORD_HINT =
  'Give the password whose hash is HashedControlPassword in torrc ("tor --hash-password" makes one).';
const STALE_COOKIE_HINT =
  "tor writes a new cookie at each start: check that the cookie file belongs to the tor that listens there.";

/**
 * Authenticates by what tor offers: none needed, a password that was given, SAFECOOKIE, COOKIE, in this order.
 *
 * Source: control-spec 3.5, 3.21, 3.24 and 5.1.
 *
 * @throws {LeekError} LEEK_TOR_CONTROL_NOT_TOR, LEEK_TOR_CONTROL_AUTHENTICATION, and those of ControlLink.
 */
export async function authenticate(link: ControlLink, credentials: Credentials): Promise<void> {
  const info = await askProtocolInfo(link);
  const { methods } = info;
  if (methods.has("NULL")) {
    expectOk(link, await link.ask("AUTHENTICATE"), NO_METHOD_HINT);
  } else if (methods.has("HASHEDPASSWORD") && credentials.password !== undefined) {
    // As hex digits: so it may have any character.
    const hex = Buffer.from(credentials.password, "utf8").toString("hex");
    expectOk(link, await link.ask(`AUTHENTICATE ${hex}`), PASSWORD_HINT, "the password is wrong");
  } else if (methods.has("SAFECOOKIE")) {
    await authenticateBySafeCookie(link, cookiePath(link, info, credentials));
  } else if (methods.has("COOKIE")) {
    await authenticateByCookie(link, cookiePath(link, info, credentials), credentials.cookieFile !== undefined);
  } else if (methods.has("HASHEDPASSWORD")) {
    throw authenticationError(link.where, "it wants a password", PASSWORD_HINT);
  } else {
    throw authenticationError(link.where, "it offers no way that leek knows", NO_METHOD_HINT, "configuration");
  }
}

/** Its failure says that another program listens there. */
async function askProtocolInfo(link: ControlLink): Promise<ProtocolInfo> {
  const reply = await link.ask("PROTOCOLINFO 1").catch((error: unknown) => {
    if (!(error instanceof LeekError)) throw error;
    if (error.code === "LEEK_TOR_CONTROL_CLOSED") {
      throw notTorError(link.where, "it closed the connection without an answer", error);
    }
    if (error.cause instanceof ReplyFault) throw notTorError(link.where, error.cause.message, error);
    throw error;
  });
  const info = parseProtocolInfo(reply);
  if (info === undefined) throw notTorError(link.where, `it answered "${refusal(reply)}"`);
  return info;
}

function cookiePath(link: ControlLink, info: ProtocolInfo, credentials: Credentials): string {
  const path = credentials.cookieFile ?? info.cookieFile;
  if (path !== undefined) return path;
  const hint = "Name the cookie file yourself, or use a password.";
  throw authenticationError(link.where, "it does not tell where its cookie is", hint, "configuration");
}

/** Both sides prove that they know the cookie; nobody sends it. */
async function authenticateBySafeCookie(link: ControlLink, path: string): Promise<void> {
  const cookie = await readCookie(path, link.where);
  const clientNonce = randomBytes(NONCE_BYTES);
  const reply = await link.ask(`AUTHCHALLENGE SAFECOOKIE ${clientNonce.toString("hex")}`);
  if (reply.status !== 250) throw refusedError(link.where, "AUTHCHALLENGE", reply);
  // 250 AUTHCHALLENGE SERVERHASH=<64 hex digits> SERVERNONCE=<64 hex digits>
  const text = reply.lines.at(-1)?.text ?? "";
  const challenge = /^AUTHCHALLENGE SERVERHASH=([0-9A-Fa-f]{64}) SERVERNONCE=([0-9A-Fa-f]{64})(?: |$)/.exec(text);
  if (challenge === null) throw malformedError(link.where, "its AUTHCHALLENGE has not the expected form");
  const serverHash = Buffer.from(challenge[1]!, "hex");
  const secret = Buffer.concat([cookie, clientNonce, Buffer.from(challenge[2]!, "hex")]);
  if (!timingSafeEqual(serverHash, hmac(SERVER_KEY, secret))) {
    const problem = "it does not know the content of its own cookie file, so nothing was sent to it";
    throw authenticationError(link.where, problem, STALE_COOKIE_HINT);
  }
  const answer = await link.ask(`AUTHENTICATE ${hmac(CLIENT_KEY, secret).toString("hex")}`);
  expectOk(link, answer, STALE_COOKIE_HINT);
}

/**
 * Sends the cookie itself; only tor before 0.2.3 (2012) asks for that. Whoever listens there could name another
 * program's secret instead, so it has to look like a cookie and stays on this machine.
 */
async function authenticateByCookie(link: ControlLink, path: string, isNamedByUser: boolean): Promise<void> {
  if (!isOnThisMachine(link.where)) {
    const hint = "Use tor 0.2.3 or later, which need not be sent the cookie, or a password.";
    throw authenticationError(link.where, "it asks for the cookie itself, over the network", hint, "configuration");
  }
  const read = isNamedByUser ? readCookie : readCookieNamedByStranger;
  const cookie = await read(path, link.where);
  expectOk(link, await link.ask(`AUTHENTICATE ${cookie.toString("hex")}`), STALE_COOKIE_HINT);
}

function hmac(key: string, data: Buffer): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

function expectOk(link: ControlLink, reply: Reply, hint: string, problem?: string): void {
  if (reply.status === 250) return;
  throw authenticationError(link.where, problem ?? `it answered "${refusal(reply)}"`, hint);
}
