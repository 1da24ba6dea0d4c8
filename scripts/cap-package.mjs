/** The npm package `cap`, which tests of `--backend cap` need and leek itself does not: beside the other packages. */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, say } from "./project.mjs";

const CAP = "cap@0.2.1";
/** Compiled for this Node.js's binary interface, and no other loads it. */
const FOLDER = join(ROOT, "node_modules", ".cache", "leek", `cap-${process.versions.modules}`);

/**
 * Compiles it once.
 *
 * @throws {SetupError} when npm or the compiler fails.
 */
export function ensureCap() {
  if (existsSync(join(FOLDER, "node_modules/cap/build/Release/cap.node"))) return;
  say(`Compiling ${CAP} for the tests ...`);
  mkdirSync(FOLDER, { recursive: true });
  run("npm", ["install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--loglevel=error", CAP]);
}
