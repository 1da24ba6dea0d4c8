import { escapeText, LeekError, parseUtcTime } from "../base/index.js";
import { type Ipv4, parseIpv4 } from "../net/index.js";

/** An address from which a relay's traffic left, as TorDNSEL saw it. Times are seconds since 1970-01-01 UTC. */
export interface ExitAddress {
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
  readonly address: Ipv4;
  /** When the probe came out there. */
  readonly seen: number;
}

/** A TorDNSEL exit list. Nobody signs these, so they say more about an address and never that a flow is Tor's. */
export interface ExitList {
  /** When CollecTor fetched it; without that, when the last address was seen. */
  readonly downloaded: number;
  readonly addresses: readonly ExitAddress[];
}

/** Today's lists have 300 kB. */
export const MAX_EXIT_LIST_BYTES = 32 * 2 ** 20;

/** Today's lists have some 2,500; bounds what a hostile one can make leek keep in memory. */
const MAX_ADDRESSES = 200_000;

/** The grammar's longest line has 60 characters. */
const MAX_LINE_CHARACTERS = 200;

/** For so long after a probe an address counts, as in ExoneraTor. In seconds. */
export const EXIT_ADDRESS_SECONDS = 86_400;

/** Whether these bytes begin like an exit list, with or without CollecTor's annotation. */
export function looksLikeExitList(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 256)).toString("latin1");
  return /^(?:@type tordnsel |Downloaded \d|ExitNode [0-9A-Fa-f]{40})/.test(head);
}

/**
 * Reads an exit list: for each relay `ExitNode`, `Published`, `LastStatus` and one or more `ExitAddress` lines. Lines
 * of other kinds are passed over, also those of addresses that are not IPv4, which may come some day.
 *
 * Source: CollecTor, "Tor exit lists" (`@type tordnsel 1.0`).
 *
 * @param source - Names the document in errors.
 * @throws {LeekError} LEEK_EXIT_LIST_MALFORMED, quoting the line; LEEK_EXIT_LIST_TOO_LARGE.
 */
export function parseExitList(bytes: Uint8Array, source: string): ExitList {
  if (bytes.length > MAX_EXIT_LIST_BYTES) {
    const message = `Cannot read exit list ${escapeText(source)}: it is larger than ${MAX_EXIT_LIST_BYTES} bytes.`;
    throw new LeekError("LEEK_EXIT_LIST_TOO_LARGE", "bad-data", message, { hint: "Is that an exit list at all?" });
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const addresses: ExitAddress[] = [];
  let downloaded: number | undefined;
  let fingerprint: string | undefined;
  let latest = -Infinity;
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    const fail = (problem: string) => malformed(source, number, line, problem);
    // "Downloaded" SP date SP time / "ExitNode" SP fingerprint / "ExitAddress" SP address SP date SP time
    const [keyword, first = "", second = "", third = ""] = line.split(" ", 4);
    if (keyword === "Downloaded") {
      downloaded ??= parseUtcTime(`${first} ${second}`) ?? fail("its time cannot be read");
    } else if (keyword === "ExitNode") {
      if (!/^[0-9A-Fa-f]{40}$/.test(first)) fail("it names no relay");
      fingerprint = first.toUpperCase();
    } else if (keyword === "ExitAddress" && !first.includes(":")) {
      if (fingerprint === undefined) return fail("no ExitNode stands before it");
      const address = parseIpv4(first) ?? fail("it has no IPv4 address");
      const seen = parseUtcTime(`${second} ${third}`) ?? fail("its time cannot be read");
      if (addresses.length === MAX_ADDRESSES) fail(`it has more than ${MAX_ADDRESSES} addresses`);
      latest = Math.max(latest, seen);
      addresses.push({ fingerprint, address, seen });
    }
  }
  const when = downloaded ?? latest;
  if (!Number.isFinite(when)) throw malformed(source, number, "", "it has no times");
  return { downloaded: when, addresses };
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, Math.min(end, start + MAX_LINE_CHARACTERS));
    yield line.endsWith("\r") ? line.slice(0, -1) : line;
    start = end + 1;
  }
}

function malformed(source: string, lineNumber: number, line: string, problem: string): never {
  throw new LeekError(
    "LEEK_EXIT_LIST_MALFORMED",
    "bad-data",
    `Cannot read exit list ${escapeText(source)}: ${problem} (line ${lineNumber}: "${escapeText(line.slice(0, 120))}").`,
    { hint: "Take the document again from where it came." },
  );
}

/** What exit lists say of one relay at an address. Times are seconds since 1970-01-01 UTC. */
export interface ExitSighting {
  readonly fingerprint: string;
  /** When probes came out there: ascending, each once. */
  readonly seen: readonly number[];
}

/** The exit addresses of several lists, asked by address. */
export class ExitAddresses {
  readonly #byAddress = new Map<Ipv4, Map<string, Set<number>>>();

  constructor(lists: Iterable<ExitList>) {
    for (const { addresses } of lists) {
      for (const { address, fingerprint, seen } of addresses) {
        const relays = this.#byAddress.get(address) ?? new Map<string, Set<number>>();
        this.#byAddress.set(address, relays);
        const times = relays.get(fingerprint);
        if (times === undefined) relays.set(fingerprint, new Set([seen]));
        // Consecutive lists repeat what has not changed.
        else times.add(seen);
      }
    }
  }

  at(address: Ipv4): ExitSighting[] {
    const relays = this.#byAddress.get(address) ?? new Map<string, Set<number>>();
    return [...relays].map(([fingerprint, seen]) => ({ fingerprint, seen: [...seen].sort((x, y) => x - y) }));
  }
}
