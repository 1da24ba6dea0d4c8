import { describe, expect, it } from "vitest";
import { DecodeStatus, decodePacket, PacketHeaders } from "../../src/decode/index.js";
import { type Flow, FlowTable, type FlowTableOptions } from "../../src/flows/index.js";
import {
  ascii,
  ethernet,
  icmpEcho,
  ipip,
  ipv4,
  ipv6,
  type TcpFields,
  TcpFlag,
  tcp,
  udp,
} from "../support/packet-builder.js";
import { captured } from "../support/packets.js";

const { SYN, ACK, FIN, RST } = TcpFlag;

/** A flow table fed with frames; ended flows are collected. */
class Harness {
  readonly ended: Flow[] = [];
  readonly table: FlowTable;
  readonly #headers = new PacketHeaders();

  constructor(options: Omit<FlowTableOptions, "onEnd"> = {}) {
    this.table = new FlowTable({ ...options, onEnd: (row) => this.ended.push(this.table.flow(row)) });
  }

  see(frame: Uint8Array, seconds = 0, nanoseconds = 0): number {
    const packet = captured(frame, { seconds, nanoseconds });
    if (decodePacket(packet, this.#headers) !== DecodeStatus.Ok) throw new Error("the test's frame must decode");
    return this.table.update(this.#headers, packet);
  }

  finish(): Flow[] {
    this.table.endAll();
    return this.ended;
  }
}

const CLIENT = "192.0.2.1";
const SERVER = "198.51.100.7";

function fromClient(fields: TcpFields, payload = ""): Uint8Array {
  return ethernet(
    {},
    ipv4({ src: CLIENT, dst: SERVER }, tcp({ srcPort: 40000, dstPort: 443, ...fields }, ascii(payload))),
  );
}

function fromServer(fields: TcpFields, payload = ""): Uint8Array {
  return ethernet(
    {},
    ipv4({ src: SERVER, dst: CLIENT }, tcp({ srcPort: 443, dstPort: 40000, ...fields }, ascii(payload))),
  );
}

describe("FlowTable", () => {
  it("counts both directions of a connection in one flow", () => {
    const harness = new Harness();
    harness.see(fromClient({ flags: SYN, seq: 1 }), 10);
    harness.see(fromServer({ flags: SYN | ACK, seq: 5 }), 11);
    harness.see(fromClient({ flags: ACK }, "hello"), 12, 345);
    expect(harness.finish()).toMatchObject([
      {
        transport: "tcp",
        originator: { address: CLIENT, port: 40000 },
        responder: { address: SERVER, port: 443 },
        originatorGuessed: false,
        tcpState: "established",
        packets: { originator: 2, responder: 1 },
        bytes: { originator: 54 + 59, responder: 54 },
        first: { seconds: 10, nanoseconds: 0 },
        last: { seconds: 12, nanoseconds: 345 },
      },
    ]);
  });

  it("takes the receiver of a SYN-ACK for the originator when the SYN was not seen", () => {
    const harness = new Harness();
    harness.see(fromServer({ flags: SYN | ACK }));
    expect(harness.finish()[0]).toMatchObject({ originator: { address: CLIENT }, originatorGuessed: false });
  });

  it("takes the sender of the first packet for the originator when no SYN was seen, and says that it guessed", () => {
    const harness = new Harness();
    harness.see(fromClient({ flags: ACK }));
    expect(harness.finish()[0]).toMatchObject({
      originator: { address: CLIENT },
      originatorGuessed: true,
      tcpState: "mid-stream",
    });
  });

  it("takes the side with the service port for the responder even when it speaks first", () => {
    const harness = new Harness();
    harness.see(fromServer({ flags: ACK }));
    harness.see(fromServer({ flags: ACK, srcPort: 9001, dstPort: 50000 }));
    harness.see(ethernet({}, ipv4({ src: SERVER, dst: CLIENT }, udp({ srcPort: 53, dstPort: 1025 }))));
    for (const flow of harness.finish())
      expect(flow).toMatchObject({ originator: { address: CLIENT }, originatorGuessed: true });
  });

  it("keeps the first sender as the originator when neither port looks like a service", () => {
    const harness = new Harness();
    harness.see(ethernet({}, ipv4({ src: SERVER, dst: CLIENT }, udp({ srcPort: 40000, dstPort: 50000 }))));
    expect(harness.finish()[0]).toMatchObject({ originator: { address: SERVER } });
  });

  it.each([
    ["after a RST", [fromServer({ flags: RST })]],
    ["after both FINs", [fromClient({ flags: FIN | ACK }), fromServer({ flags: FIN | ACK })]],
    ["with another sequence number", []],
  ])("a SYN %s starts a new flow", (_name, between) => {
    const harness = new Harness();
    harness.see(fromClient({ flags: SYN, seq: 1 }));
    harness.see(fromServer({ flags: SYN | ACK, seq: 2 }));
    for (const frame of between) harness.see(frame);
    harness.see(fromClient({ flags: SYN, seq: 999 }));
    expect(harness.finish().map((flow) => flow.packets.originator + flow.packets.responder)).toEqual([
      2 + between.length,
      1,
    ]);
  });

  it("a retransmitted SYN belongs to its flow", () => {
    const harness = new Harness();
    harness.see(fromClient({ flags: SYN, seq: 1 }), 1);
    harness.see(fromClient({ flags: SYN, seq: 1 }), 2);
    expect(harness.finish()).toHaveLength(1);
  });

  it.each([
    ["closed", [fromClient({ flags: FIN | ACK }), fromServer({ flags: FIN | ACK })]],
    ["closing", [fromClient({ flags: FIN | ACK })]],
    ["reset", [fromServer({ flags: RST })]],
  ])("reports a connection as %s", (state, frames) => {
    const harness = new Harness();
    for (const frame of frames) harness.see(frame);
    expect(harness.finish()[0]!.tcpState).toBe(state);
  });

  it("keeps flows of different transports, ports and IP versions apart", () => {
    const harness = new Harness();
    harness.see(fromClient({}));
    harness.see(fromClient({ srcPort: 40001 }));
    harness.see(ethernet({}, ipv4({ src: CLIENT, dst: SERVER }, udp({ srcPort: 40000, dstPort: 443 }))));
    harness.see(ethernet({}, ipv6({}, tcp({ srcPort: 40000, dstPort: 443 }))));
    harness.see(ethernet({}, ipv6({ dst: "2001:db8:1::3" }, tcp({ srcPort: 40000, dstPort: 443 }))));
    expect(harness.finish()).toHaveLength(5);
  });

  it("gives ICMP no ports", () => {
    const harness = new Harness();
    harness.see(ethernet({}, ipv4({ src: CLIENT, dst: SERVER }, icmpEcho(false, 7, 1))));
    harness.see(ethernet({}, ipv4({ src: SERVER, dst: CLIENT }, icmpEcho(true, 7, 1))));
    expect(harness.finish()).toMatchObject([
      { transport: "icmp", originator: { address: CLIENT, port: undefined }, packets: { originator: 1, responder: 1 } },
    ]);
  });

  it("counts later fragments for the flow of the first one", () => {
    const harness = new Harness();
    const datagram = udp({ srcPort: 40000, dstPort: 53 }, ascii("x".repeat(16)));
    harness.see(ethernet({}, ipv4({ src: CLIENT, dst: SERVER, id: 9, moreFragments: true }, datagram)));
    const later = { src: CLIENT, dst: SERVER, fragmentOffset: 24, protocol: 17 };
    harness.see(ethernet({}, ipv4({ ...later, id: 9 }, ascii("tail"))));
    expect(harness.table.unattributedFragments).toBe(0);
    harness.see(ethernet({}, ipv4({ ...later, id: 10 }, ascii("tail"))));
    expect(harness.table.unattributedFragments).toBe(1);
    expect(harness.finish().map(({ responder, packets }) => [responder.port, packets.originator])).toEqual([
      [53, 2],
      [0, 1],
    ]);
  });

  it("names the tunnel of an inner flow", () => {
    const harness = new Harness();
    const inner = ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }, udp());
    harness.see(ethernet({}, ipv4({ src: CLIENT, dst: SERVER }, ipip(inner))));
    harness.see(ethernet({}, inner));
    expect(harness.finish().map((flow) => flow.tunnel)).toEqual([
      { kind: "ipip", source: CLIENT, destination: SERVER },
      undefined,
    ]);
  });

  it("ends idle flows into onEnd while the capture goes on", () => {
    const harness = new Harness();
    harness.see(ethernet({}, ipv4({}, udp({ srcPort: 1 }))), 0);
    harness.see(fromClient({ flags: ACK }), 0);
    harness.see(ethernet({}, ipv4({}, udp({ srcPort: 2 }))), 400);
    expect(harness.ended.map((flow) => flow.originator.port)).toEqual([1]);
    expect(harness.table.size).toBe(2);
    harness.see(ethernet({}, ipv4({}, udp({ srcPort: 2 }))), 4000);
    expect(harness.ended.map((flow) => flow.transport)).toEqual(["udp", "udp", "tcp"].slice(0, harness.ended.length));
    expect(harness.ended.some((flow) => flow.transport === "tcp")).toBe(true);
  });

  it("starts a new flow after too long a silence, whether or not a sweep came between", () => {
    const harness = new Harness();
    for (const seconds of [0, 300, 601]) harness.see(ethernet({}, ipv4({}, udp({ srcPort: 40000 }))), seconds);
    for (const seconds of [601, 4201, 7802]) harness.see(fromClient({ flags: ACK }), seconds);
    const flows = harness.finish().sort((left, right) => left.serial - right.serial);
    expect(flows.map(({ transport, packets }) => [transport, packets.originator])).toEqual([
      ["udp", 2],
      ["udp", 1],
      ["tcp", 2],
      ["tcp", 1],
    ]);
  });

  it("holds maxFlows at most and loses no packet of those crowded out", () => {
    const harness = new Harness({ maxFlows: 100 });
    for (let i = 0; i < 5000; i++) {
      harness.see(ethernet({}, ipv4({ src: `10.0.${i >> 8}.${i & 255}` }, udp())), i / 1000);
      expect(harness.table.size).toBeLessThanOrEqual(100);
    }
    const flows = harness.finish();
    expect(flows.reduce((sum, flow) => sum + flow.packets.originator, 0)).toBe(5000);
    expect(harness.table.crowdedOut).toBeGreaterThan(0);
  });

  it("ends flows in the order in which they began", () => {
    const harness = new Harness();
    for (let i = 0; i < 3000; i++)
      harness.see(ethernet({}, ipv4({ src: `10.1.${i >> 8}.${i & 255}` }, udp())), i / 1000);
    expect(harness.finish().map((flow) => flow.serial)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
  });

  it("finds every flow again after many ended and others took their rows", () => {
    const harness = new Harness();
    const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4000; i++) {
        harness.see(ethernet({}, ipv4({ src: address(round * 2000 + i) }, udp())), round * 400 + i / 1000);
      }
    }
    const before = harness.table.begun;
    for (let i = 0; i < 4000; i++) harness.see(ethernet({}, ipv4({ src: address(4000 + i) }, udp())), 850);
    expect(harness.table.begun).toBe(before);
  });

  it("spends bounded work on captures whose time leaps with every packet", () => {
    const harness = new Harness();
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) {
      harness.see(ethernet({}, ipv4({ src: `10.2.${i >> 8}.${i & 255}` }, udp())), i % 2 === 0 ? i * 1e6 : 0);
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("gives the sequence base from which tcpdump counts, seen from the sender of the last packet", () => {
    const harness = new Harness();
    harness.see(fromClient({ flags: SYN, seq: 100 }));
    harness.see(fromServer({ flags: SYN | ACK, seq: 500, ack: 101 }));
    const row = harness.see(fromClient({ flags: ACK, seq: 101, ack: 501 }, "x"));
    expect(harness.table.sequenceBase(row)).toEqual({ sender: 100, receiver: 500 });
  });
});
