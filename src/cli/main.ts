import { Command, CommanderError, Option } from "commander";
import type { TimeStyle } from "../report/tcpdump/index.js";
import { auditOptions } from "./arguments/audit-arguments.js";
import { captureFileOptions, recordingOptions } from "./arguments/capture-arguments.js";
import { collect, directoryOptions } from "./arguments/directory-arguments.js";
import { evidenceOptions } from "./arguments/evidence-arguments.js";
import { liveOptions, liveSettings } from "./arguments/live-arguments.js";
import { payloadOptions } from "./arguments/payload-arguments.js";
import { positive } from "./arguments/quantities.js";
import { usageError } from "./arguments/usage-error.js";
import { AUDIT_FORMATS } from "./audit/audit-output.js";
import { ExitStatus } from "./output/exit-status.js";
import { reportError } from "./output/messages.js";
import { writeOutput } from "./output/output.js";
import { relaysCommands } from "./relays-commands.js";
import { version } from "./version.js";

const EXAMPLES = `
Examples:
  leek analyze capture.pcap --consensus /var/lib/tor/cached-microdesc-consensus
      what went through Tor and what went around it
  ssh node sudo tcpdump -i eth0 -U -w - | leek analyze -
      the same for another machine, until Ctrl-C
  sudo leek capture -i eth0
      packets as they come, each with its class, and the contrast at Ctrl-C
  leek print capture.pcap -f "tcp port 9001" -c 20
      tcpdump's lines, each with its class
  leek relays lookup 192.0.2.7:443 --at "2026-11-22 10:00"
      was that a relay then?

leek never uses the network, but for \`leek relays update\`. Names come from the capture itself.
Exit status: 0 done, 64 wrong usage, 65 bad data, 66 no such input, 69 something needed is missing,
74 input or output failed, 77 no permission.`;

const ANALYZE_EXAMPLES = `
Examples:
  leek analyze monday.pcap tuesday.pcapng.gz --consensus consensuses/
  leek analyze node.pcap --bridge 192.0.2.7:443
  leek analyze node.pcap --json | jq '.flows[] | select(.class == "clearnet")'
  leek analyze node.pcap --csv flows > flows.csv
  leek analyze -r node.pcap not port 22
  sudo leek analyze -i eth0 --duration 10m`;

const CAPTURE_EXAMPLES = `
Examples:
  sudo leek capture -i eth0 not port 22
  sudo leek capture -i eth0 -i lo -q --duration 10m
  sudo leek capture -i any -w node.pcapng -C 100 -W 10
  sudo leek capture -i eth0 --ndjson | jq -c 'select(.class == "clearnet")'

As root, leek becomes the user who called sudo, or -Z USER, once the interface is open. See docs/capture.md.`;

const PRINT_EXAMPLES = `
Examples:
  leek print node.pcap | grep -v '\\[tor '
  leek print --plain -tttt -r node.pcap tcp port 9001
  ssh node sudo tcpdump -i eth0 -U -w - | leek print -`;

const AUDIT_EXAMPLES = `
Examples:
  leek audit node.pcapng --node 192.168.1.10 --node 2001:db8::10
  sudo leek audit -i eth0 --duration 10m
  sudo leek audit -i eth0 --duration 10m -w node.pcapng --evidence leak
  leek audit node.pcap --drops 0 --json
  leek audit --init bitcoin-over-tor > policy.yaml
  leek audit node.pcapng --policy policy.yaml --save-baseline node.json
  leek audit node.pcapng --policy policy.yaml --baseline node.json`;

const EXPLAIN_EXAMPLES = `
Examples:
  leek explain node.pcap --packet 17
  leek explain node.pcap --flow 3 --consensus /var/lib/tor/cached-microdesc-consensus`;

/**
 * Runs the command line.
 *
 * @param argv - As process.argv.
 * @returns The exit status.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let status: number = ExitStatus.Ok;
  const program = buildProgram((result) => {
    status = result;
  });
  try {
    await program.parseAsync([...argv]);
    return status;
  } catch (error) {
    // Commander has already said what is wrong; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitStatus.Ok : ExitStatus.Usage;
    return reportError(error);
  }
}

// Commands are imported when they run: `leek --help` need not load what reads captures.
function buildProgram(done: (status: number) => void): Command {
  const program = new Command("leek")
    .description("Shows, from the packets, what of a machine's traffic went through Tor and what went around it.")
    .version(version(), "-V, --version")
    .exitOverride()
    // Ends as all output does when its reader goes: Node's own stream would end with a stack.
    .configureOutput({ writeOut: (text) => writeOutput(Buffer.from(text)) })
    .showHelpAfterError("Run leek --help for how to use it.")
    .addHelpText("after", EXAMPLES);

  captureCommand(program, "capture", "[expression...]")
    .summary("show packets of an interface as they come, and the contrast at the end")
    .description("Captures from interfaces: a tagged line for each packet, and at the end clearnet beside Tor.")
    .option("-q, --quiet", "no lines, only what stands at the end")
    .addOption(documentOption("--json", "print the document leek/analysis@1 and nothing else"))
    .addOption(documentOption("--ndjson", "print the record of each flow as it ends, a line of JSON each"))
    .option("--plain", "leave the tags out")
    .addHelpText("after", CAPTURE_EXAMPLES)
    .action(async (words: string[], options) => {
      const { capture } = await import("./commands/capture.js");
      const live = liveSettings(words, options);
      if (live === undefined)
        throw usageError("No interface was named.", "Name one with -i; leek interfaces lists them.");
      const file = captureFileOptions(options);
      const format = options.json ? "json" : options.ndjson ? "ndjson" : "text";
      const silent = options.quiet || format !== "text";
      // Packets on standard output leave no room there for anything else.
      const taken = file?.path === "-";
      if (taken && format !== "text")
        throw usageError("Standard output cannot take both -w - and --json.", "Name a file.");
      const lines = silent || taken ? undefined : lineOptions(options);
      done(await capture({ ...options, live, file, lines, format: taken ? undefined : format }));
    });

  captureCommand(program, "analyze", "[captures...]")
    .summary("show clearnet beside Tor")
    .description("Reads captures (merged by time, - for standard input) or interfaces, and shows clearnet beside Tor.")
    .option("-r <file>", READ_OPTION, collect)
    .addOption(documentOption("--json", "print the document leek/analysis@1 instead (docs/analysis.schema.json)"))
    .addOption(documentOption("--ndjson", "print the record of each flow instead, a line of JSON each"))
    .addOption(new Option("--csv <what>", "print records as CSV instead").choices(["flows"]).conflicts("json"))
    .addHelpText("after", ANALYZE_EXAMPLES)
    .action(async (words: string[], options) => {
      const format = options.json ? "json" : options.ndjson ? "ndjson" : options.csv === "flows" ? "csv" : "text";
      const live = liveSettings(words, options);
      if (live !== undefined) {
        const { capture } = await import("./commands/capture.js");
        done(await capture({ ...options, live, file: undefined, lines: undefined, format }));
        return;
      }
      const { analyze } = await import("./commands/analyze.js");
      const { paths, filter } = inputs(words, options);
      done(await analyze(paths, { ...options, filter, format }));
    });

  captureCommand(program, "print", "[captures...]")
    .summary("print packets as tcpdump does, each with its class")
    .description("Prints a line for each packet, as tcpdump -n does, followed by its flow's class and relay or name.")
    .option("-r <file>", READ_OPTION, collect)
    .option("--plain", "leave the tag out: just what tcpdump -n -r prints (see docs/print.md)")
    .option("-q", "print less of the protocol")
    .addHelpText("after", PRINT_EXAMPLES)
    .action(async (words: string[], options) => {
      const live = liveSettings(words, options);
      if (live !== undefined) {
        const { capture } = await import("./commands/capture.js");
        done(await capture({ ...options, live, file: undefined, lines: lineOptions(options), format: undefined }));
        return;
      }
      const { print } = await import("./commands/print.js");
      const { paths, filter } = inputs(words, options);
      done(await print(paths, { ...options, ...lineOptions(options), filter }));
    });

  directoryOptions(
    program
      .command("explain <capture>")
      .exitOverride()
      .summary("tell everything of one flow or packet, in plain words")
      .description("Tells of one flow what it is, why it has its class, what it says, and what others learn from it.")
      .addOption(
        new Option("--flow <n>", "the flow's number, as in analyze --json").argParser(positive).conflicts("packet"),
      )
      .option("--packet <n>", "a packet's number, as in print -#", positive)
      .option("--json", "print the flow's record as JSON instead")
      .addHelpText("after", EXPLAIN_EXAMPLES),
  ).action(async (path: string, options) => {
    if (options.flow === undefined && options.packet === undefined) {
      throw usageError("Nothing was asked for.", "Name a flow with --flow, or a packet with --packet.");
    }
    const { explain } = await import("./commands/explain.js");
    done(await explain(path, { ...options, json: options.json === true }));
  });

  const auditCommand = captureCommand(program, "audit", "[captures...]")
    .summary("tell whether anything goes around Tor: clean, leak or inconclusive")
    .description("Judges captures or interfaces: exit status 0 clean, 1 leak, 2 inconclusive (docs/audit.md).")
    .option("-r <file>", READ_OPTION, collect)
    .addOption(new Option("--format <format>", "how to print the report").choices(AUDIT_FORMATS).default("text"))
    .option("--json", "the same as --format json: the document leek/audit@1")
    .addHelpText("after", AUDIT_EXAMPLES);
  evidenceOptions(auditOptions(auditCommand)).action(async (words: string[], options) => {
    if (options.init !== undefined) {
      const { starterPolicy } = await import("../audit/index.js");
      writeOutput(Buffer.from(starterPolicy(options.init === true ? undefined : options.init)));
      return;
    }
    const { audit, auditLive } = await import("./commands/audit.js");
    const format = options.json ? "json" : options.format;
    const live = liveSettings(words, options);
    if (live !== undefined) {
      done(await auditLive({ ...options, live, format }));
      return;
    }
    const { paths, filter } = inputs(words, options);
    done(await audit(paths, { ...options, filter, format }));
  });

  directoryOptions(
    program
      .command("verify-evidence <folder>")
      .exitOverride()
      .summary("judge the evidence of an audit again")
      .description(
        "Checks digests and packets of --evidence: exit status 0 verified, 1 not, 2 cannot tell (docs/evidence.md).",
      )
      .option("--json", "print what was found as JSON")
      .option("--policy <file>", "the policy of the audit, to compare its digest"),
  ).action(async (path: string, options) => {
    const { verifyEvidence } = await import("./commands/verify-evidence.js");
    done(await verifyEvidence(path, options));
  });

  program
    .command("interfaces")
    .summary("list the interfaces of this machine")
    .description("Lists interfaces: name, state, link type, addresses, and which one carries the default route.")
    .option("--json", "print them as JSON")
    .exitOverride()
    .action(async (options) => {
      const { interfaces } = await import("./commands/interfaces.js");
      done(interfaces({ json: options.json === true }));
    });

  relaysCommands(program, done);
  return program;
}

const READ_OPTION = "read this capture; then what follows the options is a filter, as with tcpdump";

/** A command that takes in packets: the arguments and options that all of them share, with tcpdump's letters. */
function captureCommand(program: Command, name: string, words: string): Command {
  const command = program
    .command(`${name} ${words}`)
    .exitOverride()
    .option("-f, --filter <expression>", "only packets that match, in pcap-filter syntax")
    .option("-c, --count <n>", "stop after n packets", positive)
    .option("-n", "accepted for tcpdump users: leek never looks names up");
  if (name === "print" || name === "capture") printingOptions(command);
  if (name === "capture") recordingOptions(command);
  return directoryOptions(payloadOptions(liveOptions(command)));
}

function printingOptions(command: Command): void {
  command
    .option(
      "-t",
      "no time; -tt seconds since 1970; -ttt since the packet before; -tttt with date; -ttttt since the first",
      increase,
      0,
    )
    .option("-e", "print the link-level header")
    .option("-#, --number", "print the packet's number");
}

interface PrintingArguments {
  readonly t: number;
  readonly e?: boolean;
  readonly q?: boolean;
  readonly number?: boolean;
  readonly plain?: boolean;
}

function lineOptions({ t, e = false, q = false, number = false, plain = false }: PrintingArguments) {
  return { time: TIME_STYLES[Math.min(t, TIME_STYLES.length - 1)]!, linkLevel: e, quiet: q, number, plain };
}

/** One of the documents for machines, of which a run prints one. */
function documentOption(flags: string, description: string): Option {
  return new Option(flags, description).conflicts(["json", "ndjson", "csv"].filter((name) => `--${name}` !== flags));
}

/** By the number of -t options, as tcpdump counts them. */
const TIME_STYLES: readonly TimeStyle[] = ["clock", "none", "epoch", "delta", "date", "since-first"];

interface InputOptions {
  readonly r?: readonly string[];
  readonly filter?: string;
}

/** The captures and the filter: positional arguments are captures, or with -r the words of a filter. */
function inputs(
  words: readonly string[],
  options: InputOptions,
): { paths: readonly string[]; filter: string | undefined } {
  const paths = options.r ?? [];
  if (paths.length === 0) {
    if (words.length > 0) return { paths: words, filter: options.filter };
    throw usageError("No capture was named.", "Name one or more files, or - for standard input.");
  }
  if (words.length === 0) return { paths, filter: options.filter };
  if (options.filter !== undefined) {
    throw usageError("There are two filters.", "Give one with -f, or after -r FILE, not both.");
  }
  return { paths, filter: words.join(" ") };
}

function increase(_value: unknown, before: number): number {
  return before + 1;
}
