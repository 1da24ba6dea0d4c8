import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bitcoin } from "../../../src/apps/bitcoin/index.js";
import { ApplicationTracker, type FlowFacts } from "../../../src/apps/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { openCapture } from "../../../src/capture/index.js";
import { DecodeStatus, decodePacket, PacketHeaders, TcpFlag } from "../../../src/decode/index.js";
import { FlowTable } from "../../../src/flows/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import { FIXTURES } from "../../support/leek.js";
import { detailsOf, disclosed } from "../conversation.js";

const CAPTURE = join(FIXTURES, "tor-and-bitcoin-leak.pcap");

/** What leek understands of each TCP flow, by the originator's port. */
async function readFlows(): Promise<Map<number, FlowFacts | undefined>> {
  const source = await openCapture(CAPTURE);
  const tracker = new ApplicationTracker({ streams: [bitcoin], datagrams: [] });
  const flows = new Map<number, FlowFacts | undefined>();
  const table = new FlowTable({ onEnd: (row) => flows.set(table.flow(row).originator.port ?? 0, tracker.end(row)) });
  const headers = new PacketHeaders();
  const packet = new CapturedPacket();
  while (await source.fill()) {
    while (source.next(packet)) {
      if (decodePacket(packet, headers) !== DecodeStatus.Ok || headers.protocol !== IpProtocol.TCP) continue;
      const row = table.update(headers, packet);
      if (table.isNew) tracker.begin(row, headers.protocol, headers.srcPort, headers.dstPort);
      if (headers.payloadLength > 0 || (headers.tcpFlags & TcpFlag.SYN) !== 0) {
        tracker.observe(row, table.fromOriginator(row) ? 0 : 1, packet, headers);
      }
    }
  }
  await source.close();
  table.endAll();
  return flows;
}

/** What tshark's dissector reads, a line for each packet with messages. */
function tshark(...fields: string[]): string[][] {
  const args = ["-n", "-r", CAPTURE, "-Y", "bitcoin", "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const text = execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

/** The text that leek has for an address that tshark writes as IPv6. */
const plain = (address: string) => address.replace(/^::ffff:(?=[\d.]+$)/, "");

describe("the Bitcoin flows of a capture", () => {
  it("are those that tshark finds, with the same commands and versions", async () => {
    const lines = tshark(
      "tcp.srcport",
      "tcp.dstport",
      "bitcoin.command",
      "bitcoin.version.version",
      "bitcoin.string.value",
      "bitcoin.version.start_height",
      "bitcoin.version.timestamp",
      "bitcoin.address.address",
      "bitcoin.address.port",
    );
    const flows = await readFlows();
    const originators = new Set(lines.map(([from, to]) => Number(from === "8333" ? to : from)));
    const recognised = [...flows].filter(([, facts]) => facts !== undefined);
    expect(new Set(recognised.map(([port]) => port))).toEqual(originators);
    expect(originators.size).toBe(2);
    for (const [port, facts] of recognised) {
      expect([facts?.protocol, facts?.by]).toEqual(["bitcoin", "content"]);
      const details = detailsOf(facts);
      for (const [side, name] of ["originator", "responder"].entries()) {
        const said = lines.filter(([from, to]) => Number(side === 0 ? from : to) === port);
        expect(details[`${name}Commands`]).toEqual([
          ...new Set(said.flatMap(([, , commands]) => commands!.split(","))),
        ]);
        const [, , , version, agent, height, time, addresses, ports] = said.find(([, , , it]) => it !== "")!;
        expect(details).toMatchObject({
          [`${name}ProtocolVersion`]: Number(version),
          [`${name}UserAgent`]: agent,
          [`${name}Height`]: Number(height),
          [`${name}Time`]: Date.parse(time!.replace(".000000000", "")) / 1000,
        });
        const receiver = plain(addresses!.split(",")[0]!);
        const seen = receiver.includes(":") ? `[${receiver}]` : receiver;
        expect(details[`${name}SeesPeerAt`]).toBe(`${seen}:${ports!.split(",")[0]}`);
      }
    }
  });

  it("tell the chain, the software, and the peer's address", async () => {
    const facts = [...(await readFlows()).values()].find((it) => it?.protocol === "bitcoin");
    expect(disclosed(facts)).toEqual(
      expect.arrayContaining([
        "bitcoin-chain: main",
        "user-agent: /Satoshi:29.0.0/",
        "bitcoin-services: NETWORK WITNESS NETWORK_LIMITED",
        "bitcoin-height: 900000",
        "public-address: 203.0.113.83",
        "bitcoin-command: version",
        "bitcoin-command: ping",
      ]),
    );
  });
});
