/** One running tor. */

import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { end, sleep, waitFor } from "./processes.mjs";

/**
 * A tor with its own DataDirectory. It can be stopped and started again, and then remembers its guards and documents.
 */
export class TorProcess {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;

  /**
   * @param {object} place
   * @param {string} place.nickname - For messages.
   * @param {string} place.dataDirectory - Exists already.
   * @param {string} place.torrc - The text of its configuration.
   * @param {import("./namespaces.mjs").Namespace} place.namespace
   * @param {import("./processes.mjs").ProcessGroup} place.processes
   */
  constructor({ nickname, dataDirectory, torrc, namespace, processes }) {
    this.nickname = nickname;
    this.dataDirectory = dataDirectory;
    this.torrc = torrc;
    this.namespace = namespace;
    this.processes = processes;
  }

  /** Undefined while it is not running. */
  get pid() {
    return this.#child?.pid;
  }

  get #logFile() {
    return join(this.dataDirectory, "log");
  }

  async start() {
    const torrc = join(this.dataDirectory, "torrc");
    // An empty file of defaults keeps the machine's own ones out.
    const defaults = join(this.dataDirectory, "torrc-defaults");
    await writeFile(torrc, this.torrc);
    await writeFile(defaults, "");
    const log = await open(this.#logFile, "w");
    const child = this.namespace.spawn(["tor", "-f", torrc, "--defaults-torrc", defaults], {
      stdio: ["ignore", log.fd, log.fd],
    });
    await once(child, "spawn");
    await log.close();
    this.#child = this.processes.add(child);
  }

  async stop() {
    if (this.#child) await end(this.#child, "SIGTERM");
    this.#child = undefined;
  }

  /**
   * Waits until this tor can build circuits.
   *
   * @throws with the end of its log, when it does not get there.
   */
  async bootstrapped(timeoutMs = 90_000) {
    await this.logged(/Bootstrapped 100%/, timeoutMs);
  }

  /**
   * For a tor with an onion service: waits until visitors find the present descriptor. An earlier visit may use one
   * that the service published before its last restart, and then hangs for three minutes.
   */
  async published(timeoutMs = 60_000) {
    await this.logged(/Uploaded hidden service descriptor/, timeoutMs);
    // The other copies follow at once.
    await sleep(1_000);
  }

  /**
   * Waits for a line in the log of the present run.
   *
   * @param {RegExp} pattern
   * @param {number} timeoutMs
   */
  async logged(pattern, timeoutMs) {
    try {
      await waitFor(`${this.nickname} to log ${pattern}`, async () => pattern.test(await this.#alive()), { timeoutMs });
    } catch (error) {
      const lastLines = (await readFile(this.#logFile, "utf8")).split("\n").slice(-15).join("\n");
      throw new Error(`${/** @type {Error} */ (error).message}. The end of its log:\n${lastLines}`);
    }
  }

  async #alive() {
    const log = await readFile(this.#logFile, "utf8");
    if (this.#child?.exitCode !== null) throw new Error(`${this.nickname} has ended by itself`);
    return log;
  }
}
