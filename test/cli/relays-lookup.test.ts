import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

const CONSENSUS = ["--consensus", join(FIXTURES, "consensus")];

interface Truth {
  readonly flows: readonly {
    readonly responder: { readonly address: string; readonly port: number };
    readonly class: string;
    readonly nickname?: string;
    readonly fingerprint?: string;
  }[];
}
const truth: Truth = JSON.parse(readFileSync(join(FIXTURES, "only-tor.truth.json"), "utf8"));
const guard = truth.flows.find((flow) => flow.class === "tor" && flow.fingerprint !== undefined)!;
const { address, port } = guard.responder;

describe("leek relays lookup", () => {
  it("knows a relay by address and port, and ends with 0", () => {
    const { status, stdout } = leek(["relays", "lookup", `${address}:${port}`, ...CONSENSUS]);
    expect(status).toBe(0);
    expect(stdout).toContain(guard.fingerprint);
    expect(stdout).toContain("was a Tor relay");
  });

  it("tells a relay's address on another port from a relay, and ends with 1", () => {
    const { status, stdout } = leek(["relays", "lookup", `${address}:1`, ...CONSENSUS]);
    expect(status).toBe(1);
    expect(stdout).toContain("the address was a relay's");
  });

  it("ends with 1 for an address that is nobody's, and names the neighbours", () => {
    const { status, stdout } = leek(["relays", "lookup", "198.51.100.254", ...CONSENSUS]);
    expect(status).toBe(1);
    expect(stdout).toContain("Relays in the same /24");
  });

  it("ends with 2 when no document covers the time", () => {
    const { status, stdout } = leek(["relays", "lookup", address, "--at", "2020-01-01", ...CONSENSUS]);
    expect(status).toBe(2);
    expect(stdout).toContain("No consensus document covers that time");
  });

  it("answers in JSON", () => {
    const { stdout } = leek(["relays", "lookup", `${address}:${port}`, "--json", ...CONSENSUS]);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "leek/relay-lookup@1",
      answer: "listed",
      relays: [{ fingerprint: guard.fingerprint }],
    });
  });
});
