import { describe, expect, it } from "vitest";
import { ALL_RULES, type AuditReport, REASONS, type RuleName } from "../../../src/audit/index.js";
import { auditSarif } from "../../../src/report/audit/index.js";
import { CLEAN, finding, HOSTILE_REPORT, INCONCLUSIVE, LEAK, source } from "./reports.js";

const EXIT_CODES = { clean: 0, leak: 1, inconclusive: 2 } as const;
const runOf = (report: AuditReport) => {
  const log = JSON.parse(auditSarif(report, "1.2.3", EXIT_CODES[report.verdict]));
  checkLog(log);
  return log.runs[0];
};

type Json = ReturnType<typeof JSON.parse>;
type Check = (value: Json) => void;

// What SARIF 2.1.0 says of the objects that leek uses: all that must be there, and all that may be (its JSON schema has
// `additionalProperties: false` everywhere but in property bags).

/** @param parts - A name with `?` may be absent. */
function object(parts: Readonly<Record<string, Check>>): Check {
  return (value) => {
    expect(typeof value).toBe("object");
    const known = Object.keys(parts).map((name) => name.replace("?", ""));
    expect(Object.keys(value).filter((name) => !known.includes(name))).toEqual([]);
    for (const [name, check] of Object.entries(parts)) {
      const isThere = name.replace("?", "") in value;
      expect(isThere || name.endsWith("?"), name).toBe(true);
      if (isThere) check(value[name.replace("?", "")]);
    }
  };
}
const list =
  (check: Check): Check =>
  (value) => {
    expect(Array.isArray(value)).toBe(true);
    for (const item of value) check(item);
  };
const text: Check = (value) => expect(value).toMatch(/./s);
const boolean: Check = (value) => expect(typeof value).toBe("boolean");
const integer =
  (least: number): Check =>
  (value) =>
    expect(Number.isInteger(value) && value >= least).toBe(true);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    expect(values).toContain(value);
const bag: Check = (value) => expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
/** §3.10: RFC 3986; a reference may be relative. */
const uri: Check = (value) => expect(value).toMatch(/^(?:[\w.~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+$/);
/** §3.11.5, §3.11.6: no placeholder, as there are no arguments, and no link. */
const message = object({
  text: (value) => {
    text(value);
    expect(value.replaceAll("{{", "").replaceAll("}}", "")).not.toMatch(/[{}]/);
    expect(value).not.toContain("](");
  },
});
const level = oneOf("none", "note", "warning", "error");
/** §3.49. */
const descriptor = object({
  id: text,
  name: (value) => expect(value).toMatch(/^[A-Z][A-Za-z0-9]*$/),
  shortDescription: message,
  help: message,
  "defaultConfiguration?": object({ level }),
});
const artifactLocation = object({ uri, "index?": integer(0) });
const checkLog = object({
  version: oneOf("2.1.0"),
  $schema: (value) => expect(value).toMatch(/^https:\/\/docs\.oasis-open\.org\/sarif\/.*sarif-schema-2\.1\.0\.json$/),
  runs: list(
    object({
      tool: object({
        driver: object({
          name: text,
          version: text,
          semanticVersion: (value) => expect(value).toMatch(/^\d+\.\d+\.\d+/),
          rules: list(descriptor),
          notifications: list(descriptor),
        }),
      }),
      invocations: list(
        object({
          executionSuccessful: boolean,
          exitCode: integer(0),
          toolExecutionNotifications: list(
            object({ descriptor: object({ id: text, index: integer(0) }), level, message }),
          ),
        }),
      ),
      artifacts: list(
        object({
          "location?": artifactLocation,
          description: message,
          roles: list(oneOf("analysisTarget")),
        }),
      ),
      results: list(
        object({
          ruleId: text,
          ruleIndex: integer(0),
          "kind?": oneOf("open"),
          level,
          message,
          "locations?": list(
            object({
              "physicalLocation?": object({ artifactLocation }),
              logicalLocations: list(object({ name: text, fullyQualifiedName: text, kind: text })),
            }),
          ),
          partialFingerprints: bag,
          "occurrenceCount?": integer(1),
          "properties?": bag,
        }),
      ),
      properties: bag,
    }),
  ),
});

describe("the audit's SARIF", () => {
  it("describes all rules, with their levels and remedies, and all reasons", () => {
    const { rules, notifications } = runOf(CLEAN).tool.driver;
    expect(rules.map(({ id }: Json) => id)).toEqual([...ALL_RULES.map(({ name }) => name), "verdict"]);
    const of = (name: RuleName) => rules.find(({ id }: Json) => id === name);
    expect(of("dns-onion-name")).toMatchObject({ name: "DnsOnionName", defaultConfiguration: { level: "error" } });
    expect(of("tor-unlisted").defaultConfiguration.level).toBe("warning");
    expect(of("socks-address").defaultConfiguration.level).toBe("note");
    expect(of("dns").help.text).toContain("dns=0 in bitcoin.conf");
    expect(notifications.map(({ id }: Json) => id)).toEqual(Object.keys(REASONS));
  });

  it("has a result for each finding, with its rule, the capture and the packets", () => {
    const { results, tool, artifacts } = runOf(LEAK);
    expect(results).toHaveLength(1);
    const [result] = results;
    expect(tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(result).toMatchObject({ ruleId: "dns", level: "error", partialFingerprints: { "leekFinding/v1": "dns" } });
    expect(result.message.text).toContain("udp 192.0.2.10 > [2001:db8::53]:53");
    expect(result.message.text).toContain("www.example.com");
    expect(result.locations[0].physicalLocation.artifactLocation).toEqual({ uri: "node.pcap", index: 0 });
    expect(result.locations[0].logicalLocations.map((it: Json) => it.fullyQualifiedName)).toEqual([
      "packet 3",
      "packet 4",
    ]);
    expect(result.properties).toMatchObject({ id: "dns", flowCount: 2, proof: [3, 4] });
    expect(artifacts[0].location.uri).toBe("node.pcap");
  });

  it("says by exit code and notifications what was not sure, and lets no inconclusive run look like a pass", () => {
    const run = runOf(INCONCLUSIVE);
    const [{ executionSuccessful, exitCode, toolExecutionNotifications }] = run.invocations;
    expect([executionSuccessful, exitCode]).toEqual([false, 2]);
    for (const [i, { descriptor: of, level: found }] of toolExecutionNotifications.entries()) {
      const { code } = INCONCLUSIVE.reasons[i]!;
      expect([of.id, run.tool.driver.notifications[of.index].id, found]).toEqual([code, code, "warning"]);
    }
    expect(run.results[0]).toMatchObject({ ruleId: "verdict", kind: "open", level: "none" });
    expect(run.results[0].message.text).toContain("drops-unknown, no-consensus");
    expect(runOf(CLEAN)).toMatchObject({ results: [], invocations: [{ executionSuccessful: true, exitCode: 0 }] });
    expect(runOf(LEAK).invocations).toMatchObject([{ executionSuccessful: true, exitCode: 1 }]);
  });

  it("has a fingerprint for each result that no other has", () => {
    const prints = runOf(HOSTILE_REPORT).results.map((it: Json) => it.partialFingerprints["leekFinding/v1"]);
    expect(new Set(prints).size).toBe(4);
    expect(prints.slice(1)).toEqual(["inbound", "inbound#2", "tor-unlisted"]);
  });

  it("describes the rule of every finding, also one that it does not know", () => {
    const report = { ...LEAK, findings: [finding({ rule: "canary", id: "canary" })] };
    const { results, tool } = runOf(report);
    expect(tool.driver.rules[results[0].ruleIndex]).toMatchObject({ id: "canary", name: "Canary" });
  });

  it("names files as the user did, and interfaces and standard input by no URI", () => {
    const uris = (...sources: AuditReport["analysis"]["sources"]) => {
      const { artifacts, results } = runOf({ ...LEAK, analysis: { ...LEAK.analysis, sources } });
      return [
        artifacts.map((it: Json) => it.location?.uri),
        results[0].locations[0].physicalLocation?.artifactLocation.uri,
      ];
    };
    expect(uris(source("a b/c#1:2.pcap"))).toEqual([["a%20b/c%231%3A2.pcap"], "a%20b/c%231%3A2.pcap"]);
    expect(uris(source("/captures/node.pcap"))).toEqual([["file:///captures/node.pcap"], "file:///captures/node.pcap"]);
    expect(uris(source("../\ud800"))).toEqual([["../%EF%BF%BD"], "../%EF%BF%BD"]);
    expect(uris(source("-"))).toEqual([[undefined], undefined]);
    expect(uris(source("eth0", "live"))).toEqual([[undefined], undefined]);
    expect(uris(source("a"), source("a"))).toEqual([["a"], undefined]);
    // Which of them has a packet is not known.
    expect(uris(source("a"), source("b"))).toEqual([["a", "b"], undefined]);
  });

  it("has no message that a stranger made a link or a control sequence of", () => {
    const run = runOf(HOSTILE_REPORT);
    const messages = [...run.results, ...run.invocations[0].toolExecutionNotifications].map(
      (it: Json) => it.message.text,
    );
    expect(messages[0]).toContain("evil.example");
    for (const found of messages) expect(found).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });
});
