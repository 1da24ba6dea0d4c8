import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Command } from "commander";

export interface DataDirectoryOptions {
  readonly dataDir?: string;
}

/** The option by which commands are told where documents are kept. */
export function dataDirectoryOption(command: Command): Command {
  return command.option(
    "--data-dir <folder>",
    "where documents are kept (default: LEEK_DATA_DIR, or ~/.local/share/leek)",
  );
}

/**
 * Where documents are kept: --data-dir, else LEEK_DATA_DIR, else `leek` in the user's data directory.
 *
 * Source: XDG Base Directory Specification; a relative or empty XDG_DATA_HOME counts for nothing.
 */
export function dataDirectory(options: DataDirectoryOptions): string {
  const { LEEK_DATA_DIR, XDG_DATA_HOME } = process.env;
  const named = options.dataDir ?? (LEEK_DATA_DIR === "" ? undefined : LEEK_DATA_DIR);
  if (named !== undefined) return resolve(named);
  const isUsable = XDG_DATA_HOME !== undefined && isAbsolute(XDG_DATA_HOME);
  return join(isUsable ? XDG_DATA_HOME : join(homedir(), ".local", "share"), "leek");
}
