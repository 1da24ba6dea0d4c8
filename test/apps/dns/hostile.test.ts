import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dnsOverTcp } from "../../../src/apps/dns/index.js";
import { NameReader, NameStatus, readableName, skipName } from "../../../src/apps/dns/name-reader.js";
import { concat, dns, dnsName, dnsPointer, dnsQuery, dnsReply, u16 } from "../../support/packet-builder.js";
import { detailsOf, disclosed, overTcp } from "../conversation.js";
import { type Path, type Sent, type Understood, understand } from "./datagrams.js";
import { ALIASED, framed, netbiosName, opt, question, rawMessage, record, serviceName } from "./messages.js";

function nameOf(message: Uint8Array, at: number): string | undefined {
  const reader = new NameReader();
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  return reader.read(view, 0, message.length, at) === NameStatus.Ok ? reader.toString() : undefined;
}

describe("names", () => {
  const header = new Uint8Array(12);

  it("are read through pointers to names before", () => {
    const message = concat(header, dnsName("Example.com"), [3], [0x77, 0x77, 0x77], dnsPointer(12));
    expect(nameOf(message, 12)).toBe("example.com");
    expect(nameOf(message, 25)).toBe("www.example.com");
  });

  it.each([
    ["to themselves", [...dnsPointer(12)]],
    ["forward", [...dnsPointer(14), 1, 0x61, 0]],
    ["into the header", [...dnsPointer(4)]],
    ["to a label that leads back", [1, 0x61, ...dnsPointer(12)]],
  ])("never follow pointers %s", (_, bytes) => {
    const message = concat(header, bytes);
    expect(nameOf(message, 12)).toBeUndefined();
    // Behind it the next field would begin all the same.
    expect(skipName(new DataView(message.buffer), message.length, 12)).toBe(bytes[0] === 1 ? 16 : 14);
  });

  it("are refused beyond 255 octets, also through pointers", () => {
    const long = (labels: number, last: number) =>
      concat(
        ...Array.from({ length: labels }, () => concat([63], new Uint8Array(63).fill(0x61))),
        [last],
        new Uint8Array(last).fill(0x62),
        [0],
      );
    expect(nameOf(concat(header, long(3, 61)), 12)).toHaveLength(253);
    expect(nameOf(concat(header, long(3, 62)), 12)).toBeUndefined();
    const base = long(3, 50);
    expect(
      nameOf(concat(header, base, [20], new Uint8Array(20).fill(0x63), dnsPointer(12)), 12 + base.length),
    ).toBeUndefined();
  });

  it("are cut where they go on behind the end, in a label or a pointer", () => {
    const message = concat(header, [1, 0x61], dnsPointer(12), [0]);
    const view = new DataView(message.buffer);
    for (const end of [12, 13, 14, 15]) {
      expect(new NameReader().read(view, 0, end, 12)).toBe(NameStatus.Cut);
      expect(skipName(view, end, 12)).toBe(-1);
    }
  });

  it("turn back into what people wrote", () => {
    const message = concat(header, serviceName("Büro \\ 1.", "local"));
    expect(nameOf(message, 12)).toBe("b\\195\\188ro\\032\\092\\0321\\046.local");
    expect(readableName(nameOf(message, 12)!)).toBe("büro \\\\ 1\\..local");
    expect(readableName("plain.local")).toBe("plain.local");
  });
});

const PATHS: readonly Path[] = [
  { dstPort: 53 },
  { dstPort: 9053 },
  { srcPort: 5353, dst: "224.0.0.251", dstPort: 5353 },
  { dstPort: 5355 },
  { srcPort: 137, dstPort: 137 },
];
const SAMPLES = [
  dnsQuery("www.example.com"),
  ALIASED,
  dnsReply("a.example.com", ["203.0.113.9", "2001:db8::9"]),
  dns({ questions: [{ name: "a.example" }], additionals: [opt([8, [0, 1, 24, 0, 1, 2, 3]], [10, [1, 2, 3, 4]])] }),
  rawMessage(0, [question("fileserver", 1)], [[], [], []]),
  rawMessage(
    0x8400,
    [],
    [
      [
        record(dnsName("_ipp._tcp.local"), 12, serviceName("A b", "_ipp._tcp.local")),
        record(dnsPointer(12), 33, concat(u16(0), u16(0), u16(631), dnsName("bob.local"))),
      ],
      [],
      [record(dnsName("bob.local"), 1, Uint8Array.of(192, 168, 1, 6))],
    ],
  ),
  rawMessage(
    0x2910,
    [concat(netbiosName("ALICE-PC", 0), u16(32), u16(1))],
    [[], [], [record(dnsPointer(12), 32, Uint8Array.of(0, 0, 192, 168, 1, 5))]],
  ),
  rawMessage(
    0x8400,
    [],
    [[record(netbiosName("*", 0), 33, concat([1], new Uint8Array(16).fill(0x41), u16(0), [1, 2, 3, 4, 5, 6]))], [], []],
  ),
];

const story = ({ facts, names }: Understood) => ({
  protocol: facts?.protocol,
  by: facts?.by,
  more: facts?.more,
  details: detailsOf(facts),
  disclosed: disclosed(facts),
  learned: ["203.0.113.9", "203.0.113.80", "192.168.1.6", "192.168.1.5"].map((it) =>
    names.namesOf(it, 2_000_000_000, 0),
  ),
});

const mutated = fc
  .tuple(
    fc.constantFrom(...SAMPLES),
    fc.array(fc.tuple(fc.nat(140), fc.oneof(fc.nat(255), fc.constantFrom(0xc0, 0, 1, 12, 0xff))), { maxLength: 4 }),
    fc.uint8Array({ maxLength: 8 }),
  )
  .map(([sample, changes, tail]) => {
    const bytes = sample.slice();
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return concat(bytes, tail);
  });
const datagram = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: mutated }, fc.uint8Array({ minLength: 1, maxLength: 200 })),
    fc.nat(60),
    fc.constantFrom(0 as const, 1 as const),
  )
  .map(([payload, cut, side]): Sent => ({ side, payload, kept: Math.max(1, payload.length - (cut > 40 ? cut : 0)) }));

describe("hostile datagrams", () => {
  it("never make readers throw, and are read to their end only", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), fc.array(datagram, { minLength: 1, maxLength: 5 }), (path, sent) => {
        expect(story(understand(path, sent, 0xc0))).toEqual(story(understand(path, sent, 0)));
      }),
      { numRuns: 600 },
    );
  });

  it("may be cut anywhere", () => {
    for (const path of PATHS) {
      for (const payload of SAMPLES) {
        for (let kept = 1; kept <= payload.length; kept++) {
          const alone = story(understand(path, [{ payload, kept }], 0));
          expect(story(understand(path, [{ payload, kept }], 0x41))).toEqual(alone);
        }
      }
    }
  });

  it("are never taken for anything where they are random", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PATHS), fc.uint8Array({ minLength: 12, maxLength: 300 }), (path, payload) => {
        expect(understand(path, [{ payload }]).facts).toBeUndefined();
      }),
      { numRuns: 600, seed: 1 },
    );
  });
});

describe("hostile streams", () => {
  const pieces = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...SAMPLES).map(framed) },
      mutated.map(framed),
      fc.uint8Array({ maxLength: 20 }),
    ),
    { minLength: 1, maxLength: 8 },
  );

  it("never make the reader throw, and say the same whatever the segments are", () => {
    fc.assert(
      fc.property(
        pieces,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(0 as const, 1 as const),
        (parts, size, side) => {
          const bytes = concat(...parts);
          const whole = overTcp([dnsOverTcp], [[side, bytes]]);
          const cut = overTcp([dnsOverTcp], [[side, bytes]], size);
          expect([cut?.protocol, detailsOf(cut), disclosed(cut)]).toEqual([
            whole?.protocol,
            detailsOf(whole),
            disclosed(whole),
          ]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
