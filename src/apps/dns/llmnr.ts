import type { PacketHeaders } from "../../decode/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { DnsClass, DnsOpcode } from "./dns-codes.js";
import { HEADER_BYTES, MESSAGE, Section } from "./dns-message.js";
import { LookupFacts } from "./lookup-facts.js";
import { hasPlausibleCounts, isWellFormed } from "./plausibility.js";

const LLMNR_PORT = 5355;
const FLAG_RESPONSE = 0x8000;
/** Tentative, of responses only; in DNS, the wish for recursion, which a query to a resolver has. */
const FLAG_TENTATIVE = 0x0100;
const FLAGS_Z = 0x00f0;
const SHARES = { questions: 24, answers: 12, names: 24 };

/**
 * Link-local multicast name resolution: well-formed messages of one question on port 5355, whose flags are not those of a
 * query to a DNS resolver.
 *
 * Source: RFC 4795 2.1.
 */
export const llmnr: DatagramProtocol = {
  protocol: "llmnr",
  match(view: DataView, { srcPort, dstPort, payloadStart, payloadEnd, payloadLength }: PacketHeaders): boolean {
    if (srcPort !== LLMNR_PORT && dstPort !== LLMNR_PORT) return false;
    return isMessage(view, payloadStart, payloadEnd, payloadLength);
  },
  open(context: FlowContext) {
    const { facts, names, now } = context;
    const lookups = new LookupFacts(context, SHARES);
    facts.recognise("llmnr", "content");
    return {
      read(view: DataView, { payloadStart: start, payloadEnd, payloadLength }: PacketHeaders): boolean {
        if (!isMessage(view, start, payloadEnd, payloadLength)) return true;
        const message = MESSAGE;
        message.begin(view, start, payloadEnd);
        if (!message.nextQuestion()) return true;
        const name = message.name();
        if (name === undefined) return true;
        const isNew = lookups.question(name, message.type);
        // A single label: what a machine of this network is called.
        if (isNew && name !== "" && !name.includes(".")) lookups.announce("host-name", name);
        if (!message.isResponse) return true;
        while (lookups.takesAnswers && message.nextRecord() && message.section === Section.Answers) {
          const value = message.address();
          if (value !== undefined && message.class === DnsClass.IN) lookups.answer(name, value);
        }
        names.learn(view, start, payloadEnd, now.seconds, now.nanoseconds);
        return true;
      },
    };
  },
};

function isMessage(view: DataView, start: number, end: number, wireLength: number): boolean {
  if (end - start < HEADER_BYTES || view.getUint16(start + 4) !== 1) return false;
  const flags = view.getUint16(start + 2);
  if (((flags >> 11) & 15) !== DnsOpcode.QUERY || (flags & FLAGS_Z) !== 0) return false;
  if ((flags & FLAG_RESPONSE) === 0 && (flags & (FLAG_TENTATIVE | 15)) !== 0) return false;
  return hasPlausibleCounts(view, start, wireLength) && isWellFormed(view, start, end, wireLength);
}
