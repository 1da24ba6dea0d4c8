import type { PacketHeaders } from "../decode/index.js";
import type { DatagramProtocol, FlowContext } from "./protocol-reader.js";
import { parseAuthority } from "./proxy-target.js";

const PORT = 1900;
const MAX_DATAGRAMS = 32;
/** They are not to be fragmented, UPnP Device Architecture 1.3; bytes of one that are looked at. */
const MAX_BYTES = 2048;
const MAX_FIELDS = 40;

const STARTS = ["M-SEARCH * HTTP/1.", "NOTIFY * HTTP/1.", "HTTP/1.1 200 "].map((text) => Buffer.from(text, "latin1"));
/** An answer looks like HTTP, until it says what was found. */
const ANSWER = 2;
const FOUND = /\r?\n(?:ST|USN|NT)[ \t]*:/i;
const FIELD = /^([\w!#$%&'*+.^`|~-]+)[ \t]*:(.*)$/;
const LOCATION = /^https?:\/\/([^/?#@]*)/i;

/**
 * SSDP, the discovery of UPnP: searches, announcements and answers, by their first line.
 *
 * Source: UPnP Device Architecture 2.0, 1.2 and 1.3.
 */
export const ssdp: DatagramProtocol = {
  protocol: "ssdp",
  match(view: DataView, headers: PacketHeaders): boolean {
    const { payloadStart, payloadEnd, payloadLength, srcPort, dstPort } = headers;
    const start = STARTS.findIndex((text) => beginsWith(view, payloadStart, payloadEnd, text));
    if (start !== ANSWER) return start >= 0;
    if (FOUND.test(textOf(view, payloadStart, payloadEnd))) return true;
    // What tells it may have been cut off.
    return payloadEnd - payloadStart < payloadLength && (srcPort === PORT || dstPort === PORT);
  },
  open(context: FlowContext) {
    context.facts.recognise("ssdp", "content");
    let left = MAX_DATAGRAMS;
    return {
      read(view: DataView, { payloadStart, payloadEnd }: PacketHeaders): boolean {
        const start = STARTS.findIndex((text) => beginsWith(view, payloadStart, payloadEnd, text));
        if (start >= 0) note(context, textOf(view, payloadStart, payloadEnd));
        return --left > 0;
      },
    };
  },
};

function beginsWith(view: DataView, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (view.getUint8(start + i) !== text[i]) return false;
  return true;
}

function textOf(view: DataView, start: number, end: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, Math.min(end - start, MAX_BYTES)).toString("utf8");
}

function note({ facts }: FlowContext, text: string): void {
  const [first = "", ...lines] = text.split("\n", MAX_FIELDS);
  const method = /^[A-Z-]+(?= )/.exec(first)?.[0] ?? "response";
  if (facts.detailOf("method") === undefined) facts.detail("method", method);
  // A line without an end was cut.
  if (!text.endsWith("\n") && lines.length + 1 < MAX_FIELDS) lines.pop();
  for (const line of lines) {
    const [, name, rest = ""] = FIELD.exec(line.endsWith("\r") ? line.slice(0, -1) : line) ?? [];
    const value = rest.trim();
    if (name !== undefined && value !== "") noteField(facts, name.toUpperCase(), value);
  }
}

function noteField(facts: FlowContext["facts"], name: string, value: string): void {
  switch (name) {
    case "ST":
      if (facts.detailOf("searchTarget") === undefined) facts.detail("searchTarget", value);
      break;
    case "USN":
    case "NT":
      facts.disclose("service-name", value);
      break;
    case "SERVER":
    case "USER-AGENT":
      facts.detail(name === "SERVER" ? "server" : "userAgent", value);
      facts.disclose("software", value);
      break;
    // The control point's friendly name, 1.3.2: "Bob's laptop".
    case "CPFN.UPNP.ORG":
      facts.disclose("host-name", value);
      break;
    case "LOCATION": {
      const host = parseAuthority(LOCATION.exec(value)?.[1] ?? "", 80)?.host;
      if (host !== undefined) facts.detail("locationHost", host);
      break;
    }
  }
}
