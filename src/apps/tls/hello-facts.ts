import type { FlowContext } from "../protocol-reader.js";
import type { ClientHello } from "./client-hello.js";
import { type HelloTransport, ja4 } from "./ja4.js";
import type { ServerHello } from "./server-hello.js";
import { versionName } from "./version-name.js";

/**
 * Notes what a ClientHello discloses. May be called again when more of it has come: of one that is cut, neither the newest
 * version nor the fingerprint is known.
 */
export function noteClientHello({ facts, names }: FlowContext, hello: ClientHello, by: HelloTransport): void {
  const { serverName, alpn } = hello;
  if (serverName !== undefined) {
    facts.name(serverName, "server-name");
    facts.disclose("server-name", serverName);
    facts.detail("serverName", serverName);
    facts.detail("serverNameResolved", names.knowsName(serverName));
  }
  if (alpn.length > 0) {
    facts.detail("alpn", alpn);
    facts.disclose("alpn", alpn.join(" "));
  }
  if (hello.hasEncryptedHello) facts.detail("encryptedClientHello", true);
  if (hello.isCut) return;
  // QUIC has TLS 1.3 only, and a version of its own.
  if (by !== "q") facts.detail("offeredVersion", versionName(hello.version));
  const fingerprint = ja4(hello, by);
  facts.detail("ja4", fingerprint);
  facts.disclose("tls-fingerprint", fingerprint);
}

/** Notes what a server chose. */
export function noteServerHello({ facts }: FlowContext, { version, cipherSuite, isRetry }: ServerHello): void {
  facts.detail("version", versionName(version));
  facts.detail("cipherSuite", cipherSuite.toString(16).padStart(4, "0"));
  if (isRetry) facts.detail("helloRetryRequest", true);
}
