// Runs a whole process and says what it cost.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const GNU_TIME = "/usr/bin/time";

/**
 * @typedef {object} Cost
 * @property {number} wallMs
 * @property {number} cpuMs User and system, of the process and its children; NaN where GNU time is missing.
 * @property {number} peakBytes Greatest resident set of one process; NaN likewise.
 */

/** Why a command gave no figure. */
export class RunError extends Error {}

/** Node.js cannot ask for the peak memory of a child, GNU time can (wait4). It costs about a millisecond. */
export const hasGnuTime = existsSync(GNU_TIME);

/**
 * @param {readonly string[]} command Its output is thrown away.
 * @param {string} [folder] Where it runs.
 * @returns {Cost}
 * @throws {RunError} when it cannot be started, or says that it failed.
 */
export function measure(command, folder) {
  const scratch = mkdtempSync(join(tmpdir(), "leek-bench-"));
  const report = join(scratch, "time");
  try {
    const timed = hasGnuTime ? [GNU_TIME, "-f", "%U %S %M", "-o", report, "-q", ...command] : command;
    const start = performance.now();
    run(timed, folder);
    const wallMs = performance.now() - start;
    if (!hasGnuTime) return { wallMs, cpuMs: Number.NaN, peakBytes: Number.NaN };
    const [user = 0, system = 0, kibibytes = 0] = readFileSync(report, "utf8").trim().split(" ").map(Number);
    return { wallMs, cpuMs: (user + system) * 1000, peakBytes: kibibytes * 1024 };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * For commands of a few milliseconds: nothing stands between, and only the wall clock counts.
 *
 * @param {readonly string[]} command
 * @throws {RunError} as `measure`.
 */
export function measureWall(command) {
  const start = performance.now();
  run(command);
  return performance.now() - start;
}

/**
 * @param {readonly string[]} command
 * @param {string} [folder]
 */
function run([program = "", ...args], folder) {
  const { status, signal, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (error) throw new RunError(error.message);
  if (status === 0) return;
  const lines = stderr.trim().split("\n");
  throw new RunError(
    `${signal ?? `status ${status}`}: ${lines.find((line) => /error|cannot/i.test(line)) ?? lines.at(-1)}`,
  );
}

/** @param {readonly number[]} values At least one. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
