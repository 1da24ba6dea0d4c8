import { compactSize, compactSizeBytes } from "./compact-size.js";
import { networkAt, networkOf, offsetOf, type PeerNetwork } from "./net-address.js";

/** Told of each address; `at` is that of its bytes, as netAddress wants it. */
export type AddressVisitor = (network: PeerNetwork, at: number, port: number) => void;

/** BIP 155 and MAX_ADDR_TO_SEND of Bitcoin Core's net_processing.cpp. */
const MAX_ADDRESSES = 1000;
/** time 4, services 8, address 16, port 2. */
const ADDR_BYTES = 30;
/** time 4, services 1, network 1, length 1, port 2. */
const ADDRV2_MIN_BYTES = 9;
const MAX_ADDRV2_ADDRESS = 512;

/**
 * Walks over the addresses in the payload of `addr`, as far as it goes. Those of nowhere are left out.
 *
 * @param length - Of the whole payload.
 * @returns How many addresses it says to have; 0 when that cannot be.
 */
export function readAddr(view: DataView, start: number, end: number, length: number, visit: AddressVisitor): number {
  const count = compactSize(view, start, end);
  if (count < 0 || count > MAX_ADDRESSES) return 0;
  let at = start + compactSizeBytes(view.getUint8(start));
  if (at - start + count * ADDR_BYTES !== length) return 0;
  for (; end - at >= ADDR_BYTES; at += ADDR_BYTES) {
    const network = networkAt(view, at + 12);
    if (network !== undefined) visit(network, at + 12 + offsetOf(network), view.getUint16(at + 28));
  }
  return count;
}

/**
 * Walks over the addresses in the payload of `addrv2`, as far as it goes. Those of networks that are not known are left
 * out.
 *
 * Source: BIP 155.
 *
 * @param length - Of the whole payload.
 * @returns How many addresses it says to have; 0 when that cannot be, or when a payload that is whole does not have them.
 */
export function readAddrV2(view: DataView, start: number, end: number, length: number, visit: AddressVisitor): number {
  const count = compactSize(view, start, end);
  if (count < 0 || count > MAX_ADDRESSES || count * ADDRV2_MIN_BYTES >= length) return 0;
  let at = start + compactSizeBytes(view.getUint8(start));
  let read = 0;
  for (; read < count; read++) {
    at += 4;
    // Services: their number does not matter here.
    if (at >= end) break;
    at += compactSizeBytes(view.getUint8(at));
    if (at >= end) break;
    const id = view.getUint8(at++);
    const bytes = compactSize(view, at, end);
    if (bytes < 0 || bytes > MAX_ADDRV2_ADDRESS) break;
    at += compactSizeBytes(view.getUint8(at));
    if (end - at < bytes + 2) break;
    const network = networkOf(id, bytes);
    if (network !== undefined) visit(network, at, view.getUint16(at + bytes));
    at += bytes + 2;
  }
  return read === count || end - start < length ? count : 0;
}
