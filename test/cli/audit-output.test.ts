import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AUDIT_FORMATS } from "../../src/cli/audit/audit-output.js";
import { FIXTURES, leek } from "../support/leek.js";

const trusting = [
  ...["--consensus", join(FIXTURES, "consensus"), "--no-local-consensus"],
  ...["--authorities-from", join(FIXTURES, "torrc-authorities")],
];
const audit = (name: string, ...args: string[]) =>
  leek(["audit", join(FIXTURES, `${name}.pcap`), ...trusting, ...args]);

const BEGINNINGS = {
  text: /^(CLEAN|LEAK|INCONCLUSIVE): /,
  json: /^\{\n {2}"schema": "leek\/audit@1",/,
  sarif: /^\{\n {2}"version": "2\.1\.0",/,
  junit: /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites>\n/,
  markdown: /^## leek audit: (clean|leak|inconclusive)\n/,
} as const;

describe("leek audit --format", () => {
  it.each(AUDIT_FORMATS)("%s has the same exit status as any other, and ends with a line end", (format) => {
    for (const [name, status, args] of [
      ["only-tor", 0, ["--drops", "0"]],
      ["tor-and-dns-leak", 1, []],
      ["only-tor", 2, []],
    ] as const) {
      const outcome = audit(name, "--format", format, ...args);
      expect([outcome.status, outcome.stderr]).toEqual([status, ""]);
      expect(outcome.stdout).toMatch(BEGINNINGS[format]);
      expect(outcome.stdout).toMatch(/[^\n]\n$/);
    }
  });

  it("json is what --json prints", () => {
    expect(audit("only-tor", "--json").stdout).toBe(audit("only-tor", "--format", "json").stdout);
  });

  it("sarif has the exit code that leek has", () => {
    const outcome = audit("only-tor", "--format", "sarif");
    expect(JSON.parse(outcome.stdout).runs[0].invocations[0].exitCode).toBe(outcome.status);
  });

  it("that does not exist is a usage error", () => {
    expect(audit("only-tor", "--format", "html").status).toBe(64);
  });
});
