import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PRESET_NAMES, starterPolicy } from "../../src/audit/index.js";
import { FIXTURES, leek } from "../support/leek.js";

const scratch = mkdtempSync(join(tmpdir(), "leek-audit-policy-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const CAPTURE = join(FIXTURES, "tor-and-dns-leak.pcap");
const TRUST = ["--consensus", join(FIXTURES, "consensus"), "--authorities-from", join(FIXTURES, "torrc-authorities")];
const audit = (...args: string[]) =>
  leek(["audit", "--json", "--no-local-consensus", CAPTURE, ...TRUST, "--drops", "0", ...args]);
const write = (name: string, text: string) => {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
};

describe("leek audit --init", () => {
  it("prints a policy to start from, that of a preset too, and reads no capture", () => {
    expect(leek(["audit", "--init"])).toMatchObject({ status: 0, stdout: starterPolicy(), stderr: "" });
    for (const name of PRESET_NAMES) {
      expect(leek(["audit", "--init", name])).toMatchObject({ status: 0, stdout: starterPolicy(name), stderr: "" });
    }
    expect(leek(["audit", "--init", "nonsense"]).status).toBe(64);
  });
});

describe("leek audit --policy", () => {
  it("tells all that is wrong with a file, with its places, and exits with 78", () => {
    const path = write("bad.yaml", "role: none\nallow: [{ port: 99999, because: x }]\n");
    const { status, stdout, stderr } = audit("--policy", path);
    expect([status, stdout]).toEqual([78, ""]);
    expect(stderr.split("\n")).toEqual([
      `leek: ${path}:1:7: role must be client, bridge, relay, exit`,
      `leek: ${path}:2:17: port must be 1 to 65535, or "FIRST-LAST"`,
      `leek: Cannot use policy ${path}: see above.`,
      expect.stringContaining("leek audit --init"),
      "",
    ]);
  });

  it("lets pass what the policy allows, and tells so", () => {
    const before = JSON.parse(audit().stdout);
    expect(before.verdict).toBe("leak");
    const path = write("allow.yaml", "allow: [{ port: 53, protocol: dns, because: the test wants it }]\n");
    const { policy, exceptions, findings } = JSON.parse(audit("--policy", path).stdout);
    expect(policy.name).toBe(path);
    expect(exceptions).toMatchObject([{ because: "the test wants it" }]);
    expect(findings.filter(({ rule }: { rule: string }) => rule === "dns")).toEqual([]);
  });
});

describe("leek audit --baseline", () => {
  it("reports only what a former run did not find", () => {
    const path = join(scratch, "ci.json");
    const first = audit("--save-baseline", path);
    expect(JSON.parse(first.stdout).verdict).toBe("leak");
    const text = readFileSync(path, "utf8");
    const again = JSON.parse(audit("--baseline", path, "--save-baseline", path).stdout);
    expect(again.verdict).not.toBe("leak");
    expect(again.findings).toEqual([]);
    expect(again.exceptions).toContainEqual(expect.objectContaining({ because: `known by the baseline ${path}: dns` }));
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  it("that is damaged is an error, and no verdict", () => {
    const { status, stdout, stderr } = audit("--baseline", write("cut.json", "{"));
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toContain("Cannot use baseline");
  });
});
