import { describe, expect, it } from "vitest";
import { packetTag } from "../../src/report/index.js";

describe("packetTag", () => {
  it("names the relay of a Tor flow, and the remote side of a clearnet one", () => {
    const evidence = { kind: "fallback", fingerprint: "0".repeat(40), release: "x" } as const;
    expect(packetTag({ flowClass: "tor", evidence: [evidence] }, ["ignored.example"])).toBe(" [tor fallback]");
    expect(packetTag({ flowClass: "clearnet", evidence: [{ kind: "not-listed" }] }, ["a.example", "b.example"])).toBe(
      " [clearnet a.example]",
    );
    expect(packetTag({ flowClass: "local", evidence: [] }, [])).toBe(" [local]");
  });

  it("cannot be forged by a name that a stranger chose", () => {
    const tag = packetTag({ flowClass: "clearnet", evidence: [{ kind: "not-listed" }] }, ["a] [tor guard\u001b[2K"]);
    expect(tag).toBe(" [clearnet a\\x5d\\x20\\x5btor\\x20guard\\x1b\\x5b2K]");
  });
});
