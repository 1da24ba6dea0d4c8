/** Starts the servers of a namespace in a program of its own. */

import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../processes.mjs";

const PROGRAM = fileURLToPath(new URL("main.mjs", import.meta.url));

/**
 * A connection that a TCP server accepted.
 *
 * @typedef {object} Accepted
 * @property {string} kind
 * @property {{ address: string, port: number }} originator
 * @property {{ address: string, port: number }} responder
 */

/**
 * @param {object} options
 * @param {import("../namespaces.mjs").Namespace} options.namespace
 * @param {readonly import("../plan.mjs").ServicePlan[]} options.services
 * @param {{ key: string, cert: string }} [options.tls]
 * @param {import("../processes.mjs").ProcessGroup} options.processes
 * @param {(accepted: Accepted) => void} options.onAccepted
 */
export async function startServers({ namespace, services, tls, processes, onAccepted }) {
  const child = namespace.spawn([process.execPath, PROGRAM, JSON.stringify({ services, tls })], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  processes.add(child);
  child.on("message", (/** @type {{ accepted?: Accepted }} */ { accepted }) => {
    if (accepted) onAccepted(accepted);
  });
  const [message] = await Promise.race([once(child, "message"), once(child, "exit")]);
  if (!message?.ready) throw new Error(`The servers of ${namespace.name} did not start`);
}

/**
 * A certificate that signs itself, for the names of the private internet.
 *
 * @param {string} dir
 * @param {readonly string[]} names
 */
export async function makeCertificate(dir, names) {
  const tls = { key: join(dir, "tls-key.pem"), cert: join(dir, "tls-cert.pem") };
  await run([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", tls.key, "-out", tls.cert, "-days", "30", "-subj", `/CN=${names[0]}`],
    ...["-addext", `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`],
  ]);
  return tls;
}
