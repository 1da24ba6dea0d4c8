import { escapeText, LeekError, minuteText, parseUtcTime } from "../../base/index.js";
import { formatEndpoint, type IpAddress, parseEndpoint } from "../../net/index.js";
import { type ListingSpan, type LookedUpRelay, type RelayLookup, RelayLookups } from "../../relays/index.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { readExitLists } from "../directory/exit-list-files.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";
import { sayUnverified } from "../output/unverified-note.js";
import { AddressLines } from "../reading/address-lines.js";

export interface RelaysLookupOptions extends DirectoryOptions {
  readonly at: string | undefined;
  /** Exit lists, or directories of them. */
  readonly exitList?: readonly string[];
  readonly json: boolean;
}

interface Question {
  readonly address: IpAddress;
  readonly port: number | undefined;
}

/** Spans shown of each relay; the JSON has them all. */
const SHOWN_SPANS = 12;
/** A list with nothing but mistakes must not fill the screen. */
const SHOWN_MISTAKES = 20;

/**
 * `leek relays lookup ADDR[:PORT]... | -`: was that a relay? The exit status tells scripts.
 *
 * @param texts - `-` alone for a list on standard input.
 */
export async function relaysLookup(texts: readonly string[], options: RelaysLookupOptions): Promise<number> {
  const isList = texts.length === 1 && texts[0] === "-";
  const questions = isList ? [] : texts.map(questionOf);
  const seconds = options.at === undefined ? undefined : timeOf(options.at);
  const sources = new DirectorySources(options);
  const directory = await sources.load(undefined);
  for (const note of sources.notes) say(note.message);
  sayUnverified(directory.consensuses);
  const exitLists = options.exitList ?? (await sources.exitLists(seconds));
  const lookups = new RelayLookups(directory, readExitLists(exitLists, say));
  const out = new TextOutput();
  let status: number = ExitStatus.Ok;
  const answer = ({ address, port }: Question, render: (lookup: RelayLookup) => string) => {
    const lookup = lookups.ask(address, port, seconds);
    out.write(render(lookup));
    // No data is worse than not listed: 0, 1, 2.
    status = Math.max(status, statusOf(lookup));
  };
  if (!isList) {
    const single = options.json
      ? (lookup: RelayLookup) => `${JSON.stringify(record(lookup), undefined, 2)}\n`
      : describe;
    for (const question of questions) answer(question, questions.length === 1 ? single : lineOf(options));
    out.flush();
    return status;
  }
  const render = lineOf(options);
  let mistakes = 0;
  for await (const lines of linesOfInput()) {
    for (const { number, text } of lines) {
      if (text === "" || text?.startsWith("#")) continue;
      const question = text === undefined ? undefined : parseEndpoint(text);
      if (question !== undefined) answer(question, render);
      else if (mistakes++ < SHOWN_MISTAKES) {
        const what = text === undefined ? "is longer than any address" : `${escapeText(text)} is no ADDR[:PORT]`;
        say(text === undefined ? `line ${number} ${what}.` : `line ${number}: ${what}.`);
      }
    }
    // Whoever writes the list may wait for answers before writing on.
    out.flush();
  }
  if (mistakes > SHOWN_MISTAKES) say(`${mistakes - SHOWN_MISTAKES} more lines are no ADDR[:PORT].`);
  return mistakes > 0 ? ExitStatus.BadData : status;
}

async function* linesOfInput(): AsyncGenerator<ReturnType<AddressLines["push"]>> {
  const lines = new AddressLines();
  for await (const chunk of process.stdin) yield lines.push(chunk as Buffer);
  yield lines.finish();
}

function questionOf(text: string): Question {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new LeekError("LEEK_USAGE", "usage", `${text} is no ADDR[:PORT].`, {
    hint: "Write 192.0.2.7, 192.0.2.7:443, 2001:db8::7 or [2001:db8::7]:443; - alone reads a list from standard input.",
  });
}

/** @throws {LeekError} LEEK_USAGE. */
export function timeOf(text: string): number {
  const seconds = parseUtcTime(text);
  if (seconds !== undefined) return seconds;
  throw new LeekError("LEEK_USAGE", "usage", `${text} is no time.`, {
    hint: 'Write it in UTC: --at "2026-11-22 10:00" or --at 2026-11-22T10:00:00Z.',
  });
}

function statusOf({ answer }: RelayLookup): number {
  if (answer === "listed" || answer === "exit-address") return ExitStatus.Ok;
  return answer === "no-data" ? ExitStatus.NoData : ExitStatus.NotListed;
}

function record(lookup: RelayLookup): object {
  return { schema: "leek/relay-lookup@1", ...lookup };
}

/** One line for each answer: JSON, or `ENDPOINT ANSWER NICKNAME FINGERPRINT FLAGS SPANS` as far as there is something. */
function lineOf({ json }: RelaysLookupOptions): (lookup: RelayLookup) => string {
  if (json) return (lookup) => `${JSON.stringify(record(lookup))}\n`;
  return (lookup) => {
    const parts = [formatEndpoint({ address: lookup.address, port: lookup.port }), lookup.answer];
    const { port } = lookup;
    const [first] = lookup.relays;
    const relay = port === undefined ? first : (lookup.relays.find((it) => it.portsAtAddress.includes(port)) ?? first);
    if (relay !== undefined) {
      parts.push(escapeText(relay.nickname), relay.fingerprint, relay.flags.map(escapeText).join(","));
      const from = relay.spans[0];
      const until = relay.spans.at(-1);
      if (from !== undefined && until !== undefined) parts.push(from.from, until.until);
    } else {
      const exit = lookup.exits.find(({ counts }) => counts);
      if (exit !== undefined) parts.push(escapeText(exit.nickname ?? "-"), exit.fingerprint);
    }
    return `${parts.join(" ")}\n`;
  };
}

function describe(lookup: RelayLookup): string {
  const asked = formatEndpoint({ address: lookup.address, port: lookup.port });
  const when = lookup.at === undefined ? "in the documents given" : `at ${lookup.at}`;
  const lines = [answerText(lookup, asked, when)];
  for (const relay of lookup.relays) lines.push(...relayLines(relay, lookup.at));
  for (const { nickname, fingerprint, counts, spans } of lookup.exits) {
    const name = nickname === undefined ? "" : `${escapeText(nickname)} `;
    lines.push(`  exit address of ${name}${fingerprint}${counts ? "" : ", but not at that time"}`);
    lines.push(...latest(spans).map(({ from, until }) => `    seen ${minuteText(from)} to ${minuteText(until)} UTC`));
  }
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
  const isExit = lookup.exits.some(({ counts }) => counts);
  switch (lookup.answer) {
    case "listed":
      return `${asked} was a Tor relay ${when}.`;
    case "exit-address":
      return `${asked} was not listed as a Tor relay ${when}, but traffic of one left from it.`;
    case "address-only": {
      const but =
        lookup.relays.length === 0 && isExit ? "traffic of one left from the address" : "the address was a relay's";
      return `${asked} was not an OR port of a Tor relay ${when}, but ${but}.`;
    }
    case "not-listed":
      return `${asked} was not a Tor relay ${when}.`;
    case "no-data":
      return `No consensus document covers that time, so nobody can say whether ${asked} was a Tor relay.`;
  }
}

function relayLines(relay: LookedUpRelay, at: string | undefined): string[] {
  const ports = relay.portsAtAddress.join(", ");
  const { flavor, validAfter, source, freshness } = relay.document;
  const how = freshness === undefined ? "" : `, ${freshness}`;
  const lines = [
    `  ${escapeText(relay.nickname)} ${relay.fingerprint}, OR port ${ports}`,
    `    flags ${relay.flags.map(escapeText).join(" ")}`,
    `    by the ${flavor} consensus valid after ${validAfter}${how} (${escapeText(source)})`,
  ];
  if (relay.orAddresses.length > 0) {
    lines.push(`    also at ${relay.orAddresses.map(formatEndpoint).join(", ")}`);
  }
  const { listedFrom, listedUntil } = relay;
  if (at !== undefined && listedUntil !== undefined && listedUntil <= at) {
    lines.push(
      `    listed until ${minuteText(listedUntil)} UTC; a client with an older consensus may still have used it`,
    );
  }
  if (at !== undefined && listedFrom !== undefined && listedFrom > at) {
    lines.push(
      `    listed from ${minuteText(listedFrom)} UTC; a client may have had that consensus some minutes early`,
    );
  }
  return [...lines, ...spanLines(relay.spans)];
}

function spanLines(spans: readonly ListingSpan[]): string[] {
  const shown = latest(spans);
  const lines = spans.length > shown.length ? [`    ... and ${spans.length - shown.length} earlier times`] : [];
  for (const { from, until, documents, before, after } of shown) {
    const changes = [
      ...(before === "not-listed" ? ["not before"] : []),
      ...(after === "not-listed" ? ["not after"] : []),
    ];
    const edges = changes.length === 0 ? "" : `, ${changes.join(", ")}`;
    const count = documents === 1 ? "1 document" : `${documents} documents`;
    lines.push(`    listed ${minuteText(from)} to ${minuteText(until)} UTC (${count}${edges})`);
  }
  return lines;
}

function latest<T>(spans: readonly T[]): readonly T[] {
  return spans.slice(-SHOWN_SPANS);
}
