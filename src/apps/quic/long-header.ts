import type { PacketHeaders } from "../../decode/index.js";
import { isReservedVersion, PacketType, type QuicVersion, quicVersion } from "./quic-versions.js";
import { varInt, varIntBytes } from "./var-int.js";

/** Where the parts of a packet with a long header stand. Offsets are those of the datagram's view. */
export interface LongHeader {
  readonly version: QuicVersion;
  readonly type: PacketType;
  /** Of the first byte. */
  readonly start: number;
  /** The destination's connection id: [destination, destinationEnd). */
  readonly destination: number;
  readonly destinationEnd: number;
  /** Of the protected packet number; of a Retry, of its token. */
  readonly number: number;
  /** Just past the packet; more than what was captured where the snaplen cut it. */
  readonly end: number;
}

/** Form and fixed bit (RFC 9000 17.2); a version negotiation need not have the latter. */
const LONG_HEADER = 0xc0;
const FORM = 0x80;
const MAX_CONNECTION_ID = 20;
/** Packet number and payload are 4 bytes at least, so that there is something to sample; the tag is 16. */
const MIN_LENGTH = 20;
const RETRY_TAG = 16;

/**
 * Reads the long header at `start`, of a version that leek knows.
 *
 * Source: RFC 9000 17.2.
 *
 * @returns undefined when it is none, its lengths contradict the datagram's, or its header was not captured whole.
 */
export function readLongHeader(view: DataView, headers: PacketHeaders, start: number): LongHeader | undefined {
  const captured = headers.payloadEnd;
  const datagramEnd = headers.payloadStart + headers.payloadLength;
  if (captured - start < 7 || (view.getUint8(start) & LONG_HEADER) !== LONG_HEADER) return undefined;
  const version = quicVersion(view.getUint32(start + 1));
  if (version === undefined) return undefined;
  const type = version.types[((view.getUint8(start) >> 4) & 3) as 0 | 1 | 2 | 3];
  const destination = start + 6;
  const destinationEnd = destination + view.getUint8(start + 5);
  const at = connectionIdsEnd(view, start, captured);
  if (at < 0) return undefined;
  let number = at;
  let end = datagramEnd;
  if (type === PacketType.Retry) {
    if (end - at <= RETRY_TAG) return undefined;
  } else {
    let length = at;
    if (type === PacketType.Initial) {
      if (captured - at < 1 || captured - at < varIntBytes(view, at)) return undefined;
      length = at + varIntBytes(view, at) + varInt(view, at); // token
    }
    if (captured - length < 1 || captured - length < varIntBytes(view, length)) return undefined;
    const rest = varInt(view, length);
    number = length + varIntBytes(view, length);
    end = number + rest;
    if (rest < MIN_LENGTH || end > datagramEnd) return undefined;
  }
  return { version, type, start, destination, destinationEnd, number, end };
}

/**
 * Whether a datagram is a server's version negotiation: one that offers a version which leek knows, or one of those that
 * only keep negotiation alive.
 *
 * Source: RFC 9000 17.2.1.
 */
export function isVersionNegotiation(view: DataView, headers: PacketHeaders): boolean {
  const { payloadStart: start, payloadEnd: captured, payloadLength } = headers;
  if (captured - start < 7 || view.getUint8(start) < FORM || view.getUint32(start + 1) !== 0) return false;
  let at = connectionIdsEnd(view, start, captured);
  if (at < 0 || (start + payloadLength - at) % 4 !== 0) return false;
  for (; captured - at >= 4; at += 4) {
    const number = view.getUint32(at);
    if (quicVersion(number) !== undefined || isReservedVersion(number)) return true;
  }
  return false;
}

/** Just past both connection ids; -1 when they are too long, or not all there. */
function connectionIdsEnd(view: DataView, start: number, captured: number): number {
  const destinationLength = view.getUint8(start + 5);
  const source = start + 6 + destinationLength;
  if (destinationLength > MAX_CONNECTION_ID || captured - source < 1) return -1;
  const sourceLength = view.getUint8(source);
  const end = source + 1 + sourceLength;
  return sourceLength > MAX_CONNECTION_ID || end > captured ? -1 : end;
}
