/**
 * A protocol that cuts its stream into frames, each with a header of fixed size that tells how long the rest is: TLS
 * records, Bitcoin messages. Their boundaries can be followed for as long as a connection lasts without keeping a byte.
 */
export interface FrameKind {
  /** At most MAX_FRAME_HEADER_BYTES. */
  readonly headerBytes: number;
  /**
   * Bytes that follow the header at `at`, of which all bytes are there.
   *
   * @returns -1 when this is no header of this kind.
   */
  bodyBytes(view: DataView, at: number): number;
}

export const MAX_FRAME_HEADER_BYTES = 24;

const TLS_MAX_RECORD = 16_384 + 2_048;

/** RFC 8446 5.1, RFC 5246 6.2.3: type, version, length; ciphertexts have up to 2,048 bytes more than plain texts. */
export const TLS_RECORDS: FrameKind = {
  headerBytes: 5,
  bodyBytes(view, at) {
    const type = view.getUint8(at);
    if (type < 20 || type > 24) return -1;
    // 3.0 (SSL 3) to 3.4.
    if (view.getUint8(at + 1) !== 3 || view.getUint8(at + 2) > 4) return -1;
    const length = view.getUint16(at + 3);
    return length > TLS_MAX_RECORD ? -1 : length;
  },
};
