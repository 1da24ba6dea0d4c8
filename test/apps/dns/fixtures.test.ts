import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dnsOverTcp } from "../../../src/apps/dns/index.js";
import { ApplicationTracker, type FlowFacts } from "../../../src/apps/index.js";
import { CapturedPacket } from "../../../src/base/index.js";
import { openCapture } from "../../../src/capture/index.js";
import { decodePacket, PacketHeaders } from "../../../src/decode/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import { FIXTURES } from "../../support/leek.js";
import { summary } from "../../support/packets.js";
import { disclosed } from "../conversation.js";
import { DNS_FAMILY, tsharkFields } from "./datagrams.js";

/** The facts of every flow of a capture in which something was recognised; ports and addresses tell flows apart. */
async function read(path: string): Promise<FlowFacts[]> {
  const tracker = new ApplicationTracker({ streams: [dnsOverTcp], datagrams: DNS_FAMILY });
  const rows = new Map<string, { row: number; source: string }>();
  const source = await openCapture(path);
  const packet = new CapturedPacket();
  const headers = new PacketHeaders();
  while (await source.fill()) {
    while (source.next(packet)) {
      decodePacket(packet, headers);
      if (headers.protocol !== IpProtocol.TCP && headers.protocol !== IpProtocol.UDP) continue;
      const [from, to] = summary(headers).split(/ > | /);
      const key = [headers.protocol, ...[from!, to!].sort()].join(" ");
      let flow = rows.get(key);
      if (flow === undefined) {
        flow = { row: rows.size, source: from! };
        rows.set(key, flow);
        tracker.begin(flow.row, headers.protocol, headers.srcPort, headers.dstPort);
      }
      tracker.observe(flow.row, from === flow.source ? 0 : 1, packet, headers);
    }
  }
  await source.close();
  return [...rows.values()].flatMap(({ row }) => tracker.end(row) ?? []);
}

const values = (flows: readonly FlowFacts[], kind: string) =>
  flows
    .flatMap((facts) => disclosed(facts))
    .filter((it) => it.startsWith(`${kind}: `))
    .map((it) => it.slice(kind.length + 2))
    .sort();

describe("real traffic", () => {
  it.each(["tor-and-dns-leak", "tor-and-https-leak", "tor-and-bitcoin-leak", "any-interface", "snaplen-96"])(
    "of %s asks and answers as tshark reads it",
    async (name) => {
      const path = join(FIXTURES, `${name}.pcap`);
      const flows = await read(path);
      const fields = ["udp.stream", "tcp.stream", "dns.qry.name", "dns.a", "dns.aaaa", "dns.flags.response"];
      const seen = tsharkFields(path, "dns", fields)
        .filter((line) => line !== "")
        .map((line) => line.split("\t"));
      expect(seen.length).toBeGreaterThan(0);
      const questions = new Set(seen.map(([udp, tcp, question]) => [udp, tcp, question].join(" ")));
      expect(values(flows, "dns-question")).toEqual([...questions].map((it) => it.split(" ")[2]!).sort());
      const answers = seen.flatMap(([, , question, ipv4, ipv6]) =>
        [ipv4, ipv6].flatMap((list) => (list === "" ? [] : list!.split(",").map((it) => `${question} -> ${it}`))),
      );
      expect(values(flows, "dns-answer")).toEqual(answers.sort());
      expect(flows.every(({ protocol, by }) => protocol === "dns" && by === "content")).toBe(true);
      expect(flows).toHaveLength(new Set(seen.map(([udp, tcp]) => `${udp} ${tcp}`)).size);
    },
  );

  it("of tor-and-dns-leak has an onion name", async () => {
    const flows = await read(join(FIXTURES, "tor-and-dns-leak.pcap"));
    expect(values(flows, "onion-name")).toEqual([`${"leek".repeat(14)}.onion`]);
  });

  it.each(["only-tor", "loopback-socks", "tor-and-ping-ntp-leak", "tor-and-http-leak", "mid-stream", "ipv6-guard"])(
    "of %s holds what tshark calls DNS, and no more",
    async (name) => {
      const path = join(FIXTURES, `${name}.pcap`);
      const streams = tsharkFields(path, "dns", ["udp.stream", "tcp.stream"]).filter((line) => line !== "");
      expect(await read(path)).toHaveLength(new Set(streams).size);
    },
  );
});
