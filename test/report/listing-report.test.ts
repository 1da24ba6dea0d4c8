import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

const schema = JSON.parse(readFileSync(new URL("../../docs/analysis.schema.json", import.meta.url), "utf8"));
const NOW = "2026-11-23-00-49-36-consensus-microdesc";
const capture = join(FIXTURES, "only-tor.pcap");
let folder = "";

/** The fixtures' consensus, and one of half an hour later in which the relay guard9999 is gone. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-listing-"));
  const text = readFileSync(join(FIXTURES, "consensus", NOW), "latin1");
  const later = text
    .replace("valid-until 2026-11-23 02:19:36", "valid-until 2026-11-23 02:49:36")
    .replace("fresh-until 2026-11-23 01:19:36", "fresh-until 2026-11-23 01:49:36")
    .replace("valid-after 2026-11-23 00:49:36", "valid-after 2026-11-23 01:19:36")
    .replace(/^r guard9999 (?:.*\n)*?(?=r |directory-footer)/m, "");
  expect(later.length).toBeLessThan(text.length);
  writeFileSync(join(folder, "now"), text, "latin1");
  writeFileSync(join(folder, "later"), later, "latin1");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a relay that leaves in the next hour", () => {
  it("is told in the JSON, and its flows are still tor", () => {
    const report = JSON.parse(leek(["analyze", "--json", capture, "--consensus", folder]).stdout);
    const validate = new Ajv2020({ allErrors: true }).compile(schema);
    validate(report);
    expect(validate.errors).toBeNull();
    const listings = new Map<string, string | undefined>();
    for (const { class: flowClass, evidence } of report.flows) {
      const [{ kind, nickname, listedUntil, listedFrom }] = evidence;
      if (kind !== "consensus") continue;
      expect(flowClass).toBe("tor");
      expect(listedFrom).toBeUndefined();
      listings.set(nickname, listedUntil);
    }
    expect(listings.size).toBeGreaterThan(1);
    for (const [nickname, until] of listings) {
      expect(until).toBe(nickname === "guard9999" ? "2026-11-23T01:19:36Z" : undefined);
    }
  });

  it("is told in the report for people", () => {
    const { stdout } = leek(["analyze", capture, "--consensus", folder]);
    expect(stdout.match(/\(listed until 2026-11-23 01:19:36 UTC\)/g)).toHaveLength(1);
  });
});
