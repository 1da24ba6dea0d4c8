import type { PacketHeaders } from "../../decode/index.js";
import { formatEndpoint, formatIpAddress } from "../../net/index.js";
import type { FlowFacts } from "../flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { disclosePublicAddress, ipv6At } from "../wire-values.js";
import { GATEWAY_PORT } from "./nat-pmp.js";
import { PortMappings } from "./port-mappings.js";

const VERSION = 2;
const IS_RESPONSE = 0x80;
const HEADER_BYTES = 24;
const MAX_BYTES = 1100;
/** By operation; with the bytes that follow the header, before options. Those of the last one are options. */
const OPERATIONS = ["announce", "map", "peer", "authentication"];
const BODY_BYTES = [0, 36, 56, 0];
const Operation = { Map: 1, Peer: 2 } as const;
/** RFC 6887 7.4: result codes. */
const MAX_RESULT = 13;
const MAX_DATAGRAMS = 64;

/**
 * PCP, by the gateway's port, its version and what must be zero.
 *
 * Source: RFC 6887 7, 11.1 (MAP), 12.1 (PEER).
 */
export const pcp: DatagramProtocol = {
  protocol: "pcp",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength, srcPort, dstPort }: PacketHeaders): boolean {
    if (srcPort !== GATEWAY_PORT && dstPort !== GATEWAY_PORT) return false;
    if (payloadEnd - at < HEADER_BYTES || view.getUint8(at) !== VERSION) return false;
    if (payloadLength > MAX_BYTES || payloadLength % 4 !== 0) return false;
    const code = view.getUint8(at + 1);
    const bodyBytes = BODY_BYTES[code & ~IS_RESPONSE];
    if (bodyBytes === undefined || view.getUint8(at + 2) !== 0) return false;
    const last = view.getUint8(at + 3);
    if ((code & IS_RESPONSE) === 0) {
      return dstPort === GATEWAY_PORT && last === 0 && payloadLength >= HEADER_BYTES + bodyBytes;
    }
    // A gateway that does not understand a request gives back as much of it as there was.
    return srcPort === GATEWAY_PORT && last <= MAX_RESULT && (last !== 0 || payloadLength >= HEADER_BYTES + bodyBytes);
  },
  open: (context) => new PcpReader(context),
};

class PcpReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #mappings: PortMappings;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#mappings = new PortMappings(facts);
    facts.recognise("pcp", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (pcp.match(view, headers)) this.#message(view, headers.payloadStart, headers.payloadEnd);
    return --this.#left > 0;
  }

  #message(view: DataView, at: number, end: number): void {
    const facts = this.#facts;
    const code = view.getUint8(at + 1);
    const operation = code & ~IS_RESPONSE;
    const isResponse = (code & IS_RESPONSE) !== 0;
    this.#mappings.operations.add(OPERATIONS[operation]!);
    const result = isResponse ? view.getUint8(at + 3) : 0;
    if (result !== 0) {
      facts.detail("resultCode", result);
      return;
    }
    if (!isResponse) facts.detail("clientAddress", formatIpAddress(ipv6At(view, at + 8)));
    if (operation !== Operation.Map && operation !== Operation.Peer) return;
    facts.detail("lifetimeSeconds", view.getUint32(at + 4));
    const body = at + HEADER_BYTES;
    if (end - body < BODY_BYTES[operation]!) return;
    // nonce 12, protocol 1, zero 3, internal port 2, external port 2, external address 16
    this.#mappings.internalPorts.add(view.getUint16(body + 16));
    if (isResponse) {
      // Of a request these are wishes.
      this.#mappings.externalPorts.add(view.getUint16(body + 18));
      const address = ipv6At(view, body + 20);
      facts.detail("externalAddress", formatIpAddress(address));
      disclosePublicAddress(facts, address);
    }
    // remote port 2, zero 2, remote address 16
    if (operation === Operation.Peer) {
      const address = formatIpAddress(ipv6At(view, body + 40));
      facts.disclose("peer-address", formatEndpoint({ address, port: view.getUint16(body + 36) }));
    }
  }
}
