import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ApplicationTracker } from "../../../src/apps/index.js";
import { tls } from "../../../src/apps/tls/index.js";
import { CellShape } from "../../../src/apps/tor/cell-shape.js";
import { converse, detailsOf, disclosed, overTcp, type Said } from "../conversation.js";
import {
  CHANGE_CIPHER_SPEC,
  clientHello,
  type HelloFields,
  handshake,
  LARGE_KEY_SHARE,
  record,
  records,
  serverHello,
} from "./hellos.js";
import { headOf, newContext, ofCut } from "./one-flow.js";

const WEB: HelloFields = { serverName: "www.example.com", alpn: ["h2", "http/1.1"] };
const DATA = record(23, Buffer.alloc(40, 0x77));
const RETRY_RANDOM = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");

const hello = (fields: HelloFields = WEB): Said => [0, records(clientHello(fields))];
const answer = (version = 0x0304, cipherSuite = 0x1301): Said => [
  1,
  Buffer.concat([records(serverHello(version, cipherSuite)), CHANGE_CIPHER_SPEC, DATA]),
];

afterEach(() => vi.restoreAllMocks());

describe("tls", () => {
  it.each([Infinity, 7, 1])("tells what both hellos say, in segments of %d bytes", (size) => {
    const facts = overTcp([tls], [hello(), answer(), [0, Buffer.concat([CHANGE_CIPHER_SPEC, DATA])]], size);
    expect([facts?.protocol, facts?.by]).toEqual(["tls", "content"]);
    expect(facts?.names).toEqual([{ name: "www.example.com", source: "server-name" }]);
    expect(detailsOf(facts)).toEqual({
      serverName: "www.example.com",
      serverNameResolved: false,
      alpn: ["h2", "http/1.1"],
      offeredVersion: "TLS 1.3",
      ja4: expect.stringMatching(/^t13d0304h2_[0-9a-f]{12}_[0-9a-f]{12}$/),
      version: "TLS 1.3",
      cipherSuite: "1301",
    });
    expect(disclosed(facts)).toEqual([
      "server-name: www.example.com",
      "alpn: h2 http/1.1",
      `tls-fingerprint: ${facts?.details.get("ja4")}`,
    ]);
  });

  it("discloses nothing but the fingerprint where a hello names nobody and no protocol", () => {
    expect(disclosed(overTcp([tls], [hello({})]))).toEqual([expect.stringMatching(/^tls-fingerprint: t13i030200_/)]);
  });

  it.each([1, 2, 100, 16_384])("reads a ClientHello with large keys from records of %d bytes", (recordBytes) => {
    const said: Said[] = [[0, records(clientHello({ ...WEB, extensions: [LARGE_KEY_SHARE] }), recordBytes)]];
    const whole = disclosed(overTcp([tls], said));
    expect(whole).toHaveLength(3);
    for (const size of [1, 536, 1400]) expect(disclosed(overTcp([tls], said, size))).toEqual(whole);
  });

  it("of a HelloRetryRequest tells the choice and that it was asked again; the first hello counts", () => {
    const facts = overTcp(
      [tls],
      [
        hello(),
        [1, Buffer.concat([records(serverHello(0x0304, 0x1302, RETRY_RANDOM)), CHANGE_CIPHER_SPEC])],
        [0, Buffer.concat([CHANGE_CIPHER_SPEC, records(clientHello({ serverName: "other.example" }))])],
        answer(),
      ],
    );
    expect(detailsOf(facts)).toMatchObject({
      version: "TLS 1.3",
      cipherSuite: "1302",
      helloRetryRequest: true,
      serverName: "www.example.com",
    });
    expect(facts?.names).toHaveLength(1);
  });

  it("shows the outer name beside an encrypted hello", () => {
    const facts = overTcp([tls], [hello({ ...WEB, extensions: [[0xfe0d, Buffer.alloc(250)]] })]);
    expect(detailsOf(facts)).toMatchObject({ serverName: "www.example.com", encryptedClientHello: true });
  });

  it("is known by the ServerHello alone, whoever opened the connection", () => {
    for (const side of [0, 1] as const) {
      const facts = overTcp([tls], [[side, records(serverHello(0x0303, 0xc02f))]], 1);
      expect([facts?.protocol, facts?.by]).toEqual(["tls", "content"]);
      expect(detailsOf(facts)).toEqual({ version: "TLS 1.2", cipherSuite: "c02f" });
    }
  });

  it("stays what it is when the server answers with an alert", () => {
    const facts = overTcp([tls], [hello(), [1, record(21, Buffer.of(2, 40))]]);
    expect([facts?.protocol, facts?.by]).toEqual(["tls", "content"]);
  });

  it("of a hello that was cut tells what is there, but neither version nor fingerprint", () => {
    const bytes = records(clientHello(WEB));
    const end = bytes.indexOf("www.example.com") + "www.example.com".length;
    for (let length = 0; length < bytes.length; length++) {
      const facts = ofCut(tls, bytes.subarray(0, length));
      expect(facts?.protocol).toBe(length < 6 ? undefined : "tls");
      const names = disclosed(facts).filter((it) => !it.startsWith("alpn"));
      expect(names).toEqual(length < end ? [] : ["server-name: www.example.com"]);
      expect(facts?.details.has("offeredVersion")).not.toBe(true);
    }
  });

  it("tells the CellShape of hellos, choices, and records in their order", () => {
    const shape = CellShape.prototype;
    const [hellos, choices, all] = [vi.spyOn(shape, "hello"), vi.spyOn(shape, "agreed"), vi.spyOn(shape, "record")];
    const facts = overTcp([tls], [hello(), answer(0x0304, 0x1302), [0, Buffer.concat([DATA, DATA])], [1, DATA]], 64);
    expect(facts?.torShape).toBeInstanceOf(CellShape);
    expect(hellos.mock.calls).toEqual([["www.example.com", false]]);
    expect(choices.mock.calls).toEqual([[0x0304, 0x1302]]);
    expect(all.mock.calls.map(([side, type]) => `${side} ${type}`)).toEqual([
      "0 22",
      "1 22",
      "1 20",
      "1 23",
      "0 23",
      "0 23",
      "1 23",
    ]);
  });

  it("wants no more bytes once TLS 1.3 is agreed", () => {
    const reader = tls.open(newContext());
    const client = records(clientHello(WEB));
    expect(reader.read(0, headOf(client))).toBe(client.length + 5);
    const server = Buffer.concat([records(serverHello(0x0304, 0x1301)), DATA.subarray(0, 3)]);
    expect(reader.read(1, headOf(server))).toBe(Infinity);
    expect(reader.read(0, headOf(Buffer.concat([client, CHANGE_CIPHER_SPEC])))).toBe(Infinity);
  });

  it("of a client that comes late is read after the server's choice all the same", () => {
    const bytes = records(clientHello(WEB));
    for (const client of [[bytes], Array.from(bytes, (byte) => Uint8Array.of(byte))]) {
      const facts = overTcp([tls], [[1, records(serverHello(0x0304, 0x1301))], ...client.map((it): Said => [0, it])]);
      expect(detailsOf(facts)).toMatchObject({ serverName: "www.example.com", version: "TLS 1.3" });
    }
  });

  it("lets a flow go once TLS 1.3 is agreed and its names are none of Tor's", () => {
    const wantsMore = (serverName: string, version: number) => {
      const tracker = new ApplicationTracker({ streams: [tls], datagrams: [] });
      converse(tracker, [hello({ serverName }), [1, records(serverHello(version, 0x1301))]]);
      return tracker.wants(0);
    };
    expect(wantsMore("git.example.org", 0x0304)).toBe(false);
    expect(wantsMore("www.abcdefghij.com", 0x0304)).toBe(true);
    // There is a certificate to come.
    expect(wantsMore("git.example.org", 0x0303)).toBe(true);
  });

  it("wants no more bytes of a server that speaks TLS 1.2 once it changes keys", () => {
    const reader = tls.open(newContext());
    const server = Buffer.concat([records(serverHello(0x0303, 0xc02f)), CHANGE_CIPHER_SPEC]);
    expect(reader.read(1, headOf(server.subarray(0, server.length - 6)))).toBe(server.length - 6 + 5);
    expect(reader.read(1, headOf(server))).toBe(Infinity);
  });
});

describe("dns inside tls", () => {
  it("is over TLS by its ALPN, or by port 853 whatever the name", () => {
    const [byAlpn, byPort] = [
      overTcp([tls], [hello({ alpn: ["dot"] })]),
      ofCut(tls, hello()[1] as Buffer, { port: 853 }),
    ];
    expect([byAlpn?.protocol, byAlpn?.by]).toEqual(["dns-over-tls", "content"]);
    expect([byPort?.protocol, byPort?.by]).toEqual(["dns-over-tls", "port"]);
    const known = records(clientHello({ serverName: "one.one.one.one" }));
    expect(ofCut(tls, known, { port: 853 })?.protocol).toBe("dns-over-tls");
  });

  it.each([
    ["dns.google", "dns-over-https"],
    ["Mozilla.Cloudflare-DNS.com", "dns-over-https"],
    ["abc123.dns.nextdns.io", "dns-over-https"],
    ["www.dns0.eu", "tls"],
    ["notdns.google", "tls"],
    ["google", "tls"],
    [".", "tls"],
  ])("is over HTTPS by the name of a known resolver: %s is %s", (serverName, protocol) => {
    const facts = overTcp([tls], [hello({ serverName, alpn: ["h2"] })]);
    expect([facts?.protocol, facts?.by]).toEqual([protocol, "content"]);
  });
});

describe("tls from the middle", () => {
  const found = (bytes: Uint8Array, fromStart = false) => {
    const facts = ofCut(tls, bytes, { fromStart, side: 1 });
    return facts && [facts.protocol, facts.by];
  };

  it("is known by its records, by shape only", () => {
    expect(found(DATA)).toEqual(["tls", "shape"]);
    expect(found(Buffer.concat([DATA, DATA]))).toEqual(["tls", "shape"]);
    expect(found(Buffer.concat([DATA, DATA]).subarray(0, 20))).toEqual(["tls", "shape"]);
    expect(found(Buffer.concat([DATA, record(21, Buffer.alloc(26))]))).toEqual(["tls", "shape"]);
  });

  it("is not found where the connection's beginning was seen, or the next record is none", () => {
    expect(found(DATA, true)).toBeUndefined();
    expect(found(Buffer.concat([DATA, Buffer.alloc(5, 0x41)]))).toBeUndefined();
    expect(found(DATA.subarray(0, 4))).toBeUndefined();
    expect(found(record(23, Buffer.alloc(16)))).toBeUndefined();
    expect(found(record(23, Buffer.alloc(40), 0x0301))).toBeUndefined();
    expect(found(record(22, Buffer.concat([Buffer.of(11), Buffer.alloc(50)])))).toBeUndefined();
  });

  it("is by content when a hello follows after all", () => {
    const context = newContext();
    const reader = tls.open(context);
    reader.read(1, headOf(DATA, false));
    expect(context.facts.by).toBe("shape");
    reader.read(0, headOf(records(clientHello(WEB)), false));
    expect(context.facts.by).toBe("content");
  });
});

describe("what is no tls", () => {
  it.each([
    ["SSH-2.0-OpenSSH_9.2p1\r\n"],
    ["GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"],
    ["\x16\x03\x01\x00\x20\x0b\x00\x00\x1c\x03\x03"],
    ["\x16\x03\x01\x00\x20\x01\x01\x00\x1c\x03\x03"],
    ["\x16\x03\x01\x00\x20\x01\x00\x00\x1c\xfe\xfd"],
    ["\x16\x03\x05\x00\x20\x01\x00\x00\x1c\x03\x03"],
    ["\x16\x03\x01\xff\xff\x01\x00\x00\x1c\x03\x03"],
    ["\x16\x03\x01\x00\x00\x01\x00\x00\x1c\x03\x03"],
    ["\x16\x02\x01\x00\x20\x01\x00\x00\x1c\x03\x03"],
    ["\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40\x01"],
    ["\x17\x03\x03\x00\x40".padEnd(69, "x")],
    ["\x13BitTorrent protocol"],
  ])("%j", (bytes) => {
    for (const size of [1, Infinity]) {
      expect(overTcp([tls], [[0, bytes]], size)).toBeUndefined();
      expect(overTcp([tls], [[1, bytes]], size)).toBeUndefined();
    }
  });
});

describe("hostile bytes", () => {
  const base = Buffer.concat([
    records(clientHello({ ...WEB, extensions: [[0xfe0d, Buffer.alloc(9)]] }), 50),
    records(handshake(11, Buffer.alloc(20, 1))),
    CHANGE_CIPHER_SPEC,
    DATA,
  ]);
  const server = Buffer.concat([records(serverHello(0x0303, 0xc02f)), records(handshake(11, Buffer.alloc(40, 1)))]);

  it("never make it throw, and say the same whatever the segments are", () => {
    const change = fc.tuple(fc.nat(base.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 6 }),
        fc.nat(base.length),
        fc.integer({ min: 1, max: 90 }),
        (changes, length, size) => {
          const bytes = Buffer.from(base.subarray(0, length));
          for (const [at, value] of changes) if (at < length) bytes[at] = value;
          const said: Said[] = [
            [0, bytes],
            [1, server],
          ];
          const [whole, cut] = [overTcp([tls], said), overTcp([tls], said, size)];
          expect(disclosed(cut)).toEqual(disclosed(whole));
          expect(detailsOf(cut)).toEqual(detailsOf(whole));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("cost no more than there are of them", () => {
    // One byte of a message in each record, and records without any.
    const slow = Buffer.concat(Array.from({ length: 2700 }, (_, i) => record(22, Buffer.of(i < 4 ? 1 : 0))));
    const empty = Buffer.concat(Array.from({ length: 3200 }, () => record(22, Buffer.alloc(0))));
    const start = performance.now();
    for (let i = 0; i < 20; i++) {
      overTcp([tls], [[0, slow]], 1);
      overTcp([tls], [[0, Buffer.concat([records(clientHello(WEB)), empty])]], 1);
    }
    expect((performance.now() - start) / 40).toBeLessThan(100);
  });
});
