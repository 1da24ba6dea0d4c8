import { type CapturedPacket, grown } from "../base/index.js";
import { DecodeStatus, TcpFlag } from "../decode/index.js";
import type { Moment } from "../flows/index.js";
import { IpProtocol, parseAddress } from "../net/index.js";
import type { Analysis } from "../pipeline/index.js";
import { exitAt, type TorExit } from "../relays/index.js";
import { directionOf } from "./direction.js";
import { receiverOf, senderOf } from "./hardware-addresses.js";
import type { AuditedNode } from "./node.js";
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
  /** By row: packets that the snaplen cut. */
  #cut = new Uint32Array(FIRST_ROWS);
  /** By row: 1 for a link of Tor's that is known to be another machine's. */
  #others = new Uint8Array(FIRST_ROWS);
  readonly #node: AuditedNode;
  /** When the node's first link of Tor's answered: before, Tor was not up. */
  torUpSince: Moment | undefined;

  constructor(analysis: Analysis, node: AuditedNode) {
    this.#analysis = analysis;
    this.#node = node;
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
    if (packet.end - packet.start < packet.originalLength) this.#cut[row]! += 1;
    if (this.torUpSince !== undefined || side === 0 || headers.payloadLength === 0 || this.#others[row] === 1) return;
    if (analysis.classificationOf(row).flowClass !== "tor") return;
    if (this.#isOthers(row)) this.#others[row] = 1;
    else this.torUpSince = { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
  }

  /** Of a flow that is about to end, or is alive. */
  cutPacketsOf(row: number): number {
    return this.#cut[row] ?? 0;
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

  /** The exit of Tor's at an address, by the documents at hand now. */
  exitAt(address: string, seconds: number): TorExit | undefined {
    const ip = parseAddress(address);
    return ip === undefined ? undefined : exitAt(this.#analysis.directory, ip, seconds);
  }

  get loss(): TcpLoss {
    return { gaps: this.#loss.gaps, bytes: this.#loss.bytes };
  }

  #isOthers(row: number): boolean {
    const flow = this.#analysis.liveFlow(row, this.#analysis.serialOf(row));
    return flow !== undefined && directionOf(flow, this.#node) === "foreign";
  }

  #begin(row: number, side: 0 | 1, packet: CapturedPacket): void {
    this.#loss.begin(row);
    if (row >= this.#said.length) {
      const rows = Math.max(row + 1, this.#said.length * 2);
      this.#said = grown(this.#said, new Uint8Array(rows));
      this.#hardware = grown(this.#hardware, new Float64Array(rows * 2));
      this.#cut = grown(this.#cut, new Uint32Array(rows));
      this.#others = grown(this.#others, new Uint8Array(rows));
    }
    this.#said[row] = 0;
    this.#cut[row] = 0;
    this.#others[row] = 0;
    this.#hardware[row * 2 + side] = senderOf(packet);
    this.#hardware[row * 2 + (1 - side)] = receiverOf(packet);
  }
}
