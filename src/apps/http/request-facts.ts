import type { FlowContext } from "../protocol-reader.js";
import { isName, noteProxyTarget, parseAuthority } from "../proxy-target.js";
import type { RequestLine } from "./start-line.js";
import { noteTrackerRequest } from "./tracker-request.js";

const HTTP_PORT = 80;
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  http: HTTP_PORT,
  https: 443,
  ws: HTTP_PORT,
  wss: 443,
  ftp: 21,
};
/** scheme "://" [user information "@"] authority, and the rest (RFC 3986 3). */
const ABSOLUTE = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)(.*)$/s;
/** Shown of a target; facts keep less. */
const MAX_PATH = 512;
/** Parameters whose values let somebody in, by the end of their names: `access_token`, `X-Amz-Signature`, `sid`. */
const SECRET_PARAMETER =
  /([?&;](?:[\w.~-]*(?:token|passw(?:or)?d|passphrase|passkey|secret|apikey|signature|credential|sessionid)|(?:[\w.~-]*[_.-])?(?:pass|pwd|key|auth|sig|session|sid|jwt))=)[^&;]*/gi;
/** Private trackers know their members by a part of the path. */
const SECRET_SEGMENT = /\/[0-9A-Za-z]{20,}(?=\/(?:announce|scrape))/;
/** What tor's directories serve, dir-spec appendix B, and where relays and authorities upload. */
const TOR_DIRECTORY =
  /^\/tor\/(?:status-vote\/(?:current|next)\/|micro\/d\/|(?:server|extra)\/(?:all|authority|fp\/|d\/)|keys\/(?:all|authority|fp\/|sk\/|fp-sk\/)|hs\/3\/|rendezvous2?\/|post\/|$)/;
/** `"service type # action"`, UPnP Device Architecture 3.1.1. */
const SOAP_ACTION = /^"?([^"#]+)#([\w-]+)"?$/;
const MAX_SOAP_ACTIONS = 16;

/**
 * Notes what a request line tells.
 *
 * @returns Whether it names the host, so that the Host field has nothing to add (RFC 9112 3.2.2).
 */
export function noteRequestLine(context: FlowContext, { method, target }: RequestLine): boolean {
  if (method === "CONNECT") {
    const authority = parseAuthority(target, undefined)!;
    noteProxyTarget(context, authority, context.now);
    return true;
  }
  const [, scheme, user, authority, rest = ""] = ABSOLUTE.exec(target) ?? [];
  if (scheme === undefined || authority === undefined) {
    notePath(context, target);
    return false;
  }
  if (user !== undefined) context.facts.detail("authorization", true);
  const port = DEFAULT_PORTS[scheme.toLowerCase()];
  const proxied = parseAuthority(authority, port);
  noteHost(context, authority);
  if (proxied !== undefined) {
    context.facts.detail("viaProxy", true);
    noteProxyTarget(context, proxied, context.now);
  }
  notePath(context, rest.startsWith("/") ? rest : `/${rest}`);
  return true;
}

/** Notes a header field of a request. Of credentials only that they are there. */
export function noteRequestField(context: FlowContext, name: string, value: string): void {
  const { facts } = context;
  if (value === "") return;
  switch (name) {
    case "user-agent":
      facts.detail("userAgent", value);
      facts.disclose("user-agent", value);
      break;
    case "authorization":
    case "proxy-authorization":
      facts.detail("authorization", true);
      break;
    case "cookie":
      facts.detail("cookies", true);
      break;
    case "soapaction": {
      const [, service, action] = SOAP_ACTION.exec(value) ?? [];
      if (service === undefined || action === undefined) break;
      noteSoapAction(context, action);
      facts.disclose("service-name", service);
      break;
    }
  }
}

/** Of one connection: which ones were asked for, in order. */
function noteSoapAction({ facts }: FlowContext, action: string): void {
  const known = facts.detailOf("soapActions");
  const actions: readonly string[] = Array.isArray(known) ? known : [];
  if (actions.length >= MAX_SOAP_ACTIONS || actions.includes(action)) return;
  facts.detail("soapActions", [...actions, action]);
}

/** Notes a Host field, or the authority of an absolute form. */
export function noteHost({ facts }: FlowContext, text: string): void {
  const target = parseAuthority(text, HTTP_PORT);
  if (target === undefined) return;
  facts.disclose("http-host", text);
  if (!isName(target)) return;
  if (target.kind === "onion-name") facts.disclose("onion-name", target.host);
  facts.name(target.host, "http-host");
}

function notePath(context: FlowContext, path: string): void {
  const { facts } = context;
  if (path === "*") return;
  facts.disclose("http-path", shownPath(path));
  if (TOR_DIRECTORY.test(path)) facts.detail("torDirectory", true);
  noteTrackerRequest(context, path);
}

/** As on the wire, but for what lets somebody in. */
function shownPath(path: string): string {
  const shown = path.slice(0, MAX_PATH);
  return (shown.includes("=") ? shown.replace(SECRET_PARAMETER, "$1*") : shown).replace(SECRET_SEGMENT, "/*");
}
