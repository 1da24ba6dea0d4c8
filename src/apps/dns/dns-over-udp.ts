import type { PacketHeaders } from "../../decode/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { DnsConversation } from "./dns-conversation.js";
import { judgeBeginning, judgeStrictly, Verdict } from "./plausibility.js";

const DNS_PORT = 53;

/**
 * DNS over UDP: on any port by messages that can be nothing else (Tor's DNSPort may have any); on port 53 by what looks
 * like one. mDNS, LLMNR and NetBIOS have the same messages, and are to be tried before.
 *
 * Source: RFC 1035 4.1 and 4.2.1.
 */
export const dnsOverUdp: DatagramProtocol = {
  protocol: "dns",
  match(view: DataView, { srcPort, dstPort, payloadStart, payloadEnd, payloadLength }: PacketHeaders): boolean {
    return srcPort === DNS_PORT || dstPort === DNS_PORT
      ? judgeBeginning(view, payloadStart, payloadEnd, payloadLength) !== Verdict.No
      : judgeStrictly(view, payloadStart, payloadEnd, payloadLength) === Verdict.Yes;
  },
  open(context: FlowContext) {
    const { facts, ports } = context;
    const conversation = new DnsConversation(context);
    let byPort = ports.originator === DNS_PORT || ports.responder === DNS_PORT;
    facts.recognise("dns", byPort ? "port" : "content");
    return {
      read(view: DataView, { payloadStart, payloadEnd, payloadLength }: PacketHeaders): boolean {
        if (byPort && judgeStrictly(view, payloadStart, payloadEnd, payloadLength, true) === Verdict.Yes) {
          byPort = false;
          facts.recognise("dns", "content");
        }
        conversation.read(view, payloadStart, payloadEnd, payloadLength);
        // For names that are answered later: flows of resolvers carry hundreds of questions.
        return true;
      },
    };
  },
};
