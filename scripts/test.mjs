/**
 * `npm test`: installs what the tests need (npm packages; as root on Debian, system packages too), builds, runs all
 * tests. `npm test -- <args>` passes the arguments to vitest: `npm test -- test/decode`.
 */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureCap } from "./cap-package.mjs";
import { ensureDist } from "./dist.mjs";
import { ensureNpmPackages } from "./npm-packages.mjs";
import { ROOT, runMain } from "./project.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

await runMain(async () => {
  ensureNpmPackages();
  ensureSystemPackages();
  ensureCap();
  await ensureDist();
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const { status } = spawnSync(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
});
