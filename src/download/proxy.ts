import { LeekError } from "../base/index.js";
import { parseAddress } from "../net/index.js";

/** A SOCKS5 proxy that looks up names itself, as tor does. */
export interface SocksProxy {
  /** IP address without brackets, or host name. */
  readonly host: string;
  readonly port: number;
  /** With tor, another name or password means other circuits (IsolateSOCKSAuth). At most 255 bytes of UTF-8 each. */
  readonly user?: string;
  readonly password?: string;
}

const HINT = "Write socks5h://127.0.0.1:9050, or socks5h://USER:PASSWORD@HOST:PORT.";
/** RFC 1929 §2: one byte says how long. */
const MAX_CREDENTIAL_BYTES = 255;

/**
 * Reads `socks5h://[USER[:PASSWORD]@]HOST:PORT`; user and password may be percent-encoded.
 *
 * `socks5://` is refused: to curl and others it means that names are looked up here, in the clear, which leek never does.
 *
 * @throws {LeekError} LEEK_PROXY_INVALID. The text itself is never repeated, for it may hold a password.
 */
export function parseProxy(url: string): SocksProxy {
  const [, scheme, rest] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/is.exec(url) ?? [];
  if (scheme === undefined) throw invalid("The address of a proxy begins with socks5h://.");
  switch (scheme.toLowerCase()) {
    case "socks5h":
      break;
    case "socks5":
      throw invalid(
        "A proxy is named with socks5h://, not socks5://, which would have host names looked up here, past Tor.",
      );
    default:
      throw invalid(`leek knows SOCKS5 proxies only (socks5h://), not ${scheme.slice(0, 20)}://.`);
  }
  // A slash, a question mark or a number sign in a password must be percent-encoded, as in every URL.
  const match = /^(?:([^@:/?#]*)(?::([^@/?#]*))?@)?(\[[^\]@]*\]|[^:@/?#[\]]+):(\d{1,5})\/?$/.exec(rest ?? "");
  if (match === null) throw invalid("The address of the proxy is no socks5h://HOST:PORT.");
  const [, user, password, bracketed, digits] = match;
  const host = bracketed!.startsWith("[") ? bracketed!.slice(1, -1) : bracketed!;
  const isIpv6 = parseAddress(host)?.version === 6;
  if (isIpv6 !== bracketed!.startsWith("[") || (!isIpv6 && !isHostName(host))) {
    throw invalid("The address of the proxy has no valid host.");
  }
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw invalid("The port of the proxy is not between 1 and 65535.");
  if ((user ?? "") === "" && (password ?? "") === "") return { host, port };
  return { host, port, user: credential(user ?? ""), password: credential(password ?? "") };
}

/** What a resolver may be asked: letters, digits, `-`, `_`, dots; 253 characters at most (RFC 1035 §2.3.4). */
export function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?!\.)(?!.*\.\.)[A-Za-z\d._-]+$/.test(text);
}

function credential(encoded: string): string {
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    throw invalid("User or password of the proxy are not percent-encoded UTF-8.");
  }
  if (Buffer.byteLength(text) > MAX_CREDENTIAL_BYTES) {
    throw invalid(
      `User or password of the proxy are longer than the ${MAX_CREDENTIAL_BYTES} bytes that SOCKS5 allows.`,
    );
  }
  return text;
}

function invalid(message: string): LeekError {
  return new LeekError("LEEK_PROXY_INVALID", "usage", message, { hint: HINT });
}
