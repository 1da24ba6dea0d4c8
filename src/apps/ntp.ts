import type { PacketHeaders } from "../decode/index.js";
import { formatIpAddress } from "../net/index.js";
import type { FlowFacts } from "./flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "./protocol-reader.js";
import { SeenList } from "./seen-list.js";
import { ipv4At } from "./wire-values.js";

const PORT = 123;
const MAX_VERSION = 4;
/** Of modes that tell the time. */
const HEADER_BYTES = 48;
const CONTROL_BYTES = 12;
const PRIVATE_BYTES = 8;
/** "Unsynchronized"; more is reserved. */
const MAX_STRATUM = 16;
const MAX_DATAGRAMS = 32;

const STRATUM = 1;
const REFERENCE_ID = 12;

const Mode = { Client: 3, Control: 6, Private: 7 } as const;
/** RFC 5905 figure 10. */
const MODES = [
  undefined,
  "symmetric-active",
  "symmetric-passive",
  "client",
  "server",
  "broadcast",
  "control",
  "private",
];

/** Longest message authentication code, with its key id: what is longer is an extension field (RFC 7822 3). */
const MAX_MAC = 24;
/** Unique identifier, cookie, cookie placeholder, authenticator: RFC 8915 7.5. */
const NTS_FIELDS = [0x0104, 0x0204, 0x0304, 0x0404];

/**
 * NTP, by its port and a possible header: its content alone would let other protocols pass for it.
 *
 * Source: RFC 5905 7.3, RFC 9327 (control), RFC 8915 (NTS).
 */
export const ntp: DatagramProtocol = {
  protocol: "ntp",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength, srcPort, dstPort }: PacketHeaders): boolean {
    if ((srcPort !== PORT && dstPort !== PORT) || payloadEnd - at < PRIVATE_BYTES) return false;
    const first = view.getUint8(at);
    const version = (first >> 3) & 7;
    const mode = first & 7;
    if (version < 1 || version > MAX_VERSION || MODES[mode] === undefined) return false;
    if (mode === Mode.Private) return true;
    if (mode === Mode.Control) return payloadLength >= CONTROL_BYTES;
    return payloadLength >= HEADER_BYTES && payloadLength % 4 === 0 && view.getUint8(at + STRATUM) <= MAX_STRATUM;
  },
  open: (context) => new NtpReader(context),
};

class NtpReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #modes: SeenList<string>;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#modes = new SeenList(facts, "modes");
    facts.recognise("ntp", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (ntp.match(view, headers)) {
      const { payloadStart: at, payloadEnd, payloadLength } = headers;
      const first = view.getUint8(at);
      const mode = first & 7;
      this.#modes.add(MODES[mode]!);
      this.#facts.detail("version", (first >> 3) & 7);
      if (mode < Mode.Control) {
        if (payloadEnd - at >= REFERENCE_ID + 4) this.#reference(view, at, mode);
        if (hasNtsField(view, at + HEADER_BYTES, payloadEnd, at + payloadLength)) this.#facts.detail("nts", true);
      }
    }
    return --this.#left > 0;
  }

  /** Whom the sender has its time from. */
  #reference(view: DataView, at: number, mode: number): void {
    const facts = this.#facts;
    const stratum = view.getUint8(at + STRATUM);
    // An IPv4 address, or a hash of an IPv6 one that looks as such.
    const address = () => formatIpAddress(ipv4At(view, at + REFERENCE_ID));
    if (mode === Mode.Client) {
      // Most clients leave it out, as RFC 5905 does not ask them to tell.
      if (stratum > 1 && stratum < MAX_STRATUM && view.getUint32(at + REFERENCE_ID) !== 0)
        facts.detail("clientReferenceId", address());
      return;
    }
    facts.detail("stratum", stratum);
    if (stratum > 1 && stratum < MAX_STRATUM) facts.detail("referenceId", address());
    else if (stratum <= 1) {
      // RFC 5905 7.3 and 7.4: a source such as GPS, or why the server says no.
      const [code] = /^[ -~]{1,4}(?=\0*$)/.exec(fourBytes(view, at + REFERENCE_ID)) ?? [];
      if (code !== undefined) facts.detail(stratum === 0 ? "kissCode" : "referenceId", code);
    }
  }
}

function fourBytes(view: DataView, at: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, 4).toString("latin1");
}

/** @param wireEnd - Just past the last byte on the wire, captured or not. */
function hasNtsField(view: DataView, start: number, end: number, wireEnd: number): boolean {
  for (let at = start; wireEnd - at > MAX_MAC && end - at >= 4; ) {
    const length = view.getUint16(at + 2);
    if (length < 16 || length % 4 !== 0 || length > wireEnd - at) return false;
    if (NTS_FIELDS.includes(view.getUint16(at))) return true;
    at += length;
  }
  return false;
}
