import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { parseIpv4 } from "../../src/net/index.js";
import { looksLikeExitList, MAX_EXIT_LIST_BYTES, parseExitList } from "../../src/relays/index.js";
import { FIRST_FINGERPRINT, SECOND_FINGERPRINT, TEN } from "./documents.js";

const LIST = `@type tordnsel 1.0
Downloaded 2026-11-22 10:02:00
ExitNode ${FIRST_FINGERPRINT}
Published 2026-11-22 03:11:45
LastStatus 2026-11-22 09:00:00
ExitAddress 192.0.2.7 2026-11-22 09:07:03
ExitAddress 203.0.113.9 2026-11-21 21:00:00
ExitNode ${SECOND_FINGERPRINT.toLowerCase()}
Published 2026-11-21 20:00:00
LastStatus 2026-11-22 09:00:00
ExitAddress 198.51.100.200 2026-11-22 08:59:59
`;

function parse(text: string) {
  return parseExitList(Buffer.from(text, "latin1"), "list");
}

describe("parseExitList", () => {
  it("gives each address with its relay and the time of the probe", () => {
    expect(parse(LIST)).toEqual({
      downloaded: TEN + 120,
      addresses: [
        { fingerprint: FIRST_FINGERPRINT, address: parseIpv4("192.0.2.7"), seen: TEN - 52 * 60 - 57 },
        { fingerprint: FIRST_FINGERPRINT, address: parseIpv4("203.0.113.9"), seen: TEN - 13 * 3600 },
        { fingerprint: SECOND_FINGERPRINT, address: parseIpv4("198.51.100.200"), seen: TEN - 3601 },
      ],
    });
  });

  it("reads lines that end with CR LF, without annotation, and without the last line's end", () => {
    expect(parse(LIST.replaceAll("\n", "\r\n"))).toEqual(parse(LIST));
    expect(parse(LIST.slice(LIST.indexOf("Downloaded"), -1))).toEqual(parse(LIST));
  });

  it("without the time of the download, the last probe's time counts", () => {
    expect(parse(LIST.replace(/Downloaded.*\n/, "")).downloaded).toBe(TEN - 52 * 60 - 57);
  });

  it("passes over what it does not know: other keywords, more words, IPv6 addresses", () => {
    const more = LIST.replace("Published", "Colour green\nPublished")
      .replace("09:07:03", "09:07:03 and more")
      .replace("ExitAddress 203", "ExitAddress 2001:db8::9 2026-11-22 09:00:00\nExitAddress 203");
    expect(parse(more)).toEqual(parse(LIST));
  });

  it.each([
    ["no times", "", /it has no times/],
    ["an address of nobody", "Downloaded 2026-11-22 10:02:00\nExitAddress 192.0.2.7 2026-11-22 09:00:00\n", /line 2/],
    ["a short fingerprint", LIST.replace(FIRST_FINGERPRINT, "00"), /names no relay/],
    ["an address that is none", LIST.replace("192.0.2.7", "192.0.2.700"), /no IPv4 address \(line 6/],
    ["a day that is none", LIST.replace("2026-11-22 09:07:03", "2026-11-31 09:07:03"), /time cannot be read/],
    ["a download at no time", LIST.replace("10:02:00", "25:02:00"), /time cannot be read/],
    ["text that would move the cursor", LIST.replace("192.0.2.7", "\u001b[2K"), /\\x1b\[2K/],
  ])("refuses %s", (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(LeekError);
  });

  it("refuses what is too large, by bytes and by addresses", () => {
    expect(() => parseExitList(new Uint8Array(MAX_EXIT_LIST_BYTES + 1), "list")).toThrow(/larger than/);
    const line = "ExitAddress 192.0.2.7 2026-11-22 09:07:03\n";
    expect(() => parse(`ExitNode ${FIRST_FINGERPRINT}\n${line.repeat(200_001)}`)).toThrow(/more than 200000/);
  });

  it("takes no more than its time for one line of 8 MB, or millions of empty ones", () => {
    const begun = performance.now();
    expect(parse(`${LIST}${"x".repeat(8 << 20)}`).addresses).toHaveLength(3);
    expect(parse(`${LIST}${"\n".repeat(4 << 20)}`).addresses).toHaveLength(3);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it("gives a list or a typed error for any prefix and any mutation", () => {
    const bytes = Buffer.from(LIST, "latin1");
    const outcome = (some: Uint8Array) => {
      try {
        parseExitList(some, "list");
      } catch (error) {
        expect(error).toBeInstanceOf(LeekError);
      }
    };
    for (let length = 0; length < bytes.length; length++) outcome(bytes.subarray(0, length));
    const mutation = fc.record({ at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 5 }), (mutations) => {
        const some = Buffer.from(bytes);
        for (const { at, value } of mutations) some[at] = value;
        outcome(some);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), outcome));
  });
});

describe("looksLikeExitList", () => {
  it.each([
    [LIST, true],
    [LIST.slice(LIST.indexOf("Downloaded")), true],
    [LIST.slice(LIST.indexOf("ExitNode")), true],
    ["network-status-version 3\n", false],
    ["ExitNodes {de}\n", false],
    ["", false],
  ])("of %j: %s", (text, expected) => {
    expect(looksLikeExitList(Buffer.from(text))).toBe(expected);
  });
});
