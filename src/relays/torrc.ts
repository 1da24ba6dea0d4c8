import { escapeText, LeekError } from "../base/index.js";
import { formatEndpoint, formatIpAddress, parseAddress, parseEndpoint } from "../net/index.js";
import type { Authority } from "./authorities.js";
import { type Bridge, parseBridge } from "./bridge-line.js";
import type { FallbackDirectory } from "./known-relays.js";

/** What a torrc says of relays. */
export interface Torrc {
  /** Of DirAuthority lines; a network that names its own has no others. */
  readonly authorities: readonly Authority[];
  /** Of FallbackDir lines. */
  readonly fallbacks: readonly FallbackDirectory[];
  /** Of Bridge lines, whether UseBridges is set or not: a bridge that is named may be reached. */
  readonly bridges: readonly Bridge[];
  /** `%include` lines, which leek does not follow: other files than the one that was named are not its to read. */
  readonly includes: readonly string[];
}

/** Far more than any torrc; bounds what a wrong path can cost. */
export const MAX_TORRC_BYTES = 2 ** 22;

/**
 * Reads the lines of a torrc that tell of relays; the others are passed over.
 *
 * Source: tor(1), C tor `config_line_append` (comments, continued lines, keywords in any case).
 *
 * @throws {LeekError} LEEK_AUTHORITY_MALFORMED, LEEK_BRIDGE_MALFORMED, quoting the line.
 */
export function parseTorrc(text: string): Torrc {
  const authorities: Authority[] = [];
  const fallbacks: FallbackDirectory[] = [];
  const bridges: Bridge[] = [];
  const includes: string[] = [];
  for (const { keyword, value } of options(text)) {
    switch (keyword) {
      case "dirauthority":
      case "alternatedirauthority":
        authorities.push(parseAuthority(value));
        break;
      case "fallbackdir":
        fallbacks.push(parseFallback(value));
        break;
      case "bridge":
        bridges.push(parseBridge(value));
        break;
      case "%include":
        includes.push(value);
        break;
      default:
    }
  }
  return { authorities, fallbacks, bridges, includes };
}

/**
 * Reads a directory authority: the value of a DirAuthority line, or the whole line.
 *
 * Source: tor(1), C tor `parse_dir_authority_line`.
 *
 * @throws {LeekError} LEEK_AUTHORITY_MALFORMED, quoting the text.
 */
export function parseAuthority(text: string): Authority {
  // ["DirAuthority" SP] [nickname SP] *(flag SP) ipv4 ":" dirport SP fingerprint
  // DirAuthority authority1 orport=5000 v3ident=A888...29E2 198.51.100.11:7000 4A54 CFD7 ...
  const words = text.trim().split(/[ \t]+/);
  if (/^(?:alternate)?dirauthority$/i.test(words[0] ?? "")) words.shift();
  const nickname = parseEndpoint(words[0] ?? "") === undefined ? (words.shift() ?? "") : "";
  // The flags end where the address begins.
  const at = words.findIndex((word) => parseEndpoint(word)?.port !== undefined);
  const endpoint = parseEndpoint(words[at] ?? "");
  if (endpoint?.port === undefined || endpoint.address.version !== 4) throw malformed(text, "no IPv4 address and port");
  if (nickname !== "" && !/^[A-Za-z0-9]{1,19}$/.test(nickname)) throw malformed(text, "its nickname is none");
  const flags = new Map(words.slice(0, at).map((flag) => flag.split(/=(.*)/, 2) as [string, string | undefined]));
  const flag = (name: string) => [...flags].find(([key]) => key.toLowerCase() === name)?.[1];
  const v3Identity = flag("v3ident");
  if (v3Identity !== undefined && !isFingerprint(v3Identity)) throw malformed(text, "v3ident is not 40 hex digits");
  const orPort = flag("orport");
  if (orPort !== undefined && !isPort(orPort)) throw malformed(text, "orport is no port");
  const ipv6 = flag("ipv6");
  if (ipv6 !== undefined && parseEndpoint(ipv6)?.port === undefined) throw malformed(text, "ipv6 is no [address]:port");
  const fingerprint = words
    .slice(at + 1)
    .join("")
    .replace(/^\$/, "");
  if (!isFingerprint(fingerprint)) throw malformed(text, "its fingerprint is not 40 hex digits");
  return {
    nickname:
      nickname === "" ? formatEndpoint({ address: formatIpAddress(endpoint.address), port: endpoint.port }) : nickname,
    ...(v3Identity === undefined ? {} : { v3Identity: v3Identity.toUpperCase() }),
    fingerprint: fingerprint.toUpperCase(),
    address: formatIpAddress(endpoint.address),
    ...(orPort === undefined ? {} : { orPort: Number(orPort) }),
    dirPort: endpoint.port,
    ...(ipv6 === undefined ? {} : { ipv6 }),
  };
}

/** FallbackDir: `IPv4[:dirport] orport=N id=HEX [ipv6=[address]:port] [weight=N]`. */
function parseFallback(text: string): FallbackDirectory {
  const words = text.trim().split(/[ \t]+/);
  const flag = (name: string) =>
    words.find((word) => word.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
  const first = parseAddress(words[0] ?? "") ?? parseEndpoint(words[0] ?? "")?.address;
  const orPort = flag("orport") ?? "";
  const id = flag("id") ?? "";
  const ipv6 = flag("ipv6");
  if (first?.version !== 4 || !isPort(orPort) || !isFingerprint(id))
    throw malformed(text, "it wants address, orport and id");
  if (ipv6 !== undefined && parseEndpoint(ipv6)?.port === undefined) throw malformed(text, "ipv6 is no [address]:port");
  const orEndpoints = [`${formatIpAddress(first)}:${orPort}`, ...(ipv6 === undefined ? [] : [ipv6])];
  return { fingerprint: id.toUpperCase(), orEndpoints };
}

function* options(text: string): Generator<{ readonly keyword: string; readonly value: string }> {
  // A backslash at the end of a line goes on with the next one; comments may stand between.
  let pending = "";
  for (const line of text.split(/\r?\n/)) {
    if (pending !== "" && /^\s*#/.test(line)) continue;
    const whole = pending + line;
    if (whole.endsWith("\\")) {
      pending = whole.slice(0, -1);
      continue;
    }
    pending = "";
    const match = /^[ \t]*([^ \t#]+)[ \t]+([^#]*)/.exec(whole);
    // "+Keyword" adds to what other files say, "/Keyword" clears it.
    if (match !== null) yield { keyword: match[1]!.toLowerCase().replace(/^\+/, ""), value: match[2]!.trim() };
  }
}

function isFingerprint(text: string): boolean {
  return /^[0-9A-Fa-f]{40}$/.test(text);
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

function malformed(text: string, problem: string): LeekError {
  const quoted = text.length > 120 ? `${text.slice(0, 120)}...` : text;
  return new LeekError(
    "LEEK_AUTHORITY_MALFORMED",
    "usage",
    `Cannot read authority "${escapeText(quoted)}": ${problem}.`,
    {
      hint: "Write it as torrc has it: DirAuthority NAME orport=PORT v3ident=HEX ADDR:DIRPORT FINGERPRINT.",
    },
  );
}
