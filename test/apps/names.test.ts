import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readDnsAnswers } from "../../src/apps/dns/index.js";
import { PassiveNames } from "../../src/apps/index.js";
import { formatAddress } from "../../src/net/index.js";
import { concat, dns, dnsPointer, dnsQuery, dnsReply, u16 } from "../support/packet-builder.js";

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
