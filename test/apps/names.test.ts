import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PassiveNames, readDnsAnswers, readTlsServerName } from "../../src/apps/index.js";
import { formatAddress } from "../../src/net/index.js";
import { ascii, concat, dns, dnsPointer, dnsQuery, dnsReply, u16 } from "../support/packet-builder.js";

function answers(message: Uint8Array): { ok: boolean; found: string[] } {
  const found: string[] = [];
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const ok = readDnsAnswers(view, 0, message.length, (name, version, a, b, c, d) => {
    found.push(`${name} ${formatAddress(version, a, b, c, d)}`);
  });
  return { ok, found };
}

describe("readDnsAnswers", () => {
  it("gives the addresses of the name that was asked", () => {
    expect(answers(dnsReply("Seed.Example.com", ["203.0.113.9", "2001:db8::9"]))).toEqual({
      ok: true,
      found: ["seed.example.com 203.0.113.9", "seed.example.com 2001:db8::9"],
    });
  });

  it("gives nothing for a query", () => {
    expect(answers(dnsQuery("seed.example.com"))).toEqual({ ok: false, found: [] });
  });

  it("never follows a compression pointer forward or to itself", () => {
    const looped = concat(u16(1), u16(0x8180), u16(1), u16(1), u16(0), u16(0), dnsPointer(12), u16(1), u16(1));
    expect(answers(looped).ok).toBe(false);
  });

  it("escapes what is no host name character", () => {
    const reply = dnsReply("xxxxx.example", ["203.0.113.9"]);
    reply.set([0x1b, 0x5b, 0x2e, 0x5c, 0xff], 13);
    expect(answers(reply).found).toEqual(["\\027[\\046\\092\\255.example 203.0.113.9"]);
  });

  it("takes any bytes without throwing, and reads nothing past their end", () => {
    const base = dnsReply("a.example.com", ["203.0.113.9", "2001:db8::9"]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255))), fc.nat(base.length), (changes, cut) => {
        const message = base.slice();
        for (const [at, value] of changes) message[at] = value;
        const alone = answers(message.slice(0, cut));
        const view = new DataView(concat(message.slice(0, cut), new Uint8Array(300).fill(0xc0)).buffer);
        const found: string[] = [];
        const ok = readDnsAnswers(view, 0, cut, (name, version, a, b, c, d) => {
          found.push(`${name} ${formatAddress(version, a, b, c, d)}`);
        });
        expect({ ok, found }).toEqual(alone);
      }),
    );
  });
});

/** A ClientHello with this server name, behind an extension that stands in front of it. */
function clientHello(name: string): Uint8Array {
  const host = concat(u16(name.length + 3), [0], u16(name.length), ascii(name));
  const extensions = concat(u16(0x2b), u16(3), [2, 3, 4], u16(0), u16(host.length), host);
  const body = concat(
    [3, 3],
    new Uint8Array(32),
    [4, 1, 2, 3, 4],
    u16(4),
    u16(0x1301),
    u16(0x1302),
    [1, 0],
    u16(extensions.length),
    extensions,
  );
  const handshake = concat([1, 0], u16(body.length), body);
  return concat([22, 3, 1], u16(handshake.length), handshake);
}

function serverName(bytes: Uint8Array): string | undefined {
  return readTlsServerName(new DataView(bytes.buffer), 0, bytes.length);
}

describe("readTlsServerName", () => {
  it("finds the server name behind other extensions", () => {
    expect(serverName(clientHello("www.example.com"))).toBe("www.example.com");
  });

  it("finds nothing in other records and in a ClientHello cut before the name ends", () => {
    const hello = clientHello("www.example.com");
    expect(serverName(concat([23], hello.slice(1)))).toBeUndefined();
    for (let length = 0; length < hello.length; length++) expect(serverName(hello.slice(0, length))).toBeUndefined();
  });

  it("takes any bytes without throwing", () => {
    const base = clientHello("www.example.com");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const hello = base.slice();
        for (const [at, value] of changes) hello[at] = value;
        serverName(hello);
      }),
    );
  });
});

describe("PassiveNames", () => {
  it("knows a name from the moment on at which it was answered", () => {
    const names = new PassiveNames();
    const reply = dnsReply("seed.example.com", ["203.0.113.9"]);
    names.learn(new DataView(reply.buffer), 0, reply.length, 100, 500);
    expect(names.namesOf("203.0.113.9", 100, 499)).toEqual([]);
    expect(names.namesOf("203.0.113.9", 100, 500)).toEqual(["seed.example.com"]);
    expect(names.namesOf("203.0.113.10", 200, 0)).toEqual([]);
  });

  it("keeps a bounded number of names for an address", () => {
    const names = new PassiveNames();
    for (let i = 0; i < 100; i++) {
      const reply = dns({
        response: true,
        questions: [{ name: `n${i}.example`, type: 1 }],
        answers: [{ name: `n${i}.example`, type: 1, data: Uint8Array.of(203, 0, 113, 9) }],
      });
      names.learn(new DataView(reply.buffer), 0, reply.length, i, 0);
    }
    expect(names.namesOf("203.0.113.9", 1000, 0)).toHaveLength(8);
  });
});
