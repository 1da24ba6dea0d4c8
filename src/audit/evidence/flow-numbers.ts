import type { CapturedPacket } from "../../base/index.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../../decode/index.js";
import { FlowTable } from "../../flows/index.js";

/** Tells of each packet with which packet its flow began: the same in each run over the same packets. */
export class FlowNumbers {
  readonly #headers = new PacketHeaders();
  readonly #table = new FlowTable();
  readonly #firstPackets: number[] = [];

  /** Number of the first packet of this packet's flow; undefined for a frame without one. */
  firstPacketOf(packet: CapturedPacket): number | undefined {
    if (decodePacket(packet, this.#headers) !== DecodeStatus.Ok) return undefined;
    const row = this.#table.update(this.#headers, packet);
    if (this.#table.isNew) this.#firstPackets[row] = packet.number;
    return this.#firstPackets[row];
  }
}
