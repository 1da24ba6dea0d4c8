import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
export const LEEK = fileURLToPath(new URL("../../bin/leek.js", import.meta.url));
export const FIXTURES = fileURLToPath(new URL("../../fixtures", import.meta.url));

/** No documents of whoever runs the tests; those that a test has it names with --data-dir. */
const ENVIRONMENT = { ...process.env, TZ: "UTC", LEEK_DATA_DIR: "/nonexistent" };

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `leek ARGS` as a user does, from the built dist/, in UTC. */
export function leek(args: readonly string[], input?: Uint8Array): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [LEEK, ...args], {
    encoding: "buffer",
    env: ENVIRONMENT,
    input: input ?? new Uint8Array(0),
    maxBuffer: 1 << 28,
    timeout: 60_000,
  });
  return { status, stdout: stdout.toString("latin1"), stderr: stderr.toString() };
}

/** Runs another program that a test needs; its absence fails the test. */
export function run(program: string, args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    encoding: "buffer",
    env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
    maxBuffer: 1 << 28,
    timeout: 120_000,
  });
  if (error !== undefined) throw error;
  return { status, stdout: stdout.toString("latin1"), stderr: stderr.toString() };
}

/** Starts `leek ARGS` and leaves it running, with pipes. */
export function startLeek(args: readonly string[]) {
  return spawn(process.execPath, [LEEK, ...args], { env: ENVIRONMENT, stdio: "pipe" });
}
