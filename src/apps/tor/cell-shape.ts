import type { StreamSide } from "../../streams/index.js";
import { CellCount, MAX_OPENING_RECORDS } from "./cell-count.js";
import { isTorCertificate, isTorServerName } from "./link-names.js";
import { type Protection, protectionOf, TLS_1_3_PROTECTION } from "./record-protection.js";

/** What of a link's names is of Tor's form; `unseen` where the capture has no handshake of it. */
export type LinkNames = "server-name" | "certificate" | "unseen";

/** What the sizes of a TLS connection's records say of Tor's cells, with the names beside it. */
export interface CellShapeFigures {
  /** Application records judged, of both directions: the link's opening is not, nor is a burst that has not ended. */
  readonly records: number;
  /** Of these, records that are whole cells, alone or together with those sent with them. */
  readonly wholeCells: number;
  /** Fewest and most cells that were sent together; 0 where none were. */
  readonly fewestCells: number;
  readonly mostCells: number;
  readonly names: LinkNames;
  /** Whether the link began as Tor's do: with the client's VERSIONS, and about two kilobytes of the relay. */
  readonly opening: boolean;
}

/** What it takes to become suspected. Records that prove each other count as one burst. */
interface Bar {
  /** Bursts of whole cells, of both directions and of each. */
  readonly bursts: number;
  readonly burstsOfSide: number;
  /** Whether one direction must have bursts of different lengths. */
  readonly varied: boolean;
}

// The measurements behind these numbers are in docs/tor-suspected.md.
/** Its opening or its certificate leaves little doubt. */
const OPENING_BAR: Bar = { bursts: 4, burstsOfSide: 1, varied: false };
/** The server's name alone: names that exist have the same form. Many a protocol has messages of one size. */
const NAME_BAR: Bar = { bursts: 8, burstsOfSide: 3, varied: true };
/** Nothing but sizes. */
const SIZES_BAR: Bar = { bursts: 24, burstsOfSide: 8, varied: true };
/** Records of whole cells for each other one, to become suspected. */
const ENTER_RATIO = 9;
/** Other records for each one of whole cells, to stay suspected: those lost by the capture spoil their neighbours. */
const STAY_RATIO = 4;

/** Records of the server after which a connection with more other records than whole cells is given up. */
const SETTLING_RECORDS = 1_000;
/** And its other records, after which one without a single whole cell of either side is. */
const SETTLING_OTHERS = 100;

const APPLICATION_DATA = 23;
const TLS_1_3 = 0x0304;
/** VERSIONS with two link protocols, as arti, or three, as tor: circuit 2, command 1, length 2, and 2 for each. */
const ARTI_VERSIONS_BYTES = 9;
const TOR_VERSIONS_BYTES = 11;
/** VERSIONS, CERTS, AUTH_CHALLENGE and NETINFO of a relay in one record: 2,007 to 2,056 were seen. */
const LEAST_ANSWER_BYTES = 1_500;
const MOST_ANSWER_BYTES = 3_000;

/**
 * Watches the sizes of one TLS connection's records for those of Tor's cells. Keeps numbers only.
 *
 * Anybody can send records of these sizes, and a pluggable transport hides them: what comes out is a suspicion, and
 * neither it nor its absence proves anything. See docs/tor-suspected.md.
 */
export class CellShape {
  readonly #client = new CellCount();
  readonly #server = new CellCount();
  /** Undefined where the two agreed to something that no relay would. */
  #protection: Protection | undefined = TLS_1_3_PROTECTION;
  #version = 0;
  /** Undefined where a name was read that is not of Tor's form. */
  #names: LinkNames | undefined = "unseen";
  #hasCertificate = false;
  #hasVersions = false;
  #hasAnswer = false;
  #suspected = false;

  /** The client's ClientHello: its server name, and whether a DNS answer before in the capture had that name. */
  hello(serverName: string | undefined, wasResolved: boolean): void {
    if (this.#names === "certificate") return;
    // Tor makes a name up for each connection, and looks it up nowhere.
    const isOfTor = serverName !== undefined && !wasResolved && isTorServerName(serverName);
    this.#names = isOfTor ? "server-name" : undefined;
  }

  /** The server's ServerHello: e.g. 0x0304, 0x1302. */
  agreed(version: number, cipherSuite: number): void {
    this.#version = version;
    this.#protection = protectionOf(version, cipherSuite);
  }

  /** Common names of the server's certificate, where they can be read (TLS 1.2 and before). */
  certificate(subject: string, issuer: string): void {
    this.#hasCertificate = true;
    this.#names = isTorCertificate(subject, issuer) ? "certificate" : undefined;
  }

  /** A record's header, in the order of its direction. Allocates nothing. */
  record(side: StreamSide, type: number, bodyBytes: number): void {
    const protection = this.#protection;
    if (type !== APPLICATION_DATA || protection === undefined) return;
    const count = side === 0 ? this.#client : this.#server;
    const bytes = bodyBytes - protection.overhead;
    count.take(bytes, protection.slack);
    if (!this.#hasAnswer && count.records <= MAX_OPENING_RECORDS) this.#noteOpening(side, count, bytes);
    this.#suspected = this.#looksLikeTor();
  }

  /** Whether all of this together looks like a Tor link. May change with each record. */
  get isSuspected(): boolean {
    return this.#suspected;
  }

  /**
   * Whether it is no link of Tor's, whatever comes: by names of another form, a cipher that no relay takes, or many records
   * that are mostly no cells.
   */
  get isSettled(): boolean {
    if (this.#protection === undefined) return true;
    if (this.#names === undefined) return this.#version === TLS_1_3 || this.#hasCertificate;
    if (this.#suspected) return false;
    const { whole, others } = this.#server;
    if (others >= SETTLING_OTHERS && whole === 0 && this.#client.whole === 0) return true;
    return whole + others >= SETTLING_RECORDS && whole < others;
  }

  /** For evidence; made when it is needed. */
  figures(): CellShapeFigures {
    const client = this.#client;
    const server = this.#server;
    const fewest = Math.min(client.fewestCells, server.fewestCells);
    const mostCells = Math.max(client.mostCells, server.mostCells);
    return {
      records: client.whole + client.others + server.whole + server.others,
      wholeCells: client.whole + server.whole,
      // One side alone may have sent cells.
      fewestCells: fewest > 0 ? fewest : Math.max(client.fewestCells, server.fewestCells),
      mostCells,
      names: this.#names ?? "unseen",
      opening: this.#hasAnswer,
    };
  }

  #noteOpening(side: StreamSide, count: CellCount, bytes: number): void {
    if (side === 0) {
      // In TLS 1.3 the client's Finished comes before, in a record of application data to look at.
      if (count.records !== (this.#version === TLS_1_3 ? 2 : 1)) return;
      if (bytes !== TOR_VERSIONS_BYTES && bytes !== ARTI_VERSIONS_BYTES) return;
      this.#hasVersions = true;
    } else {
      if (!this.#hasVersions || bytes < LEAST_ANSWER_BYTES || bytes > MOST_ANSWER_BYTES) return;
      this.#hasAnswer = true;
    }
    count.begin();
  }

  #looksLikeTor(): boolean {
    const bar = this.#bar();
    if (bar === undefined) return false;
    const client = this.#client;
    const server = this.#server;
    if (this.#suspected)
      return client.whole * STAY_RATIO >= client.others && server.whole * STAY_RATIO >= server.others;
    return (
      client.bursts + server.bursts >= bar.bursts &&
      client.bursts >= bar.burstsOfSide &&
      server.bursts >= bar.burstsOfSide &&
      (client.isVaried || server.isVaried || !bar.varied) &&
      client.whole >= client.others * ENTER_RATIO &&
      server.whole >= server.others * ENTER_RATIO
    );
  }

  #bar(): Bar | undefined {
    switch (this.#names) {
      case "certificate":
        return OPENING_BAR;
      case "server-name":
        // Before TLS 1.3 the certificate can be read, and Tor's has its own form.
        if (this.#version !== 0 && this.#version !== TLS_1_3) return undefined;
        return this.#hasAnswer ? OPENING_BAR : NAME_BAR;
      case "unseen":
        return SIZES_BAR;
      default:
        return undefined;
    }
  }
}
