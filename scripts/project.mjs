/** What the project's own scripts share: where the project is, how they speak, how they start programs. */

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's top folder, without a slash at the end. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Arguments with which leek shows what it is for: a real capture of Tor beside a leak, and the consensus of that moment. */
export const DEMONSTRATION = [
  "analyze",
  join(ROOT, "fixtures", "tor-and-https-leak.pcap"),
  "--consensus",
  join(ROOT, "fixtures", "consensus"),
  "--authorities-from",
  join(ROOT, "fixtures", "torrc-authorities"),
];

/** Set-up that cannot go on. The message says what to do. */
export class SetupError extends Error {}

/**
 * To stderr, since stdout belongs to the command that set-up makes way for: `npm start --silent -- print - | less`.
 *
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * Runs a program in the project's folder and waits. Its stdout becomes our stderr, for the same reason.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @throws {SetupError} when it cannot be started or does not exit with 0.
 */
export function run(program, args, env = process.env) {
  const { status, signal, error } = spawnSync(program, args, { cwd: ROOT, env, stdio: ["ignore", 2, 2] });
  if (error) throw new SetupError(`Cannot start ${program}: ${error.message}`);
  if (status !== 0)
    throw new SetupError(`\`${program} ${args.join(" ")}\` failed (${signal ?? `exit status ${status}`}).`);
}

/**
 * Runs `main`; a SetupError is told in one line, any other error is ours and keeps its stack.
 *
 * @param {() => Promise<void> | void} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
