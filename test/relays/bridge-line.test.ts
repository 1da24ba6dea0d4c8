import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { formatBridge, parseBridge } from "../../src/relays/index.js";

const HEX = "0123456789ABCDEF0123456789ABCDEF01234567";

describe("parseBridge", () => {
  it.each([
    ["198.51.100.7:9443", "198.51.100.7:9443", undefined, undefined],
    ["[2001:db8::7]:9443", "[2001:db8::7]:9443", undefined, undefined],
    ["198.51.100.7", "198.51.100.7:443", undefined, undefined],
    ["[2001:db8::7]", "[2001:db8::7]:443", undefined, undefined],
    [`Bridge 198.51.100.7:9443 ${HEX}`, "198.51.100.7:9443", undefined, HEX],
    ["bridge 198.51.100.7 0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567", "198.51.100.7:443", undefined, HEX],
    [`  Bridge\tobfs4  198.51.100.7:9443 ${HEX} cert=a/b+c iat-mode=0 `, "198.51.100.7:9443", "obfs4", HEX],
    ["obfs4 198.51.100.7:9443 cert=x", "198.51.100.7:9443", "obfs4", undefined],
    [`obfs4 198.51.100.7:9443 $${HEX}`, "198.51.100.7:9443", "obfs4", HEX],
  ])("reads %j", (text, endpoint, transport, fingerprint) => {
    const bridge = parseBridge(text);
    expect(formatBridge(bridge)).toBe(endpoint);
    expect(bridge).toMatchObject({ transport, fingerprint, isPlaceholder: false });
  });

  it.each(["snowflake 192.0.2.3:80", "meek_lite 192.0.2.20:80 url=https://x", "webtunnel [2001:db8::1]:443"])(
    "%j only fills the place of an address",
    (text) => expect(parseBridge(text).isPlaceholder).toBe(true),
  );

  it.each([
    "",
    "Bridge",
    "obfs4",
    "example.org:443",
    "198.51.100.7:0",
    "198.51.100.7:99999",
    "198.51.100.7:443 zz",
    "\x1b[2J",
  ])("%j is refused, quoted without its control characters", (text) => {
    expect(() => parseBridge(text)).toThrow(expect.objectContaining({ code: "LEEK_BRIDGE_MALFORMED", kind: "usage" }));
    expect(() => parseBridge(text)).not.toThrow(/\x1b/);
  });

  it("any text gives a bridge or a typed error", () => {
    const words = fc.constantFrom("Bridge", "obfs4", "1.2.3.4:5", "[::1]:9", HEX, "a=b", " ", "[", "]", ":");
    const line = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 7 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(line, (text) => {
        try {
          expect(parseBridge(text).port).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(LeekError);
        }
      }),
    );
  });
});
