import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/net/index.js";
import {
  type ExitList,
  lookupRelay,
  parseConsensus,
  parseExitList,
  RelayDirectory,
  RelayLookups,
} from "../../src/relays/index.js";
import { FIRST_FINGERPRINT, microdesc, ns, SECOND_FINGERPRINT, TEN, VALID_UNTIL } from "./documents.js";
import { atHour, type Endpoints } from "./hours.js";

const DAY = 86400;

const directory = new RelayDirectory({
  documents: [parseConsensus(Buffer.from(microdesc()), "ten"), parseConsensus(Buffer.from(ns()), "ten-ns")],
});

function lookup(address: string, port?: number, seconds?: number) {
  return lookupRelay(directory, parseAddress(address)!, port, seconds);
}

describe("lookupRelay", () => {
  it("names the relay at an address, its ports there and when it was listed, both flavors as one", () => {
    expect(lookup("192.0.2.7", 9001, TEN)).toMatchObject({
      address: "192.0.2.7",
      port: 9001,
      at: "2026-11-22T10:00:00Z",
      answer: "listed",
      relays: [
        {
          fingerprint: FIRST_FINGERPRINT,
          portsAtAddress: [9001],
          document: { source: "ten", freshness: "fresh" },
          spans: [
            {
              from: "2026-11-22T10:00:00Z",
              until: "2026-11-22T11:00:00Z",
              documents: 1,
              before: "no-document",
              after: "no-document",
            },
          ],
        },
      ],
      exits: [],
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
    expect(late.relays[0]?.document).toMatchObject({ source: "ten", freshness: "out-of-reach" });
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

  it("tells from when to when, over hours that follow each other, and shows gaps", () => {
    const here: Endpoints = { first: "192.0.2.7 9001" };
    const moved: Endpoints = { first: "192.0.2.7 443" };
    // 3 is missing.
    const documents = [
      atHour(0, here),
      atHour(1, here),
      atHour(2, here),
      atHour(4, here),
      atHour(5, moved),
      atHour(6, {}),
    ];
    const lookups = new RelayLookups(new RelayDirectory({ documents }));
    const answer = lookups.ask(parseAddress("192.0.2.7")!, 9001, undefined);
    expect(answer.answer).toBe("listed");
    expect(answer.relays.map(({ portsAtAddress, spans }) => ({ portsAtAddress, spans }))).toEqual([
      {
        portsAtAddress: [443],
        spans: [
          {
            from: "2026-11-22T15:00:00Z",
            until: "2026-11-22T16:00:00Z",
            documents: 1,
            before: "not-listed",
            after: "not-listed",
          },
        ],
      },
      {
        portsAtAddress: [9001],
        spans: [
          {
            from: "2026-11-22T10:00:00Z",
            until: "2026-11-22T13:00:00Z",
            documents: 3,
            before: "no-document",
            after: "no-document",
          },
          {
            from: "2026-11-22T14:00:00Z",
            until: "2026-11-22T15:00:00Z",
            documents: 1,
            before: "no-document",
            after: "not-listed",
          },
        ],
      },
    ]);
    // A client may still have gone by the document of 14:00.
    const later = lookups.ask(parseAddress("192.0.2.7")!, 9001, TEN + 6 * 3600);
    expect(later.answer).toBe("listed");
    expect(later.relays.find(({ portsAtAddress }) => portsAtAddress[0] === 9001)).toMatchObject({
      document: { source: "hour 4", freshness: "valid" },
      listedUntil: "2026-11-22T15:00:00Z",
    });
  });

  it("a month of hours of one relay is one span, and takes little time for each of many addresses", () => {
    const documents = Array.from({ length: 720 }, (_, hour) => atHour(hour, { first: "192.0.2.7 9001" }));
    const lookups = new RelayLookups(new RelayDirectory({ documents }));
    const asked = parseAddress("192.0.2.7")!;
    expect(lookups.ask(asked, 9001, TEN + 300 * 3600).relays).toMatchObject([
      { document: { source: "hour 300" }, spans: [{ documents: 720, until: "2026-12-22T10:00:00Z" }] },
    ]);
    const begun = performance.now();
    for (let i = 0; i < 100; i++) lookups.ask(asked, 9001, TEN + i * 3600);
    expect((performance.now() - begun) / 100).toBeLessThan(20);
  });

  describe("exit addresses", () => {
    const list = (...lines: string[]): ExitList =>
      parseExitList(Buffer.from(`Downloaded 2026-11-22 09:02:00\n${lines.join("\n")}\n`), "list");
    const node = `ExitNode ${FIRST_FINGERPRINT}`;
    const asked = parseAddress("203.0.113.9")!;
    const documents = [9, 10, 33].map((hour) => atHour(hour - 10, { first: "192.0.2.7 9001" }));

    it.each([
      // The document of that time is valid after the probe, or at the very moment, and within 24 hours.
      ["2026-11-22 09:00:00", TEN + 60, "exit-address"],
      ["2026-11-22 09:30:00", TEN + 60, "exit-address"],
      ["2026-11-22 10:00:00", TEN + 60, "exit-address"],
      ["2026-11-22 10:00:01", TEN + 60, "not-listed"],
      ["2026-11-22 09:00:00", TEN + 23 * 3600, "not-listed"],
      ["2026-11-22 09:00:01", TEN + 23 * 3600, "exit-address"],
      ["2026-11-22 10:30:00", undefined, "exit-address"],
      ["2026-11-24 10:30:00", undefined, "not-listed"],
    ] as const)("seen at %s, asked about second %s: %s", (seen, at, answer) => {
      const lookups = new RelayLookups(new RelayDirectory({ documents }), [
        list(node, `ExitAddress 203.0.113.9 ${seen}`),
      ]);
      const found = lookups.ask(asked, undefined, at);
      expect(found.answer).toBe(answer);
      expect(found.exits).toMatchObject([{ fingerprint: FIRST_FINGERPRINT, counts: answer === "exit-address" }]);
    });

    it("a relay that the consensus of that time does not list does not count, nor does an OR port come of it", () => {
      const stranger = [list(`ExitNode ${SECOND_FINGERPRINT}`, "ExitAddress 203.0.113.9 2026-11-22 09:30:00")];
      expect(new RelayLookups(new RelayDirectory({ documents }), stranger).ask(asked, undefined, TEN).answer).toBe(
        "not-listed",
      );
      const known = [list(node, "ExitAddress 203.0.113.9 2026-11-22 09:30:00")];
      expect(new RelayLookups(new RelayDirectory({ documents }), known).ask(asked, 9001, TEN).answer).toBe(
        "address-only",
      );
    });

    it("probes of many lists are one span as long as there was one each day", () => {
      const lists = ["2026-11-20 09:00:00", "2026-11-21 08:00:00", "2026-11-22 09:00:00", "2026-11-21 08:00:00"].map(
        (seen) => list(node, `ExitAddress 203.0.113.9 ${seen}`),
      );
      const [exit] = new RelayLookups(new RelayDirectory({ documents }), lists).ask(asked, undefined, TEN).exits;
      expect(exit).toEqual({
        fingerprint: FIRST_FINGERPRINT,
        nickname: "first",
        counts: true,
        spans: [
          { from: "2026-11-20T09:00:00Z", until: "2026-11-22T08:00:00Z" },
          { from: "2026-11-22T09:00:00Z", until: "2026-11-23T09:00:00Z" },
        ],
      });
    });
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
