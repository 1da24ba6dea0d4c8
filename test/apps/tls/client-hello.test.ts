import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ja4, readClientHello } from "../../../src/apps/tls/index.js";
import { clientHello, type HelloFields, LARGE_KEY_SHARE, u16, viewOf } from "./hellos.js";

const read = (bytes: Uint8Array) => readClientHello(viewOf(bytes), 0, bytes.length);
const fingerprint = (fields: HelloFields) => ja4(read(clientHello(fields))!, "t");

const BROWSER: HelloFields = {
  serverName: "www.example.com",
  alpn: ["h2", "http/1.1"],
  versions: [0x2a2a, 0x0304, 0x0303],
  cipherSuites: [
    ...[0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030],
    ...[0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035],
  ],
  signatureAlgorithms: [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
  extensions: [0xbaba, 0x1b, 0x33, 0x4469, 0x17, 0x2d, 0x05, 0x23, 0x12, 0xff01, 0x0b, 0x0a, 0x15].map(
    (type) => [type, new Uint8Array(0)] as const,
  ),
};

describe("readClientHello", () => {
  it("reads names, protocols, the newest version and the lists, without GREASE", () => {
    expect(read(clientHello(BROWSER))).toMatchObject({
      version: 0x0304,
      serverName: "www.example.com",
      alpn: ["h2", "http/1.1"],
      cipherSuites: BROWSER.cipherSuites!.slice(1),
      signatureAlgorithms: BROWSER.signatureAlgorithms,
      hasEncryptedHello: false,
      isCut: false,
    });
  });

  it("takes the version of the message where there is no list of versions", () => {
    expect(read(clientHello({ legacyVersion: 0x0301, versions: [] }))?.version).toBe(0x0301);
    expect(read(clientHello({ legacyVersion: 0x0303, hasExtensions: false }))).toMatchObject({
      version: 0x0303,
      extensions: [],
      isCut: false,
    });
    // A draft's number is no version.
    expect(read(clientHello({ versions: [0x7f1c, 0x0303] }))?.version).toBe(0x0303);
  });

  it("reads the server name as it stands on the wire, strange or not", () => {
    for (const serverName of ["a\x1b[31m\xff", "192.0.2.1", "x".repeat(255)]) {
      expect(read(clientHello({ serverName }))?.serverName).toBe(serverName);
    }
    expect(read(clientHello({ serverName: "" }))?.serverName).toBeUndefined();
    expect(read(clientHello({ serverName: "x".repeat(256) }))?.serverName).toBeUndefined();
  });

  it("tells that there is an encrypted hello, true or for show", () => {
    const hello = read(clientHello({ serverName: "front.example", extensions: [[0xfe0d, Buffer.alloc(200)]] }));
    expect(hello).toMatchObject({ serverName: "front.example", hasEncryptedHello: true, isCut: false });
  });

  it("of a cut hello reads what is there: the name as soon as it is whole, and no part of a list of protocols", () => {
    const bytes = clientHello({ ...BROWSER, extensions: [LARGE_KEY_SHARE] });
    const nameEnd = bytes.indexOf("www.example.com") + "www.example.com".length;
    const protocolsEnd = bytes.indexOf("http/1.1") + "http/1.1".length;
    for (let length = 0; length < bytes.length; length++) {
      const hello = read(bytes.subarray(0, length));
      expect(hello?.serverName).toBe(length < nameEnd ? undefined : "www.example.com");
      if (hello === undefined) continue;
      expect(hello.isCut).toBe(true);
      expect(hello.alpn).toEqual(length < protocolsEnd ? [] : BROWSER.alpn);
    }
  });

  it("counts as cut where its lengths contradict each other", () => {
    const bytes = clientHello({ serverName: "www.example.com", cipherSuites: [0x1301] });
    const lengthAt = bytes.indexOf(u16(bytes.length - 4 - 2 - 32 - 33 - 4 - 2 - 2));
    bytes.writeUInt16BE(bytes.readUInt16BE(lengthAt) + 1, lengthAt);
    expect(read(bytes)).toMatchObject({ serverName: "www.example.com", isCut: true });
  });

  it("is not misled by what is none", () => {
    expect(read(Buffer.alloc(0))).toBeUndefined();
    const bytes = clientHello({ serverName: "www.example.com" });
    for (const [at, value] of [
      [0, 2],
      [4, 0xfe],
      [38, 33],
    ] as const) {
      const wrong = Buffer.from(bytes);
      wrong[at] = value;
      expect(read(wrong)).toBeUndefined();
    }
  });

  it("never throws, and does not depend on what stands behind its end", () => {
    const base = clientHello({ ...BROWSER, extensions: [[0xfe0d, Buffer.alloc(9)]] });
    const change = fc.tuple(fc.nat(base.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(base.length), (changes, length) => {
        const bytes = Buffer.from(base);
        for (const [at, value] of changes) bytes[at] = value;
        const alone = read(Uint8Array.from(bytes.subarray(0, length)));
        const within = Buffer.concat([Buffer.alloc(3, 0xff), bytes.subarray(0, length), Buffer.alloc(300, 0x31)]);
        expect(readClientHello(viewOf(within), 3, 3 + length)).toEqual(alone);
      }),
    );
  });
});

describe("ja4", () => {
  it("is that of the published example", () => {
    // FoxIO's technical details: a browser's hello, raw and hashed.
    expect(fingerprint(BROWSER)).toBe("t13d1516h2_8daaf6152771_e5627efa2ab1");
  });

  it("does not depend on the order of ciphers and extensions, nor on GREASE", () => {
    const reordered = {
      ...BROWSER,
      cipherSuites: BROWSER.cipherSuites!.slice(1).reverse(),
      extensions: BROWSER.extensions!.slice(1).reverse(),
    };
    expect(fingerprint(reordered)).toBe(fingerprint(BROWSER));
  });

  it.each([
    [["h"], "hh"],
    [["\xab"], "ab"],
    [["\xab\xcd"], "ad"],
    [["0\xab"], "3b"],
    [["01\xab\xcd"], "3d"],
    [["0\xab\xcd1"], "01"],
    [["http/1.1", "h2"], "h1"],
    [[""], "00"],
    [undefined, "00"],
  ])("of protocols %j tells %s", (alpn, ends) => {
    expect(fingerprint(alpn === undefined ? {} : { alpn }).slice(8, 10)).toBe(ends);
  });

  it("marks what is missing", () => {
    expect(fingerprint({ legacyVersion: 0x0300, hasExtensions: false, cipherSuites: [] })).toBe(
      "ts3i000000_000000000000_000000000000",
    );
  });

  it("counts to 99", () => {
    const cipherSuites = Array.from({ length: 120 }, (_, i) => 0xc100 + i);
    expect(fingerprint({ cipherSuites }).slice(4, 6)).toBe("99");
  });
});
