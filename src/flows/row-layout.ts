// A flow's row: 48 words of 32 bits (three cache lines), seen through an Int32Array and a Float64Array over one buffer.
// What every packet touches stands in the first two lines; the third is for what is written once.

export const ROW_INTS = 48;
export const ROW_DOUBLES = ROW_INTS / 2;

/** Int32 positions in a row. "A" is the side that sent the first packet seen. */
export const Int = {
  addressA: 0, // four words
  addressB: 4, // four words
  ports: 8, // port A << 16 | port B
  protocol: 9, // protocol | IP version << 8 | tunnel << 16
  hash: 10,
  flags: 11,
  lastNanos: 12,
  // Doubles 8 to 12 stand at 16 to 25.
  sizes: 26, // SIZE_BUCKETS counters, to the end of the second line
  // Double 16 stands at 32 and 33.
  firstNanos: 34,
  /** Creation order; rows are reused, so their index is not it. */
  serial: 35,
  sequenceA: 36,
  sequenceB: 37,
  synSequence: 38,
} as const;

/** Float64 positions in a row. */
export const Double = {
  lastSeconds: 8,
  packetsA: 9,
  packetsB: 10,
  bytesA: 11,
  bytesB: 12,
  firstSeconds: 16,
} as const;

export const Flag = {
  /** Set when side B opened the flow. */
  originatorIsB: 1 << 0,
  /** Set when no SYN told who opened it. */
  originatorGuessed: 1 << 1,
  synSeen: 1 << 2,
  synAckSeen: 1 << 3,
  finA: 1 << 4,
  finB: 1 << 5,
  reset: 1 << 6,
  sequenceKnown: 1 << 7,
  payloadA: 1 << 8,
  payloadB: 1 << 9,
} as const;

/** Upper bounds of the packet-size buckets in bytes, exclusive; the last one has none. */
export const SIZE_BUCKET_BOUNDS: readonly number[] = [80, 160, 320, 640, 1280];
export const SIZE_BUCKETS = SIZE_BUCKET_BOUNDS.length + 1;

/** The bucket of a frame of `length` bytes: buckets double from 80, so a leading-zero count finds it. */
export function sizeBucket(length: number): number {
  const doublings = 32 - Math.clz32((length / 80) | 0);
  return doublings < SIZE_BUCKETS ? doublings : SIZE_BUCKETS - 1;
}
