import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROTOCOLS } from "../../src/apps/index.js";
import { PRESET_NAMES, parsePolicy, ROLES, SEVERITIES, starterPolicy } from "../../src/audit/index.js";
import { FLOW_PROTOCOLS } from "../../src/audit/policy/allowed-flow.js";
import { SETTABLE_RULES } from "../../src/audit/policy/parse-policy.js";
import { PROJECT } from "../support/leek.js";

const schema = JSON.parse(readFileSync(join(PROJECT, "docs", "schemas", "audit-policy.json"), "utf8"));
const fits = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false }).compile(schema);

/** JSON is YAML. */
const isRead = (value: unknown) =>
  parsePolicy(JSON.stringify(value), "p.json").then(
    () => true,
    (error) => {
      if (error.code !== "LEEK_POLICY_INVALID") throw error;
      return false;
    },
  );

const address = fc.constantFrom("192.0.2.1", "192.0.2.0/24", "2001:db8::1", "2001:db8::/32");
const bridge = fc.constantFrom("192.0.2.1:443", "Bridge obfs4 [2001:db8::1]:443 cert=x");
const authority = fc.constant("auth1 orport=5000 198.51.100.11:7000 0123456789ABCDEF0123456789ABCDEF01234567");
const port = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom("443", "1000-2000"));
const name = fc.stringMatching(/^\.?[a-z0-9_]{1,8}(\.[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?){0,3}$/);
const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((it) => /\S/.test(it));
const duration = fc.oneof(
  fc.integer({ min: 1, max: 2_073_600 }),
  fc.constantFrom(0.5, "30s", "10m", "1.5h", "24d", "90"),
);
const oneOrList = <T>(item: fc.Arbitrary<T>, minLength: 0 | 1) =>
  fc.oneof(item, fc.array(item, { minLength, maxLength: 3 }));

/** Sound in all that a schema cannot hold. */
const allowedFlow = fc.record(
  {
    to: oneOrList(address, 1),
    port: oneOrList(port, 1),
    protocol: oneOrList(fc.constantFrom(...FLOW_PROTOCOLS), 1),
    name: oneOrList(name, 1),
    process: oneOrList(text, 1),
    from: fc.constantFrom("2026-11-22", "2026-11-22 10:00"),
    until: fc.constantFrom("2026-11-23", "2026-11-23T10:00:00Z"),
    because: text,
  },
  // One of those that are narrow by themselves; that is the parser's affair alone.
  { requiredKeys: ["because", "to"] },
);
const sound = fc.record(
  {
    version: fc.constant(1),
    preset: fc.constantFrom(...PRESET_NAMES),
    node: oneOrList(address, 0),
    role: fc.constantFrom(...ROLES),
    bridges: oneOrList(bridge, 0),
    authorities: oneOrList(authority, 0),
    allow: oneOrList(allowedFlow, 0),
    severity: fc.dictionary(fc.constantFrom(...SETTABLE_RULES), fc.constantFrom(...SEVERITIES)),
    thresholds: fc.record({ minDuration: duration, failOpen: duration }, { requiredKeys: [] }),
    expect: fc.record(
      { tor: fc.boolean(), applications: oneOrList(fc.constantFrom(...PROTOCOLS), 0) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

/** What is put in the place of something, of no meaning that only the parser knows. */
const foreign = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 0.0001, 1.5, 65_536, 10_000_000, "", " ", "none", "0x50", "1-2-3", "10 m"),
  fc.constantFrom([], [[]], [null], {}, [{}], { because: "x" }, { surprise: 1 }, [{ to: "192.0.2.1", because: "" }]),
);

/** Every place of a value: the keys and indices that lead there. */
function placesOf(value: unknown): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => [
    [key],
    ...placesOf(value[key as keyof typeof value]).map((rest) => [key, ...rest]),
  ]);
}

type Tree = Record<string | number, unknown>;

function changed(
  value: object,
  path: readonly (string | number)[],
  change: (parent: Tree, key: string | number) => void,
) {
  const copy = JSON.parse(JSON.stringify(value));
  let parent = copy;
  for (const key of path.slice(0, -1)) parent = parent[key];
  change(parent, path.at(-1)!);
  return copy;
}

/** Texts that the schema takes for some text, and that only the parser can read: addresses, lines, times. */
const isSemantic = (value: unknown) => typeof value === "string" && /\S/.test(value);

describe("the policy's schema", () => {
  it("accepts what the parser accepts", async () => {
    await fc.assert(
      fc.asyncProperty(sound, async (policy) => {
        expect(fits(policy), JSON.stringify(fits.errors)).toBe(true);
        expect(await isRead(policy)).toBe(true);
      }),
    );
  });

  it("refuses what the parser refuses: something else in a place, a key too many, a key that is missing", async () => {
    const damaged = sound.chain((policy) => {
      const places = placesOf(policy);
      const within = (key: string | number) => placesOf(policy).filter((path) => path.at(-1) === key);
      const other =
        places.length === 0
          ? fc.constant({ surprise: 1 } as object)
          : fc
              .tuple(fc.constantFrom(...places), foreign)
              .filter(([path, value]) => !(isSemantic(value) && hasMeaning(path)))
              .map(([path, value]) => changed(policy, path, (parent, key) => Object.assign(parent, { [key]: value })));
      const more = fc
        .constantFrom(...["because", "tor", "minDuration"].flatMap(within), [])
        .map((path) =>
          path.length === 0
            ? { ...policy, surprise: 1 }
            : changed(policy, path, (parent) => Object.assign(parent, { surprise: 1 })),
        );
      const less = fc
        .constantFrom(...within("because"), [])
        .map((path) => (path.length === 0 ? policy : changed(policy, path, (parent, key) => delete parent[key])));
      return fc.oneof({ arbitrary: other, weight: 4 }, more, less);
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(damaged, async (policy) => {
        const isFit = fits(policy) === true;
        if (!isFit) refused++;
        expect(await isRead(policy), JSON.stringify(fits.errors)).toBe(isFit);
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("has the same words as the parser", () => {
    const { properties, $defs } = schema;
    expect(properties.preset.enum).toEqual(PRESET_NAMES);
    expect(properties.role.enum).toEqual(ROLES);
    expect($defs.severity.enum).toEqual(SEVERITIES);
    expect($defs.application.enum).toEqual(PROTOCOLS);
    expect(Object.keys(properties.severity.properties)).toEqual(SETTABLE_RULES);
    const byNumber = /^ip-proto-\d+$/;
    expect($defs.protocol.anyOf[0].enum).toEqual(FLOW_PROTOCOLS.filter((it) => !byNumber.test(it)));
  });

  it("has examples that are policies", async () => {
    expect(schema.examples.length).toBeGreaterThan(1);
    for (const example of schema.examples) {
      expect(fits(example), JSON.stringify(fits.errors)).toBe(true);
      await parsePolicy(JSON.stringify(example), "example");
    }
  });

  it("describes what starters say", async () => {
    const { parse } = await import("yaml");
    for (const preset of [undefined, ...PRESET_NAMES]) {
      expect(fits(parse(starterPolicy(preset))), JSON.stringify(fits.errors)).toBe(true);
    }
  });
});

/** Where the schema takes any text, or where a text may leave out too little. */
function hasMeaning(path: readonly (string | number)[]): boolean {
  return ["node", "bridges", "authorities", "to", "from", "until", "port", "process", "name", "because"].some((key) =>
    path.includes(key),
  );
}
