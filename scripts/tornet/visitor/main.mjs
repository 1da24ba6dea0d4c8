/**
 * The program on the node that talks to the internet. Started by start.mjs, never by hand.
 *
 * It takes orders `{ id, kind, options }` from its parent, reports `{ visit }` for each conversation it begins, and
 * answers `{ id, result }` or `{ id, error }`. It ends when the parent is gone.
 */

import { VISITS } from "./visits.mjs";

/**
 * Any of the visits. The parent's types make sure that the options fit.
 *
 * @typedef {(options: unknown, record: import("./visits.mjs").Record) => Promise<unknown>} Visiting
 */

process.on("disconnect", () => process.exit());
process.on("message", (order) => obey(/** @type {import("./start.mjs").Order} */ (order)));
process.send?.({ ready: true });

/** @param {import("./start.mjs").Order} order */
async function obey({ id, kind, options }) {
  const visit = /** @type {Visiting} */ (VISITS[kind]);
  try {
    process.send?.({ id, result: await visit(options, (made) => process.send?.({ visit: made })) });
  } catch (error) {
    process.send?.({ id, error: String(error) });
  }
}
