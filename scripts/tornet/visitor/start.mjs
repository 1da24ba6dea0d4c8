/** Starts the visitor and gives it orders. */

import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("main.mjs", import.meta.url));

/** @typedef {typeof import("./visits.mjs").VISITS} Visits */
/** @typedef {import("./visits.mjs").Visit} Visit */
/** @typedef {{ id: number, kind: keyof Visits, options: unknown }} Order */
/** @typedef {{ visit?: Visit, id?: number, result?: unknown, error?: string }} Report */

/** The visitor's side in this process. */
export class Visitor {
  /** Every conversation that it began, in order. @type {Visit[]} */
  visits = [];
  /** @type {Map<number, { resolve: (result: unknown) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();
  #lastId = 0;
  #child;

  /** @param {import("node:child_process").ChildProcess} child */
  constructor(child) {
    this.#child = child;
    child.on("message", (/** @type {Report} */ report) => this.#hear(report));
    child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("The visitor has ended by itself"));
    });
  }

  /**
   * Has one conversation, to its end.
   *
   * @template {keyof Visits} K
   * @param {K} kind - The name of a function of visits.mjs.
   * @param {Parameters<Visits[K]>[0]} options - Its first argument.
   * @returns {Promise<Awaited<ReturnType<Visits[K]>>>}
   */
  visit(kind, options) {
    const id = ++this.#lastId;
    const result = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send(/** @type {Order} */ ({ id, kind, options }));
    return /** @type {Promise<Awaited<ReturnType<Visits[K]>>>} */ (result);
  }

  /** @param {Report} report */
  #hear({ visit, id, result, error }) {
    if (visit) this.visits.push(visit);
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}

/**
 * @param {import("../namespaces.mjs").Namespace} namespace
 * @param {import("../processes.mjs").ProcessGroup} processes
 */
export async function startVisitor(namespace, processes) {
  const child = namespace.spawn([process.execPath, PROGRAM], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  processes.add(child);
  const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (!message?.ready) throw new Error("The visitor did not start");
  return new Visitor(child);
}
