import { describe, expect, it } from "vitest";
import { ApplicationTracker, type DatagramProtocol, Match, type StreamProtocol } from "../../src/apps/index.js";
import { CapturedPacket } from "../../src/base/index.js";
import { PacketHeaders, TcpFlag } from "../../src/decode/index.js";
import { IpProtocol } from "../../src/net/index.js";
import { TLS_RECORDS } from "../../src/streams/index.js";

/** Says `hello NAME.` from the originator and `thanks NAME.` from the responder. */
const talk: StreamProtocol = {
  protocol: "irc",
  match(head, side) {
    const greeting = side === 0 ? "hello " : "thanks ";
    const start = Buffer.from(head.bytes.subarray(0, Math.min(head.length, greeting.length))).toString("latin1");
    if (!greeting.startsWith(start)) return Match.No;
    return start.length === greeting.length ? Match.Yes : Match.NeedMore;
  },
  open({ facts }) {
    facts.recognise("irc", "content");
    return {
      read(side, head) {
        const text = Buffer.from(head.bytes.subarray(0, head.length)).toString("latin1");
        const end = text.indexOf(".");
        if (end < 0) return head.length + 1;
        facts.disclose(side === 0 ? "user-name" : "host-name", text.slice(0, end));
        return Infinity;
      },
    };
  },
};

/** Datagrams that begin with 7, until one that is 7 alone. */
const seven: DatagramProtocol = {
  protocol: "ntp",
  match: (view, { payloadStart }) => view.getUint8(payloadStart) === 7,
  open({ facts, now }) {
    facts.recognise("ntp", "content");
    return {
      read(_view, { payloadStart, payloadEnd }, side) {
        facts.disclose("software", `side ${side} in packet ${now.packet}`);
        return payloadEnd - payloadStart > 1;
      },
    };
  },
};

let number = 0;

function packet(tracker: ApplicationTracker, row: number, side: 0 | 1, payload: string | Uint8Array, seq = 0): boolean {
  const bytes = Buffer.from(payload as string, "latin1");
  const headers = new PacketHeaders();
  headers.tcpFlags = TcpFlag.ACK;
  headers.tcpSeq = seq;
  headers.payloadStart = 3;
  headers.payloadEnd = 3 + bytes.length;
  headers.payloadLength = bytes.length;
  const captured = new CapturedPacket();
  captured.bytes = new Uint8Array(bytes.length + 6).fill(0xaa);
  captured.bytes.set(bytes, 3);
  captured.view = new DataView(captured.bytes.buffer);
  captured.end = captured.bytes.length;
  captured.number = ++number;
  return tracker.observe(row, side, captured, headers);
}

const disclosed = (tracker: ApplicationTracker, row: number) =>
  tracker.factsOf(row)?.disclosures.map(({ kind, value }) => `${kind}: ${value}`);

describe("streams", () => {
  it("are recognised by either side, and what the other one said before is read too", () => {
    const tracker = new ApplicationTracker({ streams: [talk], datagrams: [] });
    tracker.begin(3, IpProtocol.TCP, 50_000, 1);
    expect(packet(tracker, 3, 1, "than")).toBe(false);
    expect(tracker.factsOf(3)).toBeUndefined();
    expect(packet(tracker, 3, 0, "hello alice.")).toBe(true);
    expect(disclosed(tracker, 3)).toEqual(["user-name: hello alice"]);
    packet(tracker, 3, 1, "ks bob.", 4);
    expect(disclosed(tracker, 3)).toEqual(["user-name: hello alice", "host-name: thanks bob"]);
    const facts = tracker.end(3)!;
    expect(facts.disclosures.map((it) => it.packet)).toEqual([number - 1, number]);
    expect(tracker.factsOf(3)).toBeUndefined();
  });

  it("are not recognised where the beginning is another's", () => {
    const tracker = new ApplicationTracker({ streams: [talk], datagrams: [] });
    tracker.begin(0, IpProtocol.TCP, 50_000, 1);
    packet(tracker, 0, 0, "help");
    packet(tracker, 0, 0, "hello alice.", 4);
    expect(tracker.factsOf(0)).toBeUndefined();
  });

  const framesOf = (lengths: number[], enough = Infinity): StreamProtocol => ({
    protocol: "tls",
    match: () => Match.Yes,
    open: () => ({
      frames: TLS_RECORDS,
      read: () => Infinity,
      frame: (_side, _view, _at, bodyBytes) => lengths.push(bodyBytes) < enough,
    }),
  });

  it("may be followed frame by frame, for as long as the reader wants to", () => {
    const lengths: number[] = [];
    const tracker = new ApplicationTracker({ streams: [framesOf(lengths, 2)], datagrams: [] });
    tracker.begin(0, IpProtocol.TCP, 50_000, 443);
    packet(tracker, 0, 0, new Uint8Array([23, 3, 3, 0, 2, 1, 1, 23, 3, 3, 0, 1, 1]));
    packet(tracker, 0, 1, new Uint8Array([23, 3, 3, 0, 0]));
    packet(tracker, 0, 0, new Uint8Array([23, 3, 3, 0, 0]), 13);
    expect(lengths).toEqual([2, 1]);
  });

  it("may be cut anywhere while its frames are followed", () => {
    const lengths: number[] = [];
    const records = framesOf(lengths);
    const tracker = new ApplicationTracker({ streams: [records], datagrams: [] });
    tracker.begin(0, IpProtocol.TCP, 50_000, 443);
    packet(tracker, 0, 0, new Uint8Array([23, 3, 3, 0, 2, 1, 1, 23, 3, 3, 0, 4]));
    packet(tracker, 0, 0, new Uint8Array([1, 1, 1, 1, 23, 3, 3, 0, 0]), 12);
    expect(lengths).toEqual([2, 4, 0]);
  });
});

describe("datagrams", () => {
  it("are read until the reader has enough", () => {
    const tracker = new ApplicationTracker({ streams: [], datagrams: [seven] });
    tracker.begin(0, IpProtocol.UDP, 1000, 1001);
    packet(tracker, 0, 0, new Uint8Array([7, 1]));
    packet(tracker, 0, 1, new Uint8Array([7]));
    packet(tracker, 0, 0, new Uint8Array([7, 1]));
    expect(disclosed(tracker, 0)).toHaveLength(2);
  });

  it("are looked at a few times only", () => {
    const tracker = new ApplicationTracker({ streams: [], datagrams: [seven] });
    tracker.begin(0, IpProtocol.UDP, 1000, 1001);
    for (let i = 0; i < 4; i++) packet(tracker, 0, 0, new Uint8Array([8]));
    packet(tracker, 0, 0, new Uint8Array([7, 1]));
    expect(tracker.factsOf(0)).toBeUndefined();
  });
});

describe("facts", () => {
  it("are bounded in all, and room comes back when flows end", () => {
    const tracker = new ApplicationTracker({ streams: [], datagrams: [seven] }, { facts: 3 });
    for (let row = 0; row < 5; row++) {
      tracker.begin(row, IpProtocol.UDP, 1, 2);
      packet(tracker, row, 0, new Uint8Array([7, 1]));
    }
    expect([0, 1, 2, 3, 4].map((row) => tracker.factsOf(row)!.disclosures.length)).toEqual([1, 1, 1, 0, 0]);
    expect(tracker.factsOf(4)!.more).toBe(1);
    tracker.end(0)!.release();
    packet(tracker, 4, 0, new Uint8Array([7, 1]));
    expect(tracker.factsOf(4)!.disclosures).toHaveLength(1);
  });

  it("are cut where they are long, and kept once", () => {
    const tracker = new ApplicationTracker({ streams: [talk], datagrams: [] });
    tracker.begin(0, IpProtocol.TCP, 1, 2);
    packet(tracker, 0, 0, "hello alice.");
    const facts = tracker.factsOf(0)!;
    for (let i = 0; i < 3; i++) facts.disclose("user-name", "x".repeat(1000));
    facts.detail(
      "list",
      Array.from({ length: 100 }, () => "y".repeat(1000)),
    );
    facts.name("", "server-name");
    for (let i = 0; i < 20; i++) facts.name(`name ${i % 12}`, "server-name");
    for (let i = 0; i < 100; i++) facts.disclose("http-path", String(i));
    expect(facts.disclosures).toHaveLength(64);
    expect(facts.more).toBe(38);
    expect(facts.disclosures[1]!.value).toHaveLength(256);
    expect(facts.details.get("list")).toEqual(Array.from({ length: 64 }, () => "y".repeat(256)));
    expect(facts.names).toHaveLength(8);
  });
});
