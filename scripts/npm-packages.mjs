/** Installs the npm packages of package-lock.json, once. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run, SetupError, say } from "./project.mjs";

const OLDEST_NODE = 20;

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lock
 */

/**
 * Runs `npm ci` unless node_modules already holds what package-lock.json asks for.
 *
 * @throws {SetupError} when Node.js is too old or npm fails.
 */
export function ensureNpmPackages() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_NODE)
    throw new SetupError(`leek needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}.`);
  if (isInstalled()) return;
  say("Installing npm packages ...");
  // --include=dev: with NODE_ENV=production npm would leave the compiler out.
  run("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
}

/** Compares with the lock that npm leaves inside node_modules as the last step of an install. */
function isInstalled() {
  const wanted = readLock("package-lock.json");
  const present = readLock("node_modules/.package-lock.json");
  return wanted !== undefined && present !== undefined && satisfies(present, wanted);
}

/**
 * @param {Lock} present
 * @param {Lock} wanted
 */
export function satisfies(present, wanted) {
  for (const path in wanted.packages) {
    if (path === "") continue; // the project itself
    const package_ = /** @type {LockedPackage} */ (wanted.packages[path]);
    const found = present.packages[path];
    if (found === undefined) {
      // Binaries for other platforms are optional, and npm leaves them out.
      if (package_.optional || package_.devOptional) continue;
      return false;
    }
    if (found.version !== package_.version || found.integrity !== package_.integrity) return false;
  }
  return true;
}

/**
 * @param {string} path
 * @returns {Lock | undefined} undefined when there is none, or it is not one.
 */
function readLock(path) {
  try {
    const lock = JSON.parse(readFileSync(join(ROOT, path), "utf8"));
    return typeof lock?.packages === "object" ? lock : undefined;
  } catch {
    return undefined;
  }
}
