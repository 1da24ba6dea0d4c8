import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/net/index.js";
import { lookupRelay, parseConsensus, RelayDirectory } from "../../src/relays/index.js";
import { FIRST_FINGERPRINT, microdesc, ns, SECOND_FINGERPRINT, TEN, VALID_UNTIL } from "./documents.js";

const DAY = 86400;

const directory = new RelayDirectory({
  documents: [parseConsensus(Buffer.from(microdesc()), "ten"), parseConsensus(Buffer.from(ns()), "ten-ns")],
});

function lookup(address: string, port?: number, seconds?: number) {
  return lookupRelay(directory, parseAddress(address)!, port, seconds);
}

describe("lookupRelay", () => {
  it("names the relay at an address, its ports there and every document that lists it", () => {
    expect(lookup("192.0.2.7", 9001, TEN)).toMatchObject({
      address: "192.0.2.7",
      port: 9001,
      at: "2026-11-22T10:00:00Z",
      answer: "listed",
      relays: [
        {
          fingerprint: FIRST_FINGERPRINT,
          portsAtAddress: [9001],
          documents: [
            { source: "ten", freshness: "fresh" },
            { source: "ten-ns", freshness: "fresh" },
          ],
        },
      ],
      neighbours: [],
    });
  });

  it.each([
    ["192.0.2.7", undefined, undefined, "listed"],
    ["2001:db8::7", 9001, TEN, "listed"],
    ["192.0.2.7", 22, TEN, "address-only"],
    ["192.0.2.8", undefined, TEN, "not-listed"],
    ["192.0.2.7", 9001, VALID_UNTIL + 2 * DAY, "no-data"],
    ["192.0.2.8", 9001, VALID_UNTIL + 2 * DAY, "no-data"],
  ])("%s port %s at %s is %s", (address, port, seconds, answer) => {
    expect(lookup(address, port, seconds).answer).toBe(answer);
  });

  it("a document out of reach is shown as such, and decides nothing", () => {
    const late = lookup("192.0.2.7", 9001, VALID_UNTIL + 2 * DAY);
    expect(late.relays[0]?.documents[0]).toMatchObject({ source: "ten", freshness: "out-of-reach" });
  });

  it("where nobody is listed, relays of the same /24 or /48 are named", () => {
    expect(lookup("198.51.100.1")).toMatchObject({
      neighbourPrefix: 24,
      neighbours: [{ address: "198.51.100.200", port: 443, nickname: "second2", fingerprint: SECOND_FINGERPRINT }],
    });
    expect(lookup("198.51.101.1").neighbours).toEqual([]);
    expect(lookup("2001:db8:0:ffff::1")).toMatchObject({
      neighbourPrefix: 48,
      neighbours: [{ address: "2001:db8::7" }],
    });
    expect(lookup("2001:db8:1::7").neighbours).toEqual([]);
  });

  it("authorities are named with their roles, past ones as not current", () => {
    expect(lookup("128.31.0.39").known.map(({ role, port, current }) => [role, port, current])).toEqual([
      ["or", 9201, true],
      ["dir", 9231, true],
      ["or", 9101, false],
      ["dir", 9131, false],
    ]);
  });
});
