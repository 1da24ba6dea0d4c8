import { describe, expect, it } from "vitest";
import type { Evidence, FlowClass } from "../../src/classify/index.js";
import { flowComment } from "../../src/report/index.js";

const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567";
const DOCUMENT = { flavor: "microdesc", validAfter: "2026-11-22T10:00:00Z", source: "a/consensus" } as const;

function comment(flowClass: FlowClass, evidence: Evidence, ...names: string[]): string {
  return flowComment({ flowClass, evidence: [evidence] }, names);
}

describe("flowComment", () => {
  it.each<[string, FlowClass, Evidence, string[]]>([
    [
      `leek: tor, relay test003r $${FINGERPRINT} (Guard, Running), consensus valid-after 2026-11-22T10:00:00Z`,
      "tor",
      {
        kind: "consensus",
        fingerprint: FINGERPRINT,
        nickname: "test003r",
        flags: ["Guard", "Running"],
        freshness: "fresh",
        ...DOCUMENT,
      },
      [],
    ],
    [
      `leek: tor, relay test003r $${FINGERPRINT} (), consensus valid-after 2026-11-22T10:00:00Z, ` +
        "listed until 2026-11-22 11:00 UTC",
      "tor",
      {
        kind: "consensus",
        fingerprint: FINGERPRINT,
        nickname: "test003r",
        flags: [],
        freshness: "valid",
        listedUntil: "2026-11-22T11:00:00Z",
        ...DOCUMENT,
      },
      [],
    ],
    [
      `leek: tor, bridge $${FINGERPRINT} (obfs4)`,
      "tor",
      { kind: "bridge", fingerprint: FINGERPRINT, transport: "obfs4" },
      [],
    ],
    ["leek: tor, bridge", "tor", { kind: "bridge", fingerprint: undefined, transport: undefined }, []],
    [
      `leek: tor, authority moria1 $${FINGERPRINT}, built into tor 0.4.9.11`,
      "tor",
      { kind: "authority", fingerprint: FINGERPRINT, nickname: "moria1", release: "tor 0.4.9.11" },
      [],
    ],
    [
      `leek: tor, fallback $${FINGERPRINT}, built into tor 0.4.9.11`,
      "tor",
      { kind: "fallback", fingerprint: FINGERPRINT, release: "tor 0.4.9.11" },
      [],
    ],
    [
      `leek: clearnet, relay-address-other-port, relay test003r $${FINGERPRINT} (OR port 9001), ` +
        "consensus valid-after 2026-11-22T10:00:00Z, www.example.org",
      "clearnet",
      {
        kind: "relay-address-other-port",
        listing: "consensus",
        fingerprint: FINGERPRINT,
        nickname: "test003r",
        orPort: 9001,
        ...DOCUMENT,
      },
      ["www.example.org"],
    ],
    [
      "leek: clearnet, dir-port, authority moria1",
      "clearnet",
      { kind: "dir-port", listing: "authority", fingerprint: undefined, nickname: "moria1" },
      [],
    ],
    [
      `leek: clearnet, consensus-out-of-reach, relay test003r $${FINGERPRINT}, consensus valid-after 2026-11-22T10:00:00Z`,
      "clearnet",
      {
        kind: "consensus-out-of-reach",
        fingerprint: FINGERPRINT,
        nickname: "test003r",
        flags: [],
        secondsOutOfReach: 5,
        ...DOCUMENT,
      },
      [],
    ],
    [
      "leek: clearnet, former-authority tor26",
      "clearnet",
      { kind: "former-authority", fingerprint: undefined, nickname: "tor26", since: undefined, until: "2020-01-01" },
      [],
    ],
    ["leek: clearnet, www.example.org", "clearnet", { kind: "not-listed" }, ["www.example.org"]],
    ["leek: clearnet, no-document", "clearnet", { kind: "no-document" }, []],
    ["leek: clearnet, tunnel of IP protocol 47", "clearnet", { kind: "tunnel", protocol: 47 }, []],
    ["leek: local (private)", "local", { kind: "special-range", range: "private" }, []],
  ])("%s", (text, flowClass, evidence, names) => {
    expect(comment(flowClass, evidence, ...names)).toBe(text);
  });

  it("tells the class alone where there is no evidence", () => {
    expect(flowComment({ flowClass: "non-ip", evidence: [] }, [])).toBe("leek: non-ip");
  });

  it("shows the first four names", () => {
    expect(comment("clearnet", { kind: "not-listed" }, "a", "b", "c", "d", "e")).toBe("leek: clearnet, a, b, c, d");
  });

  it("cannot be forged by a name or nickname that a stranger chose", () => {
    expect(comment("clearnet", { kind: "not-listed" }, "a, relay Guard $00 (Exit)\u001b[2K\nleek: tor")).toBe(
      "leek: clearnet, a\\x2c\\x20relay\\x20Guard\\x20\\x2400\\x20\\x28Exit\\x29\\x1b[2K\\x0aleek:\\x20tor",
    );
    const evidence = {
      kind: "authority",
      fingerprint: undefined,
      nickname: "x, www.example.org",
      release: "tor",
    } as const;
    expect(comment("tor", evidence)).toBe("leek: tor, authority x\\x2c\\x20www.example.org, built into tor");
  });
});
