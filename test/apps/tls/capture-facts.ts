import { ApplicationTracker, type FlowFacts, type ProtocolSet } from "../../../src/apps/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { openCapture } from "../../../src/capture/index.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../../../src/decode/index.js";
import { FlowTable } from "../../../src/flows/index.js";

/** What is understood of each flow of a capture, by the ports of both ends: `originator>responder`. */
export async function factsOfCapture(path: string, protocols: ProtocolSet): Promise<ReadonlyMap<string, FlowFacts>> {
  const source = await openCapture(path);
  const packet = new CapturedPacket();
  const headers = new PacketHeaders();
  const found = new Map<string, FlowFacts>();
  const tracker = new ApplicationTracker(protocols);
  const end = (row: number) => {
    const { originator, responder } = table.flow(row);
    const facts = tracker.end(row);
    if (facts !== undefined) found.set(`${originator.port}>${responder.port}`, facts);
  };
  const table = new FlowTable({ onEnd: end });
  while (await source.fill()) {
    while (source.next(packet)) {
      if (decodePacket(packet, headers) !== DecodeStatus.Ok) continue;
      const row = table.update(headers, packet);
      const side = table.fromOriginator(row) ? 0 : 1;
      const { protocol, srcPort, dstPort, transportStatus } = headers;
      if (table.isNew) tracker.begin(row, protocol, side === 0 ? srcPort : dstPort, side === 0 ? dstPort : srcPort);
      if (transportStatus === DecodeStatus.Ok) tracker.observe(row, side, packet, headers);
    }
  }
  await source.close();
  table.endAll();
  return found;
}
