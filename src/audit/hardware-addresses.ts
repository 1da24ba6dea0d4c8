import { type CapturedPacket, LinkType } from "../base/index.js";

const MAC_BYTES = 6;
const GROUP_BIT = 0x01;
// Cooked headers: length of the sender's address and its place.
const SLL_LENGTH = 5;
const SLL_ADDRESS = 6;
const SLL2_LENGTH = 11;
const SLL2_ADDRESS = 12;

/** Who sent a frame, as a number of 48 bits; 0 where its link does not tell. Allocates nothing. */
export function senderOf({ view, start, end, linkType }: CapturedPacket): number {
  switch (linkType) {
    case LinkType.EN10MB:
      return addressAt(view, start + MAC_BYTES, end);
    case LinkType.LINUX_SLL:
      return end - start > SLL_LENGTH && view.getUint8(start + SLL_LENGTH) === MAC_BYTES
        ? addressAt(view, start + SLL_ADDRESS, end)
        : 0;
    case LinkType.LINUX_SLL2:
      return end - start > SLL2_LENGTH && view.getUint8(start + SLL2_LENGTH) === MAC_BYTES
        ? addressAt(view, start + SLL2_ADDRESS, end)
        : 0;
    default:
      return 0;
  }
}

/** For whom a frame is; 0 for a group, and where its link does not tell. */
export function receiverOf({ view, start, end, linkType }: CapturedPacket): number {
  return linkType === LinkType.EN10MB ? addressAt(view, start, end) : 0;
}

function addressAt(view: DataView, at: number, end: number): number {
  if (end - at < MAC_BYTES || (view.getUint8(at) & GROUP_BIT) !== 0) return 0;
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
}

/** Own ones, and others by which leaks went: far more than a machine or a link has. */
const MAX_OWN = 64;
const MAX_OTHERS = 4_096;

/**
 * Finds leaks of unnamed addresses that came from the node's own network card: machines have several IPv6 addresses, and
 * get new ones every day (RFC 8981).
 */
export class HardwareAddresses {
  readonly #own = new Set<number>();
  readonly #leaks = new Map<number, number>();

  /** @param hardware - Of an end with an address that is the node's. */
  own(hardware: number): void {
    if (hardware !== 0 && this.#own.size < MAX_OWN) this.#own.add(hardware);
  }

  /** @param hardware - Of the end on this link of a flow that is not the node's by its addresses, and would be a leak. */
  otherLeak(hardware: number): void {
    if (hardware === 0 || (this.#leaks.size >= MAX_OTHERS && !this.#leaks.has(hardware))) return;
    this.#leaks.set(hardware, (this.#leaks.get(hardware) ?? 0) + 1);
  }

  /** Flows that would be leaks, and were sent by the node's own hardware. */
  ownLeaks(): number {
    let flows = 0;
    for (const hardware of this.#own) flows += this.#leaks.get(hardware) ?? 0;
    return flows;
  }
}
