/**
 * The program that runs servers inside a namespace. Started by start.mjs, never by hand.
 *
 * Its one argument is JSON: `{ services: ServicePlan[], tls?: { key, cert } }` with file names in `tls`. It tells its
 * parent `{ ready: true }`, and `{ accepted }` for each connection; it ends when the parent is gone.
 */

import { startService } from "./services.mjs";

const { services, tls } = JSON.parse(process.argv[2] ?? "{}");

process.on("disconnect", () => process.exit());

for (const service of services) await startService(service, { tls, report });
process.send?.({ ready: true });

/** @param {import("./start.mjs").Accepted} accepted */
function report(accepted) {
  process.send?.({ accepted });
}
