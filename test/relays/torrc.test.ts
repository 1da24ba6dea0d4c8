import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { formatBridge, parseAuthority, parseTorrc } from "../../src/relays/index.js";
import { FIXTURES } from "../support/leek.js";

const IDENTITY = "A88891293E6097A1C437A738D0D8B094CAD629E2";
const FINGERPRINT = "4A54CFD7BBE0E6AB5E7809A2572834BF2DC07D28";
const LINE = `DirAuthority authority1 orport=5000 v3ident=${IDENTITY} 198.51.100.11:7000 ${FINGERPRINT}`;

describe("a torrc", () => {
  it("names the authorities of a private network", () => {
    const { authorities } = parseTorrc(readFileSync(join(FIXTURES, "torrc-authorities"), "utf8"));
    expect(authorities).toHaveLength(3);
    expect(authorities[0]).toEqual({
      nickname: "authority1",
      v3Identity: IDENTITY,
      fingerprint: FINGERPRINT,
      address: "198.51.100.11",
      orPort: 5000,
      dirPort: 7000,
    });
  });

  it("is read as tor reads it: any case, comments, continued lines, other options", () => {
    const { authorities, bridges, fallbacks, includes } = parseTorrc(
      [
        "# DirAuthority not 1.2.3.4:80 00",
        "SocksPort 9050",
        "usebridges 1",
        "  BRIDGE obfs4 192.0.2.7:9443 0123456789abcdef0123456789abcdef01234567 cert=x iat-mode=0 # mine",
        "Bridge [2001:db8::7]:443",
        "dirauthority one \\",
        "# in between",
        `  v3ident=${IDENTITY} ipv6=[2001:db8::1]:443 192.0.2.1:80 ${FINGERPRINT.replace(/(.{4})/g, "$1 ")}`,
        `FallbackDir 192.0.2.9:80 orport=9001 id=${FINGERPRINT} ipv6=[2001:db8::9]:9001`,
        "%include /etc/tor/torrc.d/",
      ].join("\r\n"),
    );
    expect(bridges.map(formatBridge)).toEqual(["192.0.2.7:9443", "[2001:db8::7]:443"]);
    expect(authorities).toEqual([
      {
        nickname: "one",
        v3Identity: IDENTITY,
        fingerprint: FINGERPRINT,
        address: "192.0.2.1",
        dirPort: 80,
        ipv6: "[2001:db8::1]:443",
      },
    ]);
    expect(fallbacks).toEqual([{ fingerprint: FINGERPRINT, orEndpoints: ["192.0.2.9:9001", "[2001:db8::9]:9001"] }]);
    expect(includes).toEqual(["/etc/tor/torrc.d/"]);
  });

  it.each([
    [LINE.replace("198.51.100.11:7000 ", ""), "no IPv4 address and port"],
    [LINE.replace(":7000", ""), "no IPv4 address and port"],
    [LINE.replace("v3ident=A8", "v3ident=A"), "v3ident is not 40 hex digits"],
    [LINE.replace("5000", "70000"), "orport is no port"],
    [LINE.slice(0, -1), "its fingerprint is not 40 hex digits"],
    [LINE.replace("authority1", "authority-1"), "its nickname is none"],
    [LINE.replace("orport=5000", "ipv6=2001:db8::1"), "ipv6 is no [address]:port"],
    ["DirAuthority", "no IPv4 address and port"],
  ])("refuses %j", (line, problem) => {
    expect(() => parseTorrc(line.includes(" ") ? line : `${line} x`)).toThrow(problem);
    expect(() => parseAuthority(line)).toThrow(expect.objectContaining({ code: "LEEK_AUTHORITY_MALFORMED" }));
  });

  it("of any text is read, or refused with an error that names the line", () => {
    const word = fc.oneof(
      fc.constantFrom("DirAuthority", "Bridge", "FallbackDir", "\\\n", "#", "=", "192.0.2.1:80"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          parseTorrc(words.join(" "));
        } catch (error) {
          expect(error).toBeInstanceOf(LeekError);
        }
      }),
    );
  });
});
