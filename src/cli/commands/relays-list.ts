import { existsSync, readFileSync, statSync } from "node:fs";
import { escapeCsv, escapeText, fileError, formatIsoSeconds, LeekError } from "../../base/index.js";
import { formatEndpoint, parseIpv4 } from "../../net/index.js";
import {
  type Consensus,
  type ConsensusRelay,
  type GeoIp,
  MAX_GEOIP_BYTES,
  parseGeoIp,
  type RelayDirectory,
} from "../../relays/index.js";
import { usageError } from "../arguments/usage-error.js";
import { type DirectoryOptions, DirectorySources } from "../directory/directory-options.js";
import { relayNftables } from "../directory/relay-nftables.js";
import { ExitStatus } from "../output/exit-status.js";
import { say } from "../output/messages.js";
import { TextOutput } from "../output/output.js";
import { sayUnverified } from "../output/unverified-note.js";
import { timeOf } from "./relays-lookup.js";

export interface RelaysListOptions extends DirectoryOptions {
  readonly at?: string;
  readonly flag?: readonly string[];
  readonly country?: readonly string[];
  readonly geoip?: string;
  readonly sort: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly nftables?: boolean;
}

interface ListedRelay extends ConsensusRelay {
  /** Two upper-case letters; undefined where it is not known, or nobody asked. */
  readonly country: string | undefined;
}

/** Where Debian's package tor-geoipdb puts it. */
const GEOIP_PATH = "/usr/share/tor/geoip";

/** `leek relays list`: who was a relay at a moment. */
export async function relaysList(options: RelaysListOptions): Promise<number> {
  checkUsage(options);
  const seconds = options.at === undefined ? undefined : timeOf(options.at);
  const geoip = options.country !== undefined || options.geoip !== undefined ? readGeoIp(options.geoip) : undefined;
  const sources = new DirectorySources(options);
  const directory = await sources.load(undefined);
  for (const note of sources.notes) say(note.message);
  const document = documentAt(directory, seconds);
  if (document === undefined) {
    const when = seconds === undefined ? "is at hand" : `was valid at ${formatIsoSeconds(seconds)}`;
    say(`No consensus document ${when}. Give one with --consensus FILE.`);
    return ExitStatus.NoData;
  }
  sayUnverified([document]);
  const relays = chosen(document, geoip, options);
  const out = new TextOutput();
  if (options.json === true) writeJson(out, document, seconds, options, relays);
  else if (options.csv === true) writeCsv(out, relays);
  else if (options.nftables === true) out.write(relayNftables(relays, titleOf(document, relays.length)));
  else writeTable(out, relays, geoip !== undefined);
  out.flush();
  return ExitStatus.Ok;
}

function checkUsage({ json, csv, nftables, sort, country = [] }: RelaysListOptions): void {
  if ([json, csv, nftables].filter((it) => it === true).length > 1) {
    throw usageError("--json, --csv and --nftables exclude each other.", "Give one of them.");
  }
  if (sort !== "fingerprint" && sort !== "nickname") {
    throw usageError(`Cannot sort by ${sort}.`, "Give --sort fingerprint or --sort nickname.");
  }
  const wrong = country.find((code) => !/^[A-Za-z0-9?]{2}$/.test(code));
  if (wrong !== undefined) throw usageError(`${wrong} is no country code.`, "Give its two letters: --country de.");
}

/** The newest document at hand, or the newest of those valid at a time; said when it had run out by then. */
function documentAt(directory: RelayDirectory, seconds: number | undefined): Consensus | undefined {
  if (seconds === undefined) return directory.consensuses.at(-1);
  const reaching = directory.reaching(seconds).filter(({ validAfter }) => validAfter <= seconds);
  const valid = reaching.find(({ validUntil }) => seconds <= validUntil);
  if (valid !== undefined) return valid;
  const [late] = reaching;
  if (late !== undefined) {
    const until = formatIsoSeconds(late.validUntil);
    say(`No document at hand was valid then; this one was until ${until}, and clients may still have used it.`);
  }
  return late;
}

function readGeoIp(named: string | undefined): GeoIp {
  const path = named ?? GEOIP_PATH;
  if (named === undefined && !existsSync(path)) {
    throw new LeekError(
      "LEEK_GEOIP_NOT_FOUND",
      "no-input",
      "A consensus has no countries, and there is no geoip file.",
      {
        hint: `Install tor-geoipdb, which has ${GEOIP_PATH}, or name one: --geoip FILE.`,
      },
    );
  }
  let bytes: Buffer;
  try {
    const status = statSync(path);
    // A device could go on for ever.
    if ((!status.isFile() && !status.isDirectory()) || status.size > MAX_GEOIP_BYTES) throw noGeoIp(path);
    bytes = readFileSync(path);
  } catch (error) {
    throw error instanceof LeekError ? error : fileError(error, "geoip file", path);
  }
  return parseGeoIp(bytes, path);
}

function noGeoIp(path: string): LeekError {
  return new LeekError("LEEK_GEOIP_MALFORMED", "bad-data", `${escapeText(path)} is no geoip file.`, {
    hint: `Name tor's own: ${GEOIP_PATH}.`,
  });
}

function chosen(
  document: Consensus,
  geoip: GeoIp | undefined,
  { flag = [], country, sort }: RelaysListOptions,
): ListedRelay[] {
  const countries = country === undefined ? undefined : new Set(country.map((code) => code.toUpperCase()));
  // Flags as people write them: Guard or guard.
  const wanted = flag.map((name) => name.toLowerCase());
  const relays: ListedRelay[] = [];
  for (const relay of document.allRelays()) {
    const flags = relay.flags.map((name) => name.toLowerCase());
    if (!wanted.every((name) => flags.includes(name))) continue;
    const where = geoip?.country(parseIpv4(relay.address)!);
    if (countries !== undefined && !(where !== undefined && countries.has(where))) continue;
    relays.push({ ...relay, country: where });
  }
  // Of the same order everywhere, whatever the locale; a hostile document may not be sorted.
  const key = sort === "nickname" ? (relay: ListedRelay) => relay.nickname : (relay: ListedRelay) => relay.fingerprint;
  return relays.sort((x, y) => compare(key(x), key(y)) || compare(x.fingerprint, y.fingerprint));
}

function compare(x: string, y: string): number {
  return x < y ? -1 : Number(x > y);
}

function titleOf({ flavor, validAfter, relayCount }: Consensus, shown: number): string {
  const when = formatIsoSeconds(validAfter);
  return `${shown} of the ${relayCount} Tor relays in the ${flavor} consensus valid after ${when}`;
}

function writeJson(
  out: TextOutput,
  { source, flavor, validAfter, freshUntil, validUntil, relayCount, verification }: Consensus,
  seconds: number | undefined,
  { flag = [], country = [] }: RelaysListOptions,
  relays: readonly ListedRelay[],
): void {
  const head = {
    schema: "leek/relay-list@1",
    at: seconds === undefined ? null : formatIsoSeconds(seconds),
    flags: flag,
    countries: country,
    document: {
      source,
      flavor,
      validAfter: formatIsoSeconds(validAfter),
      freshUntil: formatIsoSeconds(freshUntil),
      validUntil: formatIsoSeconds(validUntil),
      relays: relayCount,
      verification,
    },
  };
  out.write(`${JSON.stringify(head).slice(0, -1)},\n"relays":[`);
  let separator = "\n";
  for (const relay of relays) {
    out.write(`${separator}${JSON.stringify(relay)}`);
    separator = ",\n";
  }
  out.write("\n]}\n");
}

function writeCsv(out: TextOutput, relays: readonly ListedRelay[]): void {
  out.write("fingerprint,nickname,address,or_port,dir_port,or_addresses,flags,country\r\n");
  for (const { fingerprint, nickname, address, orPort, dirPort, orAddresses, flags, country } of relays) {
    const others = escapeCsv(orAddresses.map(formatEndpoint).join(" "));
    out.write(
      `${fingerprint},${escapeCsv(nickname)},${address},${orPort},${dirPort ?? ""},${others}` +
        `,${escapeCsv(flags.join(" "))},${country ?? ""}\r\n`,
    );
  }
}

const NICKNAME_WIDTH = 19;
const FINGERPRINT_WIDTH = 40;
const ENDPOINT_WIDTH = "255.255.255.255:65535".length;

/** Plain columns: thousands of lines are for grep and awk. */
function writeTable(out: TextOutput, relays: readonly ListedRelay[], hasCountries: boolean): void {
  const line = (nickname: string, fingerprint: string, country: string, endpoint: string, rest: string) =>
    out.write(
      `${nickname.padEnd(NICKNAME_WIDTH)} ${fingerprint.padEnd(FINGERPRINT_WIDTH)} ${hasCountries ? `${country} ` : ""}` +
        `${endpoint.padEnd(ENDPOINT_WIDTH)} ${rest}\n`,
    );
  line("NICKNAME", "FINGERPRINT", "CC", "OR PORT", "FLAGS, OTHER OR PORTS");
  for (const { nickname, fingerprint, country = "??", address, orPort, orAddresses, flags } of relays) {
    const rest = [flags.map(escapeText).join(","), ...orAddresses.map(formatEndpoint)].join(" ");
    line(escapeText(nickname), fingerprint, country, formatEndpoint({ address, port: orPort }), rest);
  }
}
