import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findViolations, type Rooms } from "./support/architecture.js";
import { readModule } from "./support/module-source.js";

const BELOW_PIPELINE = [
  "base",
  "net",
  "capture",
  "filter",
  "decode",
  "flows",
  "streams",
  "apps",
  "relays",
  "classify",
  "host",
  "bitcoin",
];
const BELOW_REPORT = [...BELOW_PIPELINE, "pipeline", "audit"];

/** A packet walks down this list. A room may import those named beside it, through their index.ts. */
const ROOMS: Rooms = {
  base: [],
  net: ["base"],
  capture: ["base", "net"],
  // Reached on its own by filter/, which must not see the readers.
  "capture/libpcap": [],
  filter: ["base", "capture/libpcap"],
  decode: ["base", "net"],
  flows: ["base", "net", "decode"],
  streams: ["base", "net", "decode", "flows"],
  // decode: a recogniser of datagrams takes its fields from PacketHeaders.
  apps: ["base", "net", "decode", "streams"],
  relays: ["base", "net"],
  // How documents come and where they stay: from the local tor, over HTTP, and on disk.
  "tor-control": ["base", "net", "relays"],
  download: ["base", "net"],
  archive: ["base", "net", "relays"],
  // decode: a flow is judged by the headers of its first packet.
  classify: ["base", "net", "decode", "flows", "apps", "relays"],
  host: ["base", "net"],
  bitcoin: ["base", "net", "flows", "apps", "classify", "host"],
  pipeline: BELOW_PIPELINE,
  // Judges what the pipeline makes: flows with all that is known of them, and the result of the whole.
  audit: [...BELOW_PIPELINE, "pipeline"],
  // Loaded for --evidence only.
  "audit/evidence": [],
  report: BELOW_REPORT,
  // Loaded on their own: JSON needs no tables, plain lines need nothing else.
  "report/audit": [],
  "report/contrast": [],
  "report/explain": [],
  "report/interfaces": [],
  "report/tcpdump": [],
  cli: [...BELOW_REPORT, "tor-control", "download", "archive", "report"],
};

describe("the house", () => {
  it("holds to its rules: rooms, doors, no cycles, no clock and no console below cli/", () => {
    expect(findViolations(ROOMS, readSources())).toEqual([]);
  });

  it("has a door in every room", () => {
    const sources = readSources();
    const rooms = new Set([...sources.keys()].map((path) => path.split("/")[0]!));
    expect([...rooms].filter((room) => room !== "cli" && !sources.has(`${room}/index.ts`))).toEqual([]);
  });
});

describe("the check of the house", () => {
  const rooms: Rooms = {
    base: [],
    net: ["base"],
    capture: ["base"],
    "capture/libpcap": [],
    filter: ["capture/libpcap"],
    cli: ["net"],
  };
  const house = {
    "base/index.ts": 'export { now } from "./time.js";',
    "base/time.ts": "export const now = (ms: number) => new Date(ms);",
    "net/index.ts": 'export { a } from "./a.js";',
    "net/a.ts": 'import { now } from "../base/index.js"; export const a = now;',
  };
  const check = (files: Record<string, string>) =>
    findViolations(rooms, new Map(Object.entries({ ...house, ...files })));

  it("finds nothing in a sound house", () => {
    expect(check({})).toEqual([]);
  });

  it.each([
    [
      "an import from a room below",
      { "base/time.ts": 'import { a } from "../net/index.js";' },
      "base may not import net",
    ],
    [
      "a type-only import from a room below",
      { "base/time.ts": 'import type { a } from "../net/index.js";' },
      "base may not import net",
    ],
    [
      "a re-export from a room below",
      { "base/time.ts": 'export { a } from "../net/index.js";' },
      "base may not import net",
    ],
    [
      "a dynamic import from a room below",
      { "base/time.ts": 'await import("../net/index.js");' },
      "base may not import net",
    ],
    [
      "an import in the type position",
      { "base/time.ts": 'let a: import("../net/index.js").A;' },
      "base may not import net",
    ],
    [
      "an import over several lines",
      { "base/time.ts": 'import {\n  a,\n  b,\n} from\n  "../net/index.js";' },
      "base may not import net",
    ],
    ["an import past the door", { "net/a.ts": 'import { now } from "../base/time.js";' }, "past base/index.ts"],
    ["an import of a file that is not there", { "net/a.ts": 'import { b } from "./b.js";' }, "no file of src/"],
    ["a folder that is no room", { "attic/old.ts": "" }, "attic/old.ts is in no room"],
    [
      "a cycle of two files",
      { "net/a.ts": 'import "./b.js";', "net/b.ts": 'import "./a.js";' },
      "net/a.ts -> net/b.ts -> net/a.ts",
    ],
    [
      "a file that imports its own door",
      { "net/a.ts": 'import "./index.js";' },
      "net/index.ts -> net/a.ts -> net/index.ts",
    ],
    ["a default export", { "net/a.ts": "export default 1;" }, "default export"],
    ["logic in a door", { "net/index.ts": "export const a = 1;" }, "more than named exports"],
    ["a door that exports everything", { "net/index.ts": 'export * from "./a.js";' }, "more than named exports"],
    ["console", { "net/a.ts": "console.log(1);" }, "net/a.ts:1 uses console"],
    ["process.env", { "net/a.ts": "\n\nconst home = process.env.HOME;" }, "net/a.ts:3 uses process"],
    ["process.exit within a template", { "net/a.ts": `const a = \`\${process.exit()}\`;` }, "uses process"],
    ["node:process", { "net/a.ts": 'import { env } from "node:process";' }, "imports node:process"],
    ["Date.now", { "net/a.ts": "const t = Date.now();" }, "Date.now"],
    ["new Date() without argument", { "net/a.ts": "const t = new Date( );" }, "new Date()"],
    ["new Date without parentheses", { "net/a.ts": "const t = new Date;" }, "new Date()"],
    ["performance.now", { "net/a.ts": "const t = performance.now();" }, "performance.now"],
    ["Math.random", { "net/a.ts": "const t = Math.random();" }, "Math.random"],
  ])("finds %s", (_name, files: Record<string, string>, violation) => {
    expect(check(files)).toContainEqual(expect.stringContaining(violation));
  });

  it("lets a room in by the door of a room within a room only", () => {
    const libpcap = { "capture/libpcap/index.ts": 'export { p } from "./p.js";', "capture/libpcap/p.ts": "" };
    expect(check({ ...libpcap, "filter/f.ts": 'import { p } from "../capture/libpcap/index.js";' })).toEqual([]);
    expect(check({ ...libpcap, "capture/c.ts": 'import { p } from "./libpcap/index.js";' })).toEqual([]);
    expect(check({ ...libpcap, "capture/c.ts": 'import { p } from "./libpcap/p.js";' })).toHaveLength(1);
    expect(check({ ...libpcap, "capture/index.ts": "", "filter/f.ts": 'import "../capture/index.js";' })).toHaveLength(
      1,
    );
  });

  it("lets a room within a room import what the room around it may", () => {
    expect(check({ "capture/libpcap/p.ts": 'import { now } from "../../base/index.js";' })).toEqual([]);
    expect(check({ "capture/libpcap/p.ts": 'import { a } from "../../net/index.js";' })).toHaveLength(1);
  });

  it("lets cli/ use the process, the console and the clock", () => {
    expect(check({ "cli/main.ts": "console.log(process.argv, Date.now(), new Date());" })).toEqual([]);
  });

  it("takes no comment, string or property for a use", () => {
    const text =
      '// console.log\n/* process.env */ const a = "Date.now()"; row.process.id; `Math.random`; /console./; x.console.y;';
    expect(check({ "net/a.ts": text })).toEqual([]);
  });
});

describe("the reader of imports", () => {
  it.each([
    ["a quote in a comment", "// don't\nimport 'a';", ["a"]],
    ["a comment mark in a string", 'const u = "http://x"; import "a";', ["a"]],
    ["a quote in a regular expression", 'const r = /["\']/; import "a";', ["a"]],
    ["a slash in a class of a regular expression", 'const r = /[/"]/g; import "a";', ["a"]],
    ["a division", 'const r = 4 / 2; const s = "/"; import "a";', ["a"]],
    ["an escaped quote", 'const s = "\\""; import "a";', ["a"]],
    ["nested templates", `const s = \`a\${{ b: \`"\${c}"\` }}"\`; import "a";`, ["a"]],
    ["an import in a comment", '/* import "b"; */ import "a"; // from "c"', ["a"]],
    ["an import in a string", 'const s = \'import "b"\'; import "a";', ["a"]],
  ])("is not misled by %s", (_name, source, imports) => {
    expect(readModule(source).imports).toEqual(imports);
  });

  it("keeps every character in its place", () => {
    const source = readFileSync(import.meta.filename, "utf8");
    expect(readModule(source).code).toHaveLength(source.length);
  });
});

function readSources(): Map<string, string> {
  const src = join(import.meta.dirname, "..", "src");
  const paths = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  return new Map(paths.map((path) => [path.replaceAll("\\", "/"), readFileSync(join(src, path), "utf8")]));
}
