/** A fragment of a handshake message, in a record that is not encrypted. Offsets are those of the datagram's view. */
export interface HandshakeFragment {
  readonly type: number;
  /** Of the whole message, without its header. */
  readonly messageLength: number;
  readonly messageSequence: number;
  /** Where in the message it belongs. */
  readonly offset: number;
  /** Its bytes: [start, end). Not all of them were captured where the snaplen cut them. */
  readonly start: number;
  readonly end: number;
}

const HANDSHAKE = 22;
const DTLS_1_0 = 0xfeff;
/** Of DTLS 1.3 too. */
const DTLS_1_2 = 0xfefd;
/** type 1, version 2, epoch 2, sequence number 6, length 2 */
export const RECORD_HEADER = 13;
/** type 1, length 3, message sequence 2, fragment offset 3, fragment length 3 */
const FRAGMENT_HEADER = 12;
const MAX_RECORD = 16_384;

/**
 * The end of the handshake record at `at`, in the epoch before keys are changed.
 *
 * Source: RFC 6347 4.1, RFC 9147 4.
 *
 * @param datagramEnd - Just past the datagram on the wire.
 * @returns -1 when there is none, or its header was not captured whole.
 */
export function handshakeRecordEnd(view: DataView, at: number, captured: number, datagramEnd: number): number {
  if (captured - at < RECORD_HEADER || view.getUint8(at) !== HANDSHAKE) return -1;
  const version = view.getUint16(at + 1);
  if ((version !== DTLS_1_2 && version !== DTLS_1_0) || view.getUint16(at + 3) !== 0) return -1;
  const length = view.getUint16(at + 11);
  const end = at + RECORD_HEADER + length;
  return length >= FRAGMENT_HEADER && length <= MAX_RECORD && end <= datagramEnd ? end : -1;
}

/**
 * Reads the fragment at `at`; a record may hold several.
 *
 * Source: RFC 6347 4.2.2.
 *
 * @returns undefined when there is none, or its lengths contradict each other.
 */
export function readFragment(
  view: DataView,
  at: number,
  captured: number,
  recordEnd: number,
): HandshakeFragment | undefined {
  const start = at + FRAGMENT_HEADER;
  if (start > Math.min(captured, recordEnd)) return undefined;
  const messageLength = uint24(view, at + 1);
  const offset = uint24(view, at + 6);
  const end = start + uint24(view, at + 9);
  if (end > recordEnd || offset + end - start > messageLength) return undefined;
  const type = view.getUint8(at);
  return { type, messageLength, messageSequence: view.getUint16(at + 4), offset, start, end };
}

function uint24(view: DataView, at: number): number {
  return (view.getUint8(at) << 16) | view.getUint16(at + 1);
}
