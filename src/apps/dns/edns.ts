import { formatAddress } from "../../net/index.js";
import { EdnsOption } from "./dns-codes.js";

/** Families of addresses (IANA, Address Family Numbers). */
const IPV4 = 1;
const IPV6 = 2;
/** For one address after the other: shorter ones are filled up with zeros. */
const ADDRESS = new DataView(new ArrayBuffer(16));

/** Whether a client or server marks the other one with a cookie (RFC 7873 4). */
export function hasCookie(view: DataView, start: number, end: number): boolean {
  return findOption(view, start, end, EdnsOption.COOKIE) >= 0;
}

/**
 * The client's network that a resolver passes on (RFC 7871 6), as `192.0.2.0/24`.
 *
 * @param start - The data of the OPT record: [start, end).
 * @returns undefined where there is none, or a malformed one.
 */
export function clientSubnet(view: DataView, start: number, end: number): string | undefined {
  const at = findOption(view, start, end, EdnsOption.CLIENT_SUBNET);
  // family 2, source prefix 1, scope prefix 1, address
  if (at < 0) return undefined;
  const length = view.getUint16(at - 2);
  if (length < 4) return undefined;
  const family = view.getUint16(at);
  const prefix = view.getUint8(at + 2);
  if ((family !== IPV4 || prefix > 32) && (family !== IPV6 || prefix > 128)) return undefined;
  const bytes = Math.ceil(prefix / 8);
  if (length - 4 < bytes) return undefined;
  for (let i = 0; i < 16; i++) ADDRESS.setUint8(i, i < bytes ? view.getUint8(at + 4 + i) : 0);
  const [a, b, c, d] = [ADDRESS.getInt32(0), ADDRESS.getInt32(4), ADDRESS.getInt32(8), ADDRESS.getInt32(12)];
  return `${family === IPV4 ? formatAddress(4, 0, 0, 0, a) : formatAddress(6, a, b, c, d)}/${prefix}`;
}

/** @returns The offset of the option's data, whose length stands in the two bytes before; -1 where it is not there. */
function findOption(view: DataView, start: number, end: number, code: number): number {
  for (let at = start; end - at >= 4; ) {
    const length = view.getUint16(at + 2);
    if (end - at - 4 < length) return -1;
    if (view.getUint16(at) === code) return at + 4;
    at += 4 + length;
  }
  return -1;
}
