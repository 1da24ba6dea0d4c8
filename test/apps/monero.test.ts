import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { monero } from "../../src/apps/monero/index.js";
import { type Circumstances, onPort } from "./bitcoin/on-port.js";
import { detailsOf, disclosed, type Said } from "./conversation.js";

// What a node of the main network said, in the tests of several implementations of the format.
const BODY = Buffer.from(
  "01110101010102010108096e6f64655f646174610c10076d795f706f727406a04600000a6e6574776f726b5f69640a401230f171610441611731008216a1a11007706565725f6964053eb3c096c4471c340d737570706f72745f666c61677306010000000c7061796c6f61645f646174610c181563756d756c61746976655f646966666963756c7479053951f7a79aab4a031b63756d756c61746976655f646966666963756c74795f746f7036340500000000000000000e63757272656e745f68656967687405fa092a00000000000c7072756e696e675f73656564068001000006746f705f69640a806cc497b230ba57a95edb370be8d6870c94e0992937c89b1def3a4cb7726d37ad0b746f705f76657273696f6e0810",
  "hex",
);
// TurtleCoin's: the same messages, another network.
const TURTLE = Buffer.from(
  "0121010101010101bb0000000000000001e903000000000000010000000100000001110101010102010108096e6f64655f646174610c140a6e6574776f726b5f69640a40b50c4a6ccf52574165f991a4b6c143e90776657273696f6e080707706565725f696405bce9496ec4e41dee0a6c6f63616c5f74696d65051c6a035e00000000076d795f706f727406792e00000c7061796c6f61645f646174610c080e63757272656e745f68656967687406ba95200006746f705f69640a807bfe736fc428c648a594910161dd6b0da13239910b1756aa0299d06fbdd12f19",
  "hex",
);
const REQUEST = 1;
const RESPONSE = 2;

function levin(command: number, flags: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(33);
  header.write("0121010101010101", "hex");
  header.writeBigUInt64LE(BigInt(body.length), 8);
  header[16] = flags === REQUEST && command < 2000 ? 1 : 0;
  header.writeUInt32LE(command, 17);
  header.writeUInt32LE(flags, 25);
  header.writeUInt32LE(1, 29);
  return Buffer.concat([header, body]);
}

// Portable storage (docs/PORTABLE_STORAGE.md): numbers of up to 63 and up to 16,383.
const number = (value: number) =>
  value < 64 ? Buffer.of(value << 2) : Buffer.of(((value << 2) | 1) & 0xff, value >> 6);
const entry = (name: string, type: number, ...value: Uint8Array[]) =>
  Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(type), ...value]);
const section = (...entries: Uint8Array[]) => Buffer.concat([number(entries.length), ...entries]);
const storage = (...entries: Uint8Array[]) =>
  Buffer.concat([Buffer.from("011101010101020101", "hex"), section(...entries)]);
const uint64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const peer = section(
  entry(
    "adr",
    12,
    section(entry("addr", 12, section(entry("m_ip", 6, Buffer.alloc(4)))), entry("type", 8, Buffer.of(1))),
  ),
  entry("id", 5, Buffer.alloc(8)),
);
const peers = (count: number) =>
  entry("local_peerlist_new", 0x8c, number(count), ...Array.from({ length: count }, () => peer));

const handshake: Said[] = [
  [0, levin(1001, REQUEST, BODY)],
  [1, levin(1001, RESPONSE, storage(peers(100), ...[BODY.subarray(10)]).fill(3 << 2, 9, 10))],
  [1, levin(1007, REQUEST, storage())],
  [0, levin(1007, RESPONSE, storage(entry("support_flags", 6, Buffer.of(1, 0, 0, 0))))],
  [0, levin(2002, REQUEST, storage(entry("txs", 0x8a, number(2), number(2), Buffer.of(1, 2), number(0))))],
];
const from = (chain: number) => Buffer.from(BODY).fill(chain, 63, 64);

describe("monero", () => {
  it.each([Infinity, 200, 1])("is known by the network's id on any port, in segments of %d bytes", (segmentBytes) => {
    const facts = onPort([monero], handshake, { segmentBytes });
    expect([facts?.protocol, facts?.by]).toEqual(["monero", "content"]);
    expect(detailsOf(facts)).toMatchObject({
      chain: "mainnet",
      originatorCommands: ["handshake", "support-flags", "new-transactions"],
      originatorPort: 18_080,
      originatorPeerId: "341c47c496c0b33e",
      originatorHeight: 2_755_066,
      responderCommands: ["handshake", "support-flags"],
      responderPeersTold: 100,
      responderHeight: 2_755_066,
    });
    expect(disclosed(facts)).toEqual([]);
  });

  it.each([
    [0x10, "mainnet"],
    [0x11, "testnet"],
    [0x12, "stagenet"],
  ])("with network id %d is of %s", (id, chain) => {
    expect(BODY.subarray(48, 64).toString("hex")).toBe("1230f171610441611731008216a1a110");
    const facts = onPort([monero], [[0, levin(1001, REQUEST, from(id))]]);
    expect(detailsOf(facts).chain).toBe(chain);
  });

  it("is not a currency with an id of its own, whatever the port", () => {
    for (const body of [TURTLE, levin(1001, REQUEST, from(0x13))]) {
      for (const circumstances of [{ port: 18_080 }, { port: 11_897 }, { port: 18_080, segmentBytes: 1 }]) {
        expect(onPort([monero], [[0, body]], circumstances)).toBeUndefined();
      }
    }
  });

  it("without a handshake is known on its ports only, and as such", () => {
    const said: Said[] = [
      [1, levin(2008, REQUEST, Buffer.alloc(5000))],
      [0, levin(2009, REQUEST, storage())],
      [1, levin(1002, RESPONSE, storage(entry("payload_data", 12, section(entry("current_height", 5, uint64(7n))))))],
    ];
    const facts = onPort([monero], said, { port: 18_080, fromStart: false });
    expect([facts?.protocol, facts?.by]).toEqual(["monero", "port"]);
    expect(detailsOf(facts)).toEqual({
      originatorCommands: ["request-fluffy-missing-tx"],
      responderCommands: ["new-fluffy-block", "timed-sync"],
      responderHeight: 7,
    });
    expect(onPort([monero], said, { port: 47_000 })).toBeUndefined();
    expect(onPort([monero], handshake, { port: 18_080 })?.by).toBe("content");
    // The snaplen left the header alone.
    expect(onPort([monero], handshake, { port: 28_080, snaplen: 42 })?.by).toBe("port");
    expect(onPort([monero], handshake, { snaplen: 42 })).toBeUndefined();
  });

  it.each([
    ["a signature alone", Buffer.from("0121010101010101", "hex")],
    ["another signature", levin(1001, REQUEST, BODY).fill(2, 0, 1)],
    ["an unknown command", levin(3001, REQUEST)],
    ["neither request nor response", levin(1001, 0, BODY)],
    ["another version", levin(1003, REQUEST).fill(2, 29, 30)],
    ["a length beyond the limit", levin(1003, REQUEST).fill(0xff, 8, 12)],
    ["a length of 2^32 and more", levin(1003, REQUEST).fill(1, 12, 13)],
  ])("is not %s", (_, bytes) => {
    for (const segmentBytes of [Infinity, 1]) {
      expect(onPort([monero], [[0, bytes]], { port: 18_080, segmentBytes })).toBeUndefined();
    }
  });

  it("counts peers as far as a message may have them, and reads on past what it does not know", () => {
    const values: [number, Uint8Array][] = [
      [1, Buffer.alloc(8)],
      [4, Buffer.alloc(1)],
      [9, Buffer.alloc(8)],
      [11, Buffer.of(1)],
      [10, Buffer.concat([number(100), Buffer.alloc(100)])],
      [0x86, Buffer.concat([number(3), Buffer.alloc(12)])],
      [0x8b, number(0)],
    ];
    const others = values.map(([type, value], i) => entry(`x${i}`, type, value));
    const height = entry("payload_data", 12, section(entry("current_height", 5, uint64(9n))));
    const facts = onPort([monero], [[1, levin(1002, RESPONSE, storage(...others, peers(2), height))]], {
      port: 18_080,
    });
    expect(detailsOf(facts)).toMatchObject({ responderHeight: 9, responderPeersTold: 2 });
    const many = entry("local_peerlist_new", 0x8c, number(5000));
    const none = onPort([monero], [[1, levin(1002, RESPONSE, storage(many))]], { port: 18_080 });
    expect(detailsOf(none)).not.toHaveProperty("responderPeersTold");
  });

  it("ends at what is nested too deep, or of no type", () => {
    const height = entry("payload_data", 12, section(entry("current_height", 5, uint64(9n))));
    let deep = section();
    for (let i = 0; i < 3000; i++) deep = Buffer.concat([section(entry("a", 12)), deep]);
    for (const bad of [entry("deep", 12, deep), entry("none", 0), entry("array", 13), entry("far", 14)]) {
      const facts = onPort([monero], [[1, levin(1002, RESPONSE, storage(bad, height))]], { port: 18_080 });
      expect(detailsOf(facts)).toEqual({ responderCommands: ["timed-sync"] });
    }
  });

  const picture = (bytes: Uint8Array, circumstances: Circumstances = {}) => {
    const facts = onPort([monero], [[0, bytes]], circumstances);
    return [facts?.protocol, facts?.by, detailsOf(facts)] as const;
  };
  const whole = Buffer.concat([levin(1001, REQUEST, BODY), levin(1002, RESPONSE, storage(peers(3)))]);

  it("says the same of every prefix whatever lies behind its end", () => {
    for (let length = 0; length <= whole.length; length++) {
      const prefix = whole.subarray(0, length);
      expect(picture(prefix, { behind: 0 })).toEqual(picture(prefix, { behind: 0x12 }));
      expect(picture(whole, { snaplen: length, behind: 0 })).toEqual(picture(whole, { snaplen: length, behind: 0xff }));
    }
  });

  it("never throws, and says the same of damaged bytes in any segments", () => {
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(whole)));
    const body = fc
      .uint8Array({ maxLength: 400 })
      .map((bytes) => levin(1002, RESPONSE, storage().fill(0xfc, 9).subarray(0, 10)).fill(bytes.length, 8, 9));
    const random = fc
      .uint8Array({ maxLength: 400 })
      .map((bytes) => levin(1002, RESPONSE, Buffer.concat([storage().subarray(0, 9), bytes])));
    const withoutCommands = ([protocol, by, details]: ReturnType<typeof picture>) => [
      protocol,
      by,
      Object.entries(details).filter(([key]) => !key.endsWith("Commands")),
    ];
    fc.assert(
      fc.property(fc.oneof(damaged, body, random), fc.integer({ min: 1, max: 50 }), (bytes, segmentBytes) => {
        const circumstances = { port: 18_080 };
        expect(withoutCommands(picture(bytes, { ...circumstances, segmentBytes }))).toEqual(
          withoutCommands(picture(bytes, circumstances)),
        );
      }),
      { numRuns: 400 },
    );
  });
});
