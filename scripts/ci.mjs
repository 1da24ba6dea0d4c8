/** `.ci/run`: all tests, then each further check as a step of its own, then the count of both. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEMONSTRATION, ROOT } from "./project.mjs";

/** What `npm pack` may put into the package, by first path segment. */
const PACKAGE_CONTENT = ["bin", "dist", "docs", "package.json", "README.md", "LICENSE", "CHANGELOG.md"];

const scratch = mkdtempSync(join(tmpdir(), "leek-ci-"));
let passed = 0;
let failed = 0;

try {
  countTests(runTests());
  step("type check", () => runOrThrow("npm", ["run", "--silent", "types"]));
  step("lint", () => runOrThrow("npm", ["run", "--silent", "lint", "--", "--error-on-warnings"]));
  step("import directions", () => runOrThrow("npx", ["vitest", "run", "test/architecture.test.ts"]));
  step("package installs globally and runs", checkPackage);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

/**
 * @typedef {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   testResults: { name: string, status: string, assertionResults: { status: string }[] }[] }} VitestReport
 */

/** @returns {VitestReport | undefined} undefined when the tests did not get as far as a report. */
function runTests() {
  const report = join(scratch, "vitest.json");
  const args = ["test", "--", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync("npm", args, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
  // vitest also fails for errors outside of any test, which its report does not count.
  step("npm test exits with 0", () => {
    if (status !== 0) throw new Error(`npm test ended with ${status}`);
  });
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return undefined;
  }
}

/** @param {VitestReport | undefined} report */
function countTests(report) {
  step("tests ran, and none was skipped", () => {
    if (report === undefined) throw new Error("vitest wrote no report");
    const skipped = report.numPendingTests + report.numTodoTests;
    if (report.numPassedTests === 0) throw new Error("no test passed");
    if (skipped > 0) throw new Error(`${skipped} tests were skipped`);
  });
  passed += report?.numPassedTests ?? 0;
  failed += report?.numFailedTests ?? 0;
  for (const { name, status, assertionResults } of report?.testResults ?? []) {
    // A file that cannot even be loaded has no failed test to count.
    if (status !== "failed" || assertionResults.some((result) => result.status === "failed")) continue;
    console.log(`FAILED: ${name} could not be run`);
    failed++;
  }
}

function checkPackage() {
  const [packed] = JSON.parse(runOrThrow("npm", ["pack", "--json", "--pack-destination", scratch]));
  const files = /** @type {{ path: string }[]} */ (packed.files).map((file) => file.path);
  const stray = files.filter((path) => !PACKAGE_CONTENT.includes(path.split("/")[0] ?? ""));
  if (stray.length > 0) throw new Error(`not to be in the package: ${stray.join(", ")}`);

  const prefix = join(scratch, "prefix");
  const archive = join(scratch, packed.filename);
  runOrThrow("npm", [
    "install",
    "--global",
    "--prefix",
    prefix,
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    archive,
  ]);
  // From a folder that is not the project's, so that nothing of the project can be found by accident.
  const leek = join(prefix, "bin", "leek");
  const version = runOrThrow(leek, ["--version"], scratch).trim();
  if (!version.includes(packed.version))
    throw new Error(`leek --version says ${version}, package.json ${packed.version}`);
  if (runOrThrow(leek, DEMONSTRATION, scratch).trim() === "") throw new Error("leek analyze printed nothing");
}

/**
 * @param {string} name
 * @param {() => void} check - Throws when it does not hold.
 */
function step(name, check) {
  const start = performance.now();
  try {
    check();
    passed++;
    console.log(`ok: ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAILED: ${name}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {string} Its stdout.
 * @throws {Error} when it fails, with what it said.
 */
function runOrThrow(program, args, cwd = ROOT) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}
