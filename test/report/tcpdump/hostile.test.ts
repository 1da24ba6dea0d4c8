import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LinkType } from "../../../src/base/index.js";
import { formatPacketText } from "../../../src/report/tcpdump/index.js";
import { ethernet } from "../../support/packet-builder.js";
import { compare, type Frame, leekTexts, packetOf } from "./oracle.js";
import { isExplained } from "./out-of-scope.js";
import { packetGroups } from "./samples.js";

const samples = Object.values(packetGroups).flat();

/** A reproducible stream of numbers below `limit`. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * limit);
  };
}

/** A copy with a few bytes changed behind the Ethernet header, mostly near the start, and sometimes cut. */
function mutated(frame: Uint8Array, random: (limit: number) => number): Frame {
  const bytes = frame.slice();
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = 14 + random(Math.min(bytes.length - 14, random(2) === 0 ? 40 : 120));
    bytes[at] = random(4) === 0 ? random(256) : bytes[at]! ^ (1 << random(8));
  }
  const length = random(3) === 0 ? 14 + random(bytes.length - 13) : bytes.length;
  return { bytes: bytes.subarray(0, length), originalLength: frame.length };
}

describe("mutated packets", () => {
  it.each([1, 2, 3, 4, 5, 6])("print as tcpdump prints them (seed %i)", (seed) => {
    const random = randomNumbers(seed);
    const chosen = Array.from({ length: 3000 }, () => samples[random(samples.length)]!);
    const frames = chosen.map((packet) => mutated(ethernet({}, packet), random));
    const found = compare(frames, LinkType.EN10MB, {}, [], Number.POSITIVE_INFINITY);
    expect(found.filter((difference) => !isExplained(difference)).slice(0, 5)).toEqual([]);
  });
});

const linkTypes = [0, 1, 9, 12, 50, 51, 101, 104, 105, 108, 113, 127, 228, 229, 239, 276, 4711];

const anyPacket = fc.record({
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 0, maxLength: 200 }),
    fc.constantFrom(...samples.map((packet) => ethernet({}, packet))),
  ),
  linkType: fc.constantFrom(...linkTypes),
  options: fc.record({ linkLevel: fc.boolean(), quiet: fc.boolean() }),
});

describe("formatPacketText", () => {
  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(anyPacket, fc.nat(300), ({ bytes, linkType, options }, missing) => {
        const frame = { bytes, originalLength: bytes.length + missing };
        expect(typeof formatPacketText(packetOf(frame, linkType), options)).toBe("string");
      }),
      { numRuns: 3000 },
    );
  });

  it("gives the same text whatever bytes lie after the packet's end", () => {
    fc.assert(
      fc.property(anyPacket, fc.nat(), fc.uint8Array({ minLength: 16, maxLength: 16 }), (sample, cut, after) => {
        const { bytes, linkType, options } = sample;
        const frame = { bytes: bytes.subarray(0, cut % (bytes.length + 1)), originalLength: bytes.length };
        const packet = packetOf(frame, linkType);
        const before = formatPacketText(packet, options);
        packet.bytes.set(after, packet.end);
        expect(formatPacketText(packet, options)).toBe(before);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("the fast path", () => {
  const headers: readonly (readonly [number, (packet: Uint8Array) => Uint8Array])[] = [
    [LinkType.EN10MB, (packet) => ethernet({}, packet)],
    [LinkType.RAW, (packet) => packet],
  ];

  it.each(headers)("gives the text of the general printers (link type %i)", (linkType, wrap) => {
    const random = randomNumbers(99);
    const frames = Array.from({ length: 20_000 }, () => {
      const bytes = wrap(samples[random(samples.length)]!);
      return random(2) === 0 ? { bytes } : mutated(bytes, random);
    });
    const fast = leekTexts(frames, linkType, { time: "none" });
    const general = leekTexts(frames, linkType, { time: "none", fastPath: false });
    expect(fast).toEqual(general);
  });
});
