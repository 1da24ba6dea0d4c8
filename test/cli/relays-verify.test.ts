import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

const CONSENSUS = join(FIXTURES, "consensus");
const DOCUMENT = join(CONSENSUS, "2026-11-23-00-49-36-consensus");
const CERTS = ["--certs", join(CONSENSUS, "cached-certs")];
const AUTHORITIES = ["--authorities-from", join(FIXTURES, "torrc-authorities")];
const CAPTURE = join(FIXTURES, "only-tor.pcap");

let folder: string;
let changed: string;
let alone: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-verify-"));
  const text = readFileSync(DOCUMENT, "latin1");
  changed = join(folder, "changed");
  // An address slipped into the list.
  writeFileSync(changed, text.replace(/ 198\.51\.100\.2(\d) /, " 203.0.113.8$1 "), "latin1");
  alone = join(folder, "alone");
  writeFileSync(alone, text, "latin1");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("leek relays verify", () => {
  it("finds certificates beside the documents, and says by how many they are signed", () => {
    const { status, stdout } = leek(["relays", "verify", CONSENSUS, ...AUTHORITIES]);
    expect(stdout).toMatch(
      /^.*-consensus: ns, valid after 2026-11-23T00:49:36Z: verified \(3 of 3\)\n.*-microdesc: microdesc, .*: verified \(3 of 3\)\n$/,
    );
    expect(status).toBe(0);
  });

  it("takes authorities as lines too", () => {
    const lines = readFileSync(join(FIXTURES, "torrc-authorities"), "utf8").trim().split("\n");
    const { status } = leek(["relays", "verify", DOCUMENT, ...lines.flatMap((line) => ["--authority", line])]);
    expect(status).toBe(0);
  });

  it("ends with 2 without certificates or authorities that know it, and says what is missing", () => {
    const without = leek(["relays", "verify", alone, ...AUTHORITIES]);
    expect([without.status, without.stdout]).toEqual([
      2,
      expect.stringContaining("the key certificates of 3 authorities are missing"),
    ]);
    expect(leek(["relays", "verify", alone, ...AUTHORITIES, ...CERTS]).status).toBe(0);
    expect(leek(["relays", "verify", DOCUMENT]).status).toBe(2);
  });

  it("ends with 1 when one of several was changed, whatever the others are", () => {
    const { status, stdout } = leek(["relays", "verify", DOCUMENT, changed, alone, "--json", ...AUTHORITIES, ...CERTS]);
    expect(status).toBe(1);
    const { schema, documents } = JSON.parse(stdout);
    expect(schema).toBe("leek/relays-verify@1");
    expect(documents).toEqual([
      {
        source: DOCUMENT,
        flavor: "ns",
        validAfter: "2026-11-23T00:49:36Z",
        verification: { state: "verified", good: 3, needed: 2, authorities: 3 },
      },
      expect.objectContaining({ verification: expect.objectContaining({ state: "invalid", good: 0 }) }),
      expect.objectContaining({ verification: expect.objectContaining({ state: "verified" }) }),
    ]);
  });

  it("calls invalid what is no consensus, and tells a file that is not there from that", () => {
    expect(leek(["relays", "verify", CAPTURE]).status).toBe(1);
    expect(leek(["relays", "verify", join(folder, "nowhere")]).status).toBe(66);
  });
});

describe("leek analyze", () => {
  it("never uses a document that was changed", () => {
    const args = ["analyze", CAPTURE, "--consensus", changed, ...AUTHORITIES, ...CERTS];
    const { status, stdout, stderr } = leek(args);
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toContain("is invalid (0 of 3): the signatures of 3 authorities do not fit, so it was changed.");
    // In a directory, the others serve.
    const { capture: _, directory } = JSON.parse(
      leek(["analyze", CAPTURE, "--json", "--consensus", folder, ...AUTHORITIES, ...CERTS]).stdout,
    );
    expect(directory.documents).toMatchObject([
      { source: alone, verification: { state: "verified", good: 3, needed: 2, authorities: 3 } },
    ]);
  });

  it("says what is unverified, in the report and in its notes", () => {
    const { status, stdout } = leek(["analyze", CAPTURE, "--consensus", alone, ...AUTHORITIES]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Consensus .*, unverified \(0 of 3\)$/m);
    expect(stdout).toContain("is unverified: the key certificates of 3 authorities are missing.");
    const verified = leek(["analyze", CAPTURE, "--consensus", alone, ...AUTHORITIES, ...CERTS]).stdout;
    expect(verified).toMatch(/^Consensus .*, verified \(3 of 3\)$/m);
    expect(verified).not.toContain("unverified");
  });
});
