import { type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { LeekError, systemErrorCode } from "../base/index.js";
import { formatEndpoint, parseAddress } from "../net/index.js";
import { type ContentEncoding, parseContentEncoding, readBody } from "./body.js";
import { connectionFault, Fault, quote, seconds } from "./fault.js";
import { isHostName, type SocksProxy } from "./proxy.js";
import { connected, connectThroughProxy } from "./socks-connection.js";
import { secureConnection } from "./tls-connection.js";
import { Watch } from "./watch.js";

/** A server of directory documents: an authority, a relay with a directory port, or an archive of them. */
export interface Mirror {
  /** IP address without brackets, or host name. */
  readonly address: string;
  readonly port: number;
  /** For messages. */
  readonly name: string;
  /** It is asked inside TLS, and must have a certificate for its address. */
  readonly isTls?: boolean;
}

export interface DownloadOptions {
  /** Without one the mirror is asked directly, and a host name is looked up here. */
  readonly proxy?: SocksProxy;
  /** Certificates (PEM) that TLS believes; default: those of Node.js. */
  readonly ca?: string;
  /** Until the connection stands, through the proxy too. Then TLS has this time once more. */
  readonly connectTimeoutMs: number;
  /** For which nothing at all may arrive. */
  readonly idleTimeoutMs: number;
  /** For everything, of one mirror. */
  readonly totalTimeoutMs: number;
  /** Of the document, unpacked. */
  readonly maxBytes: number;
  /** Of everything that the mirror sends, inside TLS if need be: headers, framing and the packed document. */
  readonly maxWireBytes: number;
  /** Told of the bytes of the document as they were sent (packed), and how many there will be if the mirror said it. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  /** Ends everything at once; its reason is thrown as it is. */
  readonly signal?: AbortSignal;
}

export interface Downloaded {
  /** The document, unpacked. */
  readonly bytes: Buffer;
  readonly mirror: Mirror;
  /** How it was packed on the way. */
  readonly contentEncoding: ContentEncoding;
  /** The mirror's clock when it answered (header Date), in seconds since 1970-01-01 UTC; undefined when it did not say. */
  readonly date?: number;
}

const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Fetches a document by HTTP, as dir-spec §4 to §6 and appendix B describe it. Nothing in the request tells leek from
 * another client, or one user from another.
 *
 * The document is whole as far as HTTP and the packing can tell; one that is neither packed nor has a Content-Length ends
 * where the mirror closes the connection. What is in it is for the caller to judge.
 *
 * @param path - Begins with a slash; printable ASCII without spaces.
 * @throws {LeekError} LEEK_DOWNLOAD_FAILED, or LEEK_DOWNLOAD_NOT_FOUND when the mirror says that it has no such document;
 *   LEEK_PROXY_FAILED when the proxy is at fault, so that other mirrors cannot be reached either; the signal's reason
 *   when it was aborted.
 */
export async function download(mirror: Mirror, path: string, options: DownloadOptions): Promise<Downloaded> {
  try {
    return await fetchDocument(mirror, path, options);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.culprit === "proxy") throw proxyFailed(error, options);
    throw new LeekError(
      error.isNotFound ? "LEEK_DOWNLOAD_NOT_FOUND" : "LEEK_DOWNLOAD_FAILED",
      "unavailable",
      `Cannot fetch ${path} from ${whereIs(mirror)}: ${error.reason}.`,
      {
        hint: downloadHint(options),
        cause: error,
      },
    );
  }
}

/** @throws {Fault} And whatever the caller's own functions throw. */
export async function fetchDocument(mirror: Mirror, path: string, options: DownloadOptions): Promise<Downloaded> {
  const watch = new Watch(options.signal);
  try {
    const { totalTimeoutMs } = options;
    watch.limit(totalTimeoutMs, () => new Fault(`it was not done within ${seconds(totalTimeoutMs)}`));
    const plain = await openConnection(mirror, options, watch);
    const socket = mirror.isTls === true ? await secureConnection(plain, mirror.address, options, watch) : plain;
    return await exchange(socket, mirror, path, options, watch);
  } catch (error) {
    throw watch.explain(error);
  } finally {
    await watch.end();
  }
}

async function openConnection(mirror: Mirror, options: DownloadOptions, watch: Watch): Promise<Socket> {
  const { address, port } = mirror;
  const { proxy, connectTimeoutMs } = options;
  const isIp = parseAddress(address) !== undefined;
  if (!isIp && !isHostName(address)) throw new Fault("its address is neither an IP address nor a host name");
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Fault("its port is not between 1 and 65535");
  if (proxy !== undefined) return connectThroughProxy(proxy, address, port, connectTimeoutMs, watch);
  // RFC 7686 §2: DNS must not even be asked, for the question would tell.
  if (/\.onion\.?$/i.test(address)) throw new Fault("it is an onion service, which only Tor reaches");
  const timer = watch.limit(connectTimeoutMs, () => new Fault(`it did not answer within ${seconds(connectTimeoutMs)}`));
  const socket = watch.hold(connect({ host: address, port }));
  await connected(socket, "server");
  watch.lift(timer);
  return socket;
}

async function exchange(
  socket: Socket,
  mirror: Mirror,
  path: string,
  options: DownloadOptions,
  watch: Watch,
): Promise<Downloaded> {
  const { idleTimeoutMs, maxWireBytes, maxBytes, onProgress } = options;
  const idle = watch.limit(idleTimeoutMs, () => new Fault(`it sent nothing for ${seconds(idleTimeoutMs)}`));
  let wireBytes = 0;
  const onWire = (chunk: Buffer) => {
    idle.refresh();
    wireBytes += chunk.length;
    // Counted here and not in the body: headers, interim answers and framing may be endless too.
    if (wireBytes > maxWireBytes) watch.stop(new Fault(`it sent more than the ${maxWireBytes} bytes that leek takes`));
  };
  let response: IncomingMessage | undefined;
  try {
    response = await ask(socket, mirror, path, onWire);
    const total = checkResponse(response, path, maxWireBytes);
    const contentEncoding = parseContentEncoding(response.headers["content-encoding"]);
    let received = 0;
    const bytes = await readBody(response, contentEncoding, maxBytes, (count) => {
      received += count;
      onProgress?.(received, total);
    });
    // Nobody may have waited for anything when it was stopped.
    watch.throwIfStopped();
    const date = parseHttpDate(response.headers.date);
    return { bytes, mirror, contentEncoding, ...(date === undefined ? {} : { date }) };
  } catch (error) {
    throw httpFault(error, response);
  }
}

/** Sends the request. @returns The answer's header; its body is still to be read. */
function ask(socket: Socket, mirror: Mirror, path: string, onWire: (chunk: Buffer) => void): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // Without an agent there is one exchange, and `Connection: close`. Node.js adds Host and nothing else.
    const outgoing = request({
      createConnection: () => socket,
      host: mirror.address,
      port: mirror.port,
      path,
      // Left out of the header Host.
      defaultPort: mirror.isTls === true ? 443 : 80,
      // tor prefers lzma and zstd where they are asked for (appendix B); leek has no reader for the one, and no need of the other.
      headers: { "Accept-Encoding": "deflate, gzip, identity" },
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    });
    outgoing.on("socket", () => socket.on("data", onWire));
    outgoing.on("response", (response) => {
      // Whoever reads the body gets its errors; one that comes later must not end the process.
      response.on("error", () => {});
      // A body of no stated length ends with the connection, and Node.js takes it for whole however that ended: by a
      // reset, or by our own hand.
      outgoing.on("error", (error) => {
        if (!response.complete) response.destroy(error);
      });
      resolve(response);
    });
    outgoing.on("upgrade", () => reject(new Fault("it wants to speak another protocol than HTTP (101)")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** @returns The Content-Length, if there is one. @throws {Fault} Unless a document follows. */
function checkResponse(response: IncomingMessage, path: string, maxWireBytes: number): number | undefined {
  const { headers, statusCode = 0, statusMessage = "" } = response;
  if (statusCode !== 200) {
    const said = `${statusCode}${statusMessage === "" ? "" : ` ${quote(statusMessage)}`}`;
    const reason = `${statusReason(statusCode, headers.location)} (${said})`;
    throw new Fault(reason, "server", undefined, statusCode === 404);
  }
  const framing = headers["transfer-encoding"];
  if (framing !== undefined && framing.trim().toLowerCase() !== "chunked") {
    throw new Fault(`it sends ${path} in a way that leek does not know (Transfer-Encoding ${quote(framing)})`);
  }
  const length = headers["content-length"];
  if (length === undefined) return undefined;
  const total = Number(length);
  if (total > maxWireBytes)
    throw new Fault(`it wants to send ${total} bytes, more than the ${maxWireBytes} that leek takes`);
  return total;
}

function statusReason(status: number, location: string | undefined): string {
  switch (status) {
    case 304:
      return "it says that nothing is new, which leek did not ask";
    case 404:
      return "it does not have the document";
    case 503:
      return "it is busy";
    default:
      if (status >= 300 && status < 400) {
        return `it points to ${location === undefined ? "somewhere else" : quote(location)}, where leek does not follow`;
      }
      return status >= 500 ? "it failed" : "it refused";
  }
}

/** What went wrong between the request and the last byte. Errors that are not of the connection stay as they are. */
function httpFault(error: unknown, response: IncomingMessage | undefined): unknown {
  const code = systemErrorCode(error);
  if (error instanceof Fault || code === undefined) return error;
  if (code === "HPE_HEADER_OVERFLOW") {
    return new Fault(`its answer has a header of more than ${MAX_HEADER_BYTES} bytes`, "server", error);
  }
  if (code.startsWith("HPE_")) return new Fault("its answer is no valid HTTP", "server", error);
  if (response !== undefined && (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE")) {
    return new Fault("it broke off in the middle of the document", "server", error);
  }
  return /^E[A-Z]+$/.test(code) ? connectionFault(error, "server") : error;
}

/** RFC 9110 §5.6.7, the one form that servers must send. */
function parseHttpDate(header: string | undefined): number | undefined {
  if (header === undefined || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(header))
    return undefined;
  const milliseconds = Date.parse(header);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** `moria1 (128.31.0.39:9231)`; the address alone when that is the name. */
export function whereIs({ name, address, port }: Mirror): string {
  const endpoint = formatEndpoint({ address, port });
  return name === endpoint ? quote(name) : `${quote(name)} (${quote(endpoint)})`;
}

export function proxyFailed(fault: Fault, { proxy }: DownloadOptions): LeekError {
  const where = proxy === undefined ? "" : ` at ${formatEndpoint({ address: proxy.host, port: proxy.port })}`;
  return new LeekError("LEEK_PROXY_FAILED", "unavailable", `Cannot use the SOCKS proxy${where}: ${fault.reason}.`, {
    hint: "Start tor, name its SOCKS port with --via socks5h://HOST:PORT, or ask without a proxy: --direct.",
    cause: fault,
  });
}

export function downloadHint({ proxy }: DownloadOptions): string {
  return proxy === undefined
    ? "Name another directory server with --mirror, or go through Tor with --via socks5h://127.0.0.1:9050."
    : "Try again later, or name another directory server with --mirror.";
}
