import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archiveStatus } from "../../src/archive/index.js";
import {
  certificates,
  consensus,
  exitList,
  HOUR,
  openArchive,
  scratchFolder,
  TEN,
  torrc,
} from "../archive/signed-network.js";
import { LEEK, leek, run } from "../support/leek.js";

const HOURS = 30;
const scratch = scratchFolder();
const documents = join(scratch, "documents");
const authorities = ["--authorities-from", join(scratch, "torrc")];
mkdirSync(documents);
writeFileSync(join(scratch, "torrc"), torrc);
writeFileSync(join(documents, "cached-certs"), certificates);
writeFileSync(join(documents, "exits"), exitList);
for (let hour = 0; hour < HOURS; hour++) writeFileSync(join(documents, `c${hour}`), consensus(TEN + hour * HOUR));

const newDataDir = () => join(mkdtempSync(join(scratch, "d-")), "leek");
const importing = (dataDir: string, ...files: string[]) => [
  "relays",
  "import",
  ...files,
  "--data-dir",
  dataDir,
  ...authorities,
];

describe("leek relays import, status and prune", () => {
  it("keep documents, tell of them, and remove old ones", () => {
    const dataDir = newDataDir();
    const imported = leek(importing(dataDir, documents));
    expect(imported).toMatchObject({ status: 0, stderr: "" });
    expect(imported.stdout).toBe(
      `Into ${dataDir}:\n  30 consensuses: 30 added\n  3 key certificates: 3 added\n  1 exit list: 1 added\n`,
    );
    expect(leek(importing(dataDir, documents)).stdout).toContain("30 consensuses: 0 added, 30 there already");

    const at = ["--data-dir", dataDir];
    const status = leek(["relays", "status", ...at, "--verify", ...authorities]);
    expect(status.status).toBe(0);
    expect(status.stdout).toContain("30 microdesc consensuses, 2026-11-22T10:00:00Z to 2026-11-23T15:00:00Z");
    expect(status.stdout).toContain("30 consensuses verified, 0 not");

    const pruning = ["relays", "prune", "--keep", "12h", "--before", "2026-11-23 15:00", ...at];
    expect(leek([...pruning, "--dry-run"]).stdout).toContain("Would remove 17 consensuses, 1 exit lists");
    expect(leek(pruning).stdout).toContain("Removed 17 consensuses, 1 exit lists");
    const { stdout } = leek(["relays", "status", "--json", ...at]);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: "leek/relays-status@1",
      documents: [{ kind: "ns", count: 0 }, { kind: "microdesc", count: 13, missing: 0 }, { count: 0 }],
      certificates: new Array(3).fill({ count: 1, expires: "2027-01-01T00:00:00Z" }),
    });
  });

  it("refuse what cannot be verified, with 65 and the remedy", () => {
    const dataDir = newDataDir();
    const { status, stdout, stderr } = leek(importing(dataDir, join(documents, "c0")));
    expect(status).toBe(65);
    expect(stdout).toContain("Refused: 0 invalid, 1 unverified.");
    expect(stderr).toContain("the key certificates of 3 authorities are missing");
    expect(stderr).toContain("certs.tar.xz");
    const report = JSON.parse(leek([...importing(dataDir, join(documents, "c0")), "--json"]).stdout);
    expect(report).toMatchObject({ schema: "leek/relays-import@1", unverified: 1, problemCount: 1 });
  });

  it("end with 66 for a file that is not there, with 64 for a span that is none", () => {
    expect(leek(importing(newDataDir(), join(scratch, "nothing"))).status).toBe(66);
    const pruned = leek(["relays", "prune", "--keep", "soon", "--data-dir", newDataDir()]);
    expect(pruned).toMatchObject({ status: 64, stderr: expect.stringContaining("30d") });
    expect(leek(["relays", "prune", "--data-dir", newDataDir()]).status).toBe(64);
  });

  it("find the folder by LEEK_DATA_DIR, XDG_DATA_HOME and HOME, in this order", () => {
    const home = mkdtempSync(join(scratch, "h-"));
    const where = (env: Record<string, string>) => {
      const words = Object.entries({ HOME: home, ...env }).map(([key, value]) => `${key}=${value}`);
      const args = ["relays", "status", "--json"];
      const unset = ["-u", "LEEK_DATA_DIR", "-u", "XDG_DATA_HOME"];
      return JSON.parse(run("env", [...unset, ...words, process.execPath, LEEK, ...args]).stdout).directory;
    };
    expect(where({})).toBe(join(home, ".local/share/leek"));
    expect(where({ XDG_DATA_HOME: "/x" })).toBe("/x/leek");
    expect(where({ XDG_DATA_HOME: "relative" })).toBe(join(home, ".local/share/leek"));
    expect(where({ XDG_DATA_HOME: "/x", LEEK_DATA_DIR: "/y" })).toBe("/y");
  });

  it("tell of a full disk, and keep what was there before", () => {
    const disk = mkdtempSync(join(scratch, "disk-"));
    const certs = importing(disk, join(documents, "cached-certs"));
    const all = importing(disk, documents);
    const quote = (args: readonly string[]) => [process.execPath, LEEK, ...args].map((it) => `'${it}'`).join(" ");
    // In a mount namespace of its own, which takes the disk with it.
    const script = [
      `mount -t tmpfs -o size=96k none '${disk}'`,
      quote(certs),
      `${quote(all)}; echo "status $?"`,
      `${quote(["relays", "status", "--verify", "--json", "--data-dir", disk, ...authorities])}`,
      `find '${disk}' -name '.leek*'`,
    ].join("\n");
    const { stdout, stderr } = run("unshare", ["-m", "sh", "-c", script]);
    expect(stderr).toContain("the disk is full");
    expect(stdout).toContain("status 74");
    const status = JSON.parse(stdout.slice(stdout.indexOf("{"), stdout.lastIndexOf("}") + 1));
    expect(status.verified.count).toBeGreaterThan(0);
    expect(status.verified.count).toBeLessThan(HOURS);
    expect(status.verified.problems).toEqual([]);
    expect(stdout.slice(stdout.lastIndexOf("}") + 1).trim()).toBe("");
  });

  it("survive kill -9 at any moment: what is kept is whole, and the next import completes it", async () => {
    const dataDir = newDataDir();
    for (let round = 0; round < 10; round++) {
      await killedImport(dataDir, round);
      const { verified } = archiveStatus(openArchive(dataDir), true);
      expect(verified?.problems).toEqual([]);
    }
    expect(leek(importing(dataDir, documents)).status).toBe(0);
    expect(archiveStatus(openArchive(dataDir), true).verified).toEqual({ count: HOURS, problems: [] });
    const names = readdirSync(dataDir, { recursive: true, encoding: "utf8" });
    expect(names.filter((name) => name.includes(".leek-tmp"))).toEqual([]);
  });
});

/** Kills an import, a little later each round, counted from when it begins to write. */
function killedImport(dataDir: string, round: number): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [LEEK, ...importing(dataDir, documents)], { stdio: "ignore" });
    const folder = join(dataDir, "microdescs-2026-11");
    const before = existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0;
    const watch = setInterval(() => {
      const now = existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0;
      if (now === before) return;
      clearInterval(watch);
      setTimeout(() => child.kill("SIGKILL"), round);
    }, 1);
    child.on("exit", () => {
      clearInterval(watch);
      resolve();
    });
  });
}
