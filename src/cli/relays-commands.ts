import { type Command, InvalidArgumentError, Option } from "commander";
import { collect, directoryOptions, trustOptions } from "./arguments/directory-arguments.js";
import { dataDirectoryOption } from "./directory/data-directory.js";

const LOOKUP_EXAMPLES = `
Examples:
  leek relays lookup 192.0.2.7:443
  leek relays lookup '[2001:db8::7]:9001' --at "2026-11-22 10:00" --consensus consensuses/
  leek relays lookup 192.0.2.7 --json
  leek relays lookup 192.0.2.7 --exit-list exit-lists/
  leek relays lookup - --json < addresses.txt

A list has one ADDR[:PORT] on each line, and gets one line for each. Exit status: 0 listed, 1 not listed, 2 no document
covers that time; of several answers the highest; 65 when a line of the list is no address.`;

const LIST_EXAMPLES = `
Examples:
  leek relays list
  leek relays list --at "2026-11-22 10:00" --flag Guard --flag Fast --consensus consensuses/
  leek relays list --country de --sort nickname --csv
  leek relays list --flag Guard --nftables | nft -f -

Countries are those of tor's geoip file: package tor-geoipdb, or --geoip FILE. The nftables sets are relays_ipv4 and
relays_ipv6 of the table "inet leek"; loading them again replaces what they hold. Exit status: 2 no document of that time.`;

const VERIFY_EXAMPLES = `
Examples:
  leek relays verify /var/lib/tor/cached-microdesc-consensus
  leek relays verify consensuses/ --certs cached-certs --json
  leek relays verify net/consensus --authorities-from net/torrc

Key certificates are taken from --certs, and from files beside the documents.
Exit status: 0 verified, 1 invalid, 2 unverified; of several documents, the worst.`;

const IMPORT_EXAMPLES = `
Examples:
  leek relays import certs.tar.xz consensuses-2026-10.tar.xz exit-list-2026-10.tar.xz
  leek relays import /var/lib/tor
  leek relays import net/cached-certs net/consensus --authorities-from net/torrc

Takes consensuses of both flavors, key certificates and exit lists, as files, folders and tar archives (plain, .gz, .xz),
as CollecTor has them. What is not verified is not kept. Exit status: 0 all well, 65 something was refused.`;

const PRUNE_EXAMPLES = `
Examples:
  leek relays prune --keep 30d --dry-run
  leek relays prune --before 2026-10-01`;

const UPDATE_EXAMPLES = `
Examples:
  leek relays update
  leek relays update --from control --control 127.0.0.1:9051
  leek relays update --from collector --via socks5h://127.0.0.1:9050

The local tor is asked first, and the network only when that has no current consensus: through Tor when a SOCKS port
answers on this machine. There Tor's exits refuse connections to the authorities, and the Tor Project's CollecTor is asked
by HTTPS; directly it is asked with --direct only.
LEEK_CONTROL_PASSWORD has the password of the control port, where it wants one.
Exit status: 0 there is a current consensus now, 69 there is none.`;

/**
 * Adds `leek relays ...`.
 *
 * @param done - Takes the exit status.
 */
export function relaysCommands(program: Command, done: (status: number) => void): void {
  const relays = program.command("relays").summary("ask about relays").exitOverride();

  directoryOptions(relays.command("lookup <address...>"))
    .summary("tell whether an address was a relay's")
    .description("Tells whether ADDR or ADDR:PORT was a Tor relay, and when. - reads a list from standard input.")
    .option("--at <time>", 'the moment, in UTC: "2026-11-22 10:00"')
    .option("--exit-list <path>", "exit lists (TorDNSEL), a file or a directory (repeatable)", collect)
    .option("--json", "print the answer as JSON; several answers as NDJSON, one on each line")
    .addHelpText("after", LOOKUP_EXAMPLES)
    .exitOverride()
    .action(async (addresses: string[], options) => {
      const { relaysLookup } = await import("./commands/relays-lookup.js");
      done(await relaysLookup(addresses, { ...options, json: options.json === true }));
    });

  directoryOptions(relays.command("list"))
    .summary("list the relays of a moment")
    .description("Lists the relays of the consensus that was valid at a time; without one, of the newest at hand.")
    .option("--at <time>", 'the moment, in UTC: "2026-11-22 10:00"')
    .option(
      "--flag <name>",
      "only relays with this flag: Guard, Exit, Running ... (repeatable; all must be there)",
      collect,
    )
    .option("--country <code>", "only relays in this country, two letters: de (repeatable; one must fit)", collect)
    .option("--geoip <file>", "tor's geoip file, for countries")
    .option("--sort <column>", "fingerprint or nickname", "fingerprint")
    .option("--json", "print them as JSON")
    .option("--csv", "print them as CSV")
    .option("--nftables", "print their OR ports as sets for nft -f")
    .addHelpText("after", LIST_EXAMPLES)
    .exitOverride()
    .action(async (options) => {
      const { relaysList } = await import("./commands/relays-list.js");
      done(await relaysList(options));
    });

  trustOptions(relays.command("verify <files...>"))
    .summary("tell whether the directory authorities signed a consensus")
    .description("Checks the signatures of consensus documents against the directory authorities' keys.")
    .option("--json", "print the answer as JSON")
    .addHelpText("after", VERIFY_EXAMPLES)
    .exitOverride()
    .action(async (files: string[], options) => {
      const { relaysVerify } = await import("./commands/relays-verify.js");
      done(relaysVerify(files, { ...options, json: options.json === true }));
    });

  dataDirectoryOption(trustOptions(relays.command("import <files...>")))
    .summary("keep directory documents, verified")
    .description("Takes directory documents into the archive, from files, folders and archives of CollecTor.")
    .option("--json", "print the report as JSON")
    .addHelpText("after", IMPORT_EXAMPLES)
    .exitOverride()
    .action(async (files: string[], options) => {
      const { relaysImport } = await import("./commands/relays-import.js");
      done(await relaysImport(files, { ...options, json: options.json === true }));
    });

  dataDirectoryOption(relays.command("status"))
    .summary("tell what documents are kept")
    .description("Tells what is kept: how many documents, of which times, with which gaps, and key certificates.")
    .option("--verify", "verify every consensus anew")
    .option("--authority <line>", "an authority of a private network: its DirAuthority line (repeatable)", collect)
    .option("--authorities-from <torrc>", "a torrc with the authorities of a private network (repeatable)", collect)
    .option("--json", "print it as JSON")
    .exitOverride()
    .action(async (options) => {
      const { relaysStatus } = await import("./commands/relays-status.js");
      done(relaysStatus({ ...options, verify: options.verify === true, json: options.json === true }));
    });

  dataDirectoryOption(relays.command("prune"))
    .summary("remove old documents")
    .description("Removes documents that are older than what is to be kept, and certificates that are of no more use.")
    .option("--keep <span>", "how much to keep: 30d, 12h, 8w")
    .option("--before <time>", 'measure back from this time and not from now: "2026-11-22 10:00", in UTC')
    .option("--dry-run", "only tell what would go")
    .option("--json", "print the report as JSON")
    .addHelpText("after", PRUNE_EXAMPLES)
    .exitOverride()
    .action(async (options) => {
      const { relaysPrune } = await import("./commands/relays-prune.js");
      done(relaysPrune({ ...options, dryRun: options.dryRun === true, json: options.json === true }));
    });

  dataDirectoryOption(trustOptions(relays.command("update")))
    .summary("keep the current consensus")
    .description("Takes the current consensus from the local tor, directory servers or CollecTor into the archive.")
    .option(
      "--from <source>",
      "where to ask: control, files, network, collector (repeatable; default: all)",
      updateSource,
    )
    .option("--control <address>", "the control port of tor: ADDR:PORT, or the path of its socket")
    .option("--via <proxy>", "the SOCKS proxy for directory servers and CollecTor: socks5h://HOST:PORT")
    .option("--direct", "ask directory servers and CollecTor without a proxy")
    .option(
      "--mirror <address>",
      "a directory server to ask in place of the authorities: ADDR:PORT (repeatable)",
      collect,
    )
    .option("--collector <url>", "a CollecTor to ask in place of the Tor Project's: https://HOST[:PORT][/PATH]")
    .addOption(
      new Option("--flavor <name>", "which consensus").choices(["microdesc", "ns", "both"]).default("microdesc"),
    )
    .option("--json", "print the report as JSON")
    .addHelpText("after", UPDATE_EXAMPLES)
    .exitOverride()
    .action(async (options) => {
      const { relaysUpdate } = await import("./commands/relays-update.js");
      done(await relaysUpdate({ ...options, direct: options.direct === true, json: options.json === true }));
    });
}

function updateSource(value: string, before: readonly string[] = []): string[] {
  if (!["control", "files", "network", "collector"].includes(value)) {
    throw new InvalidArgumentError("It is one of control, files, network, collector.");
  }
  return [...before, value];
}
