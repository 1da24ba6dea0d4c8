import { type PacketHeaders, TcpFlag } from "../decode/index.js";

const FIRST_ROWS = 256;
const KNOWN = 1;
/** Farther ahead is another connection's, or a lie. */
const MAX_GAP = 1 << 30;

/** Bytes that a receiver acknowledged and the capture does not have. */
export interface TcpLoss {
  /** Acknowledgements that told of them. */
  readonly gaps: number;
  readonly bytes: number;
}

/**
 * Finds loss before the capture, which no counter tells of: TCP acknowledges only what came. By rows of the flow table;
 * allocates nothing per packet.
 */
export class TcpLossWatch {
  /** By row * 2 + side: the sequence number behind all that was seen of a side, and whether there is one. */
  #ends = new Int32Array(FIRST_ROWS * 2);
  #known = new Uint8Array(FIRST_ROWS * 2);
  gaps = 0;
  bytes = 0;

  /** A flow begins in this row. */
  begin(row: number): void {
    if (row * 2 + 1 >= this.#ends.length) this.#grow(row * 2 + 1);
    this.#known[row * 2] = 0;
    this.#known[row * 2 + 1] = 0;
  }

  /** @param side - Who sent it: 0 the originator. Of a TCP packet whose header was decoded. */
  observe(row: number, side: 0 | 1, { tcpFlags, tcpSeq, tcpAck, payloadLength }: PacketHeaders): void {
    const own = row * 2 + side;
    const other = row * 2 + (1 - side);
    const counted = payloadLength + ((tcpFlags & TcpFlag.SYN) !== 0 ? 1 : 0) + ((tcpFlags & TcpFlag.FIN) !== 0 ? 1 : 0);
    // Keep-alives repeat the byte before, resets may have any number.
    if ((tcpFlags & TcpFlag.RST) !== 0) return;
    const end = (tcpSeq + counted) | 0;
    if (this.#known[own] !== KNOWN || ((end - this.#ends[own]!) | 0) > 0) {
      this.#ends[own] = end;
      this.#known[own] = KNOWN;
    }
    if ((tcpFlags & TcpFlag.ACK) === 0 || this.#known[other] !== KNOWN) return;
    const ahead = (tcpAck - this.#ends[other]!) | 0;
    if (ahead <= 0 || ahead > MAX_GAP) return;
    this.gaps++;
    this.bytes += ahead;
    this.#ends[other] = tcpAck;
  }

  #grow(slot: number): void {
    let size = this.#ends.length;
    while (size <= slot) size *= 2;
    const ends = new Int32Array(size);
    ends.set(this.#ends);
    this.#ends = ends;
    const known = new Uint8Array(size);
    known.set(this.#known);
    this.#known = known;
  }
}
