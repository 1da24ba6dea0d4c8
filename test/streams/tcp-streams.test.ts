import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PacketHeaders, TcpFlag } from "../../src/decode/index.js";
import {
  type StreamHead,
  type StreamLimits,
  type StreamSide,
  TcpStreams,
  TLS_RECORDS,
} from "../../src/streams/index.js";

interface Segment {
  /** Offset in the stream. */
  readonly at: number;
  readonly length: number;
  /** Bytes that the snaplen left. */
  readonly captured?: number;
}

/** What an observer was told of one side. */
class Recorder {
  readonly heads: { bytes: string; ended: boolean }[] = [];
  readonly frames: number[] = [];
  wanted: (head: StreamHead) => number = () => Infinity;
  streams!: TcpStreams;
  follows = false;

  head(row: number, _side: StreamSide, head: StreamHead): number {
    this.heads.push({ bytes: Buffer.from(head.bytes.subarray(0, head.length)).toString("latin1"), ended: head.ended });
    if (this.follows) {
      this.follows = false;
      this.streams.followFrames(row, TLS_RECORDS);
    }
    return this.wanted(head);
  }

  readonly frame = (_row: number, _side: number, view: DataView, at: number, body: number) => {
    expect(view.getUint16(at + 3)).toBe(body);
    this.frames.push(body);
  };
}

const ISN = 0xffffff00 | 0;

function setUp(limits?: StreamLimits): { streams: TcpStreams; seen: Recorder } {
  const seen = new Recorder();
  const streams = new TcpStreams(seen, limits);
  seen.streams = streams;
  streams.begin(0);
  return { streams, seen };
}

function syn(streams: TcpStreams): void {
  const headers = new PacketHeaders();
  headers.tcpFlags = TcpFlag.SYN;
  headers.tcpSeq = ISN;
  streams.observe(0, 0, new DataView(new ArrayBuffer(0)), new Uint8Array(0), headers);
}

function send(streams: TcpStreams, stream: Uint8Array, { at, length, captured = length }: Segment): void {
  const headers = new PacketHeaders();
  headers.tcpFlags = TcpFlag.ACK;
  headers.tcpSeq = (ISN + 1 + at) | 0;
  headers.payloadLength = length;
  // In the midst of a buffer, as in a capture.
  const bytes = new Uint8Array(length + 20).fill(0xee);
  bytes.set(stream.subarray(at, at + captured), 10);
  headers.payloadStart = 10;
  headers.payloadEnd = 10 + captured;
  streams.observe(0, 0, new DataView(bytes.buffer), bytes, headers);
}

/** TLS records with bodies of these lengths. */
function records(lengths: readonly number[]): Uint8Array {
  return Buffer.concat(
    lengths.map((length) => Buffer.from([23, 3, 3, length >> 8, length & 255, ...new Uint8Array(length)])),
  );
}

const text = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) & 255);

describe("the first bytes of a direction", () => {
  it("are shown when there are as many as were wanted, and no more after that", () => {
    const { streams, seen } = setUp();
    seen.wanted = (head) => (head.length < 10 ? 10 : Infinity);
    const stream = text(100);
    syn(streams);
    for (let at = 0; at < 30; at += 3) send(streams, stream, { at, length: 3 });
    expect(seen.heads.map(({ bytes }) => bytes.length)).toEqual([3, 12]);
    expect(streams.headOf(0, 0)).toBeUndefined();
  });

  it("end where a segment was cut by the snaplen", () => {
    const { streams, seen } = setUp();
    seen.wanted = () => 1000;
    syn(streams);
    send(streams, text(100), { at: 0, length: 60, captured: 40 });
    send(streams, text(100), { at: 60, length: 40 });
    expect(seen.heads).toEqual([{ bytes: Buffer.from(text(40)).toString("latin1"), ended: true }]);
  });

  it("end at the limit", () => {
    const { streams, seen } = setUp({ headBytes: 50 });
    seen.wanted = () => 1000;
    syn(streams);
    send(streams, text(100), { at: 0, length: 100 });
    expect(seen.heads).toEqual([{ bytes: Buffer.from(text(50)).toString("latin1"), ended: true }]);
  });

  it("end with the flow, and are shown then", () => {
    const { streams, seen } = setUp();
    seen.wanted = () => 1000;
    syn(streams);
    send(streams, text(100), { at: 0, length: 10 });
    streams.end(0);
    expect(seen.heads.map(({ bytes, ended }) => [bytes.length, ended])).toEqual([
      [10, false],
      [10, true],
    ]);
  });

  it("may be dropped, and their room is another's", () => {
    const { streams, seen } = setUp({ heads: 1 });
    seen.wanted = () => 1000;
    send(streams, text(100), { at: 0, length: 10 });
    expect(streams.isWatching(0)).toBe(true);
    streams.dropHead(0, 0);
    streams.dropHead(0, 0);
    streams.dropHead(0, 1);
    expect(streams.headOf(0, 0)).toBeUndefined();
    expect(streams.isWatching(0)).toBe(false);
    send(streams, text(100), { at: 10, length: 10 });
    expect(seen.heads).toHaveLength(1);
    streams.begin(0);
    send(streams, text(100), { at: 0, length: 10 });
    expect(seen.heads).toHaveLength(2);
    expect(streams.crowdedOut).toBe(0);
  });

  it("leave no room behind that only waited for its turn", () => {
    const { streams, seen } = setUp({ heldBytes: 1_000 });
    syn(streams);
    for (let times = 0; times < 3; times++) {
      send(streams, text(1_000), { at: 100, length: 600 });
      // Without room the hole would be given up, and the beginning shown as it is.
      expect(seen.heads).toEqual([]);
      streams.leave(0);
    }
  });

  it("end at a hole that nothing fills while much comes behind it", () => {
    const { streams, seen } = setUp();
    seen.wanted = () => 100_000;
    const stream = text(10_000);
    syn(streams);
    send(streams, stream, { at: 0, length: 10 });
    for (let at = 20; at < 4000; at += 10) send(streams, stream, { at, length: 10 });
    expect(seen.heads.at(-1)).toEqual({ bytes: Buffer.from(stream.subarray(0, 10)).toString("latin1"), ended: true });
  });

  it("are not kept for more directions than allowed", () => {
    const { streams, seen } = setUp({ heads: 1 });
    seen.wanted = () => 100;
    syn(streams);
    send(streams, text(10), { at: 0, length: 10 });
    streams.begin(1);
    const headers = new PacketHeaders();
    headers.payloadLength = headers.payloadEnd = 4;
    streams.observe(1, 0, new DataView(new ArrayBuffer(4)), new Uint8Array(4), headers);
    expect(streams.crowdedOut).toBe(1);
    expect(streams.headOf(1, 0)).toBeUndefined();
  });

  it("are kept from where somebody will look again, each at its own offset, and need no room before", () => {
    const { streams, seen } = setUp();
    const stream = text(12_000);
    seen.wanted = (head) => {
      if (head.length >= 11_000) return Infinity;
      head.unread = 10_000;
      return 11_000;
    };
    syn(streams);
    send(streams, stream, { at: 0, length: 100 });
    for (let at = 100; at < 9_900; at += 700) send(streams, stream, { at, length: 700 });
    expect(streams.headOf(0, 0)).toMatchObject({ length: 9_900, bytes: { length: 2_048 } });
    send(streams, stream, { at: 9_900, length: 2_100 });
    const shown = Buffer.from(seen.heads.at(-1)!.bytes, "latin1");
    expect(shown.subarray(0, 100)).toEqual(Buffer.from(stream.subarray(0, 100)));
    expect(shown.subarray(10_000)).toEqual(Buffer.from(stream.subarray(10_000)));
  });

  it("are the same in whatever pieces, order and repetition they come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (lengths, random) => {
          const { streams, seen } = setUp();
          seen.wanted = () => 100_000;
          const total = lengths.reduce((sum, length) => sum + length, 0);
          const stream = text(total);
          let at = 0;
          const segments = lengths.map((length) => {
            const segment = { at, length };
            at += length;
            return segment;
          });
          // Some once more, with other borders, and all in any order.
          const more = segments.map(({ at: start }) => {
            const from = Math.max(0, start - (random.next().value! % 10));
            return { at: from, length: Math.min(total - from, 1 + (random.next().value! % 30)) };
          });
          const shuffled = [...segments, ...more]
            .map((segment) => ({ segment, key: random.next().value! }))
            .sort((x, y) => x.key - y.key)
            .map(({ segment }) => segment);
          syn(streams);
          // At most 32 wait; the property is about those that fit.
          for (const segment of shuffled.slice(0, 33)) send(streams, stream, segment);
          for (const segment of segments) send(streams, stream, segment);
          streams.end(0);
          expect(seen.heads.at(-1)!.bytes).toBe(Buffer.from(stream).toString("latin1"));
        },
      ),
    );
  });
});

describe("frames", () => {
  const lengths = [100, 531, 1045, 5, 0, 16_000, 531];

  it.each([1, 4, 5, 7, 100, 1448, 30_000])("are told once each, in segments of %i bytes", (size) => {
    const { streams, seen } = setUp();
    seen.follows = true;
    const stream = records(lengths);
    syn(streams);
    for (let at = 0; at < stream.length; at += size) {
      send(streams, stream, { at, length: Math.min(size, stream.length - at) });
    }
    expect(seen.frames).toEqual(lengths);
  });

  it("are told where the observer asks for them in the midst of a large first segment", () => {
    const { streams, seen } = setUp({ headBytes: 700 });
    seen.follows = true;
    const stream = records(lengths);
    syn(streams);
    send(streams, stream, { at: 0, length: stream.length });
    expect(seen.frames).toEqual(lengths);
  });

  it("go on over bytes that were not captured, as long as no header is among them", () => {
    const { streams, seen } = setUp();
    seen.follows = true;
    const stream = records([500, 600, 700]);
    syn(streams);
    send(streams, stream, { at: 0, length: 505, captured: 100 });
    send(streams, stream, { at: 505, length: 605, captured: 100 });
    send(streams, stream, { at: 1110, length: 705, captured: 100 });
    expect(seen.frames).toEqual([500, 600, 700]);
  });

  it("go on over lost segments within one frame", () => {
    const { streams, seen } = setUp();
    seen.follows = true;
    const stream = records([5000, 600]);
    syn(streams);
    send(streams, stream, { at: 0, length: 1000 });
    send(streams, stream, { at: 3000, length: 2605 });
    expect(seen.frames).toEqual([5000, 600]);
  });

  it("are found again behind a hole with a header in it, at a segment that begins with one", () => {
    const { streams, seen } = setUp();
    seen.follows = true;
    const stream = records([95, ...Array.from({ length: 300 }, () => 995)]);
    syn(streams);
    send(streams, stream, { at: 0, length: 100 });
    for (let i = 5; i < 300; i++) send(streams, stream, { at: 100 + i * 1000, length: 1000 });
    expect(seen.frames).toEqual([95, ...Array.from({ length: 295 }, () => 995)]);
  });

  it("are found in a flow that began before the capture", () => {
    const { streams, seen } = setUp();
    seen.follows = true;
    const stream = records([1000, 1000]);
    send(streams, stream, { at: 1005, length: 1005 });
    expect(seen.frames).toEqual([1000]);
  });

  it("end without harm where the bytes are none, and nothing comes out of random bytes twice", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 3000 }),
            length: fc.integer({ min: 1, max: 700 }),
            cut: fc.integer({ min: 0, max: 700 }),
          }),
          { maxLength: 60 },
        ),
        fc.uint8Array({ minLength: 4000, maxLength: 4000 }),
        (segments, stream) => {
          const { streams, seen } = setUp({ headBytes: 256, heldBytes: 4096 });
          seen.follows = true;
          seen.wanted = (head) => head.length + 1;
          for (const { at, length, cut } of segments) {
            send(streams, stream, { at, length, captured: Math.max(0, length - cut) });
          }
          streams.end(0);
          expect(seen.heads.every(({ bytes }) => bytes.length <= 256)).toBe(true);
        },
      ),
    );
  });

  it("give the same for any order of segments that leaves no hole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 20, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (bodies, sizes, random) => {
          const { streams, seen } = setUp();
          seen.follows = true;
          const stream = records(bodies);
          const segments: Segment[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const length = Math.min(sizes[i % 20]!, stream.length - at);
            segments.push({ at, length });
            at += length;
          }
          syn(streams);
          const [first, ...others] = segments;
          send(streams, stream, first!);
          const window = others.map((segment, i) => ({ segment, key: i + (random.next().value! % 6) }));
          for (const { segment } of window.sort((x, y) => x.key - y.key)) send(streams, stream, segment);
          expect(seen.frames).toEqual(bodies);
        },
      ),
    );
  });
});

describe("rows", () => {
  it("are those of another flow after they ended", () => {
    const { streams, seen } = setUp();
    seen.wanted = () => 1000;
    syn(streams);
    send(streams, text(10), { at: 0, length: 10 });
    streams.begin(0);
    syn(streams);
    send(streams, text(5), { at: 0, length: 5 });
    expect(seen.heads.map(({ bytes }) => bytes.length)).toEqual([10, 10, 5]);
  });

  it("may be of any number", () => {
    const { streams } = setUp();
    streams.begin(5000);
    streams.followFrames(5000, TLS_RECORDS);
    streams.end(5000);
  });
});
