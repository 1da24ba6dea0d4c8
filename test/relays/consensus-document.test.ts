import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatConsensus, generateRelays } from "../../bench/consensus-generator.mjs";
import { LeekError } from "../../src/base/index.js";
import { parseAddress } from "../../src/net/index.js";
import { type ConsensusDocument, parseConsensus } from "../../src/relays/index.js";
import {
  FIRST_FINGERPRINT,
  FOOTER,
  FRESH_UNTIL,
  MICRODESC_RELAYS,
  microdesc,
  NS_RELAYS,
  ns,
  PREAMBLE_TAIL,
  SECOND_FINGERPRINT,
  TEN,
  VALID_UNTIL,
} from "./documents.js";

function parse(text: string): ConsensusDocument {
  return parseConsensus(Buffer.from(text, "latin1"), "test.consensus");
}

function find(consensus: ConsensusDocument, address: string, port: number): number {
  const { version, a, b, c, d } = parseAddress(address)!;
  return consensus.lookup(version, a, b, c, d, port);
}

function errorOf(read: () => unknown): LeekError {
  try {
    read();
  } catch (error) {
    if (error instanceof LeekError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("both flavors", () => {
  it.each([
    ["microdesc", microdesc()],
    ["ns", ns()],
    ["ns", ns().replace("version 3\n", "version 3 ns\n")],
  ])("a %s consensus gives its relays with all that the entry says", (flavor, text) => {
    const consensus = parse(text);
    expect(consensus).toMatchObject({
      source: "test.consensus",
      flavor,
      validAfter: TEN,
      freshUntil: FRESH_UNTIL,
      validUntil: VALID_UNTIL,
      distSeconds: 240,
      relayCount: 2,
      anomalies: { malformedRelays: 0, malformedOrAddresses: 0, notRunning: 0 },
    });
    expect(consensus.relay(0)).toEqual({
      nickname: "first",
      fingerprint: FIRST_FINGERPRINT,
      flags: ["Exit", "Fast", "Guard", "Running", "Stable", "V2Dir", "Valid"],
      address: "192.0.2.7",
      orPort: 9001,
      dirPort: 9030,
      orAddresses: [{ address: "2001:db8::7", port: 9001 }],
    });
    expect(consensus.relay(1)).toEqual({
      nickname: "second2",
      fingerprint: SECOND_FINGERPRINT,
      flags: ["Running", "Valid"],
      address: "198.51.100.200",
      orPort: 443,
      dirPort: undefined,
      orAddresses: [],
    });
  });

  it("a relay is found by address and OR port only", () => {
    const consensus = parse(microdesc());
    expect(find(consensus, "192.0.2.7", 9001)).toBe(0);
    expect(find(consensus, "2001:db8::7", 9001)).toBe(0);
    expect(find(consensus, "198.51.100.200", 443)).toBe(1);
    expect(find(consensus, "192.0.2.7", 443)).toBe(-1);
    expect(find(consensus, "192.0.2.7", 9030)).toBe(-1);
    expect(find(consensus, "192.0.2.8", 9001)).toBe(-1);
    expect(find(consensus, "2001:db8::8", 9001)).toBe(-1);
    expect(find(consensus, "::c000:207", 9001)).toBe(-1);
  });

  it("several relays at one address are told apart by port", () => {
    const more = MICRODESC_RELAYS.replace("198.51.100.200 443", "192.0.2.7 443");
    const consensus = parse(microdesc(more));
    expect(find(consensus, "192.0.2.7", 9001)).toBe(0);
    expect(find(consensus, "192.0.2.7", 443)).toBe(1);
    const { d } = parseAddress("192.0.2.7")!;
    expect(consensus.lookupAddress(4, 0, 0, 0, d)).toEqual([1, 0]);
  });

  it("an OR port of 0 is no endpoint", () => {
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace("192.0.2.7 9001", "192.0.2.7 0")));
    expect(consensus.relayCount).toBe(2);
    expect(find(consensus, "192.0.2.7", 0)).toBe(-1);
  });
});

describe("what dir-spec says to ignore", () => {
  it.each([
    ["annotation lines in front", `@type network-status-microdesc-consensus-3 1.0\n@source x\n${microdesc()}`],
    ["unknown keywords", microdesc().replace("w Bandwidth=1\n", "w Bandwidth=1\nnew-thing 1 2 3\nz\n")],
    ["extra arguments of the r line", microdesc().replace("9001 9030", "9001 9030 more 1")],
    ["extra arguments of the a line", microdesc().replace("::7]:9001", "::7]:9001 more")],
    [
      "extra arguments of preamble lines",
      microdesc().replace("300 240", "300 240 9").replace("10:00:00\n", "10:00:00 x\n"),
    ],
    ["a line longer than any buffer", microdesc().replace("params ", `params ${"x=1 ".repeat(50_000)}`)],
    ["a bandwidth-weights line that never ends in a newline", microdesc(undefined, undefined, "directory-footer")],
    ["an a line after the s line", microdesc(moveOrAddress(MICRODESC_RELAYS))],
  ])("%s", (_what, text) => {
    const consensus = parse(text);
    expect(consensus.relayCount).toBe(2);
    expect(find(consensus, "2001:db8::7", 9001)).toBe(0);
    expect(find(consensus, "192.0.2.7", 9001)).toBe(0);
    expect(consensus.anomalies.malformedRelays).toBe(0);
  });

  it("the flavor's layout may be contradicted by the line itself", () => {
    const consensus = parse(microdesc(NS_RELAYS));
    expect(find(consensus, "198.51.100.200", 443)).toBe(1);
    expect(find(parse(ns(MICRODESC_RELAYS)), "198.51.100.200", 443)).toBe(1);
  });

  it("documents from before 2010 end in their signatures, without a footer line", () => {
    expect(parse(microdesc().replace(/directory-footer\nbandwidth-weights .*\n/, "")).relayCount).toBe(2);
  });

  it("relays that come after the footer are no relays: nobody signed them", () => {
    expect(parse(microdesc("", undefined, FOOTER + MICRODESC_RELAYS + FOOTER)).relayCount).toBe(0);
  });
});

function moveOrAddress(relays: string): string {
  return relays
    .replace("a [2001:db8::7]:9001\n", "")
    .replace("w Bandwidth=1000\n", "w Bandwidth=1000\na [2001:db8::7]:9001\n");
}

describe("relays that cannot be used", () => {
  it.each([
    ["a nickname of 20 characters", "first", "a".repeat(20)],
    ["a nickname with other characters", "first", "fir\x1bst"],
    ["an identity that is too short", "AAECAwQFBgcICQoLDA0ODxAREhM", "AAECAwQFBgcICQoLDA0ODxAREh"],
    ["an identity outside the alphabet", "AAECAwQFBgcICQoLDA0ODxAREhM", "AAECAwQFBgcICQoLDA0ODxARE-M"],
    ["an identity with bits left over", "AAECAwQFBgcICQoLDA0ODxAREhM", "AAECAwQFBgcICQoLDA0ODxAREhN"],
    ["an address with a part above 255", "192.0.2.7", "192.0.2.700"],
    ["an address with three parts", "192.0.2.7", "192.0.2"],
    ["a port above 65535", "9001 9030", "65536 9030"],
    ["a port that is a word", "9001 9030", "9001 none"],
    ["too few words", "192.0.2.7 9001 9030", "192.0.2.7 9001"],
    ["no s line", "s Exit Fast Guard Running Stable V2Dir Valid\n", ""],
  ])("%s is counted, and the other relays stay", (_what, from, to) => {
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace(from, to)));
    expect(consensus.relayCount).toBe(1);
    expect(consensus.anomalies).toEqual({ malformedRelays: 1, malformedOrAddresses: 0, notRunning: 0 });
    expect(find(consensus, "192.0.2.7", 9001)).toBe(-1);
    expect(find(consensus, "2001:db8::7", 9001)).toBe(-1);
    expect(find(consensus, "198.51.100.200", 443)).toBe(0);
  });

  it("a relay without the flag Running is not found by its address, and counted", () => {
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace("s Running Valid", "s NotRunning Valid")));
    expect(consensus.relayCount).toBe(1);
    expect(consensus.anomalies.notRunning).toBe(1);
    expect(find(consensus, "198.51.100.200", 443)).toBe(-1);
  });

  it.each([
    "a 2001:db8::7:9001",
    "a [2001:db8::7]",
    "a [2001:db8::7]:0",
    "a [2001:db8::7]:65536",
    "a [2001:db8:::7]:9001",
    "a [1:2:3:4:5:6:7]:9001",
    "a [1:2:3:4:5:6:7:8:9]:9001",
    "a [12345::]:9001",
    "a []:9001",
    "a ",
  ])("the OR address %j is counted, and the relay stays", (line) => {
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace("a [2001:db8::7]:9001", line)));
    expect(consensus.relayCount).toBe(2);
    expect(consensus.anomalies.malformedOrAddresses).toBe(1);
    expect(find(consensus, "192.0.2.7", 9001)).toBe(0);
  });

  it("an additional OR address may be IPv4, and there may be several", () => {
    const lines = "a 203.0.113.9:444\na [2001:db8::7]:9001\na [2001:db8::9]:443";
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace("a [2001:db8::7]:9001", lines)));
    for (const address of ["203.0.113.9", "2001:db8::7", "2001:db8::9"]) {
      const { version, a, b, c, d } = parseAddress(address)!;
      expect(consensus.lookupAddress(version, a, b, c, d)).toEqual([0]);
    }
    expect(consensus.relay(0).orAddresses).toHaveLength(3);
  });

  it("OR addresses after the eighth of a relay are counted, so that a document cannot fill the memory with them", () => {
    const lines = Array.from({ length: 20 }, (_, i) => `a [2001:db8::${i + 1}]:443`).join("\n");
    const consensus = parse(microdesc(MICRODESC_RELAYS.replace("a [2001:db8::7]:9001", lines)));
    expect(consensus.anomalies.malformedOrAddresses).toBe(12);
    expect(consensus.relay(0).orAddresses).toHaveLength(8);
  });
});

describe("documents that are refused", () => {
  it.each([
    ["a vote", "vote-status consensus", "vote-status vote", "LEEK_CONSENSUS_IS_VOTE"],
    ["another version", "network-status-version 3", "network-status-version 2", "LEEK_CONSENSUS_UNKNOWN"],
    ["another flavor", "3 microdesc", "3 sausage", "LEEK_CONSENSUS_UNKNOWN"],
    ["a server descriptor", "network-status-version 3 microdesc", "router x 192.0.2.1 1 0 0", "LEEK_CONSENSUS_UNKNOWN"],
    ["no vote-status", "vote-status consensus\n", "", "LEEK_CONSENSUS_MALFORMED"],
    ["no valid-after", "valid-after 2026-11-22 10:00:00\n", "", "LEEK_CONSENSUS_MALFORMED"],
    ["no voting-delay", "voting-delay 300 240\n", "", "LEEK_CONSENSUS_MALFORMED"],
    [
      "a second valid-after",
      "fresh-until 2026",
      "valid-after 2026-11-22 10:00:00\nfresh-until 2026",
      "LEEK_CONSENSUS_MALFORMED",
    ],
    ["a day that does not exist", "valid-until 2026-11-22", "valid-until 2026-11-31", "LEEK_CONSENSUS_MALFORMED"],
    ["a time without seconds", "11:00:00", "11:00", "LEEK_CONSENSUS_MALFORMED"],
    ["times out of order", "fresh-until 2026-11-22", "fresh-until 2026-11-23", "LEEK_CONSENSUS_MALFORMED"],
    ["a voting-delay of one number", "voting-delay 300 240", "voting-delay 300", "LEEK_CONSENSUS_MALFORMED"],
    [
      "carriage returns",
      "valid-after 2026-11-22 10:00:00",
      "valid-after 2026-11-22 10:00:00\r",
      "LEEK_CONSENSUS_MALFORMED",
    ],
    ["one cut off before its footer", FOOTER, "", "LEEK_CONSENSUS_MALFORMED"],
  ])("%s", (_what, from, to, code) => {
    expect(errorOf(() => parse(microdesc().replace(from, to)))).toMatchObject({ code, kind: "bad-data" });
  });

  it.each(["", "\n", "@type network-status-consensus-3 1.0\n", "\0\0\0\0"])("%j is not a consensus", (text) => {
    expect(errorOf(() => parse(text)).code).toBe("LEEK_CONSENSUS_UNKNOWN");
  });

  it("one of whose relays none can be read names the first of them", () => {
    const relays = MICRODESC_RELAYS.replaceAll(/^(r .*) (\d+) (\d+)$/gm, "$1 port $3");
    const error = errorOf(() => parse(microdesc(relays)));
    expect(error.message).toBe(
      "Cannot read consensus test.consensus: no relay in it can be read, starting with this one " +
        '(line 16: "r first AAECAwQFBgcICQoLDA0ODxAREhM 2038-01-01 00:00:00 192.0.2.7 port 9030").',
    );
  });

  it("the message quotes the line with its number, escaped and cut", () => {
    const wrong = `valid-after \x1b[31m${"x".repeat(1000)}`;
    const error = errorOf(() => parse(microdesc().replace("valid-after 2026-11-22 10:00:00", wrong)));
    expect(error.message).toBe(
      `Cannot read consensus test.consensus: valid-after is not a time (line 4: "valid-after \\x1b[31m${"x".repeat(103)}...").`,
    );
  });

  it("one larger than 32 MiB, before a byte of it is read", () => {
    const error = errorOf(() => parseConsensus(new Uint8Array(32 * 2 ** 20 + 1), "big"));
    expect(error.code).toBe("LEEK_CONSENSUS_TOO_LARGE");
  });
});

describe("generated documents", () => {
  const relays = generateRelays({ count: 9000, seed: 7 });

  it.each(["ns", "microdesc"] as const)("all 9,000 relays of a %s consensus come back as they went in", (flavor) => {
    const text = formatConsensus(relays, { flavor, annotated: true });
    const consensus = parse(text);
    expect(consensus.relayCount).toBe(text.match(/^r /gm)?.length);
    for (const [index, relay] of relays.entries()) {
      const found = consensus.relay(index);
      // One comparison of text per relay: 9,000 deep comparisons take vitest seconds.
      const orAddresses = relay.ipv6 === undefined ? [] : [relay.ipv6];
      const { nickname, fingerprint, flags, address, orPort } = relay;
      const dirPort = relay.dirPort === 0 ? undefined : relay.dirPort;
      const expected = { nickname, fingerprint, flags, address, orPort, dirPort, orAddresses };
      if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found).toEqual(expected);
      if (find(consensus, address, orPort) !== index) expect.fail(`${address}:${orPort} is not relay ${index}`);
      if (relay.ipv6 !== undefined && find(consensus, relay.ipv6.address, relay.ipv6.port) !== index)
        expect.fail(`${relay.ipv6.address} is not relay ${index}`);
    }
  });

  it("any address text that Node takes for IPv6 is read to the same words, and no other", () => {
    const text = fc.oneof(
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{1,24}$/),
      fc.ipV4().map((ipv4) => `::ffff:${ipv4}`),
      fc
        .array(fc.constantFrom("0", "1", "db8", ":", "::", "1.2.3.4", "ffff"), { maxLength: 9 })
        .map((parts) => parts.join(":")),
    );
    fc.assert(
      fc.property(text, (address) => {
        const lines = MICRODESC_RELAYS.replace("[2001:db8::7]", `[${address}]`);
        const consensus = parse(microdesc(lines));
        const expected = address.includes("%") ? undefined : parseAddress(address);
        if (expected?.version === 6) {
          const { a, b, c, d } = expected;
          expect(consensus.lookup(6, a, b, c, d, 9001)).toBe(0);
        } else expect(consensus.anomalies.malformedOrAddresses).toBe(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe("hostile documents", () => {
  function readOrRefuse(bytes: Uint8Array): void {
    let consensus: ConsensusDocument;
    try {
      consensus = parseConsensus(bytes, "hostile");
    } catch (error) {
      if (error instanceof LeekError) return;
      throw error;
    }
    for (let i = 0; i < consensus.relayCount; i++) consensus.relay(i);
  }

  it("random bytes give a document or a typed error", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), readOrRefuse), { numRuns: 500 });
    const afterPreamble = Buffer.from(`network-status-version 3 microdesc\n${PREAMBLE_TAIL}`);
    const footer = Buffer.from(`\n${FOOTER}`);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) =>
        readOrRefuse(Buffer.concat([afterPreamble, bytes, footer])),
      ),
      { numRuns: 500 },
    );
  });

  it("mutated documents give a document or a typed error", () => {
    const original = Buffer.from(microdesc());
    const edit = fc.record({
      at: fc.nat(original.length - 1),
      remove: fc.nat(20),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc.constantFrom("\n", " ", "r ", "\nr ", "\na [", "\ns ", ":").map((s) => Buffer.from(s)),
      ),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        let bytes = original;
        for (const { at, remove, insert } of edits)
          bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
        readOrRefuse(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it("every prefix of a document is refused, or says all that the document says", () => {
    const text = microdesc();
    for (let length = 0; length < text.length; length++) {
      try {
        expect(parse(text.slice(0, length)).relayCount).toBe(2);
      } catch (error) {
        if (!(error instanceof LeekError)) throw error;
      }
    }
  });

  it.each([
    ["relays at one address", (i: number) => relayLine("192.0.2.7", 1 + (i % 65535)) + S_LINE],
    ["relays with one endpoint", () => relayLine("192.0.2.7", 1) + S_LINE],
    [
      "relays with eight addresses each",
      (i: number) => relayLine("192.0.2.7", 1) + `a [::${(i % 65535).toString(16)}]:1\n`.repeat(8) + S_LINE,
    ],
    ["relays each with its own flags", (i: number) => `${relayLine("192.0.2.7", 1)}s Running F${i}\n`],
    ["relays that cannot be read", () => "r \n"],
    ["empty lines", () => "\n"],
    ["one entry with lines of 1 MB", (i: number) => (i === 0 ? relayLine("192.0.2.7", 1) : `x ${"y".repeat(1e6)}\n`)],
    ["entries with a line of 1 MB", () => `${relayLine("192.0.2.7", 1)}m ${"y".repeat(1e6)}\n${S_LINE}`],
    ["one r line", (i: number) => (i === 0 ? "r " : "x ".repeat(5e5))],
    ["lines of one space", () => "r \ns \na \n"],
  ])("8 MB of %s are read in time and memory like any other 8 MB", (_what, entry) => {
    const parts: string[] = [];
    for (let length = 0, i = 0; length < 8e6; i++) {
      const next = entry(i);
      parts.push(next);
      length += next.length;
    }
    const bytes = Buffer.from(microdesc(parts.join("")), "latin1");
    const before = process.memoryUsage();
    const start = performance.now();
    readBounded(bytes);
    // Some 200 ms here; a quadratic reader would take minutes.
    expect(performance.now() - start).toBeLessThan(5000);
    const after = process.memoryUsage();
    const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
    expect(grown).toBeLessThan(20 * bytes.length);
  });

  function readBounded(bytes: Uint8Array): void {
    try {
      const consensus = parseConsensus(bytes, "hostile");
      for (let port = 0; port < 20_000; port++) consensus.lookup(4, 0, 0, 0, parseAddress("192.0.2.7")!.d, port);
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
    }
  }

  const S_LINE = "s Running\n";

  function relayLine(address: string, port: number): string {
    return `r x AAECAwQFBgcICQoLDA0ODxAREhM 2038-01-01 00:00:00 ${address} ${port} 0\n`;
  }
});

describe("real documents", () => {
  const folder = join(import.meta.dirname, "../../fixtures/consensus");
  const names = existsSync(folder)
    ? readdirSync(folder).filter((name) => /consensus/.test(name) && !/\.(md|json|txt)$/.test(name))
    : [];

  it("every consensus in fixtures/ gives as many relays as it has r lines, and no anomaly", () => {
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      if (!bytes.subarray(0, 200).includes("network-status-version 3")) continue;
      const consensus = parseConsensus(bytes, name);
      expect(consensus.relayCount).toBe(bytes.toString("latin1").match(/^r /gm)?.length);
      expect(consensus.anomalies).toEqual({ malformedRelays: 0, malformedOrAddresses: 0, notRunning: 0 });
    }
  });
});
