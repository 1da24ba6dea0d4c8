import type { StreamHead, StreamSide } from "../../streams/index.js";
import { type FlowContext, type FlowPorts, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { DnsConversation } from "./dns-conversation.js";
import { HEADER_BYTES } from "./dns-message.js";
import { judgeStrictly, Verdict } from "./plausibility.js";

const DNS_PORT = 53;
const LENGTH_BYTES = 2;
/** With a root name, type and class. */
const MIN_MESSAGE_BYTES = HEADER_BYTES + 5;
/** Of a first message, however many came at once: what is recognised must not depend on how segments are cut. */
const MATCH_BYTES = 128;

/**
 * DNS over TCP, by a first message that can be nothing else, as far as it reaches.
 *
 * Source: RFC 1035 4.2.2, RFC 7766 (several messages, not waiting for each other).
 */
export const dnsOverTcp: StreamProtocol = {
  protocol: "dns",
  match(head: StreamHead, _side: StreamSide, ports: FlowPorts): Match {
    const { view } = head;
    if (head.length < LENGTH_BYTES) return Match.NeedMore;
    const length = view.getUint16(0);
    if (length < MIN_MESSAGE_BYTES) return Match.No;
    // The opcode of a query, and one question.
    if (head.length > 4 && (view.getUint8(4) & 0x78) !== 0) return Match.No;
    if (head.length > 7 && view.getUint16(6) !== 1) return Match.No;
    const needed = Math.min(LENGTH_BYTES + length, MATCH_BYTES);
    if (head.length < needed && !head.ended) return Match.NeedMore;
    const anyName = ports.originator === DNS_PORT || ports.responder === DNS_PORT;
    const verdict = judgeStrictly(view, LENGTH_BYTES, Math.min(head.length, needed), length, anyName);
    // A name so long that its end is not there yet is proof enough.
    return verdict === Verdict.Yes || (verdict === Verdict.Cut && head.length >= MATCH_BYTES) ? Match.Yes : Match.No;
  },
  open: (context) => new DnsStreamReader(context),
};

class DnsStreamReader implements StreamReader {
  readonly #conversation: DnsConversation;
  /** Where the next message's length stands, by side. */
  readonly #next = [0, 0];

  constructor(context: FlowContext) {
    this.#conversation = new DnsConversation(context);
    context.facts.recognise("dns", "content");
  }

  read(side: StreamSide, head: StreamHead): number {
    const { view, length } = head;
    let at = this.#next[side]!;
    while (length - at >= LENGTH_BYTES) {
      const messageLength = view.getUint16(at);
      const start = at + LENGTH_BYTES;
      if (length - start < messageLength && !head.ended) break;
      const isDns = this.#conversation.read(view, start, Math.min(length, start + messageLength), messageLength);
      at = start + messageLength;
      // What is no message has no length either: the place in the stream is lost.
      if (!isDns) at = Infinity;
    }
    this.#next[side] = at;
    if (head.ended || at === Infinity) return Infinity;
    return length - at < LENGTH_BYTES ? at + LENGTH_BYTES : at + LENGTH_BYTES + view.getUint16(at);
  }
}
