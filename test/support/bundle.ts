import { buildSync } from "esbuild";
import { PROJECT } from "./leek.js";

/**
 * Makes one plain JavaScript file of a script that imports from src/, for a process of its own.
 *
 * @param script - TypeScript; its imports begin with `./src/`.
 */
export function bundleScript(script: string, outfile: string): void {
  buildSync({
    stdin: { contents: script, resolveDir: PROJECT, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["koffi"],
    logLevel: "silent",
    outfile,
  });
}
