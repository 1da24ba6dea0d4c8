import type { PacketHeaders } from "../../decode/index.js";
import { formatIpAddress } from "../../net/index.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { SeenList } from "../seen-list.js";
import { disclosePublicAddress, ipv4At } from "../wire-values.js";
import { encodedNameEnd, isEncodedName, isHostName, nameWithSuffix, readEncodedName } from "./netbios-name.js";

/** By type, from 0x10. Those behind them carry no names of two machines. */
const TYPES = ["direct-unique", "direct-group", "broadcast"];
const FIRST_TYPE = 0x10;
const FLAGS_RESERVED = 0xf0;
/** type 1, flags 1, id 2, source address 4, source port 2, length 2, offset 2 */
const HEADER_BYTES = 14;
const SOURCE_ADDRESS = 4;
const LENGTH = 10;
/** Machines say their names again and again. */
const MAX_DATAGRAMS = 512;

/**
 * The datagram service of NetBIOS, by which machines of Windows and Samba announce themselves; on any port by its header and
 * the sender's name in its encoding.
 *
 * Source: RFC 1002 4.4.
 */
export const netbiosDgm: DatagramProtocol = {
  protocol: "netbios-dgm",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength }: PacketHeaders): boolean {
    if (!isEncodedName(view, at + HEADER_BYTES, payloadEnd)) return false;
    if (TYPES[view.getUint8(at) - FIRST_TYPE] === undefined) return false;
    return (
      (view.getUint8(at + 1) & FLAGS_RESERVED) === 0 && view.getUint16(at + LENGTH) === payloadLength - HEADER_BYTES
    );
  },
  open: (context) => new NetbiosDatagramReader(context),
};

class NetbiosDatagramReader implements DatagramReader {
  readonly #context: FlowContext;
  readonly #types: SeenList<string>;
  readonly #names: SeenList<string>;
  #left = MAX_DATAGRAMS;

  constructor(context: FlowContext) {
    this.#context = context;
    this.#types = new SeenList(context.facts, "types");
    this.#names = new SeenList(context.facts, "names");
    context.facts.recognise("netbios-dgm", "content");
  }

  read(view: DataView, headers: PacketHeaders): boolean {
    if (netbiosDgm.match(view, headers)) this.#message(view, headers.payloadStart, headers.payloadEnd);
    return --this.#left > 0;
  }

  #message(view: DataView, start: number, end: number): void {
    const { facts } = this.#context;
    this.#types.add(TYPES[view.getUint8(start) - FIRST_TYPE]!);
    const address = ipv4At(view, start + SOURCE_ADDRESS);
    facts.detail("sourceAddress", formatIpAddress(address));
    disclosePublicAddress(facts, address);
    const source = readEncodedName(view, start + HEADER_BYTES);
    this.#names.add(nameWithSuffix(source));
    if (isHostName(source)) facts.disclose("host-name", source.name);
    const destination = encodedNameEnd(view, start + HEADER_BYTES, end);
    if (destination < 0 || !isEncodedName(view, destination, end)) return;
    this.#names.add(nameWithSuffix(readEncodedName(view, destination)));
  }
}
