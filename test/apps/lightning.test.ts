import { ECDH, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lightning } from "../../src/apps/lightning.js";
import { type Circumstances, onPort } from "./bitcoin/on-port.js";
import { detailsOf, disclosed, type Said } from "./conversation.js";

// BOLT 8, appendix A: "transport-initiator successful handshake", and the first message after it.
const ACT_ONE = Buffer.from(
  "00036360e856310ce5d294e8be33fc807077dc56ac80d95d9cd4ddbd21325eff73f70df6086551151f58b8afe6c195782c6a",
  "hex",
);
const ACT_TWO = Buffer.from(
  "0002466d7fcae563e5cb09a0d1870bb580344804617879a14949cf22285f1bae3f276e2470b93aac583c9ef6eafca3f730ae",
  "hex",
);
const ACT_THREE = Buffer.from(
  "00b9e3a702e93e3a9948c2ed6e5fd7590a6e1c3a0344cfc9d5b57357049aa22355361aa02e55a8fc28fef5bd6d71ad0c38228dc68b1c466263b47fdf31e560e139ba",
  "hex",
);
const MESSAGE = Buffer.from("cf2b30ddf0cf3f80e7c35a6e6730b59fe802473180f396d88a8fb0db8cbcf25d2f214cf9ea1d95", "hex");
const handshake: Said[] = [
  [0, ACT_ONE],
  [1, ACT_TWO],
  [0, Buffer.concat([ACT_THREE, MESSAGE])],
  [1, MESSAGE],
];
/** What is said of a connection where the originator begins with `one` and the responder answers `two`. */
const answered = (one: Uint8Array, two: Uint8Array, circumstances: Circumstances = {}) =>
  protocolOf(
    [
      [0, one],
      [1, two],
    ],
    circumstances,
  );
const protocolOf = (said: readonly Said[], circumstances: Circumstances = {}) =>
  onPort([lightning], said, circumstances)?.protocol;

describe("lightning", () => {
  it.each([Infinity, 20, 1])("is known by two acts on any port, in segments of %d bytes", (segmentBytes) => {
    for (const port of [9735, 443]) {
      const facts = onPort([lightning], handshake, { port, segmentBytes });
      expect([facts?.protocol, facts?.by]).toEqual(["lightning", "shape"]);
      expect(detailsOf(facts)).toEqual({ acts: 2 });
      expect(disclosed(facts)).toEqual([]);
    }
  });

  it("is known by the first act alone on its own ports only", () => {
    for (const port of [9735, 19_735, 39_735, 49_735, 19_846]) {
      const facts = onPort([lightning], [[0, ACT_ONE]], { port });
      expect([facts?.protocol, facts?.by]).toEqual(["lightning", "shape"]);
      expect(detailsOf(facts)).toEqual({ acts: 1 });
    }
    expect(protocolOf([[0, ACT_ONE]])).toBeUndefined();
    expect(protocolOf([[0, ACT_ONE]], { port: 443, originatorPort: 9735 })).toBeUndefined();
  });

  it("wants both keys to be points of the curve", () => {
    let valid = 0;
    for (let i = 0; i < 60; i++) {
      const key = Buffer.concat([Buffer.of(2), randomBytes(32)]);
      const act = Buffer.concat([Buffer.of(0), key, randomBytes(16)]);
      const expected = isPoint(key) ? "lightning" : undefined;
      if (expected !== undefined) valid++;
      expect(answered(ACT_ONE, act)).toBe(expected);
      expect(answered(act, ACT_TWO)).toBe(expected);
    }
    expect(valid).toBeGreaterThan(5);
    // 0 is the x of no point; 1 is, but not when it is written as 1 more than the prime.
    const x = (hex: string) => Buffer.from(`0002${hex.padStart(64, "0")}${"11".repeat(16)}`, "hex");
    expect(answered(x("0"), ACT_TWO)).toBeUndefined();
    expect(answered(x("1"), ACT_TWO)).toBe("lightning");
    expect(answered(x(`${"f".repeat(55)}efffffc30`), ACT_TWO)).toBeUndefined();
  });

  it("wants 50 bytes, and an answer before there are more", () => {
    const more = Buffer.concat([ACT_ONE, ACT_THREE]);
    for (const segmentBytes of [Infinity, 1]) {
      expect(answered(more, ACT_TWO, { segmentBytes })).toBeUndefined();
      expect(answered(ACT_ONE, ACT_TWO.subarray(0, 49), { segmentBytes })).toBeUndefined();
      expect(answered(ACT_ONE.subarray(0, 49), ACT_TWO, { segmentBytes })).toBeUndefined();
    }
    expect(answered(ACT_ONE, Buffer.concat([ACT_TWO, MESSAGE]))).toBeUndefined();
    expect(protocolOf(handshake, { snaplen: 42 })).toBeUndefined();
  });

  it.each([
    ["another version", Buffer.concat([Buffer.of(1), ACT_ONE.subarray(1)])],
    ["a key that is not compressed", Buffer.concat([Buffer.of(0, 4), ACT_ONE.subarray(2)])],
    ["zeros", Buffer.alloc(50)],
    ["a DNS query over TCP", Buffer.from("00300001010000010000000000000377777707657861", "hex")],
    ["text", Buffer.from("x".repeat(50))],
  ])("is not %s", (_, bytes) => {
    for (const port of [9735, 443]) {
      expect(answered(bytes, ACT_TWO, { port })).toBeUndefined();
    }
    expect(answered(ACT_ONE, bytes)).toBeUndefined();
  });

  it("never throws, and is not what is random", () => {
    const words = fc.array(fc.tuple(fc.constantFrom<0 | 1>(0, 1), fc.uint8Array({ maxLength: 120 })), { maxLength: 5 });
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 60 }), (said, segmentBytes) => {
        expect(protocolOf(said, { segmentBytes })).toBeUndefined();
      }),
      { numRuns: 300 },
    );
    for (let length = 0; length < 50; length++) {
      const prefix = ACT_ONE.subarray(0, length);
      expect(answered(prefix, ACT_TWO, { behind: ACT_ONE[length]! })).toBeUndefined();
    }
  });
});

/** OpenSSL's opinion. */
function isPoint(compressed: Uint8Array): boolean {
  try {
    ECDH.convertKey(compressed, "secp256k1", undefined, undefined, "uncompressed");
    return true;
  } catch {
    return false;
  }
}
