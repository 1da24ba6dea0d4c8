import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { socks4, socks5 } from "../../../src/apps/socks/index.js";
import { detailsOf, disclosed, overTcp, type Said } from "../conversation.js";
import { captureFacts, tshark } from "../http/capture-facts.js";

const ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion";
const GREETING = "\x05\x01\x00";
const CHOICE = "\x05\x00";
const GRANTED = "\x05\x00\x00\x01\0\0\0\0\0\0";

function named(command: number, host: string, port: number): string {
  return `\x05${String.fromCharCode(command)}\0\x03${String.fromCharCode(host.length)}${host}${port16(port)}`;
}

function port16(port: number): string {
  return String.fromCharCode(port >> 8, port & 255);
}

/** With user and password for the isolation of streams, as Tor Browser does. */
const ISOLATED: readonly Said[] = [
  [0, "\x05\x02\x00\x02"],
  [1, "\x05\x02"],
  [0, "\x01\x0bexample.com\x06s3cret"],
  [1, "\x01\x00"],
  [0, named(1, "www.example.com", 443)],
  [1, GRANTED],
  [0, "\x16\x03\x01\x02\x00\x01\x05\x00\x00"],
];

const plain = (request: string, reply = GRANTED): Said[] => [
  [0, GREETING],
  [1, CHOICE],
  [0, request],
  [1, reply],
];

describe("socks5", () => {
  it.each([Infinity, 4, 1])("tells where somebody wants to go, in segments of %d bytes", (size) => {
    const facts = overTcp([socks4, socks5], ISOLATED, size);
    expect([facts?.protocol, facts?.by]).toEqual(["socks5", "content"]);
    expect(detailsOf(facts)).toEqual({
      methods: [0, 2],
      method: 2,
      userName: true,
      password: true,
      authenticated: true,
      command: "connect",
      targetKind: "host-name",
      reply: 0,
      granted: true,
      replyText: "succeeded",
    });
    expect(disclosed(facts)).toEqual(["proxy-target: www.example.com:443"]);
    expect(facts?.names).toEqual([{ name: "www.example.com", source: "proxy-target" }]);
    expect(facts?.proxyRequest?.target).toBe("www.example.com:443");
    expect(facts?.proxyRequest?.packet).toBe(facts?.disclosures[0]?.packet);
  });

  it("keeps neither user nor password", () => {
    const facts = overTcp([socks5], ISOLATED);
    const text = JSON.stringify([detailsOf(facts), disclosed(facts)]);
    expect(text).not.toContain("s3cret");
    expect(text).not.toMatch(/"example\.com/);
  });

  it("discloses an onion service's name", () => {
    const facts = overTcp([socks5], plain(named(1, ONION, 80)), 1);
    expect(detailsOf(facts).targetKind).toBe("onion-name");
    expect(disclosed(facts)).toEqual([`proxy-target: ${ONION}:80`, `onion-name: ${ONION}`]);
  });

  it.each([
    ["\x05\x01\0\x01\xcb\0\x71\x50\0\x50", "203.0.113.80:80", "ipv4"],
    [`\x05\x01\0\x04\x20\x01\x0d\xb8${"\0".repeat(11)}\x01\x01\xbb`, "[2001:db8::1]:443", "ipv6"],
    [named(1, "203.0.113.80", 80), "203.0.113.80:80", "ipv4"],
    [named(1, "2001:DB8:0::1", 80), "[2001:db8::1]:80", "ipv6"],
  ])("tells addresses from names: %j", (request, target, kind) => {
    const facts = overTcp([socks5], plain(request), 1);
    expect(detailsOf(facts).targetKind).toBe(kind);
    expect(disclosed(facts)).toEqual([`proxy-target: ${target}`]);
    expect(facts?.proxyRequest?.target).toBe(target);
    expect(facts?.names).toEqual([]);
  });

  it("tells what tor resolved", () => {
    const forward = overTcp([socks5], plain(named(0xf0, "www.example.com", 0), "\x05\0\0\x01\xcb\0\x71\x50\0\0"), 1);
    expect(detailsOf(forward)).toMatchObject({ command: "resolve", resolvedAddress: "203.0.113.80", granted: true });
    expect(forward?.proxyRequest?.target).toBe("www.example.com:0");
    const backward = overTcp([socks5], plain("\x05\xf1\0\x01\xcb\0\x71\x50\0\0", named(0, "www.example.com", 0)), 1);
    expect(detailsOf(backward)).toMatchObject({ command: "resolve-ptr", resolvedName: "www.example.com" });
  });

  it.each([
    [0x05, "connection refused"],
    [0xf0, "onion service descriptor not found"],
    [0xf4, "onion service needs client authorization"],
    [0xf7, "onion service introduction timed out"],
  ])("knows the refusal %d", (code, text) => {
    const facts = overTcp(
      [socks5],
      plain(named(1, ONION, 80), `\x05${String.fromCharCode(code)}\0\x01\0\0\0\0\0\0`),
      1,
    );
    expect(detailsOf(facts)).toMatchObject({ reply: code, granted: false, replyText: text });
  });

  it("knows a server that takes none of the methods", () => {
    const facts = overTcp(
      [socks5],
      [
        [0, "\x05\x02\x00\x01"],
        [1, "\x05\xff"],
      ],
      1,
    );
    expect(detailsOf(facts)).toEqual({ methods: [0, 1], method: 255, granted: false });
  });

  it("does not take for a target what UDP ASSOCIATE says, but tells where the proxy listens", () => {
    const facts = overTcp([socks5], plain("\x05\x03\0\x01\0\0\0\0\0\0", "\x05\0\0\x01\xc6\x33\x64\x01\x10\x00"), 1);
    expect(detailsOf(facts)).toMatchObject({ command: "udp-associate", boundAddress: "198.51.100.1:4096" });
    expect(facts?.proxyRequest).toBeUndefined();
    expect(disclosed(facts)).toEqual([]);
  });

  it("reads no further than a method that it does not know", () => {
    const facts = overTcp(
      [socks5],
      [
        [0, "\x05\x01\x01"],
        [1, "\x05\x01"],
        [0, "\x01\x01\x00\x02ab\x05\x01\x00\x03\x01a\0\x50"],
      ],
    );
    expect(detailsOf(facts)).toEqual({ methods: [1], method: 1 });
  });

  it.each([Infinity, 1])("is not confused by words before the answers, in segments of %d bytes", (size) => {
    const optimistic = `${GREETING}${named(1, "www.example.com", 80)}GET / HTTP/1.1\r\n\r\n\x05\x01\0\x03\x01b\0\x50`;
    const facts = overTcp(
      [socks5],
      [
        [0, optimistic],
        [1, `${CHOICE}${GRANTED}HTTP/1.1 200 OK\r\n`],
      ],
      size,
    );
    expect(detailsOf(facts)).toMatchObject({ command: "connect", granted: true });
    expect(disclosed(facts)).toEqual(["proxy-target: www.example.com:80"]);
  });

  it.each([Infinity, 1])("is known by one direction alone where it has a request, in segments of %d bytes", (size) => {
    const one = `\x05\x01\x02\x01\x01a\x01b${named(1, "www.example.com", 80)}`;
    expect(detailsOf(overTcp([socks5], [[0, one]], size))).toEqual({
      methods: [2],
      userName: true,
      password: true,
      command: "connect",
      targetKind: "host-name",
    });
  });

  it("is not known by a greeting alone, nor by an answer alone", () => {
    expect(overTcp([socks5], [[0, GREETING]])?.protocol).toBeUndefined();
    expect(overTcp([socks5], [[1, CHOICE]])).toBeUndefined();
  });

  it.each([
    ["\x05\x01\x00", "\x05\x02"],
    ["\x05\x01\x00", "\x04\x00"],
    ["\x05\x01\x00", "HTTP/1.1 200 OK"],
    ["\x05\x00\x0b\x03\x10\0\0\0", "\x05\x00\x0c\x03"],
    ["\x05\x02\x00\x00", "\x05\x00"],
    ["\x05\x01\x04", "\x05\x04"],
    ["\x05\x01\x00\x07garbage", "\x05\x00"],
    ["\x05\x01\x00\x01\x01a\x01b", "\x05\x00"],
    [`\x05\x01\x00${named(1, "a b", 80)}`, ""],
    [`\x05\x01\x00${named(1, "www.example.com", 0)}`, ""],
    [`\x05\x01\x00${named(7, "www.example.com", 80)}`, ""],
    ["\x05\x01\x00\x05\x01\x00\x02\0\0\0\0\0\0", ""],
    ["\x04\x01\x00\x50\xcb\0\x71\x50\0", "\x00\x5a\0\0\0\0\0\0"],
  ])("is not %j answered by %j", (client, server) => {
    for (const size of [Infinity, 1]) {
      const said: Said[] = [
        [0, client],
        [1, server],
      ];
      expect(overTcp([socks5], said, size)?.protocol).toBeUndefined();
      expect(overTcp([socks5], said, size)?.disclosures ?? []).toEqual([]);
    }
  });

  it("tells no target that is neither a name nor an address", () => {
    const facts = overTcp([socks5], plain(named(1, "a\x1b[2Jb", 80)), 1);
    expect(detailsOf(facts)).toMatchObject({ command: "connect", granted: true });
    expect(disclosed(facts)).toEqual([]);
    expect(facts?.proxyRequest).toBeUndefined();
  });

  it.each([["loopback-socks"], ["any-interface"]])("finds in %s the requests that tshark finds", async (name) => {
    const fields = ["tcp.srcport", "socks.remote_name", "socks.dst", "socks.port"];
    const options = ["-d", "tcp.port==9050,socks"];
    const rows = tshark(
      name,
      "socks.command && tcp.dstport == 9050 && socks.version == 5 && !http && !bitcoin",
      fields,
      options,
    );
    const expected = new Map(rows.map(([port, host, address, to]) => [Number(port), `${host || address}:${to}`]));
    expect(expected.size).toBeGreaterThan(0);
    const found = await captureFacts(name, [socks4, socks5]);
    const fives = [...found].filter(([, { protocol }]) => protocol === "socks5");
    expect(new Map(fives.map(([port, facts]) => [port, facts.proxyRequest?.target]))).toEqual(expected);
    for (const [, facts] of fives) expect(detailsOf(facts)).toMatchObject({ granted: true, reply: 0 });
  });

  it("never throws, and says the same whatever the segments are", () => {
    const piece = fc.constantFrom(
      GREETING,
      CHOICE,
      GRANTED,
      "\x05",
      "\x01",
      "\x05\x02\x00\x02",
      "\x01\x01a\x01b",
      named(1, "a.example", 80),
      named(0xf0, ONION, 0),
      "\x05\x01\0\x04",
      "\0".repeat(18),
    );
    const words = fc.array(fc.oneof({ weight: 4, arbitrary: piece }, fc.string({ maxLength: 4 })), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(GREETING, "\x05\x02\x00\x02", ""),
        words,
        words,
        fc.integer({ min: 1, max: 9 }),
        (first, client, server, size) => {
          const said: Said[] = [
            [0, first + client.join("")],
            [1, server.join("")],
          ];
          const whole = overTcp([socks5], said);
          const cut = overTcp([socks5], said, size);
          expect(cut?.protocol).toBe(whole?.protocol);
          expect(detailsOf(cut)).toEqual(detailsOf(whole));
          expect(disclosed(cut)).toEqual(disclosed(whole));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("takes damaged conversations without throwing, at every length", () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(20), fc.nat(255), fc.nat(40), (which, at, value, length) => {
        const said = ISOLATED.map(([side, words], i): Said => {
          const bytes = Buffer.from(words as string, "latin1");
          if (i === which && at < bytes.length) bytes[at] = value;
          return [side, i === which ? bytes.subarray(0, length) : bytes];
        });
        const whole = overTcp([socks5], said);
        const cut = overTcp([socks5], said, 1);
        expect(detailsOf(cut)).toEqual(detailsOf(whole));
        expect(whole?.disclosures.length ?? 0).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });
});
