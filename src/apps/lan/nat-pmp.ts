import type { PacketHeaders } from "../../decode/index.js";
import { formatIpAddress } from "../../net/index.js";
import type { FlowFacts } from "../flow-facts.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { disclosePublicAddress, ipv4At } from "../wire-values.js";
import { PortMappings } from "./port-mappings.js";

/** Of gateways, for NAT-PMP and PCP. */
export const GATEWAY_PORT = 5351;
const VERSION = 0;
const IS_RESPONSE = 0x80;
/** By operation. */
const OPERATIONS = ["external-address", "map-udp", "map-tcp"];
const REQUEST_BYTES = [2, 12, 12];
const RESPONSE_BYTES = [12, 16, 16];
/** Of a gateway that says no, and no more. */
const REFUSAL_BYTES = 8;
const MAX_DATAGRAMS = 64;

/**
 * NAT-PMP, by the gateway's port and the exact length of each message.
 *
 * Source: RFC 6886 3.
 */
export const natPmp: DatagramProtocol = {
  protocol: "nat-pmp",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength, srcPort, dstPort }: PacketHeaders): boolean {
    if (payloadEnd - at < 2 || view.getUint8(at) !== VERSION) return false;
    const code = view.getUint8(at + 1);
    const operation = code & ~IS_RESPONSE;
    if (operation >= OPERATIONS.length) return false;
    if ((code & IS_RESPONSE) === 0) return dstPort === GATEWAY_PORT && payloadLength === REQUEST_BYTES[operation];
    if (srcPort !== GATEWAY_PORT) return false;
    if (payloadLength === RESPONSE_BYTES[operation]) return true;
    return payloadLength === REFUSAL_BYTES && payloadEnd - at >= 4 && view.getUint16(at + 2) !== 0;
  },
  open: (context) => new NatPmpReader(context),
};

class NatPmpReader implements DatagramReader {
  readonly #facts: FlowFacts;
  readonly #mappings: PortMappings;
  #left = MAX_DATAGRAMS;

  constructor({ facts }: FlowContext) {
    this.#facts = facts;
    this.#mappings = new PortMappings(facts);
    facts.recognise("nat-pmp", "port");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (natPmp.match(view, headers)) {
      const { payloadStart: at, payloadEnd, payloadLength } = headers;
      const code = view.getUint8(at + 1);
      this.#mappings.operations.add(OPERATIONS[code & ~IS_RESPONSE]!);
      // They are short: what was cut off is not worth reading in part.
      if (payloadEnd - at === payloadLength) {
        if ((code & IS_RESPONSE) === 0) this.#request(view, at, payloadLength);
        else this.#response(view, at, payloadLength);
      }
    }
    return --this.#left > 0;
  }

  #request(view: DataView, at: number, length: number): void {
    if (length !== REQUEST_BYTES[1]) return;
    this.#mappings.internalPorts.add(view.getUint16(at + 4));
    this.#facts.detail("lifetimeSeconds", view.getUint32(at + 8));
  }

  #response(view: DataView, at: number, length: number): void {
    const facts = this.#facts;
    const result = view.getUint16(at + 2);
    if (result !== 0) facts.detail("resultCode", result);
    else if (length === RESPONSE_BYTES[0]) {
      const address = ipv4At(view, at + 8);
      facts.detail("externalAddress", formatIpAddress(address));
      disclosePublicAddress(facts, address);
    } else {
      this.#mappings.internalPorts.add(view.getUint16(at + 8));
      this.#mappings.externalPorts.add(view.getUint16(at + 10));
      facts.detail("lifetimeSeconds", view.getUint32(at + 12));
    }
  }
}
