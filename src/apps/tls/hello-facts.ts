import type { FlowContext } from "../protocol-reader.js";
import type { ClientHello } from "./client-hello.js";
import { type HelloTransport, ja4 } from "./ja4.js";
import type { ServerHello } from "./server-hello.js";
import { versionName } from "./version-name.js";

/**
 * Notes what a ClientHello discloses. May be called again when more of it has come: of one that is cut, neither the newest
 * version nor the fingerprint is known.
 *
 * @returns Whether the capture's DNS had the server's name before.
 */
export function noteClientHello({ facts, names }: FlowContext, hello: ClientHello, by: HelloTransport): boolean {
  const { serverName, alpn } = hello;
  const wasResolved = serverName !== undefined && names.knowsName(serverName);
  if (serverName !== undefined) {
    facts.name(serverName, "server-name");
    facts.disclose("server-name", serverName);
    facts.detail("serverName", serverName);
    facts.detail("serverNameResolved", wasResolved);
  }
  if (alpn.length > 0) {
    facts.detail("alpn", alpn);
    facts.disclose("alpn", alpnText(alpn));
  }
  if (hello.hasEncryptedHello) facts.detail("encryptedClientHello", true);
  if (hello.isCut) return wasResolved;
  // QUIC has TLS 1.3 only, and a version of its own.
  if (by !== "q") facts.detail("offeredVersion", versionName(hello.version));
  const fingerprint = ja4(hello, by);
  facts.detail("ja4", fingerprint);
  facts.disclose("tls-fingerprint", fingerprint);
  return wasResolved;
}

/** Notes what a server chose. */
export function noteServerHello({ facts }: FlowContext, { version, cipherSuite, isRetry }: ServerHello): void {
  facts.detail("version", versionName(version));
  facts.detail("cipherSuite", suiteName(cipherSuite));
  if (isRetry) facts.detail("helloRetryRequest", true);
}

// The lists themselves are kept once.
const ALPN_TEXTS = new WeakMap<readonly string[], string>();

function alpnText(alpn: readonly string[]): string {
  let text = ALPN_TEXTS.get(alpn);
  if (text === undefined) {
    text = alpn.join(" ");
    ALPN_TEXTS.set(alpn, text);
  }
  return text;
}

// Servers choose from few, and putting the text together costs as much as reading the message.
const SUITE_NAMES = new Map<number, string>();

/** As four hex digits. */
function suiteName(cipherSuite: number): string {
  let name = SUITE_NAMES.get(cipherSuite);
  if (name === undefined) {
    name = cipherSuite.toString(16).padStart(4, "0");
    SUITE_NAMES.set(cipherSuite, name);
  }
  return name;
}
