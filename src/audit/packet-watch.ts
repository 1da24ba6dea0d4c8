import type { CapturedPacket } from "../base/index.js";
import { DecodeStatus } from "../decode/index.js";
import type { Moment } from "../flows/index.js";
import { IpProtocol } from "../net/index.js";
import type { Analysis } from "../pipeline/index.js";
import { type TcpLoss, TcpLossWatch } from "./tcp-loss.js";

/** What single packets tell an audit, beside their flows. */
export class PacketWatch {
  readonly #analysis: Analysis;
  readonly #loss = new TcpLossWatch();
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
    if (analysis.beganFlow) this.#loss.begin(row);
    const side = analysis.isFromOriginator(row) ? 0 : 1;
    if (headers.protocol === IpProtocol.TCP && headers.transportStatus === DecodeStatus.Ok) {
      this.#loss.observe(row, side, headers);
    }
    const isCut = packet.end - packet.start < packet.originalLength;
    const isFirstAnswer = this.torUpSince === undefined && side === 1 && headers.payloadLength > 0;
    if (!isCut && !isFirstAnswer) return;
    const isTor = analysis.classificationOf(row).flowClass === "tor";
    if (isCut && !isTor) this.cutPackets++;
    if (isFirstAnswer && isTor) this.torUpSince = { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
  }

  get loss(): TcpLoss {
    return { gaps: this.#loss.gaps, bytes: this.#loss.bytes };
  }
}
