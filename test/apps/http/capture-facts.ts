import { execFileSync } from "node:child_process";
import {
  type ApplicationTracker,
  type FlowFacts,
  type StreamProtocol,
  ApplicationTracker as Tracker,
} from "../../../src/apps/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { openCapture } from "../../../src/capture/index.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../../../src/decode/index.js";
import { FlowTable } from "../../../src/flows/index.js";

const FIXTURES = new URL("../../../fixtures/", import.meta.url).pathname;

/** What is understood of a fixture's flows, by the originator's port. */
export async function captureFacts(
  name: string,
  streams: readonly StreamProtocol[],
): Promise<ReadonlyMap<number, FlowFacts>> {
  const found = new Map<number, FlowFacts>();
  const tracker: ApplicationTracker = new Tracker({ streams, datagrams: [] });
  const table: FlowTable = new FlowTable({
    onEnd(row) {
      const facts = tracker.end(row);
      if (facts?.protocol !== undefined) found.set(table.flow(row).originator.port!, facts);
    },
  });
  const source = await openCapture(`${FIXTURES}${name}.pcap`);
  const packet = new CapturedPacket();
  const headers = new PacketHeaders();
  while (await source.fill()) {
    while (source.next(packet)) {
      decodePacket(packet, headers);
      if (headers.status !== DecodeStatus.Ok) continue;
      const row = table.update(headers, packet);
      const { protocol, srcPort, dstPort } = headers;
      const fromOriginator = table.fromOriginator(row);
      if (table.isNew && fromOriginator) tracker.begin(row, protocol, srcPort, dstPort);
      else if (table.isNew) tracker.begin(row, protocol, dstPort, srcPort);
      tracker.observe(row, fromOriginator ? 0 : 1, packet, headers);
    }
  }
  await source.close();
  table.endAll();
  return found;
}

/** Rows of fields as tshark sees them; a field that is not there is empty. */
export function tshark(name: string, filter: string, fields: readonly string[], options: readonly string[] = []) {
  const wanted = fields.flatMap((field) => ["-e", field]);
  const text = execFileSync(
    "tshark",
    ["-n", "-r", `${FIXTURES}${name}.pcap`, ...options, "-Y", filter, "-T", "fields", ...wanted],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}
