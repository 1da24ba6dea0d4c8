/** Child processes with an end: each one that is started here is also ended here, by its own id. */

import { spawn } from "node:child_process";
import { once } from "node:events";

/** After this long a polite signal is followed by SIGKILL. */
const PATIENCE_MS = 5_000;

/**
 * Runs a program to its end.
 *
 * @param {readonly string[]} argv
 * @param {{ input?: string, timeoutMs?: number, accept?: readonly number[] }} [options] - `accept`: exit statuses
 *   that mean success.
 * @returns {Promise<string>} What it wrote to stdout.
 * @throws when it fails, with the command and its stderr in the message.
 */
export async function run(argv, { input = "", timeoutMs = 60_000, accept = [0] } = {}) {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { timeout: timeoutMs });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  // A program that ends without reading its input breaks the pipe; its exit status tells what happened.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code, signal] = await once(child, "close");
  if (!accept.includes(code)) throw new Error(`${argv.join(" ")}: ended with ${signal ?? code}\n${stderr || stdout}`);
  return stdout;
}

/** The processes that belong together and end together. */
export class ProcessGroup {
  /** @type {Set<import("node:child_process").ChildProcess>} */
  #running = new Set();
  #closed = false;

  /**
   * @template {import("node:child_process").ChildProcess} T
   * @param {T} child
   * @returns {T}
   */
  add(child) {
    // A start that was still under way while the rest was being stopped must leave nothing behind.
    if (this.#closed) child.kill("SIGKILL");
    this.#running.add(child);
    child.once("exit", () => this.#running.delete(child));
    return child;
  }

  async stopAll() {
    this.#closed = true;
    await Promise.all([...this.#running].map((child) => end(child)));
  }
}

/**
 * Ends a process and waits until it is gone.
 *
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
export async function end(child, signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill(signal);
  const impatience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await gone;
  clearTimeout(impatience);
}

/**
 * Asks again and again until the answer is yes.
 *
 * @template T
 * @param {string} what - Named in the error.
 * @param {() => T | undefined | false | Promise<T | undefined | false>} question
 * @param {{ timeoutMs: number, everyMs?: number, signal?: AbortSignal }} options
 * @returns {Promise<T>} The first answer that is neither undefined nor false.
 */
export async function waitFor(what, question, { timeoutMs, everyMs = 200, signal }) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}`);
    await sleep(everyMs);
  }
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
