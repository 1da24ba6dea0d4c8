import type { Socket } from "node:net";
import { connect } from "node:tls";
import { systemErrorCode } from "../base/index.js";
import { parseAddress } from "../net/index.js";
import { connectionFault, Fault, quote, seconds } from "./fault.js";
import { settled } from "./socks-connection.js";
import type { Watch } from "./watch.js";

/**
 * Speaks TLS inside a connection, perhaps one through a proxy. The server must show a certificate for `host`.
 *
 * @returns The socket inside.
 * @throws {Fault}
 */
export async function secureConnection(
  socket: Socket,
  host: string,
  { ca, connectTimeoutMs }: { readonly ca?: string; readonly connectTimeoutMs: number },
  watch: Watch,
): Promise<Socket> {
  const time = seconds(connectTimeoutMs);
  const timer = watch.limit(connectTimeoutMs, () => new Fault(`it did not agree on TLS within ${time}`));
  const secure = watch.hold(
    connect({
      socket,
      // What the certificate must be for; nothing is looked up, as there is a socket already.
      host,
      // RFC 6066 section 3: a name, never an address.
      ...(parseAddress(host) === undefined ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
    }),
  );
  await settled(secure, "secureConnect", "close");
  if (secure.destroyed) throw tlsFault(secure.errored ?? new Error("closed"));
  watch.lift(timer);
  return secure;
}

function tlsFault(error: Error): Fault {
  const code = systemErrorCode(error) ?? "";
  if (code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return new Fault(`it does not speak TLS as it should (${quote(code)})`, "server", error);
  }
  // Codes of the system are without an underscore, those about certificates are not: CERT_HAS_EXPIRED.
  if (!code.includes("_")) return connectionFault(error, "server");
  return new Fault(`its certificate is not to be trusted (${quote(code)})`, "server", error);
}
