import { type Bridge, type ConsensusFlavor, parseBridge } from "../relays/index.js";
import { authenticate, type Credentials } from "./authenticate.js";
import { parseSocketAddress, type SocketAddress } from "./control-address.js";
import { ControlLink, type LinkOptions } from "./control-link.js";
import { type EntryGuard, parseEntryGuard } from "./entry-guard.js";
import { malformedError, refusedError } from "./faults.js";
import {
  type OrConnection,
  type OrConnectionLine,
  type OrEndpoint,
  orEndpoints,
  parseOrConnection,
  parseOrConnectionEvent,
  parseRouterStatus,
} from "./or-connection.js";
import { parseQuotedString } from "./quoted-string.js";
import { quote } from "./reply-parser.js";

/** Addresses in the consensus by fingerprint. */
export type ListedEndpoints = Map<string, readonly OrEndpoint[]>;

export interface ControlOptions extends Credentials, LinkOptions {}

const CONSENSUS_KEYS: Readonly<Record<ConsensusFlavor, string>> = {
  ns: "dir/status-vote/current/consensus",
  // Since tor 0.4.3.
  microdesc: "dir/status-vote/current/consensus-microdesc",
};

/** Thirty times the size of a consensus of the public network, with what its escaping adds. */
const MAX_CONSENSUS_BYTES = 64 * 1024 * 1024;

/** tor has no such document ("551"), or does not know the question ("552"). */
const NO_ANSWER = [551, 552];

/**
 * An authenticated connection to the control port of a running tor. It only asks, and may be told of events: nothing of
 * tor is changed by it.
 *
 * Source: control-spec. Each question may throw LEEK_TOR_CONTROL_TIMEOUT, LEEK_TOR_CONTROL_CLOSED,
 * LEEK_TOR_CONTROL_MALFORMED, LEEK_TOR_CONTROL_REFUSED, or the reason of the signal; all after the first such error but
 * LEEK_TOR_CONTROL_REFUSED do the same. Lines of a form that leek does not know are an error too: the answers serve as
 * evidence, so nothing is left out in silence.
 */
export class ControlConnection {
  private constructor(private readonly link: ControlLink) {}

  /**
   * Connects and authenticates. End it with close().
   *
   * @throws {LeekError} LEEK_TOR_CONTROL_UNREACHABLE (nobody listens, time-out), LEEK_TOR_CONTROL_PERMISSION (unix
   *   socket), LEEK_TOR_CONTROL_NOT_TOR, LEEK_TOR_CONTROL_AUTHENTICATION (cookie, password), and those of questions.
   */
  static async open(where: SocketAddress, options: ControlOptions = {}): Promise<ControlConnection> {
    const link = await ControlLink.open(where, options);
    try {
      await authenticate(link, options);
    } catch (error) {
      await link.close();
      throw error;
    }
    return new ControlConnection(link);
  }

  /** Resolves when the connection has ended, with the reason: an error, also after close(). */
  get ended(): Promise<unknown> {
    return this.link.ended;
  }

  /**
   * Asks to be told of OR connections as they change (control-spec 4.1.3), until the connection ends.
   *
   * @param onChange - Is called for each event, at once; it must not throw and should be quick. Gets no line when leek
   *   cannot read the event.
   */
  async watchOrConnections(onChange: (line: OrConnectionLine | undefined) => void): Promise<void> {
    this.link.onEvent = (text) => {
      const event = parseOrConnectionEvent(text);
      if (event !== undefined) onChange(event === "unreadable" ? undefined : event);
    };
    const command = "SETEVENTS ORCONN";
    const reply = await this.link.ask(command);
    if (reply.status !== 250) throw refusedError(this.link.where, command, reply);
  }

  /** Ends the connection; a question that waits for its answer fails. */
  close(): Promise<void> {
    return this.link.close();
  }

  /** `0.4.9.11`, as tor writes it. */
  async version(): Promise<string> {
    return this.#text(await this.#need("version"));
  }

  /**
   * The consensus that tor has, byte for byte as it was signed, but unverified: tor gives a file of its disk as it is,
   * be it expired or signed by nobody that it knows (measured with tor 0.4.9.11).
   *
   * @returns undefined when it has none of this flavor: a client keeps only `microdesc`, and tor before 0.4.3 tells
   *   only `ns`.
   */
  consensus(flavor: ConsensusFlavor): Promise<Buffer | undefined> {
    return this.#info(CONSENSUS_KEYS[flavor], MAX_CONSENSUS_BYTES);
  }

  /**
   * The connections to relays and bridges at this moment.
   *
   * @param listed - What the consensus has for each fingerprint, as far as it was asked before; is added to.
   * @param inUse - The bridges, where they are known; else tor is asked.
   */
  async orConnections(listed: ListedEndpoints = new Map(), inUse?: readonly Bridge[]): Promise<OrConnection[]> {
    const lines = (await this.#lines("orconn-status")).map((line) => this.#read(line, parseOrConnection));
    const bridges = inUse ?? (lines.length === 0 ? [] : await this.bridges());
    return this.endpointsOf(lines, bridges, listed);
  }

  /**
   * Where these connections go.
   *
   * @param bridges - In use.
   * @param listed - As for orConnections().
   */
  async endpointsOf(
    lines: readonly OrConnectionLine[],
    bridges: readonly Bridge[],
    listed: ListedEndpoints,
  ): Promise<OrConnection[]> {
    for (const { fingerprint } of lines) {
      if (fingerprint === undefined || listed.has(fingerprint)) continue;
      const status = await this.#info(`ns/id/${fingerprint}`);
      listed.set(fingerprint, status === undefined ? [] : parseRouterStatus(this.#text(status)));
    }
    return lines.map((line) => ({
      status: line.status,
      fingerprint: line.fingerprint,
      nickname: line.nickname,
      endpoints: orEndpoints(line, bridges, listed.get(line.fingerprint ?? "") ?? []),
    }));
  }

  /** tor's sample of entry guards, in its order; empty before it has chosen any. */
  async entryGuards(): Promise<EntryGuard[]> {
    return (await this.#lines("entry-guards")).map((line) => this.#read(line, parseEntryGuard));
  }

  /**
   * The bridges that tor uses; none unless UseBridges is on.
   *
   * @throws {LeekError} LEEK_BRIDGE_MALFORMED for a Bridge line that leek cannot read.
   */
  async bridges(): Promise<Bridge[]> {
    // 250-UseBridges=1
    // 250 Bridge=198.51.100.7:9443 0123456789ABCDEF0123456789ABCDEF01234567
    const command = "GETCONF UseBridges Bridge";
    const reply = await this.link.ask(command);
    if (reply.status !== 250) throw refusedError(this.link.where, command, reply);
    const values = (key: string) =>
      reply.lines.filter(({ text }) => text.startsWith(`${key}=`)).map(({ text }) => text.slice(key.length + 1));
    return values("UseBridges").includes("1") ? values("Bridge").map(parseBridge) : [];
  }

  /** Where tor takes SOCKS connections. */
  async socksListeners(): Promise<SocketAddress[]> {
    // 250-net/listeners/socks="127.0.0.1:9050" "unix:/run/tor/socks"
    const text = this.#text(await this.#need("net/listeners/socks"));
    const listeners: SocketAddress[] = [];
    for (let at = 0; at < text.length; ) {
      const quoted = parseQuotedString(text, at);
      const space = text.indexOf(" ", at);
      const end = quoted?.end ?? (space < 0 ? text.length : space);
      if (end > at) listeners.push(this.#read(quoted?.text ?? text.slice(at, end), parseSocketAddress));
      at = end + 1;
    }
    return listeners;
  }

  /**
   * One GETINFO of one key (control-spec 3.9).
   *
   * @param key - Without spaces and line ends.
   * @returns undefined when tor has no such thing.
   */
  async #info(key: string, maxReplyBytes?: number): Promise<Buffer | undefined> {
    const command = `GETINFO ${key}`;
    const reply = await this.link.ask(command, maxReplyBytes);
    if (NO_ANSWER.includes(reply.status)) return undefined;
    if (reply.status !== 250) throw refusedError(this.link.where, command, reply);
    const line = reply.lines.find(({ text }) => text.startsWith(`${key}=`));
    if (line === undefined) throw malformedError(this.link.where, `its answer to ${command} lacks the key`);
    return line.data ?? Buffer.from(line.text.slice(key.length + 1), "latin1");
  }

  async #need(key: string): Promise<Buffer> {
    const value = await this.#info(key);
    if (value === undefined) throw malformedError(this.link.where, `it does not know GETINFO ${key}`);
    return value;
  }

  async #lines(key: string): Promise<string[]> {
    return this.#text(await this.#need(key))
      .split("\n")
      .filter((line) => line !== "");
  }

  #text(bytes: Buffer): string {
    return bytes.toString("latin1");
  }

  #read<T>(text: string, parse: (text: string) => T | undefined): T {
    const value = parse(text);
    if (value === undefined) throw malformedError(this.link.where, `"${quote(text)}" has no form that leek knows`);
    return value;
  }
}
