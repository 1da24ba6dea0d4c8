import type { Command } from "commander";
import { directoryOptions, trustOptions } from "./directory-arguments.js";

const LOOKUP_EXAMPLES = `
Examples:
  leek relays lookup 192.0.2.7:443
  leek relays lookup '[2001:db8::7]:9001' --at "2026-11-22 10:00" --consensus consensuses/
  leek relays lookup 192.0.2.7 --json`;

const VERIFY_EXAMPLES = `
Examples:
  leek relays verify /var/lib/tor/cached-microdesc-consensus
  leek relays verify consensuses/ --certs cached-certs --json
  leek relays verify net/consensus --authorities-from net/torrc

Key certificates are taken from --certs, and from files beside the documents.
Exit status: 0 verified, 1 invalid, 2 unverified; of several documents, the worst.`;

/**
 * Adds `leek relays ...`.
 *
 * @param done - Takes the exit status.
 */
export function relaysCommands(program: Command, done: (status: number) => void): void {
  const relays = program.command("relays").summary("ask about relays").exitOverride();

  directoryOptions(relays.command("lookup <address>"))
    .summary("tell whether an address was a relay's")
    .description("Tells whether ADDR or ADDR:PORT was a Tor relay. Exit status: 0 listed, 1 not listed, 2 no data.")
    .option("--at <time>", 'the moment, in UTC: "2026-11-22 10:00"')
    .option("--json", "print the answer as JSON")
    .addHelpText("after", LOOKUP_EXAMPLES)
    .exitOverride()
    .action(async (address: string, options) => {
      const { relaysLookup } = await import("./commands/relays-lookup.js");
      done(relaysLookup(address, { ...options, json: options.json === true }));
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
}
