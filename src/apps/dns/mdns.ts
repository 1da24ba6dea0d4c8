import type { PacketHeaders } from "../../decode/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { DnsOpcode, DnsType } from "./dns-codes.js";
import { DnsFlag, HEADER_BYTES, MESSAGE, Section } from "./dns-message.js";
import { LookupFacts } from "./lookup-facts.js";
import { hasPlausibleCounts, isWellFormed } from "./plausibility.js";

const MDNS_PORT = 5353;
/** 224.0.0.251 and ff02::fb, as words of PacketHeaders. */
const GROUP_IPV4 = 0xe00000fb | 0;
const GROUP_IPV6_A = 0xff020000 | 0;
const GROUP_IPV6_D = 0xfb;
const SHARES = { questions: 16, answers: 12, names: 30 };

/**
 * Multicast DNS: well-formed DNS messages, to its group or between its ports. Where one port alone is 5353, the name that
 * comes first must be below `local`: Tor's DNSPort and other resolvers may have that port.
 *
 * Source: RFC 6762 (mDNS), RFC 6763 (names of services).
 */
export const mdns: DatagramProtocol = {
  protocol: "mdns",
  match(view: DataView, headers: PacketHeaders): boolean {
    const { srcPort, dstPort, payloadStart: start, payloadEnd, payloadLength } = headers;
    if (srcPort !== MDNS_PORT && dstPort !== MDNS_PORT) return false;
    if (!isMessage(view, start, payloadEnd, payloadLength)) return false;
    return srcPort === dstPort || isToGroup(headers) || beginsWithLocalName(view, start, payloadEnd);
  },
  open(context: FlowContext) {
    const { facts, names, now } = context;
    const lookups = new LookupFacts(context, SHARES);
    facts.recognise("mdns", "content");
    return {
      read(view: DataView, { payloadStart: start, payloadEnd, payloadLength }: PacketHeaders): boolean {
        if (!isMessage(view, start, payloadEnd, payloadLength)) return true;
        const message = MESSAGE;
        message.begin(view, start, payloadEnd);
        while (message.nextQuestion()) {
          const name = message.readableName();
          if (name !== undefined) lookups.question(name, message.type);
        }
        while ((lookups.takesNames || lookups.takesAnswers) && message.nextRecord()) noteRecord(lookups);
        names.learn(view, start, payloadEnd, now.seconds, now.nanoseconds);
        return true;
      },
    };
  },
};

function isMessage(view: DataView, start: number, end: number, wireLength: number): boolean {
  if (end - start < HEADER_BYTES) return false;
  // RFC 6762 18.3 and 18.11: opcode and response code are zero.
  const flags = view.getUint16(start + 2);
  if ((flags & (DnsFlag.Z | 15)) !== 0 || ((flags >> 11) & 15) !== DnsOpcode.QUERY) return false;
  return hasPlausibleCounts(view, start, wireLength) && isWellFormed(view, start, end, wireLength);
}

function isToGroup({ ipVersion, dstA, dstB, dstC, dstD }: PacketHeaders): boolean {
  if (ipVersion === 4) return dstD === GROUP_IPV4;
  return dstA === GROUP_IPV6_A && dstB === 0 && dstC === 0 && dstD === GROUP_IPV6_D;
}

function beginsWithLocalName(view: DataView, start: number, end: number): boolean {
  MESSAGE.begin(view, start, end);
  if (!MESSAGE.nextQuestion() && !MESSAGE.nextRecord()) return false;
  return isLocal(MESSAGE.name() ?? "");
}

function isLocal(name: string): boolean {
  return /\.local$/i.test(name);
}

/** Notes what a machine says of itself: in responses, and in probes, which ask whether anybody else has its names. */
function noteRecord(lookups: LookupFacts): void {
  const message = MESSAGE;
  // Of a query, the answers are what the asker knows of others; the names it wants stand behind (RFC 6762 7.1, 8.2).
  if (!message.isResponse && message.section !== Section.Authorities) return;
  const owner = message.readableName();
  if (owner === undefined) return;
  switch (message.type) {
    case DnsType.A:
    case DnsType.AAAA: {
      const address = message.address();
      if (isLocal(owner)) lookups.announce("host-name", owner);
      if (address !== undefined && lookups.takesAnswers) lookups.answer(owner, address);
      break;
    }
    case DnsType.SRV: {
      // priority 2, weight 2, port 2, target
      const host = message.readableNameInData(6);
      lookups.announce("service-name", owner);
      if (host !== undefined && isLocal(host)) lookups.announce("host-name", host);
      break;
    }
    case DnsType.PTR: {
      const target = message.readableNameInData();
      if (target === undefined || target === "") break;
      if (/\.arpa$/i.test(owner)) lookups.announce("host-name", target);
      // A type of services (RFC 6763 9), or a service of that type.
      else lookups.announce("service-name", target);
      break;
    }
  }
}
