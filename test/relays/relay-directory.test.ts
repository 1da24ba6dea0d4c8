import { describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { parseAddress } from "../../src/net/index.js";
import {
  type ConsensusDocument,
  parseBridge,
  parseConsensus,
  RelayDirectory,
  type RelayDirectoryOptions,
  type RelayMatch,
} from "../../src/relays/index.js";
import { FIRST_FINGERPRINT, FRESH_UNTIL, MICRODESC_RELAYS, microdesc, ns, TEN, VALID_UNTIL } from "./documents.js";

const HOUR = 3600;
const DAY = 86400;

function document(text: string, source: string): ConsensusDocument {
  return parseConsensus(Buffer.from(text, "latin1"), source);
}

/** The document of the hours after ten: `relays` may be changed. */
function laterDocument(hours: number, relays = MICRODESC_RELAYS): ConsensusDocument {
  const shift = (text: string, hour: number) =>
    text.replace(`2026-11-22 ${hour}:00:00`, `2026-11-22 ${hour + hours}:00:00`);
  return document(shift(shift(shift(microdesc(relays), 13), 11), 10), `later-${hours}`);
}

function directory(options: RelayDirectoryOptions = {}): RelayDirectory {
  return new RelayDirectory({ documents: [document(microdesc(), "ten")], ...options });
}

function match(
  from: RelayDirectory,
  address: string,
  port: number,
  seconds: number,
  isTcp = true,
): RelayMatch | undefined {
  const { version, a, b, c, d } = parseAddress(address)!;
  return from.match(version, a, b, c, d, port, isTcp, seconds);
}

function kind(from: RelayDirectory, address: string, port: number, seconds: number, isTcp = true): string | undefined {
  return match(from, address, port, seconds, isTcp)?.kind;
}

describe("a consensus in reach", () => {
  it("gives evidence that names relay, document and freshness, and can be written as JSON", () => {
    const expected = {
      kind: "consensus",
      fingerprint: FIRST_FINGERPRINT,
      nickname: "first",
      flags: ["Exit", "Fast", "Guard", "Running", "Stable", "V2Dir", "Valid"],
      freshness: "fresh",
      flavor: "microdesc",
      validAfter: "2026-11-22T10:00:00Z",
      source: "ten",
    };
    expect(match(directory(), "192.0.2.7", 9001, TEN + 60)).toEqual(expected);
    expect(JSON.parse(JSON.stringify(match(directory(), "2001:db8::7", 9001, TEN + 60)))).toEqual(expected);
  });

  it.each([
    [TEN - 241, "consensus-out-of-reach", undefined],
    [TEN - 240, "consensus", "fresh"],
    [FRESH_UNTIL - 1, "consensus", "fresh"],
    [FRESH_UNTIL, "consensus", "valid"],
    [VALID_UNTIL, "consensus", "valid"],
    [VALID_UNTIL + 1, "consensus", "reachable"],
    [VALID_UNTIL + DAY, "consensus", "reachable"],
    [VALID_UNTIL + DAY + 1, "consensus-out-of-reach", undefined],
  ])("at second %d the answer is %s (%s)", (seconds, kind, freshness) => {
    const found = match(directory(), "192.0.2.7", 9001, seconds);
    expect(found?.kind).toBe(kind);
    expect(found?.kind === "consensus" ? found.freshness : undefined).toBe(freshness);
  });

  it("the newest document of the past is believed first, whatever the order of loading", () => {
    const documents = [laterDocument(2), document(microdesc(), "ten"), laterDocument(1), document(ns(), "ten-ns")];
    const all = new RelayDirectory({ documents });
    const sourceAt = (seconds: number) => {
      const found = match(all, "192.0.2.7", 9001, seconds);
      return found?.kind === "consensus" ? found.source : undefined;
    };
    expect(sourceAt(TEN + 60)).toBe("ten");
    expect(sourceAt(TEN + HOUR)).toBe("later-1");
    expect(sourceAt(TEN + 5 * HOUR)).toBe("later-2");
    // Handed out early, but the one before is the one in force.
    expect(sourceAt(TEN + HOUR - 60)).toBe("ten");
  });

  it("a relay that left the newest document is found in an older one within reach", () => {
    const without = MICRODESC_RELAYS.slice(MICRODESC_RELAYS.indexOf("r second2"));
    const both = new RelayDirectory({ documents: [document(microdesc(), "ten"), laterDocument(2, without)] });
    const found = match(both, "192.0.2.7", 9001, TEN + 4 * HOUR);
    expect(found).toMatchObject({ kind: "consensus", source: "ten", freshness: "reachable" });
  });

  it("a relay that only the next document lists is found in the minutes before it begins", () => {
    const moved = MICRODESC_RELAYS.replace("192.0.2.7", "192.0.2.8");
    const both = new RelayDirectory({ documents: [document(microdesc(), "ten"), laterDocument(2, moved)] });
    expect(match(both, "192.0.2.8", 9001, TEN + 2 * HOUR - 240)).toMatchObject({
      kind: "consensus",
      source: "later-2",
    });
    expect(kind(both, "192.0.2.8", 9001, TEN + 2 * HOUR - 241)).toBe("consensus-out-of-reach");
  });
});

describe("what is no Tor link", () => {
  it("a listed address on another port, or over UDP, is its own evidence", () => {
    expect(match(directory(), "192.0.2.7", 22, TEN)).toEqual({
      kind: "relay-address-other-port",
      listing: "consensus",
      fingerprint: FIRST_FINGERPRINT,
      nickname: "first",
      orPort: 9001,
      flavor: "microdesc",
      validAfter: "2026-11-22T10:00:00Z",
      source: "ten",
    });
    expect(kind(directory(), "192.0.2.7", 9001, TEN, false)).toBe("relay-address-other-port");
    expect(kind(directory(), "2001:db8::7", 9030, TEN)).toBe("relay-address-other-port");
  });

  it("a DirPort is told apart, over TCP only", () => {
    expect(match(directory(), "192.0.2.7", 9030, TEN)).toMatchObject({
      kind: "dir-port",
      listing: "consensus",
      fingerprint: FIRST_FINGERPRINT,
    });
    expect(kind(directory(), "192.0.2.7", 9030, TEN, false)).toBe("relay-address-other-port");
  });

  it("a document out of reach says how far", () => {
    const late = match(directory(), "192.0.2.7", 9001, VALID_UNTIL + 3 * DAY);
    expect(late).toMatchObject({ kind: "consensus-out-of-reach", secondsOutOfReach: 2 * DAY, source: "ten" });
    const early = match(directory(), "192.0.2.7", 9001, TEN - 240 - HOUR);
    expect(early).toMatchObject({ kind: "consensus-out-of-reach", secondsOutOfReach: -HOUR });
    expect(kind(directory(), "192.0.2.7", 22, VALID_UNTIL + 3 * DAY)).toBeUndefined();
  });

  it("an address that nobody lists gives nothing", () => {
    expect(match(directory(), "203.0.113.80", 443, TEN)).toBeUndefined();
    expect(match(directory(), "2001:db8::80", 443, TEN)).toBeUndefined();
    expect(match(new RelayDirectory(), "192.0.2.7", 9001, TEN)).toBeUndefined();
  });
});

describe("relays known without a consensus", () => {
  it("authorities: OR port, directory port, other port", () => {
    const none = new RelayDirectory();
    expect(match(none, "131.188.40.189", 443, TEN)).toEqual({
      kind: "authority",
      fingerprint: "F2044413DAC2E02E3D6BCF4735A19BCA1DE97281",
      nickname: "gabelmoo",
      release: "tor 0.4.9.11",
    });
    expect(kind(none, "2001:638:a000:4140::ffff:189", 443, TEN)).toBe("authority");
    expect(match(none, "131.188.40.189", 80, TEN)).toMatchObject({ kind: "dir-port", listing: "authority" });
    // maatuska has them the other way round.
    expect(kind(none, "171.25.193.9", 80, TEN)).toBe("authority");
    expect(kind(none, "171.25.193.9", 443, TEN)).toBe("dir-port");
    expect(match(none, "171.25.193.9", 22, TEN)).toMatchObject({ kind: "relay-address-other-port", orPort: 80 });
  });

  it("an authority that moved counts at its old address only while releases carried it", () => {
    const none = new RelayDirectory();
    const in2020 = Date.UTC(2020, 0, 1) / 1000;
    expect(match(none, "86.59.21.38", 443, in2020)).toMatchObject({ kind: "authority", nickname: "tor26" });
    expect(match(none, "86.59.21.38", 443, TEN)).toMatchObject({
      kind: "former-authority",
      until: "2024-04-10T23:59:59Z",
    });
    expect(kind(none, "86.59.21.38", 22, TEN)).toBeUndefined();
    expect(kind(none, "217.196.147.77", 443, in2020)).toBe("former-authority");
    // moria1 kept its address and changed its ports.
    expect(kind(none, "128.31.0.39", 9101, in2020)).toBe("authority");
    expect(kind(none, "128.31.0.39", 9101, TEN)).toBe("former-authority");
    expect(kind(none, "128.31.0.39", 9201, TEN)).toBe("authority");
  });

  it("fallback directories, by IPv4 and IPv6", () => {
    const none = new RelayDirectory();
    expect(match(none, "64.65.62.122", 443, TEN)).toEqual({
      kind: "fallback",
      fingerprint: "4F067C5C488173987B568CD7245F1CA71DEE996B",
      nickname: undefined,
      release: "tor 0.4.9.11",
    });
    expect(kind(none, "2a03:4000:1d:b7a:782f:17ff:fef0:a708", 9100, TEN)).toBe("fallback");
    expect(kind(none, "64.65.62.122", 443, TEN, false)).toBe("relay-address-other-port");
  });

  it("all 200 fallback directories and all authorities of the tables can be found", () => {
    const seen = new Map<string, number>();
    const none = new RelayDirectory();
    none.known.forEachAddress((a, b, c, d) => {
      const version = a === 0 && b === 0 && c === 0 ? 4 : 6;
      for (const { listing, port } of none.known.at(version, a, b, c, d)) {
        const found = none.match(version, a, b, c, d, port, true, TEN);
        expect(found).toBeDefined();
        seen.set(listing, (seen.get(listing) ?? 0) + 1);
      }
    });
    // 200 with IPv4, 91 of them with IPv6 too.
    expect(seen.get("fallback")).toBe(291);
  });

  it("a configured bridge counts on its port, and a placeholder never", () => {
    const bridges = [
      "198.51.100.9:9443",
      "Bridge obfs4 [2001:db8::b]:443 0123456789abcdef0123456789abcdef01234567 cert=x iat-mode=0",
      "snowflake 192.0.2.3:80 2B280B23E1107BB62ABFC40DDCC8824814F80A72 fingerprint=x url=https://example.org/",
    ].map(parseBridge);
    const some = directory({ bridges });
    expect(match(some, "198.51.100.9", 9443, 0)).toEqual({
      kind: "bridge",
      fingerprint: undefined,
      transport: undefined,
    });
    expect(match(some, "2001:db8::b", 443, 0)).toEqual({
      kind: "bridge",
      fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567",
      transport: "obfs4",
    });
    expect(match(some, "198.51.100.9", 22, 0)).toMatchObject({ kind: "relay-address-other-port", listing: "bridge" });
    expect(match(some, "192.0.2.3", 80, 0)).toBeUndefined();
  });

  it("a consensus says more than a list, so it comes first", () => {
    const relays = MICRODESC_RELAYS.replace("192.0.2.7 9001", "64.65.62.122 443");
    const both = new RelayDirectory({ documents: [document(microdesc(relays), "ten")] });
    expect(kind(both, "64.65.62.122", 443, TEN)).toBe("consensus");
    expect(kind(both, "64.65.62.122", 443, TEN + 9 * DAY)).toBe("fallback");
  });

  it("a private network brings its own authorities", () => {
    const own = new RelayDirectory({
      authorities: [{ nickname: "test001a", address: "198.51.100.1", orPort: 5000, dirPort: 7000 }],
      fallbacks: [],
    });
    expect(kind(own, "198.51.100.1", 5000, TEN)).toBe("authority");
    expect(kind(own, "198.51.100.1", 7000, TEN)).toBe("dir-port");
    expect(kind(own, "131.188.40.189", 443, TEN)).toBeUndefined();
  });
});

describe("coverage", () => {
  const reachFrom = TEN - 240;
  const reachUntil = VALID_UNTIL + DAY;

  it.each([
    ["full", reachFrom, reachUntil, []],
    ["partial", reachFrom - 1, reachUntil, [[reachFrom - 1, reachFrom - 1]]],
    ["partial", reachFrom, reachUntil + 5, [[reachUntil + 1, reachUntil + 5]]],
    [
      "partial",
      reachFrom - 9,
      reachUntil + 9,
      [
        [reachFrom - 9, reachFrom - 1],
        [reachUntil + 1, reachUntil + 9],
      ],
    ],
    ["none", reachFrom - 9, reachFrom - 1, [[reachFrom - 9, reachFrom - 1]]],
    ["none", reachUntil + 1, reachUntil + 1, [[reachUntil + 1, reachUntil + 1]]],
  ])("%s from %d to %d", (level, first, last, gaps) => {
    const coverage = directory().coverage(first, last);
    expect(coverage).toEqual({ level, gaps: gaps.map(([from, until]) => ({ first: from, last: until })) });
    for (const second of [first, last]) {
      const inGap = gaps.some(([from, until]) => second >= from! && second <= until!);
      expect(directory().reaches(second)).toBe(!inGap);
    }
  });

  it("without a document there is none", () => {
    expect(new RelayDirectory().coverage(TEN, TEN).level).toBe("none");
    expect(new RelayDirectory().reaches(TEN)).toBe(false);
  });

  it("documents whose reach overlaps cover without a gap, and a day between them is one", () => {
    const relays = generateRelays({ count: 2 });
    const at = (validAfter: number) => document(formatConsensus(relays, { validAfter }), String(validAfter));
    const days = new RelayDirectory({ documents: [at(TEN + 4 * DAY), at(TEN), at(TEN + DAY)] });
    expect(days.coverage(TEN, TEN + 2 * DAY).level).toBe("full");
    const gap = { first: TEN + 2 * DAY + 3 * HOUR + 1, last: TEN + 4 * DAY - 300 - 1 };
    expect(days.coverage(TEN, TEN + 5 * DAY)).toEqual({ level: "partial", gaps: [gap] });
    expect(days.reaches(gap.first)).toBe(false);
    expect(days.reaches(gap.last + 1)).toBe(true);
  });

  it("documents are summed up in order of time", () => {
    const two = new RelayDirectory({ documents: [laterDocument(1), document(ns(), "ten")] });
    expect(two.documentsFor(undefined)).toMatchObject([
      { source: "ten", flavor: "ns", validAfter: "2026-11-22T10:00:00Z", relays: 2 },
      {
        source: "later-1",
        flavor: "microdesc",
        freshUntil: "2026-11-22T12:00:00Z",
        validUntil: "2026-11-22T14:00:00Z",
      },
    ]);
  });
});

describe("what tor says of itself", () => {
  const fingerprint = "0".repeat(40);
  const connection = { address: parseAddress("203.0.113.9")!, port: 9443, fingerprint, nickname: "own", at: TEN };
  const own = { kind: "tor-control", fingerprint, nickname: "own", at: "2026-11-22T10:00:00Z" };

  it("is the strongest evidence, for relays that nobody lists and for those that a consensus has", () => {
    const unlisted = directory({ connections: [connection] });
    expect(match(unlisted, "203.0.113.9", 9443, TEN)).toEqual(own);
    const listed = directory({ connections: [{ ...connection, address: parseAddress("192.0.2.7")!, port: 9001 }] });
    expect(match(listed, "192.0.2.7", 9001, TEN)).toEqual(own);
  });

  it("holds for that port and TCP only, and not for flows that began more than a day before", () => {
    const asked = directory({ connections: [connection] });
    expect(match(asked, "203.0.113.9", 9443, TEN, false)).toBeUndefined();
    expect(match(asked, "203.0.113.9", 443, TEN)).toBeUndefined();
    expect(match(asked, "203.0.113.9", 9443, TEN - DAY)).toEqual(own);
    expect(match(asked, "203.0.113.9", 9443, TEN - DAY - 1)).toBeUndefined();
  });
});

describe("documents for a report", () => {
  const sources = (directory: RelayDirectory, first: number, last: number) =>
    directory.documentsFor({ first, last }).map(({ source }) => source);

  it("are those that reach the capture, or all where none does", () => {
    const at = (days: number) =>
      document(formatConsensus(generateRelays({ count: 3 }), { validAfter: TEN + days * DAY }), `day-${days}`);
    const directory = new RelayDirectory({ documents: [0, 10, 20].map(at) });
    expect(sources(directory, TEN + 10 * DAY, TEN + 10 * DAY + HOUR)).toEqual(["day-10"]);
    expect(sources(directory, TEN - DAY, TEN + 10 * DAY)).toEqual(["day-0", "day-10"]);
    expect(sources(directory, TEN + 5 * DAY, TEN + 5 * DAY)).toEqual(["day-0", "day-10", "day-20"]);
  });
});

describe("at the size of the public network", () => {
  it("every relay of 9,000 is matched, and no stranger is", () => {
    const relays = generateRelays({ count: 9000, seed: 3 });
    const full = new RelayDirectory({ documents: [document(formatConsensus(relays), "full")], fallbacks: [] });
    const taken = new Set<string>();
    for (const { address, orPort, fingerprint } of relays) {
      taken.add(address);
      const found = match(full, address, orPort, TEN);
      if (found?.kind !== "consensus" || found.fingerprint !== fingerprint) expect.fail(`${address}:${orPort}`);
    }
    // The generator's addresses begin with 20 to 79.
    for (let i = 0; i < 9000; i++) {
      const address = `${100 + (i % 90)}.${i & 255}.${(i * 7) & 255}.${(i * 13) & 255}`;
      if (kind(full, address, 443, TEN) !== undefined && !AUTHORITY_ADDRESSES.test(address)) expect.fail(address);
    }
  });
});

const AUTHORITY_ADDRESSES = /^(128\.31|131\.188|171\.25|154\.35|216|217|193|194|199|204|208)\./;
