import { PROTOCOLS } from "../../apps/index.js";
import { LeekError } from "../../base/index.js";
import { parseAuthority, parseBridge } from "../../relays/index.js";
import { RULE_NAMES, type RuleName, SEVERITIES, type Severity } from "../finding.js";
import { DEFAULT_POLICY, type Policy } from "../policy.js";
import { ROLES } from "../rule.js";
import { readAllowedFlow } from "./allowed-flow.js";
import { readBoolean, readCidr, readKeys, readList, readMap, readSeconds, readText, readWord } from "./fields.js";
import { PRESET_NAMES } from "./presets.js";
import { Problems } from "./problems.js";
import { starterPolicy } from "./starter.js";
import { readYamlTree, type YamlEntry, type YamlNode } from "./yaml-tree.js";

/** Bytes of a policy's text at most. */
export const MAX_POLICY_BYTES = 1 << 20;

const KEYS = [
  "version",
  "preset",
  "node",
  "role",
  "bridges",
  "authorities",
  "allow",
  "severity",
  "thresholds",
  "expect",
] as const;

/** `canary` is a probe of leek's own: were it no leak, a detector that is blind would not be noticed. */
export const SETTABLE_RULES: readonly RuleName[] = RULE_NAMES.filter((name) => name !== "canary");

/**
 * Reads a policy: YAML 1.2, as docs/schemas/audit-policy.json describes it.
 *
 * @param name - What it is called in reports and messages: the file, or the preset.
 * @throws {PolicyError} LEEK_POLICY_INVALID: all that is wrong, with lines and columns.
 */
export async function parsePolicy(text: string, name: string): Promise<Policy> {
  const problems = new Problems(name, text);
  if (text.length > MAX_POLICY_BYTES) problems.add(0, `a policy must not be larger than ${MAX_POLICY_BYTES} bytes`);
  problems.check();
  const tree = await readYamlTree(text, problems);
  problems.check();
  const policy = tree === undefined ? DEFAULT_POLICY : await readPolicy(tree, problems);
  problems.check();
  return { ...policy, name };
}

async function readPolicy(tree: YamlNode, problems: Problems): Promise<Policy> {
  if (tree.kind !== "map") {
    problems.add(tree.offset, `a policy must have keys: ${KEYS.join(", ")}`);
    return DEFAULT_POLICY;
  }
  const found = readKeys(tree, KEYS, problems);
  if (found.version !== undefined) checkVersion(found.version, problems);
  const preset =
    found.preset === undefined ? undefined : readWord(found.preset.value, "preset", PRESET_NAMES, problems);
  const base = preset === undefined ? DEFAULT_POLICY : await parsePolicy(starterPolicy(preset), preset);
  const thresholds = keysOf(found.thresholds, ["minDuration", "failOpen"], problems);
  const expect = keysOf(found.expect, ["tor", "applications"], problems);
  return {
    name: base.name,
    nodes: [...base.nodes, ...itemsOf(found.node, readCidr, problems)],
    role: (found.role && readWord(found.role.value, "role", ROLES, problems)) ?? base.role,
    bridges: [...base.bridges, ...itemsOf(found.bridges, line(parseBridge), problems)],
    authorities: [...base.authorities, ...itemsOf(found.authorities, line(parseAuthority), problems)],
    allow: [...itemsOf(found.allow, (node) => readAllowedFlow(node, problems), problems), ...base.allow],
    severities: new Map([...base.severities, ...readSeverities(found.severity, problems)]),
    expectTor: (expect.tor && readBoolean(expect.tor, problems)) ?? base.expectTor,
    expectedApplications:
      expect.applications === undefined
        ? base.expectedApplications
        : itemsOf(expect.applications, (node, key) => readWord(node, key, PROTOCOLS, problems), problems),
    minDurationSeconds:
      (thresholds.minDuration && readSeconds(thresholds.minDuration, problems)) ?? base.minDurationSeconds,
    failOpenSeconds: (thresholds.failOpen && readSeconds(thresholds.failOpen, problems)) ?? base.failOpenSeconds,
  };
}

function checkVersion({ value }: YamlEntry, problems: Problems): void {
  if (value.kind === "value" && value.value === 1) return;
  problems.add(value.offset, "version must be 1: the only one that this leek knows");
}

function readSeverities(entry: YamlEntry | undefined, problems: Problems): Map<RuleName, Severity> {
  const severities = new Map<RuleName, Severity>();
  const found = keysOf(entry, SETTABLE_RULES, problems);
  for (const rule of SETTABLE_RULES) {
    const severity = found[rule] && readWord(found[rule].value, `severity of ${rule}`, SEVERITIES, problems);
    if (severity !== undefined) severities.set(rule, severity);
  }
  return severities;
}

function keysOf<Key extends string>(
  entry: YamlEntry | undefined,
  keys: readonly Key[],
  problems: Problems,
): Partial<Record<Key, YamlEntry>> {
  const map = entry && readMap(entry, problems);
  return map === undefined ? {} : readKeys(map, keys, problems);
}

function itemsOf<Item>(
  entry: YamlEntry | undefined,
  read: (node: YamlNode, key: string, problems: Problems) => Item | undefined,
  problems: Problems,
): Item[] {
  if (entry === undefined) return [];
  return readList(entry, 0, problems)
    .map((node) => read(node, entry.key, problems))
    .filter((item) => item !== undefined);
}

/** A line of torrc that `parse` takes; kept as it is. */
function line(parse: (text: string) => unknown) {
  return (node: YamlNode, key: string, problems: Problems): string | undefined => {
    const text = readText(node, key, problems);
    if (text === undefined) return undefined;
    try {
      parse(text);
      return text;
    } catch (error) {
      if (!(error instanceof LeekError)) throw error;
      problems.add(node.offset, error.message.replace(/\.$/, ""));
      return undefined;
    }
  };
}
