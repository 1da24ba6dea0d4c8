import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = dirname(import.meta.dirname);
/** So general that naming them tells nothing of the machine. */
const ORDINARY_FOLDERS = [
  "/",
  "/home",
  "/Users",
  "/opt",
  "/srv",
  "/tmp",
  "/usr",
  "/usr/src",
  "/var",
  "/var/tmp",
  "/mnt",
];

/** @returns What in `text` tells where it was made; empty when nothing does. */
function findTraces(text: string, folders: readonly string[]): string[] {
  // The same names deeper within another path are none of the machine.
  const paths = folders.filter((folder) =>
    text
      .split(`${folder}/`)
      .slice(0, -1)
      .some((before) => !/[\w.-]$/.test(before)),
  );
  const hosts = text.match(
    /\b(?:registry|npm|mirror)\.[a-z][a-z0-9.-]*\.(?:org|com|net|io|dev|cloud|internal|local)\b/gi,
  );
  return [...paths, ...new Set(hosts ?? [])];
}

describe("the repository", () => {
  it("names no folder of the machine that it was made on, and no package registry", () => {
    const folders = [ROOT, dirname(ROOT), homedir()].filter((folder) => !ORDINARY_FOLDERS.includes(folder));
    const traces = committedFiles().flatMap((path) =>
      findTraces(readFileSync(join(ROOT, path), "latin1"), folders).map((trace) => `${path}: ${trace}`),
    );
    expect(traces).toEqual([]);
  });
});

describe("the search for traces", () => {
  // Put together here, so that this file is not found itself.
  const registry = ["registry", "example", "org"].join(".");

  it.each([
    ["a path below the folder", "open /opt/made/main/src/a.ts", ["/opt/made/main"]],
    ["a path behind one that is none", "src/opt/made/main/x /opt/made/main/x", ["/opt/made/main"]],
    ["a path in quotes", '"/opt/made/main/x"', ["/opt/made/main"]],
    ["a registry", `see https://${registry}/x`, [registry]],
  ])("finds %s", (_name, text, traces) => {
    expect(findTraces(text, ["/opt/made/main"])).toEqual(traces);
  });

  it("leaves other paths and words alone", () => {
    const text = "src/opt/made/main/x /opt/made/mainly a registry. Of relays.";
    expect(findTraces(text, ["/opt/made/main"])).toEqual([]);
  });
});

/** Those that git has or would take; symbolic links and deleted files left out. */
function committedFiles(): string[] {
  const list = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: ROOT, encoding: "utf8" });
  const paths = list.split("\0").filter((path) => path !== "");
  return paths.filter((path) => statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile());
}
