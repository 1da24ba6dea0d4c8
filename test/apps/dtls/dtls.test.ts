import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dtls } from "../../../src/apps/dtls/index.js";
import { detailsOf, disclosed, overUdp, type Said } from "../conversation.js";
import { clientHello, type HelloFields, LARGE_KEY_SHARE, serverHello } from "../tls/hellos.js";

const hex = (text: string) => Buffer.from(text, "hex");

// As OpenSSL 3.0.19 said it on loopback, with datagrams of at most 228 bytes.
const FIRST_HELLO = hex(
  "16feff000000000000000000d7010000e200000000000000cbfefdb45d490513ccedb18c5b5c851091c0c2b98983cae0c679018545fb" +
    "0e993cb49000000038c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d00" +
    "9c003d003c0035002f00ff0100008000000014001200000f76706e2e6578616d706c652e636f6d000b000403000102000a000c000a00" +
    "1d0017001e00190018002300000010001200100677656272746308632d7765627274630016000000170000000d002a00280403050306" +
    "03080708080809080a080b08",
);
const FIRST_HELLO_REST = hex(
  "16feff00000000000000010023010000e200000000cb0000170408050806040105010601030303010302040205020602",
);
const HELLO_VERIFY_REQUEST = hex(
  "16feff00000000000000000023030000170000000000000017feff1465296d9259ed6be91458999055182b1441c4ab5b",
);
const SECOND_HELLO = hex(
  "16feff000000000000000200d7010000f600010000000000cbfefdb45d490513ccedb18c5b5c851091c0c2b98983cae0c679018545fb" +
    "0e993cb490001465296d9259ed6be91458999055182b1441c4ab5b0038c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc0" +
    "23c0270067c00ac0140039c009c0130033009d009c003d003c0035002f00ff0100008000000014001200000f76706e2e6578616d706c" +
    "652e636f6d000b000403000102000a000c000a001d0017001e00190018002300000010001200100677656272746308632d7765627274" +
    "630016000000170000000d00",
);
const SECOND_HELLO_REST = hex(
  "16feff00000000000000030037010000f600010000cb00002b2a0028040305030603080708080809080a080b08040805080604010501" +
    "0601030303010302040205020602",
);
const SERVER_HELLO = hex(
  "16fefd000000000000000200560200004a000100000000004afefd87d3b807e1297c4f06adee4e5aab9dfe9cf8e7b4bb50ff754eae52" +
    "e99a237b8000c02c000022ff01000100000b000403000102002300000010000900070677656272746300170000",
);

const COOKIE = Buffer.alloc(20, 0xee);

interface FragmentFields {
  readonly version?: number;
  readonly epoch?: number;
  readonly sequence?: number;
  /** Fragments of so many bytes, each in a record of its own. */
  readonly size?: number;
}

const u24 = (value: number) => Buffer.of(value >> 16, (value >> 8) & 0xff, value & 0xff);
const u16 = (value: number) => Buffer.of(value >> 8, value & 0xff);

/** The records of a message that has a header as TLS has it. */
function recordsOf(message: Buffer, { version = 0xfefd, epoch = 0, sequence = 0, size = 16_000 }: FragmentFields = {}) {
  const body = message.subarray(4);
  const records: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    const header = Buffer.concat([message.subarray(0, 4), u16(sequence), u24(at), u24(part.length)]);
    const start = Buffer.concat([
      Buffer.of(22),
      u16(version),
      u16(epoch),
      Buffer.alloc(6),
      u16(header.length + part.length),
    ]);
    records.push(Buffer.concat([start, header, part]));
  }
  return records;
}

const hello = (fields: HelloFields = {}) =>
  clientHello({
    serverName: "vpn.example.com",
    alpn: ["webrtc"],
    versions: [0xfefc, 0xfefd],
    cookie: COOKIE,
    ...fields,
  });

const over = (...said: Said[]) => overUdp([dtls], said);
const client = (records: readonly Uint8Array[]) => records.map((it): Said => [0, it]);

describe("dtls", () => {
  it("tells what both hellos of OpenSSL say, in fragments and with a cookie", () => {
    const facts = over(
      [0, FIRST_HELLO],
      [0, FIRST_HELLO_REST],
      [1, HELLO_VERIFY_REQUEST],
      [0, SECOND_HELLO],
      [0, SECOND_HELLO_REST],
      [1, SERVER_HELLO],
    );
    expect([facts?.protocol, facts?.by]).toEqual(["dtls", "content"]);
    expect(facts?.names).toEqual([{ name: "vpn.example.com", source: "server-name" }]);
    expect(detailsOf(facts)).toEqual({
      serverName: "vpn.example.com",
      serverNameResolved: false,
      alpn: ["webrtc", "c-webrtc"],
      offeredVersion: "DTLS 1.2",
      // Computed by hand from the lists above.
      ja4: "dd2d2808wc_d943125447b4_e7e480e5a997",
      version: "DTLS 1.2",
      cipherSuite: "c02c",
    });
    expect(disclosed(facts)).toEqual([
      "server-name: vpn.example.com",
      "alpn: webrtc c-webrtc",
      `tls-fingerprint: ${facts?.details.get("ja4")}`,
    ]);
  });

  it("says the same of the hello with the cookie as of the one without", () => {
    const [first, second] = [
      over([0, FIRST_HELLO], [0, FIRST_HELLO_REST]),
      over([0, SECOND_HELLO], [0, SECOND_HELLO_REST]),
    ];
    expect(disclosed(first)).toHaveLength(3);
    expect(disclosed(second)).toEqual(disclosed(first));
  });

  it("is known by any of its first datagrams", () => {
    for (const [side, bytes] of [
      [0, FIRST_HELLO],
      [0, FIRST_HELLO_REST],
      [1, HELLO_VERIFY_REQUEST],
      [1, SERVER_HELLO],
    ] as const) {
      expect(over([side, bytes])?.protocol).toBe("dtls");
    }
    expect(disclosed(over([0, FIRST_HELLO]))).toEqual(["server-name: vpn.example.com", "alpn: webrtc c-webrtc"]);
    expect(disclosed(over([0, FIRST_HELLO_REST]))).toEqual([]);
  });

  it("is known without a server name, as WebRTC's", () => {
    const facts = over(
      ...client(recordsOf(clientHello({ versions: [], cookie: new Uint8Array(0) }), { version: 0xfeff })),
    );
    expect([facts?.protocol, facts?.by]).toEqual(["dtls", "content"]);
    expect(disclosed(facts)).toEqual([expect.stringMatching(/^tls-fingerprint: dd2i030100_/)]);
  });

  it("reads version 1.3, and whether the hello had to be said again", () => {
    const retry = hex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
    const facts = over(...client(recordsOf(hello())), [1, recordsOf(serverHello(0xfefc, 0x1301, retry))[0]!]);
    expect(detailsOf(facts)).toMatchObject({
      offeredVersion: "DTLS 1.3",
      ja4: expect.stringMatching(/^dd3d0304wc_/),
      version: "DTLS 1.3",
      cipherSuite: "1301",
      helloRetryRequest: true,
    });
  });

  it("puts fragments together in any order, twice, or overlapping, one or several in a datagram", () => {
    const large = hello({ extensions: [LARGE_KEY_SHARE] });
    const expected = disclosed(over(...client(recordsOf(large))));
    expect(expected).toHaveLength(3);
    const [some, others] = [recordsOf(large, { size: 300 }), recordsOf(large, { size: 450 })];
    expect(disclosed(over(...client([...some].reverse())))).toEqual(expected);
    expect(disclosed(over(...client([some[4]!, some[0]!, some[0]!, others[2]!, others[1]!, some[1]!])))).toEqual(
      expected,
    );
    expect(disclosed(over([0, Buffer.concat(some)]))).toEqual(expected);
    // Several fragments in one record.
    const fragments = Buffer.concat(some.map((it) => it.subarray(13)));
    const start = Buffer.from(some[0]!.subarray(0, 13));
    start.writeUInt16BE(fragments.length, 11);
    expect(disclosed(over([0, Buffer.concat([start, fragments])]))).toEqual(expected);
  });

  it("does not mix the fragments of two messages", () => {
    const [one, other] = [hello({ serverName: "one.example" }), hello({ serverName: "two.example" })];
    const parts = recordsOf(one, { size: 60 });
    const facts = over(...client([parts[0]!, ...recordsOf(other, { size: 60, sequence: 1 }), ...parts.slice(1)]));
    expect(facts?.names.map(({ name }) => name)).toEqual(["two.example"]);
  });

  it("of a datagram that was cut tells what is there", () => {
    const record = recordsOf(hello())[0]!;
    const end = record.indexOf("vpn.example.com") + 15;
    for (let length = 0; length < record.length; length++) {
      const facts = overUdp([dtls], [[0, record]], record.length - length);
      expect(facts?.protocol).toBe(length < 25 ? undefined : "dtls");
      expect(facts?.names.length ?? 0).toBe(length < end ? 0 : 1);
      expect(facts?.details.has("ja4")).not.toBe(true);
    }
  });
});

describe("what is no dtls", () => {
  const record = recordsOf(hello())[0]!;
  const changed = (at: number, value: number) => {
    const bytes = Buffer.from(record);
    bytes[at] = value;
    return bytes;
  };
  it.each([
    ["another type of record", changed(0, 23)],
    ["the version of TLS", changed(1, 3)],
    ["an unknown version", changed(2, 0xfc)],
    ["a later epoch", changed(4, 1)],
    ["a record longer than its datagram", changed(12, record[12]! + 1)],
    ["a record too short for its fragment", changed(12, record[12]! - 1)],
    ["an unknown type of message", changed(13, 77)],
    ["a message shorter than its fragment", changed(16, record[16]! - 1)],
    ["a fragment beyond its message", changed(21, 1)],
    ["a message of another version", changed(25, 3)],
    ["a TLS record", Buffer.from("160301002001000020030301".padEnd(90, "0"), "hex")],
    ["STUN", Buffer.from("000100002112a442c0ffeec0ffeec0ffeec0ffee", "hex")],
    ["QUIC", Buffer.concat([Buffer.from("c00000000108", "hex"), Buffer.alloc(1200)])],
    ["encrypted records alone", Buffer.concat([hex("17fefd00010000000000010030"), Buffer.alloc(48, 7)])],
  ])("%s", (_what, bytes) => {
    expect(over([0, bytes])).toBeUndefined();
  });
});

describe("hostile datagrams", () => {
  it("never make it throw, and do not depend on what stands behind them", () => {
    const records = recordsOf(hello(), { size: 100 });
    const base = Buffer.concat(records);
    const change = fc.tuple(fc.nat(base.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(base.length), fc.nat(60), (changes, length, cut) => {
        const bytes = Buffer.from(base);
        for (const [at, value] of changes) bytes[at] = value;
        const part = bytes.subarray(0, length);
        overUdp(
          [dtls],
          [
            [0, records[0]!],
            [0, bytes],
            [1, part],
          ],
          Math.min(cut, part.length),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("of random bytes are not taken for DTLS", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        expect(over([0, bytes])).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it("cost a bounded time: fragments of a byte, or far ahead", () => {
    const large = hello({ extensions: [LARGE_KEY_SHARE] });
    const tiny = Buffer.concat(recordsOf(large, { size: 1 }));
    const empty = Buffer.concat(
      Array.from({ length: 2000 }, () => recordsOf(Buffer.concat([large.subarray(0, 4), Buffer.of(0xfe)]))[0]!),
    );
    const start = performance.now();
    for (const bytes of [tiny, empty]) over(...client(Array.from({ length: 60 }, () => bytes)));
    expect(performance.now() - start).toBeLessThan(500);
  });
});
