import { parseQuotedString } from "./quoted-string.js";
import type { Reply } from "./reply-parser.js";

/** What tor tells before authentication. */
export interface ProtocolInfo {
  /** `NULL`, `COOKIE`, `SAFECOOKIE`, `HASHEDPASSWORD`, and what later versions may add. */
  readonly methods: ReadonlySet<string>;
  /** Where tor keeps its cookie, on its machine and in its view of the files. */
  readonly cookieFile: string | undefined;
}

/**
 * Reads the answer to PROTOCOLINFO 1.
 *
 * Source: control-spec 3.21.
 *
 * @returns undefined when it is no such answer.
 */
export function parseProtocolInfo(reply: Reply): ProtocolInfo | undefined {
  // 250-PROTOCOLINFO 1
  // 250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/tor/control.authcookie"
  // 250-VERSION Tor="0.4.9.11"
  // 250 OK
  const texts = reply.lines.map((line) => line.text);
  if (reply.status !== 250 || !texts.some((text) => /^PROTOCOLINFO \d/.test(text))) return undefined;
  const auth = texts.find((text) => text.startsWith("AUTH "));
  const methods = /^AUTH METHODS=([^ ]+)/.exec(auth ?? "")?.[1];
  if (auth === undefined || methods === undefined) return undefined;
  return { methods: new Set(methods.split(",")), cookieFile: findCookieFile(auth) };
}

function findCookieFile(auth: string): string | undefined {
  const key = " COOKIEFILE=";
  const at = auth.indexOf(key);
  if (at < 0) return undefined;
  const path = parseQuotedString(auth, at + key.length)?.text;
  // tor escapes the bytes of other alphabets; here they become characters again.
  return path === undefined ? undefined : Buffer.from(path, "latin1").toString("utf8");
}
