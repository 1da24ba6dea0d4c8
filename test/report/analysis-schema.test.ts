import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

const schema = JSON.parse(readFileSync(new URL("../../docs/analysis.schema.json", import.meta.url), "utf8"));
const validate = new Ajv2020({ allErrors: true }).compile(schema);
const captures = readdirSync(FIXTURES).filter((name) => /\.pcap(ng)?$/.test(name));

describe("leek/analysis@1", () => {
  it.each(captures)("describes what leek prints for %s", (name) => {
    const args = ["analyze", "--json", join(FIXTURES, name), "--consensus", join(FIXTURES, "consensus")];
    validate(JSON.parse(leek(args).stdout));
    expect(validate.errors).toBeNull();
  });

  it("refuses a document without classes, so it can fail", () => {
    expect(validate({ schema: "leek/analysis@1", capture: {}, directory: {}, flows: [] })).toBe(false);
  });
});
