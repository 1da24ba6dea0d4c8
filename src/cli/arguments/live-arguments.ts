import { type Command, InvalidArgumentError, Option } from "commander";
import { LeekError, MAX_SNAPLEN } from "../../base/index.js";
import type { LiveSettings } from "../live/read-live.js";
import { durationSeconds, positive } from "./quantities.js";

/** What commander makes of the options below. */
export interface LiveArguments {
  readonly interface?: readonly string[];
  readonly filter?: string;
  readonly snapshotLength?: number;
  readonly promiscuousMode: boolean;
  readonly bufferSize?: number;
  readonly immediateMode?: boolean;
  readonly backend: "libpcap" | "cap";
  readonly relinquishPrivileges?: string;
  readonly duration?: number;
  readonly processes: boolean;
}

// Here and not in capture/, which would be loaded for each --help and --version.
/**
 * The kernel's buffer. It holds what comes while the capture thread is not running: at 250 MB/s a tenth of a second,
 * and 12 times what libpcap takes by itself. All of it counts as leek's memory from the start.
 */
const DEFAULT_BUFFER_KIB = 24 * 1024;
/** What is left of 31 bits, in which libpcap takes bytes. */
const MAX_BUFFER_KIB = 2_097_151;

/** Adds the options of a live capture to a command, with tcpdump's letters and long names. */
export function liveOptions(command: Command): Command {
  return command
    .option("-i, --interface <name>", "capture from this interface; any for all (repeatable)", collectName)
    .option("-s, --snapshot-length <bytes>", "with -i: bytes kept of each packet", snaplen)
    .option("-p, --no-promiscuous-mode", "with -i: do not put the interface into promiscuous mode")
    .option("-B, --buffer-size <KiB>", `with -i: the kernel's buffer, ${DEFAULT_BUFFER_KIB} unless told`, bufferKib)
    .option("--immediate-mode", "with -i: hand each packet over at once")
    .addOption(
      new Option("--backend <name>", "with -i: what captures; cap cannot count drops")
        .choices(["libpcap", "cap"])
        .default("libpcap"),
    )
    .option("-Z, --relinquish-privileges <user>", "with -i: become this user once the interface is open")
    .option("--duration <time>", "with -i: stop after this time: 30s, 10m, 2h", durationSeconds)
    .option("--no-processes", "with -i: do not look for the process of each flow");
}

/**
 * The settings of a live capture.
 *
 * @param words - Behind the options: a filter, as with tcpdump.
 * @returns undefined without -i.
 * @throws {LeekError} LEEK_USAGE.
 */
export function liveSettings(words: readonly string[], args: LiveArguments): LiveSettings | undefined {
  const { interface: interfaces = [], filter } = args;
  if (interfaces.length === 0) return undefined;
  if (words.length > 0 && filter !== undefined) {
    throw new LeekError("LEEK_USAGE", "usage", "There are two filters.", {
      hint: "Give one with -f, or behind the options, not both.",
    });
  }
  return {
    interfaces: [...new Set(interfaces)],
    expression: filter ?? (words.length === 0 ? undefined : words.join(" ")),
    snaplen: args.snapshotLength ?? MAX_SNAPLEN,
    promiscuous: args.promiscuousMode,
    immediate: args.immediateMode === true,
    bufferBytes: (args.bufferSize ?? DEFAULT_BUFFER_KIB) * 1024,
    backend: args.backend,
    user: args.relinquishPrivileges,
    duration: args.duration,
  };
}

function collectName(value: string, before: readonly string[] = []): string[] {
  if (value === "") throw new InvalidArgumentError("it must name an interface; leek interfaces lists them.");
  return [...before, value];
}

function snaplen(text: string): number {
  const value = positiveOrZero(text);
  if (value > MAX_SNAPLEN) throw new InvalidArgumentError(`it must be at most ${MAX_SNAPLEN}.`);
  // As with tcpdump, 0 means all there is.
  return value === 0 ? MAX_SNAPLEN : value;
}

function positiveOrZero(text: string): number {
  return text === "0" ? 0 : positive(text);
}

function bufferKib(text: string): number {
  const value = positive(text);
  if (value > MAX_BUFFER_KIB) throw new InvalidArgumentError(`it must be at most ${MAX_BUFFER_KIB}.`);
  return value;
}
