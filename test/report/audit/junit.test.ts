import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ALL_RULES, type AuditReport } from "../../../src/audit/index.js";
import { auditJunit } from "../../../src/report/audit/index.js";
import { CLEAN, finding, HOSTILE_REPORT, INCONCLUSIVE, LEAK } from "./reports.js";

interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Element[];
}

const READER = `
import json, sys, xml.etree.ElementTree as tree
def read(it):
    return {"tag": it.tag, "attributes": dict(it.attrib), "text": it.text or "", "children": [read(child) for child in it]}
print(json.dumps(read(tree.fromstring(sys.stdin.buffer.read()))))
`;

/** The one suite, as a parser that is not leek's sees it. */
function suiteOf(report: AuditReport): Element {
  const input = Buffer.from(auditJunit(report, "1.2.3"));
  const root: Element = JSON.parse(execFileSync("python3", ["-c", READER], { input, encoding: "utf8" }));
  expect([root.tag, root.children.map(({ tag }) => tag)]).toEqual(["testsuites", ["testsuite"]]);
  return root.children[0]!;
}

const casesOf = ({ children }: Element) => children.filter(({ tag }) => tag === "testcase");
const outcomes = (suite: Element) =>
  Object.fromEntries(
    casesOf(suite).map(({ attributes, children }) => [attributes.name, children.map(({ tag }) => tag)]),
  );

describe("the audit's JUnit XML", () => {
  it("has a case for the verdict and one for each rule, which all pass when it is clean", () => {
    const suite = suiteOf(CLEAN);
    const names = casesOf(suite).map(({ attributes }) => attributes.name);
    expect(names).toEqual(["verdict", ...ALL_RULES.map(({ name }) => name)]);
    expect(suite.attributes).toEqual({
      name: "leek audit",
      tests: String(ALL_RULES.length + 1),
      failures: "0",
      errors: "0",
      skipped: "0",
      time: "12.500",
      timestamp: "2026-11-28T00:00:00",
    });
    expect(new Set(Object.values(outcomes(suite)).flat())).toEqual(new Set(["system-out"]));
  });

  it("fails the rule that found a leak, and the verdict", () => {
    const suite = suiteOf({ ...LEAK, findings: [finding(), finding({ id: "dns/curl", title: "More." })] });
    expect(suite.attributes).toMatchObject({ failures: "2", errors: "0" });
    expect(outcomes(suite)).toMatchObject({ verdict: ["failure"], dns: ["failure"], ntp: [] });
    const failure = casesOf(suite).find(({ attributes }) => attributes.name === "dns")!.children[0]!;
    expect(failure.attributes.message).toBe("Names are looked up outside of Tor. And 1 more leak.");
    expect(failure.text).toContain("www.example.com");
    expect(failure.text).toContain("dns/curl: More.");
  });

  it("is an error when it is inconclusive, with the reasons; warnings and notes fail nothing", () => {
    const suite = suiteOf(INCONCLUSIVE);
    expect(suite.attributes).toMatchObject({ failures: "0", errors: "1" });
    expect(outcomes(suite)).toMatchObject({ verdict: ["error"], ntp: ["system-out"], dns: [] });
    const [error] = casesOf(suite)[0]!.children;
    expect(error!.text).toContain("drops-unknown: ");
    expect(error!.text).toContain("no-consensus: ");
    expect(error!.text).toContain("None reaches 2026-11-22T10:00:00Z.");
  });

  it("counts what stands in it", () => {
    for (const report of [CLEAN, LEAK, INCONCLUSIVE, HOSTILE_REPORT]) {
      const suite = suiteOf(report);
      const count = (tag: string) =>
        casesOf(suite).filter(({ children }) => children.some((it) => it.tag === tag)).length;
      expect(suite.attributes).toMatchObject({
        tests: String(casesOf(suite).length),
        failures: String(count("failure")),
        errors: String(count("error")),
      });
    }
  });

  it("is well-formed whatever strangers say, and shows what XML cannot carry", () => {
    const suite = suiteOf(HOSTILE_REPORT);
    const { text } = casesOf(suite).find(({ attributes }) => attributes.name === "dns")!.children[0]!;
    expect(text.replace(/\s+/g, " ")).toContain(
      "\\x00\\x1b[31m\\x0d\\x0a</details><script>alert(1)</script>]]>--><!--",
    );
    expect(text).toContain("\\u{202e}\\u{fffe}\\u{ffff}\\u{d800}");
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ud800-\udfff]/);
    expect(new Set(casesOf(suite).flatMap(({ children }) => children.map(({ tag }) => tag)))).toEqual(
      new Set(["failure", "system-out"]),
    );
  });

  it("has each exception that was used", () => {
    const exceptions = [{ because: "The clock of the site.", flows: 2, packets: 4, bytes: 400 }];
    const output = suiteOf({ ...CLEAN, exceptions }).children.at(-1)!;
    expect([output.tag, output.text]).toEqual([
      "system-out",
      expect.stringContaining("The clock of the site.: 2 flows, 4 packets"),
    ]);
  });
});
