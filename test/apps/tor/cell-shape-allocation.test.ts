import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { bundleScript } from "../../support/bundle.js";

const scratch = mkdtempSync(join(tmpdir(), "leek-cell-shape-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** In a process of its own: the test runner's own work would hide what is looked for. */
const PROBE = `
import { CellShape } from "./src/apps/tor/cell-shape.js";

const shape = new CellShape();
shape.hello("www.fmsul7uwme62jl.com", false);
shape.agreed(0x0304, 0x1302);
const sizes = [531, 4065, 4065, 4065, 4065, 273, 1045, 777, 531, 17, 3615];
function pass(records) {
  for (let i = 0; i < records; i++) shape.record(i & 1, 23, sizes[i % sizes.length]);
}
for (let i = 0; i < 20; i++) pass(10_000);
globalThis.gc();
const before = process.memoryUsage().heapUsed;
pass(1_000_000);
console.log((process.memoryUsage().heapUsed - before) / 1_000_000);
`;

it("allocates nothing per record", () => {
  const probe = join(scratch, "probe.mjs");
  bundleScript(PROBE, probe);
  const argv = ["--expose-gc", "--max-semi-space-size=64", probe];
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  expect(stderr).toBe("");
  // The least object has 16 bytes.
  expect(Number(stdout)).toBeLessThan(1);
});
