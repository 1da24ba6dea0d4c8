import { describe, expect, it } from "vitest";
import { formatConsensus } from "../../bench/consensus-generator.mjs";
import { Tagger } from "../../src/cli/output/tagger.js";
import { parseAddress } from "../../src/net/index.js";
import { Analysis, type FlowRecord } from "../../src/pipeline/index.js";
import { parseConsensus, RelayDirectory, type TorConnection } from "../../src/relays/index.js";
import { ascii, ethernet, ipv4, ipv6, TcpFlag, tcp, udp } from "../support/packet-builder.js";
import { captured } from "../support/packets.js";

const START = 1_700_000_000;
const NODE = "192.168.50.2";
const RELAY = "198.51.100.9";
const SITE = "203.0.113.80";
const FP = "0123456789ABCDEF0123456789ABCDEF01234567";

const relay = {
  nickname: "guard",
  identity: Buffer.from(FP, "hex"),
  fingerprint: FP,
  address: RELAY,
  orPort: 443,
  dirPort: 0,
  ipv6: undefined,
  flags: ["Running", "Valid"],
  bandwidth: 1,
};
const document = parseConsensus(Buffer.from(formatConsensus([relay], { validAfter: START - 60 })), "test");
const NOTHING = new RelayDirectory({ authorities: [], fallbacks: [] });
const LISTED = NOTHING.with({ documents: [document] });

function connection(address: string, port: number, at: number, until?: number): TorConnection {
  return { address: parseAddress(address)!, port, fingerprint: FP, nickname: "guard", at, until };
}

/** The beginning of a connection, or a packet of it. */
function segment(dst: string, dstPort: number, flags: number = TcpFlag.SYN, srcPort = 40_000): Uint8Array {
  const payload = flags === TcpFlag.SYN ? new Uint8Array() : ascii("x");
  return ethernet({}, ipv4({ src: NODE, dst }, tcp({ srcPort, dstPort, seq: 9, ack: 9, flags }, payload)));
}

function start(directory: RelayDirectory) {
  const records: FlowRecord[] = [];
  const analysis = new Analysis({ directory, onFlow: (record) => records.push(record) });
  const observe = (bytes: Uint8Array, seconds = START) => analysis.observe(captured(bytes, { seconds }));
  const kindOf = (row: number) => {
    const { flowClass, evidence } = analysis.classificationOf(row);
    return [flowClass, evidence[0]!.kind];
  };
  return { analysis, observe, kindOf, records };
}

describe("Analysis.useDirectory", () => {
  it("makes a live flow tor when tor says that it is its OR connection, in the totals too", () => {
    const { analysis, observe, kindOf, records } = start(LISTED);
    const row = observe(segment(SITE, 9001));
    const other = observe(segment(SITE, 443));
    expect(kindOf(row)).toEqual(["clearnet", "not-listed"]);
    analysis.useDirectory(LISTED.with({ connections: [connection(SITE, 9001, START + 5)] }));
    expect(kindOf(row)).toEqual(["tor", "tor-control"]);
    expect(kindOf(other)).toEqual(["clearnet", "not-listed"]);
    const result = analysis.finish([]);
    expect([result.classes.tor.flows, result.classes.clearnet.flows]).toEqual([1, 1]);
    expect(records.map(({ classification }) => classification.flowClass).sort()).toEqual(["clearnet", "tor"]);
  });

  it("judges flows without a document when one for their start arrives", () => {
    const fresh = start(NOTHING);
    const live = [
      fresh.observe(segment(RELAY, 443)),
      fresh.observe(segment(SITE, 80)),
      fresh.observe(segment(RELAY, 80)),
      fresh.observe(ethernet({}, ipv4({ src: NODE, dst: SITE }, udp({ srcPort: 5000, dstPort: 5001 })))),
      fresh.observe(
        ethernet(
          { type: 0x86dd },
          ipv6({ src: "2001:db8::2", dst: "64:ff9b::c633:6409" }, tcp({ srcPort: 1, dstPort: 443, flags: 2 })),
        ),
      ),
    ];
    const before = live.map(fresh.kindOf);
    fresh.analysis.useDirectory(LISTED);
    expect(before).toEqual(live.map(() => ["clearnet", "no-document"]));
    expect(live.map(fresh.kindOf)).toEqual([
      ["tor", "consensus"],
      ["clearnet", "not-listed"],
      ["clearnet", "relay-address-other-port"],
      ["clearnet", "not-listed"],
      ["tor", "consensus"],
    ]);
    const late = fresh.observe(segment(RELAY, 443, TcpFlag.SYN, 40_009), START + 30 * 86_400);
    // Judged by what the document says of another time, which is not nothing.
    expect(fresh.kindOf(late)).toEqual(["clearnet", "consensus-out-of-reach"]);
  });

  it("takes nothing back when documents and connections are gone", () => {
    const { analysis, observe, kindOf } = start(LISTED.with({ connections: [connection(SITE, 9001, START)] }));
    const rows = [observe(segment(RELAY, 443)), observe(segment(SITE, 9001)), observe(segment(SITE, 80))];
    const before = rows.map(kindOf);
    const kept = rows.map((row) => analysis.classificationOf(row));
    analysis.useDirectory(NOTHING);
    expect(rows.map(kindOf)).toEqual(before);
    expect(rows.map((row) => analysis.classificationOf(row))).toEqual(kept);
    expect(kindOf(observe(segment(RELAY, 443, TcpFlag.SYN, 40_001)))).toEqual(["clearnet", "no-document"]);
    expect(analysis.finish([]).directory).toBe(NOTHING);
  });

  it("minds who opened the flow: what comes from a relay's address is no relay link", () => {
    const { analysis, observe, kindOf } = start(NOTHING);
    const inbound = ethernet({}, ipv4({ src: RELAY, dst: SITE }, tcp({ srcPort: 443, dstPort: 8333, flags: 2 })));
    const middle = ethernet({}, ipv4({ src: RELAY, dst: SITE }, tcp({ srcPort: 443, dstPort: 8334, flags: 16 })));
    const rows = [observe(inbound), observe(middle)];
    analysis.useDirectory(LISTED);
    expect(rows.map(kindOf)).toEqual([
      ["clearnet", "not-listed"],
      ["tor", "consensus"],
    ]);
  });

  it("does not let a packet of tor stand as the example of clearnet", () => {
    const push = TcpFlag.ACK | TcpFlag.PSH;
    const { analysis, observe } = start(LISTED);
    for (let i = 0; i < 3; i++) observe(segment(SITE, 9001, push));
    analysis.useDirectory(LISTED.with({ connections: [connection(SITE, 9001, START)] }));
    for (let i = 0; i < 3; i++) observe(segment(SITE, 80, push));
    const { specimens } = analysis.finish([]);
    expect(specimens.get("tor")?.record.flow.responder.port).toBe(9001);
    expect(specimens.get("clearnet")?.record.flow.responder.port).toBe(80);
  });
});

describe("the tag of a packet", () => {
  it("has the class that its flow has by then", () => {
    const analysis = new Analysis({ directory: LISTED });
    const tagger = new Tagger(analysis);
    const packet = captured(segment(SITE, 9001, TcpFlag.ACK), { seconds: START });
    const tag = () => Buffer.from(tagger.tag(packet)).toString();
    expect([tag(), tag()]).toEqual([expect.stringContaining("clearnet"), expect.stringContaining("clearnet")]);
    analysis.useDirectory(LISTED.with({ connections: [connection(SITE, 9001, START)] }));
    expect(tag()).toMatch(/tor.*guard/);
  });
});

describe("a connection that tor has ended", () => {
  it("says nothing of flows that began later: the address may be another's by then", () => {
    const { observe, kindOf } = start(LISTED.with({ connections: [connection(SITE, 9001, START, START + 60)] }));
    expect(kindOf(observe(segment(SITE, 9001), START + 60))).toEqual(["tor", "tor-control"]);
    expect(kindOf(observe(segment(SITE, 9001, TcpFlag.SYN, 40_001), START + 61))).toEqual(["clearnet", "not-listed"]);
  });
});

describe("a directory made from another", () => {
  it("answers as one made anew, also once filters stand", () => {
    const later = parseConsensus(
      Buffer.from(formatConsensus([{ ...relay, address: "198.51.100.10" }], { validAfter: START + 3540 })),
      "later",
    );
    const before = LISTED.with({});
    const at = (directory: RelayDirectory, text: string, port: number) => {
      const { version, a, b, c, d } = parseAddress(text)!;
      return directory.match(version, a, b, c, d, port, true, START + 3600);
    };
    for (let i = 0; i < 200; i++) at(before, `192.0.2.${i % 250}`, 1);
    const changes = { documents: [document, later], connections: [connection(SITE, 9001, START)] };
    const after = before.with(changes);
    const anew = new RelayDirectory({ authorities: [], fallbacks: [], ...changes });
    const asked = [
      [RELAY, 443],
      ["198.51.100.10", 443],
      [SITE, 9001],
      [SITE, 9002],
      [RELAY, 80],
    ] as const;
    for (const [address, port] of asked) expect(at(after, address, port)).toEqual(at(anew, address, port));
    expect(at(after, "198.51.100.10", 443)?.kind).toBe("consensus");
    expect(at(after, SITE, 9001)?.kind).toBe("tor-control");
    expect(at(before, "198.51.100.10", 443)).toBeUndefined();
    expect(after.with({ connections: [] }).consensuses).toEqual(after.consensuses);
  });
});
