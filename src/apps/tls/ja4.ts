import { sha256 } from "../sha256.js";
import type { ClientHello } from "./client-hello.js";

/** By what a ClientHello came: TLS over TCP, QUIC or DTLS. */
export type HelloTransport = "t" | "q" | "d";

const SERVER_NAME = 0;
const ALPN = 16;
const VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x0304, "13"],
  [0x0303, "12"],
  [0x0302, "11"],
  [0x0301, "10"],
  [0x0300, "s3"],
  [0xfefc, "d3"],
  [0xfefd, "d2"],
  [0xfeff, "d1"],
]);

/**
 * The fingerprint of the software that made a ClientHello: JA4. Means something only where it is whole.
 *
 * Source: the technical details published with JA4 by FoxIO.
 */
export function ja4(hello: ClientHello, by: HelloTransport): string {
  const key = keyOf(hello, by);
  const known = KNOWN.get(key);
  if (known !== undefined && known.by === by && isSame(known.hello, hello)) return known.fingerprint;
  const { version, cipherSuites, extensions, signatureAlgorithms, alpn } = hello;
  const destination = extensions.includes(SERVER_NAME) ? "d" : "i";
  const counts = twoDigits(cipherSuites.length) + twoDigits(extensions.length);
  const start = `${by}${VERSIONS.get(version) ?? "00"}${destination}${counts}${endsOf(alpn[0])}`;
  const fingerprint = `${start}_${listDigests(hello)}`;
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  KNOWN.set(key, { hello: { version, cipherSuites, extensions, signatureAlgorithms, alpn }, by, fingerprint });
  return fingerprint;
}

/** First and last character; of its hex digits where either is no letter or digit. */
function endsOf(protocol: string | undefined): string {
  if (protocol === undefined || protocol === "") return "00";
  const ends = protocol[0]! + protocol.at(-1)!;
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends;
  const digits = Buffer.from(protocol, "latin1").toString("hex");
  return digits[0]! + digits.at(-1)!;
}

/** What the fingerprint is made of. */
type Fingerprinted = Pick<ClientHello, "version" | "cipherSuites" | "extensions" | "signatureAlgorithms" | "alpn">;

interface Known {
  readonly hello: Fingerprinted;
  readonly by: HelloTransport;
  readonly fingerprint: string;
}

/** A machine has few programs that speak TLS, and each offers the same again and again. */
const KNOWN = new Map<number, Known>();
const MAX_KNOWN = 1_024;

function listDigests({ cipherSuites, extensions, signatureAlgorithms }: Fingerprinted): string {
  const others = sortedHex(extensions.filter((type) => type !== SERVER_NAME && type !== ALPN));
  const signatures = signatureAlgorithms.length === 0 ? "" : `_${signatureAlgorithms.map(hex).join(",")}`;
  return `${digest(sortedHex(cipherSuites))}_${digest(others === "" ? "" : others + signatures)}`;
}

function keyOf({ version, cipherSuites, extensions, signatureAlgorithms }: Fingerprinted, by: HelloTransport): number {
  let key = version + by.charCodeAt(0);
  for (const list of [cipherSuites, extensions, signatureAlgorithms]) {
    for (const value of list) key = (Math.imul(key, 31) + value) | 0;
  }
  return key;
}

function isSame(left: Fingerprinted, right: Fingerprinted): boolean {
  return (
    left.version === right.version &&
    left.alpn[0] === right.alpn[0] &&
    areEqual(left.cipherSuites, right.cipherSuites) &&
    areEqual(left.extensions, right.extensions) &&
    areEqual(left.signatureAlgorithms, right.signatureAlgorithms)
  );
}

function areEqual(left: readonly number[], right: readonly number[]): boolean {
  // As a rule it is the same list, see KnownLists.
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

function sortedHex(values: readonly number[]): string {
  return values.map(hex).sort().join(",");
}

function digest(text: string): string {
  return text === "" ? "000000000000" : sha256(Buffer.from(text)).toString("hex", 0, 6);
}

function hex(value: number): string {
  return value.toString(16).padStart(4, "0");
}

function twoDigits(value: number): string {
  return String(Math.min(value, 99)).padStart(2, "0");
}
