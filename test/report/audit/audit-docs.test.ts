import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ALL_RULES, REASONS, ROLES, RULE_NAMES } from "../../../src/audit/index.js";
import { AUDIT_FORMATS } from "../../../src/cli/audit/audit-output.js";
import { PROJECT } from "../../support/leek.js";

const docs = readFileSync(join(PROJECT, "docs", "audit.md"), "utf8");
const schema = JSON.parse(readFileSync(join(PROJECT, "docs", "schemas", "audit.json"), "utf8"));

/** Cells of the table under a heading, without its head. */
function table(heading: string): string[][] {
  const section = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(2).map((row) => row.slice(2, -2).split(" | "));
}

/** Names in the first cells: `one`, or `one`, `two`. */
const named = (heading: string) =>
  table(heading).flatMap(([first]) => [...first!.matchAll(/`([^`]+)`/g)].map(([, it]) => it));

describe("docs/audit.md", () => {
  it("has each rule once, and no other", () => {
    expect(named("Rules").toSorted()).toEqual([...RULE_NAMES].sort());
  });

  it("has the severity that each rule has", () => {
    const severities = new Map(table("Rules").map(([name, severity]) => [name!.replaceAll("`", ""), severity]));
    for (const { name, severity } of ALL_RULES) expect([name, severities.get(name)]).toEqual([name, severity]);
  });

  it("has each reason once, and no other", () => {
    expect(named("Reasons").toSorted()).toEqual(Object.keys(REASONS).sort());
  });

  it("has each role and each format", () => {
    expect(named("Roles")).toEqual([...ROLES]);
    expect(named("Formats")).toEqual([...AUDIT_FORMATS]);
  });

  it("has something in each cell", () => {
    for (const row of [...table("Rules"), ...table("Reasons")]) {
      expect(
        row.filter((cell) => cell.trim() === ""),
        row[0],
      ).toEqual([]);
    }
    expect(new Set(table("Rules").map((row) => row.length))).toEqual(new Set([4]));
    expect(new Set(table("Reasons").map((row) => row.length))).toEqual(new Set([3]));
  });
});

describe("the schema of leek/audit@1", () => {
  it("knows each rule, reason and role, and no other", () => {
    expect(schema.$defs.rule.enum).toEqual([...RULE_NAMES]);
    expect(schema.$defs.reason.properties.code.enum).toEqual(Object.keys(REASONS));
    expect(schema.properties.role.enum).toEqual([...ROLES]);
  });
});
