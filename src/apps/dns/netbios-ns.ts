import type { PacketHeaders } from "../../decode/index.js";
import { formatAddress } from "../../net/index.js";
import type { DatagramProtocol, DatagramReader, FlowContext } from "../protocol-reader.js";
import { discloseMac, MAC_BYTES } from "../wire-values.js";
import { DnsClass } from "./dns-codes.js";
import { HEADER_BYTES, MESSAGE } from "./dns-message.js";
import {
  isEncodedName,
  isHostName,
  NAME_BYTES,
  type NetbiosName,
  nameWithSuffix,
  readEncodedName,
  readPlainName,
} from "./netbios-name.js";

const FLAG_RESPONSE = 0x8000;
/** Of NM_FLAGS, those that must be zero. */
const FLAGS_RESERVED = 0x0060;
/** RFC 1002 4.2.6: the last error is "name in conflict". */
const MAX_RESPONSE_CODE = 7;
const Opcode = { Query: 0, Registration: 5, Release: 6, Wait: 7, Refresh: 8 } as const;
/** By opcode; 9 is a second number for refresh (RFC 1002 4.2.4), 15 came with Windows. */
const OPERATIONS: ReadonlyMap<number, string> = new Map([
  [Opcode.Query, "query"],
  [Opcode.Registration, "registration"],
  [Opcode.Release, "release"],
  [Opcode.Wait, "wait"],
  [Opcode.Refresh, "refresh"],
  [9, "refresh"],
  [15, "registration"],
]);
/** Address records; the names of a machine; the empty record of a negative answer. */
const NetbiosType = { NULL: 10, NB: 32, NBSTAT: 33 } as const;
/** Of NB_FLAGS and NAME_FLAGS: the name is a group's. */
const FLAG_GROUP = 0x8000;
/** flags 2, address 4 (RFC 1002 4.2.13). */
const NB_ENTRY_BYTES = 6;
/** name 16, flags 2 (RFC 1002 4.2.18). */
const STATUS_ENTRY_BYTES = NAME_BYTES + 2;
const MAX_NAMES = 32;
const MAX_ADDRESSES = 8;
/** Machines say their names again and again. */
const MAX_DATAGRAMS = 512;

/**
 * The name service of NetBIOS, on any port by its header and a first name in its encoding.
 *
 * Source: RFC 1002 4.2.
 */
export const netbiosNs: DatagramProtocol = {
  protocol: "netbios-ns",
  match: (view: DataView, { payloadStart, payloadEnd, payloadLength }: PacketHeaders) =>
    isMessage(view, payloadStart, payloadEnd, payloadLength),
  open: (context) => new NetbiosReader(context),
};

function isMessage(view: DataView, start: number, end: number, wireLength: number): boolean {
  const name = start + HEADER_BYTES;
  if (!isEncodedName(view, name, end)) return false;
  const flags = view.getUint16(start + 2);
  const isResponse = (flags & FLAG_RESPONSE) !== 0;
  if ((flags & FLAGS_RESERVED) !== 0 || (flags & 15) > (isResponse ? MAX_RESPONSE_CODE : 0)) return false;
  if (!OPERATIONS.has((flags >> 11) & 15)) return false;
  // A request asks one question; a response repeats none.
  if (view.getUint16(start + 4) !== (isResponse ? 0 : 1)) return false;
  for (let at = start + 6; at < name; at += 2) if (view.getUint16(at) > 1) return false;
  const message = MESSAGE;
  message.begin(view, start, end);
  // A negative answer has a record that its counts may not know (RFC 1002 4.2.14).
  if (isResponse && message.answers === 0) return true;
  if (!(isResponse ? message.nextRecord() : message.nextQuestion())) return end - start < wireLength;
  const { type } = message;
  const isType = type === NetbiosType.NB || type === NetbiosType.NBSTAT || (isResponse && type === NetbiosType.NULL);
  return isType && message.class === DnsClass.IN;
}

class NetbiosReader implements DatagramReader {
  readonly #context: FlowContext;
  readonly #operations: string[] = [];
  readonly #names: string[] = [];
  #addresses = 0;
  #left = MAX_DATAGRAMS;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("netbios-ns", "content");
  }

  read(view: DataView, { payloadStart: start, payloadEnd, payloadLength }: PacketHeaders): boolean {
    if (isMessage(view, start, payloadEnd, payloadLength)) this.#message(view, start, payloadEnd);
    return --this.#left > 0;
  }

  #message(view: DataView, start: number, end: number): void {
    const message = MESSAGE;
    message.begin(view, start, end);
    const name = readEncodedName(view, start + HEADER_BYTES);
    message.nextQuestion();
    // Cut where it has no question and no record: its type is not known.
    const hasRecord = message.nextRecord();
    const isStatus = message.type === NetbiosType.NBSTAT;
    this.#operation(message.opcode, isStatus);
    const isNb = hasRecord && message.type === NetbiosType.NB && message.dataEnd - message.dataStart >= NB_ENTRY_BYTES;
    this.#name(name, isNb && (view.getUint16(message.dataStart) & FLAG_GROUP) !== 0);
    if (!hasRecord) return;
    if (isNb && message.isResponse && message.opcode === Opcode.Query) this.#answer(view, name);
    else if (isStatus && message.isResponse) this.#status(view);
  }

  #operation(opcode: number, isStatus: boolean): void {
    const operation = isStatus ? "status" : OPERATIONS.get(opcode)!;
    if (this.#operations.includes(operation)) return;
    this.#operations.push(operation);
    this.#context.facts.detail("operations", this.#operations);
  }

  #name(name: NetbiosName, isGroup: boolean): void {
    // The wildcard asks any machine for its names.
    if (name.name === "*" || name.name === "") return;
    const { facts } = this.#context;
    const text = nameWithSuffix(name);
    if (this.#names.includes(text)) return;
    if (this.#names.length >= MAX_NAMES) {
      facts.more++;
      return;
    }
    this.#names.push(text);
    facts.detail("names", this.#names);
    if (!isGroup && isHostName(name)) facts.disclose("host-name", name.name);
  }

  #answer(view: DataView, name: NetbiosName): void {
    const { dataStart, dataEnd } = MESSAGE;
    for (let at = dataStart; dataEnd - at >= NB_ENTRY_BYTES && this.#addresses < MAX_ADDRESSES; at += NB_ENTRY_BYTES) {
      this.#addresses++;
      const address = formatAddress(4, 0, 0, 0, view.getInt32(at + 2));
      this.#context.facts.disclose("dns-answer", `${nameWithSuffix(name)} -> ${address}`);
    }
  }

  /** All names of a machine, and behind them the address of its network card. */
  #status(view: DataView): void {
    const { dataStart, dataEnd } = MESSAGE;
    if (dataEnd === dataStart) return;
    const count = view.getUint8(dataStart);
    let at = dataStart + 1;
    for (let i = 0; i < count; i++, at += STATUS_ENTRY_BYTES) {
      if (dataEnd - at < STATUS_ENTRY_BYTES) return;
      this.#name(readPlainName(view, at), (view.getUint16(at + NAME_BYTES) & FLAG_GROUP) !== 0);
    }
    if (dataEnd - at < MAC_BYTES) return;
    // Samba leaves it empty.
    discloseMac(this.#context.facts, view, at);
  }
}
