import type { Command } from "commander";
import { dataDirectoryOption } from "../directory/data-directory.js";

/** The options by which a command is told of relays; see DirectorySources. */
export function directoryOptions(command: Command): Command {
  command
    .option("--consensus <path>", "a consensus, or a directory of them (repeatable)", collect)
    .option("--bridge <line>", "a bridge that is in use: ADDR:PORT or a torrc line (repeatable)", collect)
    .option("--torrc <file>", "a torrc whose bridges are in use (repeatable)", collect)
    .option("--control <address>", "ask the local tor at this control port for its bridges and OR connections")
    .option("--no-local-consensus", "only what --consensus names: not what leek keeps, nor tor on this machine");
  return dataDirectoryOption(trustOptions(command));
}

/** The options by which a command is told whom to believe; see trustedNetwork. */
export function trustOptions(command: Command): Command {
  return command
    .option("--certs <file>", "key certificates of the authorities: tor's cached-certs (repeatable)", collect)
    .option("--authority <line>", "an authority of a private network: its DirAuthority line (repeatable)", collect)
    .option("--authorities-from <torrc>", "a torrc with the authorities of a private network (repeatable)", collect);
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
