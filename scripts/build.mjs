/** `npm run build`: compiles src/ into dist/, whether or not it is up to date. */

import { buildDist } from "./dist.mjs";
import { ensureNpmPackages } from "./npm-packages.mjs";
import { runMain } from "./project.mjs";

await runMain(async () => {
  ensureNpmPackages();
  await buildDist();
});
