import type { PacketHeaders } from "../decode/index.js";

const SLOTS = 1024;
const WORDS = 12;
/** RFC 8200 4.5 gives reassembly 60 seconds. */
const LIFETIME_SECONDS = 60;

const PORTS = 10;
const PROTOCOL = 11;

/**
 * Remembers the ports of first fragments, so that later ones count for the same flow. Direct-mapped and of fixed
 * size: a clash forgets the older datagram, whose later fragments are then counted as unattributed.
 */
export class FragmentTable {
  readonly #words = new Int32Array(SLOTS * WORDS);
  readonly #seconds = new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY);

  /** Stores the ports of a first fragment. */
  remember(headers: PacketHeaders, seconds: number): void {
    const slot = slotOf(headers);
    const at = slot * WORDS;
    const words = this.#words;
    words[at] = headers.srcA;
    words[at + 1] = headers.srcB;
    words[at + 2] = headers.srcC;
    words[at + 3] = headers.srcD;
    words[at + 4] = headers.dstA;
    words[at + 5] = headers.dstB;
    words[at + 6] = headers.dstC;
    words[at + 7] = headers.dstD;
    words[at + 8] = headers.fragmentId;
    words[at + 9] = headers.ipVersion;
    words[at + PORTS] = (headers.srcPort << 16) | headers.dstPort;
    words[at + PROTOCOL] = headers.protocol;
    this.#seconds[slot] = seconds;
  }

  /**
   * Gives a later fragment the ports and protocol of its first one.
   *
   * @returns false when the first fragment was not seen in the last 60 seconds.
   */
  attribute(headers: PacketHeaders, seconds: number): boolean {
    const slot = slotOf(headers);
    const at = slot * WORDS;
    const words = this.#words;
    const same =
      words[at] === headers.srcA &&
      words[at + 1] === headers.srcB &&
      words[at + 2] === headers.srcC &&
      words[at + 3] === headers.srcD &&
      words[at + 4] === headers.dstA &&
      words[at + 5] === headers.dstB &&
      words[at + 6] === headers.dstC &&
      words[at + 7] === headers.dstD &&
      words[at + 8] === headers.fragmentId &&
      words[at + 9] === headers.ipVersion &&
      Math.abs(seconds - this.#seconds[slot]!) <= LIFETIME_SECONDS;
    if (!same) return false;
    headers.srcPort = words[at + PORTS]! >>> 16;
    headers.dstPort = words[at + PORTS]! & 0xffff;
    headers.protocol = words[at + PROTOCOL]!;
    return true;
  }
}

function slotOf(headers: PacketHeaders): number {
  const mixed = Math.imul(headers.fragmentId ^ headers.srcD ^ Math.imul(headers.dstD, 31), 0x9e3779b1);
  return mixed >>> 22;
}
