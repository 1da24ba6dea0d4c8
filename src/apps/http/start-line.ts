import { Match } from "../protocol-reader.js";
import { parseAuthority } from "../proxy-target.js";

/** A request line; `version` is `1.0` or `1.1`, or `2` of a connection preface. */
export interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly version: string;
}

export interface StatusLine {
  readonly version: string;
  readonly status: number;
}

/** Methods are case-sensitive. From RFC 9110 9.3, WebDAV and its relatives (RFC 4918, 3253, 3744, 4791, 5323), UPnP, and others seen. */
const METHODS: ReadonlySet<string> = new Set(
  (
    "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY PRI PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK " +
    "ACL SEARCH REPORT MKCALENDAR MKACTIVITY MKWORKSPACE MERGE CHECKIN CHECKOUT UNCHECKOUT VERSION-CONTROL BIND UNBIND " +
    "REBIND ORDERPATCH LINK UNLINK M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE SOURCE RPC_IN_DATA RPC_OUT_DATA BITS_POST"
  ).split(" "),
);
const METHOD_LIST = [...METHODS];

/** RFC 9113 3.4: what a client of HTTP/2 begins with. */
const PREFACE = "PRI * HTTP/2.0";
const REQUEST_LINE = /^([A-Z_-]+) ([^\x00-\x20\x7f]+) HTTP\/(1\.\d)$/;
/** Origin form, absolute form, asterisk form (RFC 9112 3.2); the authority form is CONNECT's alone. */
const TARGET = /^(?:\/|\*$|[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#])/;
const STATUS_LINE = /^HTTP\/(1\.\d) ([1-5]\d\d)(?: |\r?$)/;

const VERSION_SO_FAR = /^(?:H(?:T(?:T(?:P(?:\/(?:[12](?:\.(?:\d\r?)?)?)?)?)?)?)?)?$/;
const TARGET_SO_FAR = /^(?:[/*[A-Za-z0-9_][^\x00-\x20\x7f]*)?$/;
/** What needs no version to be a request of HTTP, and not of RTSP, SIP or others that look like it. */
const LONG_TARGET = /^(?:\/|https?:\/\/)[^\x00-\x20\x7f]{20,}$/;
const STATUS_SO_FAR = /^H(?:T(?:T(?:P(?:\/(?:1(?:\.(?:\d(?: (?:[1-5]\d{0,2})?)?)?)?)?)?)?)?)?$/;

/** @returns undefined when the line is none. Other protocols have lines of the same shape: the version tells. */
export function parseRequestLine(line: string): RequestLine | undefined {
  if (line === PREFACE) return { method: "PRI", target: "*", version: "2" };
  const [, method, target, version] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined || version === undefined || !METHODS.has(method)) return undefined;
  const fits = method === "CONNECT" ? parseAuthority(target, undefined) !== undefined : TARGET.test(target);
  return fits ? { method, target, version } : undefined;
}

export function parseStatusLine(line: string): StatusLine | undefined {
  const [, version, status] = STATUS_LINE.exec(line) ?? [];
  return version === undefined ? undefined : { version, status: Number(status) };
}

/**
 * Whether a direction that begins with this text speaks HTTP/1.x, or greets for HTTP/2.
 *
 * @param text - A character for each byte.
 * @param isAll - No more will be looked at: a long target may hide the version.
 */
export function matchStartLine(text: string, isAll: boolean): Match {
  const lineEnd = text.indexOf("\n");
  if (lineEnd >= 0) {
    const line = text.slice(0, text[lineEnd - 1] === "\r" ? lineEnd - 1 : lineEnd);
    return parseRequestLine(line) !== undefined || parseStatusLine(line) !== undefined ? Match.Yes : Match.No;
  }
  if (parseStatusLine(text) !== undefined)
    return text.length > "HTTP/1.1 200".length || isAll ? Match.Yes : Match.NeedMore;
  if (STATUS_SO_FAR.test(text)) return Match.NeedMore;
  const space = text.indexOf(" ");
  if (space < 0) return METHOD_LIST.some((method) => method.startsWith(text)) ? Match.NeedMore : Match.No;
  return METHODS.has(text.slice(0, space)) ? matchTarget(text.slice(space + 1), isAll) : Match.No;
}

/** @param rest - Of a request line that has no end yet, behind its method. */
function matchTarget(rest: string, isAll: boolean): Match {
  const space = rest.indexOf(" ");
  const target = space < 0 ? rest : rest.slice(0, space);
  if (!TARGET_SO_FAR.test(target) || (space >= 0 && !VERSION_SO_FAR.test(rest.slice(space + 1)))) return Match.No;
  if (!isAll) return Match.NeedMore;
  const hasVersion = space > 0 && rest.startsWith("HTTP/", space + 1);
  return hasVersion || LONG_TARGET.test(target) ? Match.Yes : Match.No;
}
