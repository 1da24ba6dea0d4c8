import { describe, expect, it } from "vitest";
import { formatConsensus } from "../../bench/consensus-generator.mjs";
import { LinkType } from "../../src/base/index.js";
import { Analysis, type FlowRecord } from "../../src/pipeline/index.js";
import { parseConsensus, RelayDirectory } from "../../src/relays/index.js";
import { arp, ascii, dnsReply, ethernet, ipv4, TcpFlag, tcp, udp } from "../support/packet-builder.js";
import { captured, type FrameFields } from "../support/packets.js";

const START = 1_700_000_000;
const NODE = "192.168.50.2";
const RELAY = "198.51.100.9";
const SITE = "203.0.113.80";

const consensus = formatConsensus(
  [
    {
      nickname: "guard",
      identity: Buffer.from("0123456789ABCDEF0123456789ABCDEF01234567", "hex"),
      fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567",
      address: RELAY,
      orPort: 443,
      dirPort: 0,
      ipv6: undefined,
      flags: ["Running", "Valid"],
      bandwidth: 1,
    },
  ],
  { validAfter: START - 60 },
);
const directory = new RelayDirectory({ documents: [parseConsensus(Buffer.from(consensus), "test")] });

/** An analysis fed with frames one second apart. */
function analyse(frames: readonly (Uint8Array | [Uint8Array, FrameFields])[]) {
  const records: FlowRecord[] = [];
  const analysis = new Analysis({ directory, onFlow: (record) => records.push(record) });
  frames.forEach((frame, i) => {
    const [bytes, fields] = Array.isArray(frame) ? frame : [frame, {}];
    analysis.observe(captured(bytes, { seconds: START + i, number: i + 1, ...fields }));
  });
  return { result: analysis.finish([]), records };
}

function toSite(payload: string, flags = TcpFlag.ACK | TcpFlag.PSH): Uint8Array {
  return ethernet(
    {},
    ipv4({ src: NODE, dst: SITE }, tcp({ srcPort: 40000, dstPort: 80, seq: 10, ack: 20, flags }, ascii(payload))),
  );
}

function toRelay(payload: Uint8Array): Uint8Array {
  const segment = tcp({ srcPort: 40001, dstPort: 443, seq: 10, ack: 20, flags: TcpFlag.ACK | TcpFlag.PSH }, payload);
  return ethernet({}, ipv4({ src: NODE, dst: RELAY }, segment));
}

describe("Analysis", () => {
  it("puts every packet into exactly one class, and sums to the whole", () => {
    const { result } = analyse([
      toSite("x"),
      toRelay(ascii("y")),
      ethernet({}, ipv4({ src: NODE, dst: "192.168.50.1" }, udp())),
      ethernet({ type: 0x0806 }, arp()),
      [toSite("cut"), { captured: 20 }],
      [toSite("odd"), { linkType: 195 }],
      [toSite("raw"), { linkType: LinkType.RAW }],
    ]);
    const packets = Object.fromEntries(Object.entries(result.classes).map(([name, total]) => [name, total.packets]));
    expect(packets).toEqual({ clearnet: 1, tor: 1, local: 1, "non-ip": 1, undecoded: 3, "tor-suspected": 0 });
    expect(result.packets).toBe(7);
    expect(result.bytes).toBe(Object.values(result.classes).reduce((sum, total) => sum + total.bytes, 0));
    expect(Object.fromEntries(result.anomalies)).toEqual({
      "header-cut": 1,
      "unsupported-link-type": 1,
      "malformed-header": 1,
    });
    expect([...result.unsupportedLinkTypes.keys()]).toEqual(["IEEE802_15_4"]);
    expect([...result.nonIp.keys()]).toEqual(["ARP"]);
    expect([result.first?.seconds, result.last?.seconds]).toEqual([START, START + 6]);
  });

  it("names a flow by the DNS answers before it, not by those after it", () => {
    const answer = (name: string) =>
      ethernet(
        {},
        ipv4({ src: "192.168.50.1", dst: NODE }, udp({ srcPort: 53, dstPort: 40000 }, dnsReply(name, [SITE]))),
      );
    const { records } = analyse([answer("before.example"), toSite("x"), answer("after.example"), toSite("y")]);
    expect(records.find(({ flow }) => flow.transport === "tcp")?.names).toEqual(["before.example"]);
  });

  it("counts wire lengths where the snaplen cut packets", () => {
    const frame = toSite("x".repeat(1000));
    const { result } = analyse([[frame, { captured: 60 }]]);
    expect(result.classes.clearnet.bytes).toBe(frame.length);
  });

  it("shows the side on the internet as the remote one, whoever opened the flow", () => {
    const inbound = ethernet(
      {},
      ipv4({ src: SITE, dst: NODE }, tcp({ srcPort: 40000, dstPort: 8333, flags: TcpFlag.SYN })),
    );
    const { records } = analyse([inbound]);
    expect(records[0]?.remote).toEqual({ side: "originator", endpoint: { address: SITE, port: 40000 } });
  });

  it("keeps a packet of each class that shows relative sequence numbers, a Tor one with whole cells", () => {
    const { result } = analyse([
      toSite("first"),
      toSite("second"),
      toRelay(new Uint8Array(100)),
      toRelay(new Uint8Array(90)),
      toRelay(new Uint8Array(536)),
    ]);
    expect(result.specimens.get("clearnet")?.specimen).toMatchObject({
      packet: { number: 2 },
      sequenceBase: { sender: 10, receiver: 19 },
    });
    expect(result.specimens.get("tor")?.specimen.packet.number).toBe(5);
    expect(result.specimens.get("tor")?.record.flow.responder.address).toBe(RELAY);
  });

  it("ends in an empty result for no packets at all", () => {
    const { result } = analyse([]);
    expect([result.packets, result.first, result.last]).toEqual([0, undefined, undefined]);
  });
});
