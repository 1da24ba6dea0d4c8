/** What leek sees of the TLS connections in a capture, kept so that it can be judged again under other conditions. */

import { ApplicationTracker, PROTOCOL_SET } from "../../src/apps/index.js";
import { tls } from "../../src/apps/tls/index.js";
import { CellShape, type CellShapeFigures } from "../../src/apps/tor/cell-shape.js";
import { CapturedPacket } from "../../src/base/index.js";
import { openCapture } from "../../src/capture/index.js";
import { DecodeStatus, decodePacket, Fragment, PacketHeaders, TcpFlag } from "../../src/decode/index.js";
import { FlowTable } from "../../src/flows/index.js";

export { CellCount } from "../../src/apps/tor/cell-count.js";
export { CellShape } from "../../src/apps/tor/cell-shape.js";
export { protectionOf } from "../../src/apps/tor/record-protection.js";

export interface TlsRecord {
  readonly side: 0 | 1;
  readonly type: number;
  readonly bodyBytes: number;
}

export interface TlsLink {
  /** `address:port`. */
  readonly originator: string;
  readonly responder: string;
  /** What leek said at its end. */
  readonly isSuspected: boolean;
  readonly figures: CellShapeFigures;
  readonly records: readonly TlsRecord[];
  /** Undefined where the capture does not have them. */
  readonly hello: { readonly serverName: string | undefined; readonly wasResolved: boolean } | undefined;
  readonly agreed: { readonly version: number; readonly cipherSuite: number } | undefined;
  readonly certificate: { readonly subject: string; readonly issuer: string } | undefined;
}

interface Noted {
  readonly records: TlsRecord[];
  hello: TlsLink["hello"];
  agreed: TlsLink["agreed"];
  certificate: TlsLink["certificate"];
}

const noted = new WeakMap<CellShape, Noted>();
const { get: isSettledNow } = Object.getOwnPropertyDescriptor(CellShape.prototype, "isSettled")!;
tap(CellShape.prototype);

/** Whether leek would give a connection up by now. Here none is: it is to be judged by other names too. */
export function isGivenUp(shape: CellShape): boolean {
  return isSettledNow!.call(shape);
}

/** Every TLS connection of a capture, as it ends. */
export async function followLinks(file: string, visit: (link: TlsLink) => void): Promise<void> {
  const streams = [tls];
  const apps = new ApplicationTracker({ streams, datagrams: PROTOCOL_SET.datagrams });
  const table: FlowTable = new FlowTable({
    onEnd(row) {
      const shape = apps.end(row)?.torShape;
      if (shape === undefined) return;
      const { originator, responder } = table.flow(row);
      visit({
        originator: `${originator.address}:${originator.port}`,
        responder: `${responder.address}:${responder.port}`,
        isSuspected: shape.isSuspected,
        figures: shape.figures(),
        ...notesOf(shape),
      });
    },
  });
  const headers = new PacketHeaders();
  const packet = new CapturedPacket();
  const source = await openCapture(file);
  while (await source.fill()) {
    while (source.next(packet)) {
      if (decodePacket(packet, headers) !== DecodeStatus.Ok) continue;
      const row = table.update(headers, packet);
      const { protocol, srcPort, dstPort } = headers;
      const isForth = table.fromOriginator(row);
      if (table.isNew) apps.begin(row, protocol, isForth ? srcPort : dstPort, isForth ? dstPort : srcPort);
      if (headers.fragment === Fragment.Later || headers.transportStatus !== DecodeStatus.Ok) continue;
      if (headers.payloadLength > 0 || (headers.tcpFlags & TcpFlag.SYN) !== 0) {
        apps.observe(row, isForth ? 0 : 1, packet, headers);
      }
    }
  }
  table.endAll();
  await source.close();
}

function notesOf(shape: CellShape): Noted {
  let notes = noted.get(shape);
  if (notes === undefined) {
    notes = { records: [], hello: undefined, agreed: undefined, certificate: undefined };
    noted.set(shape, notes);
  }
  return notes;
}

/** Whatever a CellShape is told is written down. */
function tap(prototype: CellShape): void {
  const { hello, agreed, certificate, record } = prototype;
  Object.defineProperty(prototype, "isSettled", { get: () => false });
  prototype.hello = function (serverName, wasResolved) {
    notesOf(this).hello = { serverName, wasResolved };
    hello.call(this, serverName, wasResolved);
  };
  prototype.agreed = function (version, cipherSuite) {
    notesOf(this).agreed = { version, cipherSuite };
    agreed.call(this, version, cipherSuite);
  };
  prototype.certificate = function (subject, issuer) {
    notesOf(this).certificate = { subject, issuer };
    certificate.call(this, subject, issuer);
  };
  prototype.record = function (side, type, bodyBytes) {
    notesOf(this).records.push({ side, type, bodyBytes });
    record.call(this, side, type, bodyBytes);
  };
}
