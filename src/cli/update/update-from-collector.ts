import { ReadableStream } from "node:stream/web";
import { MAX_DOCUMENT_BYTES } from "../../archive/index.js";
import { escapeText, LeekError } from "../../base/index.js";
import { type DownloadOptions, download, type Mirror } from "../../download/index.js";
import { type ConsensusFlavor, parseKeyCertificates } from "../../relays/index.js";
import { say } from "../output/messages.js";
import { StatusLine } from "../output/status-line.js";
import type { ArchiveUpdate } from "./archive-update.js";
import {
  ALL_SERVERS_MS,
  chooseProxy,
  DOWNLOAD,
  type NetworkOptions,
  reasonOf,
  wayOf,
  wrongConsensus,
} from "./update-from-network.js";

/** The Tor Project's archive of what the authorities publish. Exits let everybody reach it, unlike the authorities. */
const COLLECTOR = "https://collector.torproject.org";

const NOT_ASKED =
  "CollecTor was not asked: no SOCKS port answers on this machine, and without Tor the question for its name, and the " +
  "connection, would tell. Name a proxy with --via, or allow it with --direct.";

/** Of the public network, where a consensus is made each hour and valid for three. */
const HOUR = 3600;
const HOURS = 3;

/** Collected a few minutes after each hour, and kept there for three days. */
const FLAVOR_PLACES: Readonly<Record<ConsensusFlavor, { readonly folder: string; readonly suffix: string }>> = {
  microdesc: { folder: "/recent/relay-descriptors/microdescs/consensus-microdesc", suffix: "consensus-microdesc" },
  ns: { folder: "/recent/relay-descriptors/consensuses", suffix: "consensus" },
};
/** All there have been: some hundred KB. Among the recent documents there are none. */
const CERTIFICATES_PATH = "/archive/relay-descriptors/certs.tar.xz";

/** CollecTor, by HTTPS: through Tor, or directly when the user says so. */
export async function updateFromCollector(update: ArchiveUpdate, options: NetworkOptions): Promise<void> {
  const { mirror, prefix } = parseCollector(options.collector ?? COLLECTOR);
  const proxy = await chooseProxy(options);
  if (proxy === undefined && !options.direct) {
    update.problems.push(NOT_ASKED);
    return;
  }
  say(`Asking ${mirror.name} ${wayOf(proxy)}.`);
  const collector = new Collector(update, mirror, prefix, {
    ...DOWNLOAD,
    ...(proxy === undefined ? {} : { proxy }),
    signal: AbortSignal.timeout(ALL_SERVERS_MS),
  });
  try {
    // What tor gave may lack nothing else.
    if (update.needsCertificates) await collector.askForCertificates();
    for (const flavor of [...update.wanted]) await collector.askForConsensus(flavor);
  } catch (error) {
    update.problems.push(reasonOf(error));
  } finally {
    collector.end();
  }
}

class Collector {
  readonly #status = new StatusLine();
  #hasCertificates = false;

  constructor(
    private readonly update: ArchiveUpdate,
    private readonly mirror: Mirror,
    private readonly prefix: string,
    private readonly options: DownloadOptions,
  ) {}

  /** The newest that is there and good. @throws {LeekError} what a download throws, but that none is there. */
  async askForConsensus(flavor: ConsensusFlavor): Promise<void> {
    const { update } = this;
    const newest = update.now - (update.now % HOUR);
    let missing: LeekError | undefined;
    for (let hour = 0; hour < HOURS && update.wanted.has(flavor); hour++) {
      try {
        const bytes = await this.#fetch(consensusPath(flavor, newest - hour * HOUR));
        const refusal = wrongConsensus(bytes, flavor, update.now);
        if (refusal === undefined) await update.offer(bytes, this.mirror.name);
        else update.problems.push(`Cannot use what ${escapeText(this.mirror.name)} has: ${refusal}.`);
      } catch (error) {
        if (!(error instanceof LeekError) || error.code !== "LEEK_DOWNLOAD_NOT_FOUND") throw error;
        missing ??= error;
      }
      if (update.needsCertificates) await this.askForCertificates();
    }
    if (missing !== undefined && update.wanted.has(flavor)) update.problems.push(missing.message);
  }

  /** Once: the archive has them all. */
  async askForCertificates(): Promise<void> {
    if (this.#hasCertificates) return;
    this.#hasCertificates = true;
    const packed = await this.#fetch(CERTIFICATES_PATH);
    const certificates = await certificatesIn(packed, this.update.now).catch(() => undefined);
    if (certificates !== undefined) await this.update.offer(certificates, this.mirror.name);
    else this.update.problems.push(`${escapeText(this.mirror.name)} sent a damaged archive of key certificates.`);
  }

  end(): void {
    this.#status.end();
  }

  async #fetch(path: string): Promise<Buffer> {
    const onProgress = (received: number) => this.#status.show(() => `${path}: ${Math.round(received / 1024)} KiB`);
    return (await download(this.mirror, this.prefix + path, { ...this.options, onProgress })).bytes;
  }
}

/** `.../2026-11-22-10-00-00-consensus-microdesc`. */
function consensusPath(flavor: ConsensusFlavor, validAfter: number): string {
  const { folder, suffix } = FLAVOR_PLACES[flavor];
  const time = new Date(validAfter * 1000).toISOString().slice(0, 19).replace(/[T:]/g, "-");
  return `${folder}/${time}-${suffix}`;
}

/**
 * The key certificates of a `certs.tar.xz` that hold still, one after the other.
 *
 * @throws {Error} of one kind or another, when it is damaged or unpacks to more than any archive of certificates.
 */
async function certificatesIn(packed: Buffer, now: number): Promise<Buffer> {
  const { default: xz } = await import("xz-decompress");
  const { unpackTar } = await import("modern-tar");
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(packed);
      controller.close();
    },
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of new xz.XzReadableStream(source as never) as unknown as ReadableStream<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_DOCUMENT_BYTES) throw new Error("too large");
    chunks.push(chunk);
  }
  const members = await unpackTar(Buffer.concat(chunks, length), { strict: true });
  const texts = members
    .flatMap(({ data }) => (data === undefined ? [] : parseKeyCertificates(data).certificates))
    .filter(({ expires }) => expires >= now)
    .map(({ text }) => text);
  return Buffer.from(texts.join(""), "latin1");
}

function parseCollector(text: string): { readonly mirror: Mirror; readonly prefix: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    !["https:", "http:"].includes(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ""
  ) {
    throw new LeekError("LEEK_USAGE", "usage", `${escapeText(text)} is no address of a CollecTor.`, {
      hint: `Write --collector ${COLLECTOR}: https or http, without user, password, ? and #.`,
    });
  }
  const isTls = url.protocol === "https:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  const address = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { mirror: { name: url.host, address, port, isTls }, prefix: url.pathname.replace(/\/+$/, "") };
}
