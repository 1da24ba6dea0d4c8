/**
 * `npm start`: installs and builds what is not up to date, then runs leek on the bundled capture.
 * `npm start -- <args>`: the same, then runs `leek <args>`.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureDist } from "./dist.mjs";
import { ensureNpmPackages } from "./npm-packages.mjs";
import { DEMONSTRATION, ROOT, runMain } from "./project.mjs";

await runMain(async () => {
  ensureNpmPackages();
  await ensureDist();
  const given = process.argv.slice(2);
  const leek = join(ROOT, "bin", "leek.js");
  // In this process: a second one would cost another 40 ms, and have to be handed our signals and exit status.
  process.argv = [process.execPath, leek, ...(given.length > 0 ? given : DEMONSTRATION)];
  await import(pathToFileURL(leek).href);
});
