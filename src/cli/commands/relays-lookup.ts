import { escapeText, LeekError, parseUtcTime } from "../../base/index.js";
import { formatEndpoint, parseEndpoint } from "../../net/index.js";
import { type LookedUpRelay, lookupRelay, type RelayLookup } from "../../relays/index.js";
import { type DirectoryOptions, DirectorySources } from "../directory-options.js";
import { ExitStatus } from "../exit-status.js";
import { say } from "../messages.js";
import { TextOutput } from "../output.js";

export interface RelaysLookupOptions extends DirectoryOptions {
  readonly at: string | undefined;
  readonly json: boolean;
}

/** `leek relays lookup ADDR[:PORT]`: was that a relay? The exit status tells scripts. */
export function relaysLookup(text: string, options: RelaysLookupOptions): number {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) {
    throw new LeekError("LEEK_USAGE", "usage", `${text} is no ADDR[:PORT].`, {
      hint: "Write 192.0.2.7, 192.0.2.7:443, 2001:db8::7 or [2001:db8::7]:443.",
    });
  }
  const seconds = options.at === undefined ? undefined : parseUtcTime(options.at);
  if (options.at !== undefined && seconds === undefined) {
    throw new LeekError("LEEK_USAGE", "usage", `${options.at} is no time.`, {
      hint: 'Write it in UTC: --at "2026-11-22 10:00" or --at 2026-11-22T10:00:00Z.',
    });
  }
  const sources = new DirectorySources(options);
  const directory = sources.load(undefined);
  for (const note of sources.notes) say(note.message);
  const lookup = lookupRelay(directory, endpoint.address, endpoint.port, seconds);
  const out = new TextOutput();
  out.write(
    options.json ? `${JSON.stringify({ schema: "leek/relay-lookup@1", ...lookup }, undefined, 2)}\n` : describe(lookup),
  );
  out.flush();
  return statusOf(lookup);
}

function statusOf({ answer }: RelayLookup): number {
  if (answer === "listed") return ExitStatus.Ok;
  return answer === "no-data" ? ExitStatus.NoData : ExitStatus.NotListed;
}

function describe(lookup: RelayLookup): string {
  const asked = formatEndpoint({ address: lookup.address, port: lookup.port });
  const when = lookup.at === undefined ? "in the documents given" : `at ${lookup.at}`;
  const lines = [answerText(lookup, asked, when)];
  for (const relay of lookup.relays) lines.push(...relayLines(relay));
  for (const known of lookup.known) {
    const name = known.nickname === undefined ? "" : ` ${escapeText(known.nickname)}`;
    const past = known.current ? "" : ", but not at that time";
    lines.push(`  ${known.listing}${name}: ${known.role === "or" ? "OR" : "directory"} port ${known.port}${past}`);
  }
  if (lookup.neighbours.length > 0) {
    lines.push(`Relays in the same /${lookup.neighbourPrefix}:`);
    for (const { address, port, nickname, fingerprint } of lookup.neighbours) {
      lines.push(`  ${formatEndpoint({ address, port })} ${escapeText(nickname)} ${fingerprint}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function answerText(lookup: RelayLookup, asked: string, when: string): string {
  switch (lookup.answer) {
    case "listed":
      return `${asked} was a Tor relay ${when}.`;
    case "address-only":
      return `${asked} was not an OR port of a Tor relay ${when}, but the address was a relay's.`;
    case "not-listed":
      return `${asked} was not a Tor relay ${when}.`;
    case "no-data":
      return `No consensus document covers that time, so nobody can say whether ${asked} was a Tor relay.`;
  }
}

function relayLines(relay: LookedUpRelay): string[] {
  const ports = relay.portsAtAddress.join(", ");
  const lines = [
    `  ${escapeText(relay.nickname)} ${relay.fingerprint}, OR port ${ports}`,
    `    flags ${relay.flags.map(escapeText).join(" ")}`,
  ];
  if (relay.orAddresses.length > 0) {
    lines.push(`    also at ${relay.orAddresses.map(formatEndpoint).join(", ")}`);
  }
  for (const { flavor, validAfter, source, freshness } of relay.documents) {
    const how = freshness === undefined ? "" : `, ${freshness}`;
    lines.push(`    by the ${flavor} consensus valid after ${validAfter}${how} (${escapeText(source)})`);
  }
  return lines;
}
