import type { Command } from "commander";

/** The options by which a command is told of relays; see DirectorySources. */
export function directoryOptions(command: Command): Command {
  return command
    .option("--consensus <path>", "a consensus, or a directory of them (repeatable)", collect)
    .option("--bridge <line>", "a bridge that is in use: ADDR:PORT or a torrc line (repeatable)", collect)
    .option("--no-local-consensus", "do not look where tor on this machine keeps its consensus");
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
