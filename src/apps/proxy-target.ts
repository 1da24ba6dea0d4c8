import { formatEndpoint, formatIpAddress, parseAddress } from "../net/index.js";
import type { FlowContext } from "./protocol-reader.js";

/** What a target is named by: an address means that whoever asks resolved the name himself, or never had one. */
export type TargetKind = "onion-name" | "host-name" | "ipv4" | "ipv6";

/** Where somebody wants to go. */
export interface Target {
  readonly kind: TargetKind;
  /** A name as it was said, or an address in the canonical text. */
  readonly host: string;
  readonly port: number;
}

/** A moment in the capture, see FactKeeper. */
export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly packet: number;
}

/** Underscores are not allowed (RFC 1123 2.1), but used; 253 characters and a final dot (RFC 1035 2.3.4). */
const HOST_NAME = /^[\w-][\w.-]{0,253}$/;
/** RFC 3986 3.2.2 and 3.2.3, without user information; an empty port is the scheme's own. */
const AUTHORITY = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{0,5}))?$/;
/** Of an authority: a host name, a colon and a port, with room for a long-winded address. */
const MAX_AUTHORITY = 300;

/** @returns undefined when `host` is neither a host name nor an address. */
export function targetOf(host: string, port: number): Target | undefined {
  const address = parseAddress(host);
  if (address !== undefined) {
    return { kind: address.version === 4 ? "ipv4" : "ipv6", host: formatIpAddress(address), port };
  }
  if (!HOST_NAME.test(host)) return undefined;
  return { kind: /\.onion\.?$/i.test(host) ? "onion-name" : "host-name", host, port };
}

/**
 * Reads `host`, `host:port`, `[ADDR6]` or `[ADDR6]:port`.
 *
 * @param defaultPort - Where the text has none; undefined when it must have one.
 * @returns undefined when the text is none of these.
 */
export function parseAuthority(text: string, defaultPort: number | undefined): Target | undefined {
  if (text.length > MAX_AUTHORITY) return undefined;
  const [, bracketed, plain, digits = ""] = AUTHORITY.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === "" ? defaultPort : Number(digits);
  if (host === undefined || port === undefined || port > 65_535) return undefined;
  const target = targetOf(host, port);
  return target === undefined || (bracketed !== undefined && target.kind !== "ipv6") ? undefined : target;
}

/** Whether a target is a name. */
export function isName({ kind }: Target): boolean {
  return kind === "onion-name" || kind === "host-name";
}

/**
 * Notes what a proxy was asked for. The last request of a flow is the one that stays its `proxyRequest`.
 *
 * @param moment - When the request was whole.
 */
export function noteProxyTarget({ facts }: FlowContext, target: Target, moment: Moment): void {
  const { kind, host, port } = target;
  const { seconds, nanoseconds, packet } = moment;
  const text = formatEndpoint({ address: host, port });
  facts.proxyRequest = { seconds, nanoseconds, packet, target: text };
  facts.detail("targetKind", kind);
  facts.disclose("proxy-target", text);
  if (kind === "onion-name") facts.disclose("onion-name", host);
  if (isName(target)) facts.name(host, "proxy-target");
}
