import type { StreamSide } from "../../streams/index.js";

/** What the sizes of a TLS connection's records say of Tor's cells, with the names beside it. */
export interface CellShapeFigures {
  /** Application records seen, of both directions. */
  readonly records: number;
  /** Of these, records that are whole cells. */
  readonly wholeCells: number;
}

/** Watches one TLS connection. Keeps numbers only. */
export class CellShape {
  /** The client's ClientHello: its server name, and whether a DNS answer before in the capture had that name. */
  hello(_serverName: string | undefined, _wasResolved: boolean): void {}

  /** The server's ServerHello: e.g. 0x0304, 0x1302. */
  agreed(_version: number, _cipherSuite: number): void {}

  /** Common names of the server's certificate, where they can be read (TLS 1.2 and before). */
  certificate(_subject: string, _issuer: string): void {}

  /** A record's header, in the order of its direction. Allocates nothing. */
  record(_side: StreamSide, _type: number, _bodyBytes: number): void {}

  /** Whether all of this together looks like a Tor link. May change with each record. */
  get isSuspected(): boolean {
    return false;
  }

  /** For evidence; made when it is needed. */
  figures(): CellShapeFigures {
    return { records: 0, wholeCells: 0 };
  }
}
