import { type IpAddress, parseAddress, parseEndpoint } from "../net/index.js";
import type { Bridge } from "../relays/index.js";
import { parseRelayName } from "./relay-name.js";

const STATUSES = ["NEW", "LAUNCHED", "CONNECTED", "FAILED", "CLOSED"] as const;

export type OrConnectionStatus = (typeof STATUSES)[number];

/** Where a connection may go: tor tells which relay it is, seldom which of its addresses. */
export interface OrEndpoint {
  readonly address: IpAddress;
  readonly port: number;
  /**
   * - `reported`: tor named this address and port;
   * - `bridge`: a Bridge line with this fingerprint;
   * - `bridge-without-fingerprint`: a Bridge line that may be this one, since no line has the fingerprint;
   * - `consensus`: the relay's entry in the consensus that this tor uses.
   */
  readonly source: "reported" | "bridge" | "bridge-without-fingerprint" | "consensus";
}

/** A connection between tor and a relay or bridge. On a relay, those that others opened to it as well. */
export interface OrConnection {
  /** `CONNECTED`, or on the way to it; tor lists ended ones no more, and calls most unfinished ones `NEW`. */
  readonly status: OrConnectionStatus;
  /** 40 upper-case hex digits; undefined while tor does not know whom it talks to. */
  readonly fingerprint: string | undefined;
  readonly nickname: string | undefined;
  /** It goes to one of these, or, when there are none, tor tells no address. */
  readonly endpoints: readonly OrEndpoint[];
}

/** A line of `GETINFO orconn-status` before its relay's addresses are known. */
export interface OrConnectionLine {
  readonly status: OrConnectionStatus;
  readonly fingerprint: string | undefined;
  readonly nickname: string | undefined;
  readonly reported: OrEndpoint | undefined;
}

/**
 * Reads one line of `GETINFO orconn-status`.
 *
 * Source: control-spec 3.9 and 4.1.3; C tor `orconn_target_get_name`.
 *
 * @returns undefined when the line has another form.
 */
export function parseOrConnection(line: string): OrConnectionLine | undefined {
  // (LongName / address ":" port) SP ORStatus
  // $0123456789ABCDEF0123456789ABCDEF01234567~example CONNECTED
  // 198.51.100.7:9001 NEW
  const [target = "", word] = line.split(" ");
  const status = STATUSES.find((known) => known === word);
  if (status === undefined) return undefined;
  const name = parseRelayName(target);
  if (name !== undefined) return { status, ...name, reported: undefined };
  const reported = parseTarget(target);
  return reported && { status, fingerprint: undefined, nickname: undefined, reported };
}

/**
 * Reads an event of which `SETEVENTS ORCONN` asks to be told. Its beginning is a line of orconn-status.
 *
 * Source: control-spec 4.1.3.
 *
 * @returns undefined when it is another event; "unreadable" for one of another form.
 */
export function parseOrConnectionEvent(text: string): OrConnectionLine | "unreadable" | undefined {
  // "ORCONN" SP target SP ORStatus [SP "REASON=" ..] [SP "NCIRCS=" ..] [SP "ID=" ..]
  // ORCONN $0123456789ABCDEF0123456789ABCDEF01234567~example CONNECTED ID=7
  if (!text.startsWith(EVENT)) return undefined;
  return parseOrConnection(text.slice(EVENT.length)) ?? "unreadable";
}

const EVENT = "ORCONN ";

/** tor writes IPv6 addresses here with or without brackets, depending on its version; the port always. */
function parseTarget(text: string): OrEndpoint | undefined {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, "$1");
  const address = parseAddress(host);
  const digits = text.slice(colon + 1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return address === undefined || port < 1 || port > 65535 ? undefined : { address, port, source: "reported" };
}

/**
 * Reads the addresses of a relay from `GETINFO ns/id/FINGERPRINT`; nothing where it has none.
 *
 * Source: control-spec 3.9, dir-spec 3.4.1.
 */
export function parseRouterStatus(text: string): OrEndpoint[] {
  // "r" SP nickname SP identity [SP digest] SP publication SP IP SP ORPort SP DirPort
  // "a" SP address ":" port
  const endpoints: OrEndpoint[] = [];
  for (const line of text.split("\n")) {
    const words = line.split(" ");
    // As many words as an entry of the microdesc flavor has; tor adds a digest for controllers.
    const at = words.length === 8 ? 5 : 6;
    const endpoint =
      words[0] === "r"
        ? parseEndpoint(`${words[at]}:${words[at + 1]}`)
        : words[0] === "a"
          ? parseEndpoint(words[1] ?? "")
          : undefined;
    if (endpoint?.port !== undefined) {
      endpoints.push({ address: endpoint.address, port: endpoint.port, source: "consensus" });
    }
  }
  return endpoints;
}

/**
 * Where a connection may go, by all that tor tells.
 *
 * @param bridges - In use.
 * @param listed - Of its fingerprint in the consensus.
 */
export function orEndpoints(
  { fingerprint, reported }: OrConnectionLine,
  bridges: readonly Bridge[],
  listed: readonly OrEndpoint[],
): readonly OrEndpoint[] {
  if (reported !== undefined) return [reported];
  const named = bridges.filter((bridge) => bridge.fingerprint === fingerprint);
  const possible = named.length > 0 ? named : bridges.filter((bridge) => bridge.fingerprint === undefined);
  const source = named.length > 0 ? "bridge" : "bridge-without-fingerprint";
  const own = possible
    // Traffic of snowflake and the like goes elsewhere.
    .filter((bridge) => !bridge.isPlaceholder)
    .map(({ address, port }): OrEndpoint => ({ address, port, source }));
  return [...own, ...listed];
}
