import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { parseIpv4 } from "../../src/net/index.js";
import { parseGeoIp } from "../../src/relays/index.js";

const FILE = `# a comment
16777216,16777471,AU
16777472,16778239,cn
3221225984,3221226239,DE\r
4294967294,4294967295,??
`;

function parse(text: string) {
  return parseGeoIp(Buffer.from(text, "latin1"), "geoip");
}

describe("parseGeoIp", () => {
  it.each([
    ["1.0.0.0", "AU"],
    ["1.0.0.255", "AU"],
    ["1.0.1.0", "CN"],
    ["0.255.255.255", undefined],
    ["1.0.4.0", undefined],
    // Above 2^31, where signed words are negative.
    ["192.0.1.255", undefined],
    ["192.0.2.0", "DE"],
    ["192.0.2.255", "DE"],
    ["255.255.255.253", undefined],
    ["255.255.255.255", "??"],
    ["0.0.0.0", undefined],
  ])("%s is in %s", (address, country) => {
    expect(parse(FILE).country(parseIpv4(address)!)).toBe(country);
  });

  it("an empty file knows nothing", () => {
    expect(parse("").country(0)).toBeUndefined();
  });

  it.each([
    ["words", "1,2,DE\nhello\n", /"hello" is no INTIPLOW,INTIPHIGH,CC \(line 2\)/],
    ["tor's geoip6", "2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,JP\n", /INTIPLOW/],
    ["a range that ends before it begins", "2,1,DE\n", /INTIPLOW/],
    ["ranges that overlap", "1,2,DE\n2,3,DE\n", /not in order \(line 2\)/],
    ["numbers beyond IPv4", "1,4294967296,DE\n", /INTIPLOW/],
    ["a long code", "1,2,DEU\n", /INTIPLOW/],
    ["a code of control characters", "1,2,\u001b[\n", /\\x1b/],
    ["missing numbers", ",2,DE\n1,,DE\n", /INTIPLOW/],
  ])("refuses %s", (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).toThrow(LeekError);
  });

  it("gives countries or a typed error for any bytes", () => {
    const lines = fc.array(fc.constantFrom("1,2,DE", "3,9,", "#", "", "5,6,FR\n", ",,", "10,20,US", "\r"), {
      maxLength: 8,
    });
    const outcome = (bytes: Uint8Array) => {
      try {
        parseGeoIp(bytes, "geoip").country(5);
      } catch (error) {
        expect(error).toBeInstanceOf(LeekError);
      }
    };
    fc.assert(fc.property(lines, (some) => outcome(Buffer.from(some.join("\n")))));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), outcome));
  });
});
