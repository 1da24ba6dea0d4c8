import type { CapturedPacket } from "../base/index.js";
import { DecodeStatus, TcpFlag } from "../decode/index.js";
import type { Moment } from "../flows/index.js";
import { IpProtocol } from "../net/index.js";
import type { Analysis } from "../pipeline/index.js";
import { receiverOf, senderOf } from "./hardware-addresses.js";
import { type TcpLoss, TcpLossWatch } from "./tcp-loss.js";

const FIRST_ROWS = 256;

/** Bits of what a TCP flow's sides said; those of the responder are the originator's, shifted by one. */
const Said = { something: 1, data: 4 } as const;

/** What a side of a TCP flow said. */
export interface SideSaid {
  /** More than resets. */
  readonly something: boolean;
  readonly data: boolean;
}

/** What single packets tell an audit, beside their flows. */
export class PacketWatch {
  readonly #analysis: Analysis;
  readonly #loss = new TcpLossWatch();
  /** By row: bits of Said. */
  #said = new Uint8Array(FIRST_ROWS);
  /** By row * 2 + side: hardware addresses. */
  #hardware = new Float64Array(FIRST_ROWS * 2);
  /** Packets of flows that are not Tor's and that the snaplen cut. */
  cutPackets = 0;
  /** When the first link of Tor's answered: before, Tor was not up. */
  torUpSince: Moment | undefined;

  constructor(analysis: Analysis) {
    this.#analysis = analysis;
  }

  /** @param row - What `Analysis.observe` gave for it just now. */
  packet(packet: CapturedPacket, row: number): void {
    if (row < 0) return;
    const analysis = this.#analysis;
    const { headers } = analysis;
    const side = analysis.isFromOriginator(row) ? 0 : 1;
    if (analysis.beganFlow) this.#begin(row, side, packet);
    if (headers.protocol === IpProtocol.TCP) {
      if (headers.transportStatus === DecodeStatus.Ok) {
        this.#loss.observe(row, side, headers);
        if ((headers.tcpFlags & TcpFlag.RST) === 0) this.#said[row]! |= Said.something << side;
        if (headers.payloadLength > 0) this.#said[row]! |= Said.data << side;
      } else this.#said[row]! |= Said.something << side;
    }
    const isCut = packet.end - packet.start < packet.originalLength;
    const isFirstAnswer = this.torUpSince === undefined && side === 1 && headers.payloadLength > 0;
    if (!isCut && !isFirstAnswer) return;
    const isTor = analysis.classificationOf(row).flowClass === "tor";
    if (isCut && !isTor) this.cutPackets++;
    if (isFirstAnswer && isTor) this.torUpSince = { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
  }

  /** Of a TCP flow that is about to end, or is alive. */
  saidBy(row: number, side: "originator" | "responder"): SideSaid {
    const said = (this.#said[row] ?? 0) >> (side === "originator" ? 0 : 1);
    return { something: (said & Said.something) !== 0, data: (said & Said.data) !== 0 };
  }

  /** The hardware address of a flow's end, or of what is on the way to it, by its first packet; 0 where nothing tells. */
  hardwareOf(row: number, side: "originator" | "responder"): number {
    return this.#hardware[row * 2 + (side === "originator" ? 0 : 1)] ?? 0;
  }

  get loss(): TcpLoss {
    return { gaps: this.#loss.gaps, bytes: this.#loss.bytes };
  }

  #begin(row: number, side: 0 | 1, packet: CapturedPacket): void {
    this.#loss.begin(row);
    if (row >= this.#said.length) {
      const rows = Math.max(row + 1, this.#said.length * 2);
      const said = new Uint8Array(rows);
      said.set(this.#said);
      this.#said = said;
      const hardware = new Float64Array(rows * 2);
      hardware.set(this.#hardware);
      this.#hardware = hardware;
    }
    this.#said[row] = 0;
    this.#hardware[row * 2 + side] = senderOf(packet);
    this.#hardware[row * 2 + (1 - side)] = receiverOf(packet);
  }
}
