import { escapeText, LeekError } from "../base/index.js";
import { formatEndpoint, formatIpAddress, type IpAddress, parseAddress, parseEndpoint } from "../net/index.js";

/** A bridge that the user or torrc names. */
export interface Bridge {
  readonly address: IpAddress;
  readonly port: number;
  /** 40 upper-case hex digits; undefined where the line has none. */
  readonly fingerprint: string | undefined;
  /** Pluggable transport, `obfs4`; undefined for a bridge spoken to in Tor's own protocol. */
  readonly transport: string | undefined;
  /**
   * True for the addresses that bundled lines of snowflake, meek and webtunnel carry only to fill the place: traffic
   * goes elsewhere, so the address never appears on the wire.
   */
  readonly isPlaceholder: boolean;
}

const DEFAULT_PORT = 443;

/** Transports that read their real destination from the line's arguments, never from its address. */
const PLACEHOLDER_TRANSPORTS = new Set(["snowflake", "meek", "meek_lite", "webtunnel"]);

/**
 * Reads a bridge: `ADDR:PORT`, or a line of torrc.
 *
 * Source: C tor `parse_bridge_line`.
 *
 * @throws {LeekError} LEEK_BRIDGE_MALFORMED, quoting the text.
 */
export function parseBridge(text: string): Bridge {
  // ["Bridge" SP] [transport SP] address [":" port] [SP fingerprint] *(SP key "=" value)
  // Bridge obfs4 198.51.100.7:9443 0123456789ABCDEF0123456789ABCDEF01234567 cert=... iat-mode=0
  const words = text.trim().split(/[ \t]+/);
  if (words[0]?.toLowerCase() === "bridge") words.shift();
  let first = words.shift() ?? "";
  let transport: string | undefined;
  // A transport name is a C identifier, which no address is: it would need a dot or a colon.
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(first)) {
    transport = first;
    first = words.shift() ?? "";
  }
  const endpoint = parseEndpoint(first) ?? bracketedAddress(first);
  if (endpoint === undefined) throw malformedBridge(text, "no address in it");
  const fingerprint = parseFingerprint(words, transport, text);
  return {
    address: endpoint.address,
    port: endpoint.port ?? DEFAULT_PORT,
    fingerprint,
    transport,
    isPlaceholder: transport !== undefined && PLACEHOLDER_TRANSPORTS.has(transport.toLowerCase()),
  };
}

/** `198.51.100.7:9443`, `[2001:db8::7]:443`. */
export function formatBridge(bridge: Bridge): string {
  return formatEndpoint({ address: formatIpAddress(bridge.address), port: bridge.port });
}

function bracketedAddress(text: string): { address: IpAddress; port: undefined } | undefined {
  const address = /^\[.*\]$/.test(text) ? parseAddress(text.slice(1, -1)) : undefined;
  return address === undefined ? undefined : { address, port: undefined };
}

/** With a transport one word at most; without, all words together, since tor lets a fingerprint have spaces. */
function parseFingerprint(words: readonly string[], transport: string | undefined, text: string): string | undefined {
  const [next] = words;
  if (next === undefined || (transport !== undefined && next.includes("="))) return undefined;
  const hex = (transport === undefined ? words.join("") : next).replace(/^\$/, "");
  if (!/^[0-9A-Fa-f]{40}$/.test(hex)) throw malformedBridge(text, "its fingerprint is not 40 hex digits");
  return hex.toUpperCase();
}

function malformedBridge(text: string, problem: string): LeekError {
  const quoted = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return new LeekError("LEEK_BRIDGE_MALFORMED", "usage", `Cannot read bridge "${escapeText(quoted)}": ${problem}.`, {
    hint: "Write ADDR:PORT ([ADDR]:PORT for IPv6), or the Bridge line as it stands in torrc.",
  });
}
