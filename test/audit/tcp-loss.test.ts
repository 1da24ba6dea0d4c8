import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { TcpLossWatch } from "../../src/audit/tcp-loss.js";
import { Fragment, PacketHeaders, TcpFlag } from "../../src/decode/index.js";
import { bundleScript } from "../support/bundle.js";

/** Sequence numbers count from the side's first one; the SYN takes the first. */
interface Segment {
  readonly side: 0 | 1;
  readonly flags?: number;
  readonly seq: number;
  readonly ack?: number;
  readonly length?: number;
  readonly fragment?: Fragment;
}

/** What is missing of a connection of which these packets were captured. */
function lossOf(segments: readonly Segment[], first: readonly [number, number] = [100_000, 200_000]) {
  const watch = new TcpLossWatch();
  watch.begin(3);
  feed(watch, segments, first);
  return { gaps: watch.gaps, bytes: watch.bytes };
}

function feed(watch: TcpLossWatch, segments: readonly Segment[], first: readonly [number, number]): void {
  const headers = new PacketHeaders();
  for (const { side, flags = TcpFlag.ACK, seq, ack, length = 0, fragment = Fragment.None } of segments) {
    headers.tcpFlags = ack === undefined ? flags & ~TcpFlag.ACK : flags;
    headers.tcpSeq = (seq + first[side]!) | 0;
    headers.tcpAck = ((ack ?? 0) + first[1 - side]!) | 0;
    headers.payloadLength = length;
    headers.fragment = fragment;
    watch.observe(3, side, headers);
  }
}

const NONE = { gaps: 0, bytes: 0 };
const SYN: Segment = { side: 0, flags: TcpFlag.SYN, seq: 0 };
const SYN_ACK: Segment = { side: 1, flags: TcpFlag.SYN | TcpFlag.ACK, seq: 0, ack: 1 };
const ACK: Segment = { side: 0, seq: 1, ack: 1 };
const HANDSHAKE = [SYN, SYN_ACK, ACK];
/** 100 bytes each, and what acknowledges them. */
const data = (number: number): Segment => ({ side: 0, seq: 1 + number * 100, ack: 1, length: 100 });
const ackOf = (count: number): Segment => ({ side: 1, seq: 1, ack: 1 + count * 100 });

describe("loss upstream", () => {
  it("is none in a whole connection, with its end", () => {
    const end: Segment[] = [
      { side: 0, flags: TcpFlag.FIN | TcpFlag.ACK, seq: 201, ack: 1 },
      { side: 1, flags: TcpFlag.FIN | TcpFlag.ACK, seq: 1, ack: 202 },
      { side: 0, seq: 202, ack: 2 },
    ];
    expect(lossOf([...HANDSHAKE, data(0), ackOf(1), data(1), ackOf(2), ...end])).toEqual(NONE);
  });

  it("is what is acknowledged and was not seen, at the end of what was seen or in its midst", () => {
    expect(lossOf([...HANDSHAKE, data(0), ackOf(3)])).toEqual({ gaps: 1, bytes: 200 });
    expect(lossOf([...HANDSHAKE, data(0), data(2), ackOf(3)])).toEqual({ gaps: 1, bytes: 100 });
    expect(lossOf([...HANDSHAKE, data(0), data(2), data(4), ackOf(5)])).toEqual({ gaps: 2, bytes: 200 });
    expect(
      lossOf([...HANDSHAKE, { side: 1, flags: TcpFlag.FIN | TcpFlag.ACK, seq: 1, ack: 1 }, data(0), ackOf(1)]),
    ).toEqual(NONE);
    // The FIN itself.
    expect(lossOf([...HANDSHAKE, data(0), { side: 1, seq: 1, ack: 102 }])).toEqual({ gaps: 1, bytes: 1 });
  });

  it("is not what was never acknowledged, or is sent again", () => {
    expect(lossOf([...HANDSHAKE, data(0), data(2), ackOf(1), ackOf(1)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, data(0), data(2), ackOf(1), ackOf(1), data(1), ackOf(3)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, data(0), data(0), ackOf(1), data(0), ackOf(1)])).toEqual(NONE);
  });

  it("is not what comes after its acknowledgement, as several queues put packets out of order", () => {
    expect(lossOf([...HANDSHAKE, ackOf(2), data(0), data(1)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, ackOf(2), data(1), data(0)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, data(0), data(2), ackOf(3), data(1)])).toEqual(NONE);
    expect(lossOf([SYN_ACK, SYN, ACK, data(0), ackOf(1)])).toEqual(NONE);
    expect(lossOf([SYN, ACK, data(0), SYN_ACK, ackOf(1)])).toEqual(NONE);
    // Only half of it comes.
    const half: Segment = { side: 0, seq: 51, ack: 1, length: 100 };
    expect(lossOf([...HANDSHAKE, ackOf(2), half])).toEqual({ gaps: 2, bytes: 100 });
  });

  it("is what a side sent of which nothing is seen: the capture is at a wrong place", () => {
    expect(lossOf([SYN, ACK])).toEqual({ gaps: 1, bytes: 1 });
    expect(lossOf([SYN_ACK, ackOf(1), ackOf(4)])).toEqual({ gaps: 2, bytes: 400 });
    expect(lossOf([ackOf(1), ackOf(4)])).toEqual({ gaps: 1, bytes: 300 });
  });

  it("is not what was under way when the capture began", () => {
    expect(lossOf([ackOf(7), ackOf(9), data(12), ackOf(11), ackOf(13)])).toEqual(NONE);
    expect(lossOf([data(3), ackOf(4), data(4), ackOf(5)])).toEqual(NONE);
    // Sent again, while later ones were sent before.
    expect(lossOf([data(3), data(8), ackOf(9), data(9), ackOf(10)])).toEqual(NONE);
    // And yet it is, from there on.
    expect(lossOf([data(3), ackOf(4), data(5), ackOf(6)])).toEqual({ gaps: 1, bytes: 100 });
  });

  it("is not a keep-alive, with or without its byte, nor the probe of a closed window", () => {
    const keepAlive = (length: number): Segment => ({ side: 0, seq: 100, ack: 1, length });
    for (const length of [0, 1]) {
      expect(lossOf([...HANDSHAKE, data(0), ackOf(1), keepAlive(length), ackOf(1)])).toEqual(NONE);
      expect(lossOf([keepAlive(length), ackOf(1), keepAlive(length), ackOf(1)])).toEqual(NONE);
    }
    const probe: Segment = { side: 0, seq: 101, ack: 1, length: 1 };
    expect(lossOf([...HANDSHAKE, data(0), ackOf(1), probe, ackOf(1), data(1), ackOf(2)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, data(0), ackOf(1), probe, { side: 1, seq: 1, ack: 102 }, data(1), ackOf(2)])).toEqual(
      NONE,
    );
  });

  it("is not told by resets, by fragments, or by numbers of another connection", () => {
    const reset: Segment = { side: 1, flags: TcpFlag.RST | TcpFlag.ACK, seq: 5, ack: 4_000 };
    expect(lossOf([...HANDSHAKE, reset])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, { ...data(0), fragment: Fragment.First }, ackOf(5)])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, { side: 1, seq: 1, ack: 2 ** 31 - 5 }])).toEqual(NONE);
    expect(lossOf([...HANDSHAKE, { ...data(0), seq: 2 ** 31 - 5 }, data(0), ackOf(1)])).toEqual(NONE);
  });

  it("is the same where each packet is seen twice, as on all interfaces at once", () => {
    const twice = (segments: readonly Segment[]) => segments.flatMap((it) => [it, it]);
    expect(lossOf(twice([...HANDSHAKE, data(0), ackOf(1), data(1), ackOf(2)]))).toEqual(NONE);
    expect(lossOf(twice([...HANDSHAKE, data(0), data(2), ackOf(3)]))).toEqual({ gaps: 1, bytes: 100 });
  });

  it("is counted past the end of the numbers", () => {
    for (const first of [-1, 0xffffff9b, 2 ** 31 - 50]) {
      expect(lossOf([...HANDSHAKE, data(0), ackOf(1), data(1), data(2), ackOf(3)], [first, first])).toEqual(NONE);
      expect(lossOf([...HANDSHAKE, data(0), data(2), ackOf(3)], [first, first])).toEqual({ gaps: 1, bytes: 100 });
    }
  });

  it("stands when another flow takes the row, and says nothing of that one", () => {
    const watch = new TcpLossWatch();
    watch.begin(3);
    feed(watch, [...HANDSHAKE, data(0), ackOf(3)], [0, 0]);
    watch.begin(3);
    feed(watch, [...HANDSHAKE, data(0), data(1), ackOf(2)], [77_000, 5]);
    watch.begin(1000);
    expect([watch.gaps, watch.bytes]).toEqual([1, 200]);
  });
});

/** A transfer of so many segments, each acknowledged as soon as all before it came. */
function transfer(count: number): Segment[] {
  return [...HANDSHAKE, ...Array.from({ length: count }, (_, i) => [data(i), ackOf(i + 1)]).flat()];
}

describe("any transfer", () => {
  it("shows no loss whatever few packets changed places", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 63, maxLength: 63 }), (delays) => {
        const late = transfer(30).map((segment, i) => ({ segment, at: i + delays[i]! }));
        late.sort((x, y) => x.at - y.at);
        expect(lossOf(late.map(({ segment }) => segment))).toEqual(NONE);
      }),
    );
  });

  it("shows the loss of any of its data, but for what nothing came after", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(29), { minLength: 1, maxLength: 29 }), (lost) => {
        const kept = transfer(30).filter((it) => !(it.length === 100 && lost.includes((it.seq - 1) / 100)));
        expect(lossOf(kept).bytes).toBe(lost.length * 100);
      }),
    );
  });

  it("never makes it throw, or count less than nothing", () => {
    const anySegment = fc.record({
      side: fc.constantFrom<0 | 1>(0, 1),
      flags: fc.nat(255),
      seq: fc.integer(),
      ack: fc.integer(),
      length: fc.nat(1460),
    });
    fc.assert(
      fc.property(fc.array(anySegment, { maxLength: 60 }), (segments) => {
        const { gaps, bytes } = lossOf(segments, [0, 0]);
        expect(gaps).toBeGreaterThanOrEqual(0);
        expect(bytes).toBeGreaterThanOrEqual(gaps === 0 ? 0 : 1);
      }),
    );
    const near = fc.record({
      ...{ side: fc.constantFrom<0 | 1>(0, 1), flags: fc.nat(31) },
      seq: fc.nat(50),
      ack: fc.nat(50),
      length: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(near, { maxLength: 80 }), (segments) => {
        const { gaps, bytes } = lossOf(segments, [0, 0]);
        expect(gaps).toBeGreaterThanOrEqual(0);
        expect(bytes).toBeGreaterThanOrEqual(gaps === 0 ? 0 : 1);
      }),
    );
  });
});

/** Segments that come late, in the wrong order, or never; in a process of its own, without the test runner's work. */
const PROBE = `
import { TcpLossWatch } from "./src/audit/tcp-loss.js";
import { PacketHeaders } from "./src/decode/index.js";

const watch = new TcpLossWatch();
const headers = new PacketHeaders();
for (let row = 0; row < 1000; row++) watch.begin(row);
function pass(packets) {
  for (let i = 0; i < packets; i++) {
    const turn = Math.floor(i / 1000);
    headers.tcpFlags = 16;
    headers.tcpSeq = (turn ^ 3) * 100;
    headers.tcpAck = turn * 90;
    headers.payloadLength = turn % 7 === 0 ? 0 : 100;
    watch.observe(i % 1000, turn % 5 === 0 ? 1 : 0, headers);
  }
}
pass(1_000_000);
globalThis.gc();
const before = process.memoryUsage().heapUsed;
pass(1_000_000);
console.log((process.memoryUsage().heapUsed - before) / 1_000_000);
`;

describe("watching for loss", () => {
  const scratch = mkdtempSync(join(tmpdir(), "leek-loss-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it("allocates nothing per packet", () => {
    const probe = join(scratch, "probe.mjs");
    bundleScript(PROBE, probe);
    const options = ["--expose-gc", "--max-semi-space-size=64", probe];
    const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: "utf8" });
    expect(stderr).toBe("");
    // Bytes; an object would take 16 at least.
    expect(Number(stdout)).toBeLessThan(1);
  });
});
