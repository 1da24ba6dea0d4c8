/** What must be true of this machine before a private network can be started. */

import { execFileSync } from "node:child_process";

/** Debian's package for each program that the scripts start. */
const PACKAGE_OF = {
  ip: "iproute2",
  tor: "tor",
  "tor-gencert": "tor",
  openssl: "openssl",
  tcpdump: "tcpdump",
  tshark: "tshark",
  ping: "iputils-ping",
};

/** @typedef {keyof typeof PACKAGE_OF} Program */

/** The exit status that test runners read as "skipped": the machine cannot do this, nothing is broken. */
export const EXIT_SKIPPED = 77;

/** Something is missing here. The message says what to do. */
export class RequirementError extends Error {
  exitCode = EXIT_SKIPPED;
}

/**
 * @param {readonly Program[]} programs
 * @throws {RequirementError} when not root, or a program is missing, or namespaces are forbidden (as in most containers).
 */
export function requireRootAnd(programs) {
  if (process.platform !== "linux") throw new RequirementError("Network namespaces need Linux.");
  if (process.getuid?.() !== 0) throw new RequirementError("Network namespaces need root: run this with sudo.");
  const missing = programs.filter((program) => !succeeds("sh", ["-c", `command -v ${program}`]));
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((program) => PACKAGE_OF[program]))];
    throw new RequirementError(`Not found: ${missing.join(", ")}. Run: apt-get install ${packages.join(" ")}`);
  }
  if (!succeeds("unshare", ["--net", "true"])) {
    throw new RequirementError(
      "This machine does not allow new network namespaces (a container without CAP_SYS_ADMIN?).",
    );
  }
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function succeeds(program, args) {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
