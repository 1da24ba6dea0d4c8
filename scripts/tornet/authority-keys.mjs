/** The long-term keys of a directory authority, made before tor starts: its torrc line names them. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./processes.mjs";

/**
 * Makes the keys in the authority's DataDirectory.
 *
 * @param {string} dataDirectory - Absent yet.
 * @param {import("./plan.mjs").RelayPlan} relay
 * @returns {Promise<string>} The `DirAuthority` line by which all others trust it.
 */
export async function makeAuthority(dataDirectory, relay) {
  const keys = join(dataDirectory, "keys");
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const identity = await makeIdentity(keys, relay);
  const fingerprint = await makeRelayKey(dataDirectory, relay);
  const { nickname, address, orPort, dirPort } = relay;
  return `DirAuthority ${nickname} orport=${orPort} v3ident=${identity} ${address}:${dirPort} ${fingerprint}`;
}

/**
 * The v3 identity signs a certificate for the key which signs votes and consensuses.
 *
 * @param {string} keys
 * @param {import("./plan.mjs").RelayPlan} relay
 */
async function makeIdentity(keys, relay) {
  const certificate = join(keys, "authority_certificate");
  await run(
    [
      ...["tor-gencert", "--create-identity-key", "--passphrase-fd", "0", "-m", "12"],
      ...["-a", `${relay.address}:${relay.dirPort}`],
      ...["-i", join(keys, "authority_identity_key"), "-s", join(keys, "authority_signing_key"), "-c", certificate],
    ],
    { input: "throw-away\n" },
  );
  const [, identity] = /^fingerprint ([0-9A-F]{40})$/m.exec(await readFile(certificate, "utf8")) ?? [];
  if (!identity) throw new Error(`tor-gencert wrote no fingerprint into the certificate of ${relay.nickname}`);
  return identity;
}

/**
 * The key by which an authority is known as a relay.
 *
 * @param {string} dataDirectory
 * @param {import("./plan.mjs").RelayPlan} relay
 */
async function makeRelayKey(dataDirectory, relay) {
  // tor refuses a device file as torrc, so an empty file it is.
  const emptyTorrc = join(dataDirectory, "empty-torrc");
  await writeFile(emptyTorrc, "");
  const printed = await run([
    ...["tor", "--quiet", "--list-fingerprint", "-f", emptyTorrc, "--orport", String(relay.orPort)],
    // Not used, but without one tor would not accept the options of an authority-to-be.
    ...["--dirserver", `x 127.0.0.1:1 ${"f".repeat(40)}`],
    ...["--datadirectory", dataDirectory, "--nickname", relay.nickname],
  ]);
  const fingerprint = printed.match(/(?:[0-9A-F]{4} ?){10}/)?.[0].replaceAll(" ", "");
  if (fingerprint?.length !== 40) throw new Error(`tor --list-fingerprint said: ${printed}`);
  return fingerprint;
}
