import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { satisfies } from "../scripts/npm-packages.mjs";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const LOCK = join(dirname(import.meta.dirname), "package-lock.json");

describe("package-lock.json", () => {
  const packages: Record<string, Locked> = JSON.parse(readFileSync(LOCK, "utf8")).packages;

  it("does not say where packages were downloaded from", () => {
    // npm leaves that out when asked: npm install --omit-lockfile-registry-resolved
    expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).toEqual([]);
  });

  it("knows the binaries for every platform, else `npm ci` refuses it", () => {
    // npm leaves one out when the registry at hand does not have it. An entry with version, os, cpu, optional (and dev)
    // put in by hand is enough, and npm keeps it.
    const missing = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies).filter((name) => packages[`node_modules/${name}`] === undefined),
    );
    expect(missing).toEqual([]);
  });
});

describe("whether npm packages are installed", () => {
  const wanted = {
    packages: {
      "": { version: "1.0.0" },
      a: { version: "1.0.0", integrity: "x" },
      b: { version: "1.0.0", optional: true },
    },
  };
  const check = (packages: Parameters<typeof satisfies>[0]["packages"]) => satisfies({ packages }, wanted);

  it.each([
    ["all are there", { a: { version: "1.0.0", integrity: "x" }, b: { version: "1.0.0" } }, true],
    ["one for another platform is not there", { a: { version: "1.0.0", integrity: "x" } }, true],
    ["one is missing", { b: { version: "1.0.0" } }, false],
    ["one has another version", { a: { version: "1.0.1", integrity: "x" } }, false],
    ["one has another content", { a: { version: "1.0.0", integrity: "y" } }, false],
  ])("is told rightly when %s", (_name, packages, expected) => {
    expect(check(packages)).toBe(expected);
  });
});
