import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { ALL_RULES, type Policy, PRESET_NAMES, parsePolicy, SEVERITIES, starterPolicy } from "../../src/audit/index.js";
import { DEFAULT_POLICY } from "../../src/audit/policy.js";
import { loadPolicy } from "../../src/cli/audit/audit-policy.js";
import { parseAddress } from "../../src/net/index.js";

const scratch = mkdtempSync(join(tmpdir(), "leek-policy-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const write = (name: string, content: string | Uint8Array) => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
};

/** A starter whose examples are no comments any more: there `#` stands before a key, or before two blanks and more. */
const withExamples = (text: string) => text.replace(/^#(?=[^\s#]| {2})/gm, "");

/** The same policy, whatever it is called. */
const unnamed = ({ name: _, ...rest }: Policy) => rest;

describe.each(PRESET_NAMES)("the preset %s", (name) => {
  it("is what its starter says", async () => {
    const started = await parsePolicy(starterPolicy(name), "mine.yaml");
    expect(started).toEqual({ ...(await loadPolicy(name)), name: "mine.yaml" });
    expect(unnamed(await parsePolicy(`preset: ${name}`, "mine.yaml"))).toEqual(unnamed(started));
    expect(starterPolicy(name)).toContain(`# Preset ${name}:`);
  });

  it("sets something", async () => {
    expect(unnamed(await loadPolicy(name))).not.toEqual(unnamed(DEFAULT_POLICY));
  });

  it("makes no finding less than its rule does", async () => {
    const { severities } = await loadPolicy(name);
    for (const [rule, severity] of severities) {
      const usual = ALL_RULES.find((it) => it.name === rule)!.severity;
      expect(SEVERITIES.indexOf(severity), rule).toBeLessThan(SEVERITIES.indexOf(usual));
    }
  });

  it("allows nothing that leaves the machine, trusts no bridge and no authority, and expects traffic over Tor", async () => {
    const { allow, bridges, authorities, nodes, expectTor } = await loadPolicy(name);
    for (const { addresses } of allow) {
      expect(addresses.length).toBeGreaterThan(0);
      for (const { version, d, prefixLength } of addresses) {
        const isLoopback = version === 4 ? prefixLength >= 8 && d >>> 24 === 127 : prefixLength === 128 && d === 1;
        expect(isLoopback).toBe(true);
      }
    }
    expect([bridges, authorities, nodes, expectTor]).toEqual([[], [], [], true]);
  });
});

describe("a starter", () => {
  it("without a preset sets nothing", async () => {
    expect(unnamed(await parsePolicy(starterPolicy(), "mine.yaml"))).toEqual(unnamed(DEFAULT_POLICY));
  });

  it.each([undefined, ...PRESET_NAMES])("of %s has an example of each key, and all of them are valid", async (name) => {
    const policy = await parsePolicy(withExamples(starterPolicy(name)), "mine.yaml");
    const preset = await parsePolicy(starterPolicy(name), "mine.yaml");
    expect(policy.nodes.length).toBeGreaterThan(0);
    expect(policy.bridges.length).toBeGreaterThan(0);
    expect(policy.authorities.length).toBeGreaterThan(0);
    expect(policy.allow.length).toBeGreaterThan(preset.allow.length);
    expect(policy.severities.size).toBeGreaterThan(preset.severities.size);
    expect(policy.minDurationSeconds).toBeDefined();
    expect(policy.expectedApplications.length).toBeGreaterThan(0);
  });

  it.each([undefined, ...PRESET_NAMES])("of %s fits a terminal, and ends with a line end", (name) => {
    const lines = starterPolicy(name).split("\n");
    expect(lines.at(-1)).toBe("");
    expect(lines.filter((line) => line.length > 132 && !line.includes("v3ident"))).toEqual([]);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
  });

  it("names documentation addresses and loopback only", () => {
    for (const text of [undefined, ...PRESET_NAMES].map(starterPolicy)) {
      for (const [address] of text.matchAll(/\d+\.\d+\.\d+\.\d+/g)) {
        expect(parseAddress(address)).toBeDefined();
        expect(address).toMatch(/^(?:192\.0\.2|198\.51\.100|203\.0\.113|127\.0\.0)\./);
      }
    }
  });
});

describe("loadPolicy", () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  afterAll(() => said.mockRestore());

  it("gives the defaults for no name", async () => {
    expect(await loadPolicy(undefined)).toBe(DEFAULT_POLICY);
  });

  it("reads a file, with a byte order mark too, and calls the policy by it", async () => {
    const path = write("p.yaml", "\ufeffrole: relay\n");
    expect(await loadPolicy(path)).toMatchObject({ name: path, role: "relay" });
  });

  it("tells of no such file which presets there are", async () => {
    await expect(loadPolicy("workstaton")).rejects.toMatchObject({
      code: "LEEK_FILE_NOT_FOUND",
      kind: "no-input",
      hint: expect.stringContaining("workstation"),
    });
  });

  it("takes ./NAME for a file, though there is a preset of that name", async () => {
    await expect(loadPolicy("./relay")).rejects.toMatchObject({ code: "LEEK_FILE_NOT_FOUND" });
  });

  it("refuses a folder, what is too large, and what is not UTF-8", async () => {
    await expect(loadPolicy(scratch)).rejects.toMatchObject({ code: "LEEK_FILE_IS_DIRECTORY" });
    const large = write("large.yaml", "#".repeat((1 << 20) + 1));
    await expect(loadPolicy(large)).rejects.toMatchObject({ code: "LEEK_POLICY_INVALID", kind: "configuration" });
    await expect(loadPolicy("/dev/zero")).rejects.toMatchObject({ code: "LEEK_POLICY_INVALID" });
    const latin = write("latin.yaml", Buffer.from("# \xe9", "latin1"));
    await expect(loadPolicy(latin)).rejects.toMatchObject({ message: expect.stringContaining("not UTF-8") });
  });

  it("tells one error as the error, and more of them one by one before it, without control characters", async () => {
    const one = write("one.yaml", "role: none");
    await expect(loadPolicy(one)).rejects.toMatchObject({ message: expect.stringContaining(`${one}:1:7: role`) });
    expect(said).not.toHaveBeenCalled();
    const two = write("two.yaml", 'role: none\n"\\x1b[2J": 1\n');
    await expect(loadPolicy(two)).rejects.toMatchObject({
      code: "LEEK_POLICY_INVALID",
      kind: "configuration",
      message: `Cannot use policy ${two}: see above.`,
    });
    expect(said.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining(`${two}:1:7: role must be`),
      expect.stringContaining(`${two}:2:1: there is no key "\\x1b[2J"`),
    ]);
  });
});
