import { MAX_DOCUMENT_BYTES } from "../../archive/index.js";
import { formatIsoSeconds, LeekError } from "../../base/index.js";
import {
  answersSocks,
  type DownloadOptions,
  downloadFromAny,
  type Mirror,
  parseProxy,
  type SocksProxy,
} from "../../download/index.js";
import { formatIpAddress, parseEndpoint } from "../../net/index.js";
import { type AuthoritySet, type ConsensusFlavor, looksLikeKeyCertificate, parsePreamble } from "../../relays/index.js";
import { say } from "../output/messages.js";
import { StatusLine } from "../output/status-line.js";
import type { ArchiveUpdate } from "./archive-update.js";

/** How directory servers are reached. */
export interface NetworkOptions {
  /** A SOCKS proxy; default: the local tor's, when it answers. */
  readonly via?: string;
  /** Never through a proxy. */
  readonly direct: boolean;
  /** ADDR:PORT of directory servers; default: the authorities. */
  readonly mirror?: readonly string[];
  /** URL of a CollecTor; default: the Tor Project's. */
  readonly collector?: string;
}

const FLAVOR_PATHS: Readonly<Record<ConsensusFlavor, string>> = {
  microdesc: "/tor/status-vote/current/consensus-microdesc",
  ns: "/tor/status-vote/current/consensus",
};
/** Since tor 0.4.5.1-alpha, exits let nobody in again: not to relays' OR ports, nor to any port of an authority. */
const NO_REENTRY =
  "Tor's exits refuse connections to the directory authorities. CollecTor can be reached through Tor: --from collector. The " +
  "local tor has a consensus itself: ask its control port with --control. Or ask the authorities directly, seen by " +
  "whoever is on the path, with --direct.";
/** So many authorities tell as much of that as all nine, and the wait for each may be long. */
const AUTHORITIES_THROUGH_TOR = 2;

const KEYS_PATH = "/tor/keys/all";

const DOWNLOAD_ERRORS = ["LEEK_DOWNLOAD_FAILED", "LEEK_DOWNLOAD_NOT_FOUND", "LEEK_PROXY_FAILED"];
const SOCKS_URLS = ["socks5h://127.0.0.1:9050", "socks5h://127.0.0.1:9150"];
const SOCKS_ANSWER_MS = 1000;

/** A mirror that is wrong about the time by more than this has a wrong clock, or an old document. */
const MAX_AHEAD_SECONDS = 3600;

export const DOWNLOAD: DownloadOptions = {
  connectTimeoutMs: 20_000,
  idleTimeoutMs: 20_000,
  totalTimeoutMs: 300_000,
  maxBytes: MAX_DOCUMENT_BYTES,
  maxWireBytes: MAX_DOCUMENT_BYTES,
};

/** For all of them together. */
export const ALL_SERVERS_MS = 600_000;

/**
 * Directory servers, by HTTP: through the local tor when it answers.
 *
 * @param isLast - Nobody else will be asked.
 */
export async function updateFromNetwork(
  update: ArchiveUpdate,
  options: NetworkOptions,
  authorities: AuthoritySet,
  isLast: boolean,
): Promise<void> {
  const proxy = await chooseProxy(options);
  const areRefused = proxy !== undefined && options.mirror === undefined;
  const mirrors = shuffled(
    options.mirror === undefined ? mirrorsOf(authorities, update.now) : options.mirror.map(parseMirror),
  ).slice(0, areRefused && !isLast ? AUTHORITIES_THROUGH_TOR : undefined);
  const who = mirrors.length === 1 ? mirrors[0]!.name : `${mirrors.length} directory servers`;
  say(`Asking ${who} ${wayOf(proxy)}.`);
  const servers = new DirectoryServers(update, mirrors, proxy);
  try {
    // What tor gave may lack nothing else.
    if (update.needsCertificates) await servers.askForKeys();
    for (const flavor of [...update.wanted]) {
      await servers.ask(
        FLAVOR_PATHS[flavor],
        (bytes) => wrongConsensus(bytes, flavor, update.now),
        () => update.wanted.has(flavor),
      );
    }
  } finally {
    servers.end();
  }
  if (servers.failed && areRefused && isLast) update.problems.push(NO_REENTRY);
}

/** Directory servers that are asked one after the other, until one has given what is wanted. */
class DirectoryServers {
  failed = false;
  readonly #status = new StatusLine();
  readonly #download: DownloadOptions;

  constructor(
    private readonly update: ArchiveUpdate,
    private readonly mirrors: readonly Mirror[],
    proxy: SocksProxy | undefined,
  ) {
    this.#download = {
      ...DOWNLOAD,
      ...(proxy === undefined ? {} : { proxy }),
      // Servers that send a byte now and then, one after the other, must not hold it for hours.
      signal: AbortSignal.timeout(ALL_SERVERS_MS),
    };
  }

  /**
   * Asks for a document, and offers it to the archive; on to the next server while it `isWanted` still: one that gives
   * what nobody signed is asked nothing more.
   */
  async ask(path: string, check: (bytes: Buffer) => string | undefined, isWanted: () => boolean): Promise<void> {
    for (let left = this.mirrors; left.length > 0 && isWanted(); ) {
      const onProgress = (received: number) => this.#status.show(() => `${path}: ${Math.round(received / 1024)} KiB`);
      try {
        const { bytes, mirror } = await downloadFromAny(left, path, { ...this.#download, check, onProgress });
        left = left.slice(left.indexOf(mirror) + 1);
        await this.update.offer(bytes, mirror.name);
      } catch (error) {
        this.failed = true;
        this.update.problems.push(reasonOf(error));
        return;
      }
      if (path !== KEYS_PATH && this.update.needsCertificates) await this.askForKeys();
    }
  }

  /** Certificates that only look like some help nothing, so on to the next server while they are needed. */
  askForKeys(): Promise<void> {
    return this.ask(
      KEYS_PATH,
      (bytes) => (looksLikeKeyCertificate(bytes) ? undefined : "it sent no key certificates"),
      () => this.update.needsCertificates,
    );
  }

  end(): void {
    this.#status.end();
  }
}

/** @throws whatever is not about a server or the way to it: a full disk, a bug. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `The directory servers did not answer within ${ALL_SERVERS_MS / 60_000} minutes.`;
  }
  if (error instanceof LeekError && DOWNLOAD_ERRORS.includes(error.code)) {
    return error.message;
  }
  throw error;
}

/** Why a mirror's answer is not what was asked for. */
export function wrongConsensus(bytes: Buffer, wanted: ConsensusFlavor, now: number): string | undefined {
  try {
    const { flavor, validAfter, validUntil } = parsePreamble(bytes, "consensus");
    if (flavor !== wanted) return `it sent the ${flavor} flavor`;
    if (validAfter > now + MAX_AHEAD_SECONDS)
      return `it sent one that is valid after ${formatIsoSeconds(validAfter)} only`;
    if (validUntil < now) return `it sent one that was valid until ${formatIsoSeconds(validUntil)}`;
    return undefined;
  } catch (error) {
    if (error instanceof LeekError) return "it sent no consensus";
    throw error;
  }
}

export async function chooseProxy({ via, direct }: NetworkOptions): Promise<SocksProxy | undefined> {
  if (direct) return undefined;
  if (via !== undefined) return parseProxy(via);
  for (const url of SOCKS_URLS) {
    const proxy = parseProxy(url);
    if (await answersSocks(proxy, SOCKS_ANSWER_MS)) return proxy;
  }
  return undefined;
}

/** For people. */
export function wayOf(proxy: SocksProxy | undefined): string {
  return proxy === undefined ? "directly, not through Tor" : `through ${proxy.host}:${proxy.port}`;
}

function mirrorsOf(authorities: AuthoritySet, now: number): Mirror[] {
  const today = new Date(now * 1000).toISOString().slice(0, 10);
  return authorities.authorities
    .filter(
      ({ v3Identity, since, until }) => v3Identity !== undefined && (since ?? "") <= today && today < (until ?? "9"),
    )
    .map(({ nickname, address, dirPort }) => ({ name: nickname, address, port: dirPort }));
}

function parseMirror(text: string): Mirror {
  const endpoint = parseEndpoint(text);
  if (endpoint?.port !== undefined) {
    return { name: text, address: formatIpAddress(endpoint.address), port: endpoint.port };
  }
  // A name: through a proxy that looks it up, or an onion service.
  const [, host, port] = /^([A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) {
    return { name: text, address: host, port: Number(port) };
  }
  throw new LeekError("LEEK_USAGE", "usage", `${text} is no ADDR:PORT of a directory server.`, {
    hint: "Write --mirror 192.0.2.7:80, with the directory port, not the OR port.",
  });
}

/** So that not all users ask the same one first. */
function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: Math.random() }))
    .sort((x, y) => x.at - y.at)
    .map(({ item }) => item);
}
