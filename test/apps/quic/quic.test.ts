import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quic } from "../../../src/apps/quic/index.js";
import { buildPcap } from "../../support/capture-builder.js";
import { run } from "../../support/leek.js";
import { ethernet, ipv4, udp } from "../../support/packet-builder.js";
import { detailsOf, disclosed, overUdp, type Said } from "../conversation.js";
import { clientHello, type HelloFields, LARGE_KEY_SHARE } from "../tls/hellos.js";
import {
  cryptoFrame,
  DESTINATION,
  DRAFT_27,
  DRAFT_29,
  handshakePacket,
  initial,
  retry,
  V1,
  V2,
  varInt,
  versionNegotiation,
} from "./packets.js";

const WEB: HelloFields = { serverName: "www.example.com", alpn: ["h3"], versions: [0x0304] };
const HELLO = clientHello(WEB);
/** As large as one with ML-KEM keys. */
const LARGE = clientHello({ ...WEB, extensions: [LARGE_KEY_SHARE] });

// RFC 9001 A.2: the CRYPTO frame of a client's Initial packet. RFC 9369 A.2 has the same.
const RFC_FRAME = Buffer.from(
  "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0" +
    "00000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e0005000501" +
    "00000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304" +
    "000d0010000e0403050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07" +
    "048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff",
  "hex",
);
// RFC 9001 A.3 and A.4.
const RFC_SERVER_INITIAL = Buffer.from(
  "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede" +
    "4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06" +
    "edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
  "hex",
);
const RFC_RETRY = Buffer.from("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba", "hex");

const over = (...said: Said[]) => overUdp([quic], said);
const single = (fields: HelloFields = WEB): Said => [0, initial({ frames: cryptoFrame(0, clientHello(fields)) })];

describe("quic", () => {
  it.each([
    ["1", V1, "c000000001088394c8f03e5157080000449e7b9aec34", "e221af44860018ab0856972e194cd934"],
    ["2", V2, "d76b3343cf088394c8f03e5157080000449ea0c95e82", "a18b2faa745b6fe189cf772a9f84cbfc"],
  ])("reads the RFC's example of version %s", (name, version, header, tag) => {
    const none = new Uint8Array(0);
    const packet = initial({ version, source: none, number: 2, numberBytes: 4, frames: RFC_FRAME });
    // The tag depends on every byte: this is the RFC's packet.
    expect(packet.subarray(0, 22).toString("hex")).toBe(header);
    expect(packet.subarray(-16).toString("hex")).toBe(tag);
    const facts = over([0, packet]);
    expect([facts?.protocol, facts?.by]).toEqual(["quic", "content"]);
    expect(detailsOf(facts)).toEqual({
      version: name,
      serverName: "example.com",
      serverNameResolved: false,
      alpn: ["alpn"],
      ja4: expect.stringMatching(/^q13d0211an_/),
    });
    expect(facts?.names).toEqual([{ name: "example.com", source: "server-name" }]);
    expect(disclosed(facts)).toEqual([
      "server-name: example.com",
      "alpn: alpn",
      `tls-fingerprint: ${facts?.details.get("ja4")}`,
    ]);
  });

  it.each([
    ["draft-27", DRAFT_27],
    ["draft-29", DRAFT_29],
  ])("reads %s", (name, version) => {
    expect(detailsOf(over([0, initial({ version, frames: cryptoFrame(0, HELLO) })]))).toMatchObject({
      version: name,
      serverName: "www.example.com",
    });
  });

  it("reads what tshark reads", () => {
    const half = LARGE.length >> 1;
    // tshark tells connections apart by their ids.
    const ids = (i: number) => ({ destination: Buffer.alloc(8 + i, i), source: Buffer.alloc(4, i) });
    const packets = [
      initial({ ...ids(1), frames: cryptoFrame(0, HELLO) }),
      initial({ ...ids(2), version: DRAFT_29, frames: cryptoFrame(0, HELLO), number: 70_000, numberBytes: 3 }),
      initial({
        ...ids(3),
        version: DRAFT_27,
        frames: cryptoFrame(0, HELLO),
        token: Buffer.alloc(80, 7),
        numberBytes: 1,
      }),
      initial({ ...ids(4), frames: cryptoFrame(0, LARGE.subarray(0, half)) }),
      initial({ ...ids(4), frames: cryptoFrame(half, LARGE.subarray(half)), number: 1 }),
    ];
    const folder = mkdtempSync(join(tmpdir(), "leek-quic-"));
    try {
      const path = join(folder, "quic.pcap");
      const ports = [40_001, 40_002, 40_003, 40_004, 40_004];
      const frames = packets.map((packet, i) =>
        ethernet({}, ipv4({}, udp({ srcPort: ports[i]!, dstPort: 443 }, packet))),
      );
      writeFileSync(
        path,
        buildPcap(
          {},
          frames.map((bytes) => ({ bytes })),
        ),
      );
      const fields = ["-T", "fields", "-e", "udp.srcport", "-e", "tls.handshake.extensions_server_name"];
      const { stdout } = run("tshark", ["-n", "-r", path, "-Y", "tls.handshake.type == 1", ...fields]);
      expect(stdout.split("\n").filter((it) => it !== "")).toEqual(
        [40_001, 40_002, 40_003, 40_004].map((port) => `${port}\twww.example.com`),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (const said of [...packets.slice(0, 3).map((packet) => [packet]), packets.slice(3)]) {
      expect(over(...said.map((packet): Said => [0, packet]))?.names[0]?.name).toBe("www.example.com");
    }
  });

  it("puts a hello together from frames in any order, overlapping, with others between, over several datagrams", () => {
    const pieces = [1100, 300, 0, 700, 1300].map((at, i) => cryptoFrame(at, LARGE.subarray(at, at + 410 + i)));
    const ping = Buffer.of(1);
    const ack = Buffer.from([2, 0x40, 0x80, 0x10, 1, 0, 3, 1]);
    const ackEcn = Buffer.from([3, 5, 0, 0, 0, 1, 2, 3]);
    const first = Buffer.concat([pieces[0]!, ping, Buffer.alloc(20), pieces[1]!]);
    const second = Buffer.concat([ack, ackEcn, pieces[2]!, cryptoFrame(1700, LARGE.subarray(1700))]);
    const third = Buffer.concat([pieces[3]!, pieces[4]!]);
    const facts = over(
      [0, initial({ frames: first })],
      [0, initial({ frames: second, number: 1 })],
      [0, initial({ frames: third, number: 2 })],
    );
    expect(detailsOf(facts)).toMatchObject({ serverName: "www.example.com", ja4: expect.any(String) });
    expect(facts?.names).toHaveLength(1);
  });

  it("tells the server's name before the rest has come, and the fingerprint when all has", () => {
    const end = LARGE.indexOf("www.example.com") + 15;
    const start: Said = [0, initial({ frames: cryptoFrame(0, LARGE.subarray(0, end)) })];
    expect(disclosed(over(start))).toEqual(["server-name: www.example.com"]);
    const rest: Said = [0, initial({ frames: cryptoFrame(end, LARGE.subarray(end)), number: 1 })];
    expect(disclosed(over(start, rest))).toHaveLength(3);
    expect(disclosed(over(rest, start))).toHaveLength(3);
    expect(disclosed(over(rest))).toEqual([]);
  });

  it("reads packets that share a datagram", () => {
    const end = 200;
    const one = initial({ frames: cryptoFrame(0, LARGE.subarray(0, end)), size: 0 });
    const other = initial({ frames: cryptoFrame(end, LARGE.subarray(end)), number: 1, size: 0 });
    const facts = over([0, Buffer.concat([handshakePacket(Buffer.alloc(40)), one, other, Buffer.alloc(30)])]);
    expect(facts?.details.has("ja4")).toBe(true);
  });

  it("reads on with the server's connection id, from which no keys are made", () => {
    const end = 200;
    const facts = over(
      [0, initial({ frames: cryptoFrame(0, LARGE.subarray(0, end)) })],
      [
        1,
        initial({
          destination: Buffer.from("c0ffee", "hex"),
          frames: Buffer.of(2, 0, 0, 0, 0),
          keysFrom: DESTINATION,
          from: "server",
        }),
      ],
      [
        0,
        initial({
          destination: Buffer.from("0123456789", "hex"),
          frames: cryptoFrame(end, LARGE.subarray(end)),
          keysFrom: DESTINATION,
          number: 1,
        }),
      ],
    );
    expect(facts?.details.has("ja4")).toBe(true);
  });

  it("begins anew with the keys that follow a Retry", () => {
    const destination = Buffer.from("00112233", "hex");
    const end = 400;
    const facts = over(
      [0, initial({ frames: cryptoFrame(end, LARGE.subarray(end)) })],
      [1, retry(destination)],
      [
        0,
        initial({ destination, token: Buffer.alloc(70, 1), frames: cryptoFrame(0, LARGE.subarray(0, end)), number: 1 }),
      ],
      [
        0,
        initial({
          destination,
          token: Buffer.alloc(70, 1),
          frames: cryptoFrame(end, LARGE.subarray(end)),
          number: 2,
          size: 1500,
        }),
      ],
    );
    expect(detailsOf(facts)).toMatchObject({ serverName: "www.example.com", ja4: expect.any(String) });
  });

  it("goes on in another version after a version negotiation", () => {
    const facts = over(
      [0, Buffer.concat([Buffer.from("c0babababa08", "hex"), Buffer.alloc(1194, 1)])],
      [1, versionNegotiation([0x1a2a3a4a, 1, 0xff00001d])],
      [0, initial({ destination: Buffer.alloc(12, 9), frames: cryptoFrame(0, HELLO) })],
    );
    expect(detailsOf(facts)).toMatchObject({ version: "1", serverName: "www.example.com" });
  });

  it("is known by the server's packets alone, without its names", () => {
    for (const packet of [
      RFC_SERVER_INITIAL,
      RFC_RETRY,
      handshakePacket(Buffer.alloc(60)),
      versionNegotiation([V2.number]),
    ]) {
      const facts = over([1, packet]);
      expect([facts?.protocol, facts?.by]).toEqual(["quic", "content"]);
      expect(disclosed(facts)).toEqual([]);
    }
    expect(detailsOf(over([1, RFC_RETRY]))).toEqual({ version: "1" });
  });

  it("of a datagram that was cut tells the version only: without its tag nothing proves what it says", () => {
    const said: Said[] = [single()];
    for (const cut of [1, 16, 600, 1100]) {
      const facts = overUdp([quic], said, cut);
      expect(detailsOf(facts)).toEqual({ version: "1" });
      expect(disclosed(facts)).toEqual([]);
    }
    expect(overUdp([quic], said, 1190)).toBeUndefined();
  });

  it("does not believe what is not encrypted as it should be", () => {
    const [, packet] = single() as [0, Buffer];
    for (const at of [10, 30, 600, 1199]) {
      const damaged = Buffer.from(packet);
      damaged[at]! ^= 1;
      expect(disclosed(over([0, damaged]))).toEqual([]);
    }
  });

  it("does not depend on what stands behind the datagram", () => {
    const [, packet] = single() as [0, Buffer];
    // Only half of it is this datagram's.
    expect(overUdp([quic], [[0, packet.subarray(0, 600)]])).toBeUndefined();
  });
});

describe("dns inside quic", () => {
  it.each([
    [
      "over HTTPS by the name of a known resolver",
      { serverName: "dns.google", alpn: ["h3"] },
      "dns-over-https",
      undefined,
    ],
    ["over QUIC by its ALPN", { serverName: "dns.adguard-dns.com", alpn: ["doq"] }, "quic", true],
    ["over QUIC by a draft's ALPN", { alpn: ["doq-i03"] }, "quic", true],
    ["not seen in other names", WEB, "quic", undefined],
  ])("is %s", (_how, fields, protocol, dnsOverQuic) => {
    const facts = over(single({ ...WEB, ...fields }));
    expect([facts?.protocol, facts?.by]).toEqual([protocol, "content"]);
    expect(facts?.details.get("dnsOverQuic")).toBe(dnsOverQuic);
  });

  it("is over QUIC where the resolver's name came first", () => {
    const hello = clientHello({ serverName: "dns.google", extensions: [LARGE_KEY_SHARE], alpn: ["doq"] });
    const facts = over(
      [0, initial({ frames: cryptoFrame(0, hello.subarray(0, 900)) })],
      [0, initial({ frames: cryptoFrame(900, hello.subarray(900)), number: 1 })],
    );
    expect(facts?.protocol).toBe("quic");
    expect(facts?.details.get("dnsOverQuic")).toBe(true);
  });
});

describe("what is no quic", () => {
  const long = (start: string, rest: number) => Buffer.concat([Buffer.from(start, "hex"), Buffer.alloc(rest, 0x20)]);
  it.each([
    ["a short header", long("40deadbeef", 60)],
    ["an unknown version", long("c05130353008", 1200)],
    ["a version that only provokes negotiation", long("c0babababa08", 1200)],
    ["a long header without the fixed bit", long("800000000108", 1200)],
    ["connection ids that are too long", long("c00000000115", 1200)],
    ["a length beyond the datagram", long("c000000001000000 4500".replace(" ", ""), 1200)],
    ["a length too short to hold a tag", long("c00000000100000013", 1200)],
    ["a token beyond the datagram", long("c0000000010000ffffffffffffffff", 1200)],
    ["a negotiation of nothing", versionNegotiation([])],
    ["a negotiation of unknown versions", versionNegotiation([0x51303530])],
    ["a negotiation with an odd end", Buffer.concat([versionNegotiation([1]), Buffer.of(0)])],
    ["DNS", Buffer.from("c0000100000100000000000003777777076578616d706c6503636f6d0000010001", "hex")],
    ["RTP", long("80000000000001", 160)],
    ["STUN", Buffer.from("000100002112a442c0ffeec0ffeec0ffeec0ffee", "hex")],
  ])("%s", (_what, bytes) => {
    expect(over([0, bytes], [1, bytes])).toBeUndefined();
  });
});

describe("hostile datagrams", () => {
  it("never make it throw", () => {
    const frames = Buffer.concat([Buffer.from([2, 0x40, 0x80, 0x10, 1, 0, 3, 1, 1]), cryptoFrame(0, HELLO)]);
    const header = initial({ frames, size: 0 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(frames.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 2 }),
        fc.nat(header.length),
        fc.nat(60),
        (inside, outside, length, cut) => {
          const bytes = Buffer.from(frames);
          for (const [at, value] of inside) bytes[at] = value;
          const packet = initial({ frames: bytes, size: 0 });
          for (const [at, value] of outside) packet[at] = value;
          const part = packet.subarray(0, length);
          overUdp(
            [quic],
            [
              [0, packet],
              [1, part],
              [0, part],
            ].map(([side, it]) => [side, it] as Said),
            Math.min(cut, part.length),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("of random bytes are not taken for QUIC", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        expect(over([0, bytes])).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it("say the same in whatever pieces and order a hello comes", () => {
    const expected = disclosed(over([0, initial({ frames: cryptoFrame(0, LARGE), size: 0 })]));
    expect(expected).toHaveLength(3);
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: LARGE.length - 1 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat()), fc.nat(50), (points, random, overlap) => {
        const edges = [0, ...points.sort((a, b) => a - b), LARGE.length];
        const pieces = edges.slice(1).map((end, i) => {
          const from = Math.max(0, edges[i]! - overlap);
          return { frame: cryptoFrame(from, LARGE.subarray(from, end)), key: random.next().value };
        });
        pieces.sort((a, b) => a.key - b.key);
        const said: Said[] = [];
        for (let i = 0; i < pieces.length; i += 3) {
          const frames = Buffer.concat(pieces.slice(i, i + 3).map(({ frame }) => frame));
          said.push([0, initial({ frames, number: i, size: 0 })]);
        }
        expect(disclosed(over(...said))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("cost a bounded time: frames that overlap, reach too far, or grow by a byte", () => {
    const far = Buffer.concat([Buffer.of(6), varInt(2 ** 61, 8), varInt(1000), Buffer.alloc(1000)]);
    const holes = Buffer.concat(
      Array.from({ length: 9000 }, (_, i) => cryptoFrame(16_000 - (i % 8000) * 2, Buffer.of(1))),
    );
    const steps = Buffer.concat(Array.from({ length: 9000 }, (_, i) => cryptoFrame(i, Buffer.of(1, 0xff))));
    const ranges = Buffer.concat([Buffer.of(2, 0, 0), varInt(2 ** 61, 8), Buffer.alloc(9000)]);
    for (const frames of [far, holes, steps, ranges]) {
      const said = Array.from({ length: 32 }, (_, number): Said => [0, initial({ frames, number })]);
      const start = performance.now();
      expect(disclosed(over(...said))).toEqual([]);
      expect(performance.now() - start).toBeLessThan(1000);
    }
    // A packet with other keys each time, many in a datagram.
    const small = Array.from({ length: 900 }, (_, i) =>
      initial({ destination: Buffer.alloc(8, i), frames: Buffer.of(1), size: 0 }),
    );
    const damaged = small.map((packet) => Buffer.concat([packet.subarray(0, -1), Buffer.of(packet.at(-1)! ^ 1)]));
    const start = performance.now();
    over(...Array.from({ length: 32 }, (): Said => [0, Buffer.concat(damaged)]));
    expect(performance.now() - start).toBeLessThan(500);
  });

  it("are looked at no longer than a handshake lasts", () => {
    const late = Array.from({ length: 40 }, (): Said => [0, handshakePacket(Buffer.alloc(40))]);
    expect(disclosed(over(...late, single()))).toEqual([]);
    expect(disclosed(over(...late.slice(0, 20), single()))).toHaveLength(3);
  });
});
