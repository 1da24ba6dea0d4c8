import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

const CAPTURE = join(FIXTURES, "tor-and-https-leak.pcap");
const AUTHORITIES = ["--authorities-from", join(FIXTURES, "torrc-authorities")];

let folder: string;
let kept: readonly string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-kept-"));
  kept = ["--data-dir", join(folder, "kept"), ...AUTHORITIES];
  const { status, stderr } = leek(["relays", "import", join(FIXTURES, "consensus"), ...kept]);
  expect([status, stderr]).toEqual([0, ""]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is said of each flow, without where the document lies. */
function flows(args: readonly string[]): object[] {
  const { status, stdout, stderr } = leek(["analyze", CAPTURE, "--json", ...args]);
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout.replace(/"source":\s*"[^"]*consensus[^"]*"/g, '"source":"document"')).flows;
}

describe("kept documents", () => {
  it("are used when no others are named, and say the same as the files that they came from", () => {
    const named = flows(["--consensus", join(FIXTURES, "consensus"), ...AUTHORITIES]);
    expect(flows(kept)).toEqual(named);
    const { directory } = JSON.parse(leek(["analyze", CAPTURE, "--json", ...kept]).stdout);
    expect(directory.coverage).toBe("full");
    expect(directory.documents).toMatchObject([
      { flavor: "microdesc", relays: 9, verification: { state: "verified", good: 3 } },
    ]);
  });

  it("are used by print and by lookup too", () => {
    const tags = (args: readonly string[]) => leek(["print", CAPTURE, ...args]).stdout;
    expect(tags(kept)).toContain("[tor guard9999]");
    expect(tags(kept)).toBe(tags(["--consensus", join(FIXTURES, "consensus"), ...AUTHORITIES]));
    const lookup = leek(["relays", "lookup", "198.51.100.21:9999", "--at", "2026-11-23 01:00", ...kept]);
    expect([lookup.status, lookup.stdout]).toEqual([0, expect.stringContaining("was a Tor relay")]);
  });

  it("are not used beside --consensus or with --no-local-consensus", () => {
    for (const args of [["--no-local-consensus"], ["--consensus", join(FIXTURES, "consensus")]]) {
      const { directory } = JSON.parse(leek(["analyze", CAPTURE, "--json", ...kept, ...args]).stdout);
      const sources = directory.documents.map(({ source }: { source: string }) => source);
      expect(sources.filter((source: string) => source.startsWith(folder))).toEqual([]);
    }
  });

  it("are read anew when the index is damaged or gone, and are not believed without their authorities", () => {
    const copy = join(folder, "copy");
    cpSync(join(folder, "kept"), copy, { recursive: true });
    const args = ["--data-dir", copy, ...AUTHORITIES];
    const [index] = readdirSync(copy).filter((name) => name.startsWith(".leek-index"));
    for (const damage of [() => writeFileSync(join(copy, index!), "what"), () => rmSync(join(copy, index!))]) {
      damage();
      expect(flows(args)).toEqual(flows(kept));
    }
    const { directory } = JSON.parse(leek(["analyze", CAPTURE, "--json", "--data-dir", copy]).stdout);
    expect(directory.documents).toEqual([]);
  });

  it("have exit lists that lookup uses, near their time", () => {
    const list = join(folder, "exit-list");
    const text = `Downloaded 2026-11-23 01:02:00
ExitNode 000102030405060708090A0B0C0D0E0F10111213
Published 2026-11-22 23:10:00
LastStatus 2026-11-23 00:00:00
ExitAddress 203.0.113.99 2026-11-23 00:30:00
`;
    writeFileSync(list, text);
    expect(leek(["relays", "import", list, ...kept]).status).toBe(0);
    const exits = (at: string) => {
      const { stdout } = leek(["relays", "lookup", "203.0.113.99", "--at", at, "--json", ...kept]);
      return JSON.parse(stdout).exits.map(({ fingerprint }: { fingerprint: string }) => fingerprint);
    };
    expect(exits("2026-11-23 01:00")).toEqual(["000102030405060708090A0B0C0D0E0F10111213"]);
    expect(exits("2026-12-23 01:00")).toEqual([]);
  });
});
