import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CapturedPacket, LeekError } from "../../../src/base/index.js";
import { type LiveOptions, openCapture } from "../../../src/capture/index.js";
import { type Cap, openCap } from "../../../src/capture/live/cap-interface.js";
import type { SourceInfo } from "../../../src/capture/packet-source.js";
import { parsePcapHeader } from "../../../src/capture/pcap-header.js";
import { PcapReader } from "../../../src/capture/pcap-reader.js";
import { FAR, pause } from "../../support/wire-lab.js";
import { copyPacket, hex, payload, type ReadPacket, readAll, timeText } from "../read-packets.js";
import { BEHIND_SINK, LiveLab, SINK } from "./live-lab.js";

const CAP_SNAPLEN = 65_535;
const QUEUE_BYTES = 16 << 20;
const TIME = 1_700_000_000_123.456;

/** The package as it is seen from outside; packets come when the test says so. */
class FakeCap implements Cap {
  static last: FakeCap;
  static linkName: string | undefined = "ETHERNET";
  static refusal: Error | undefined;
  opened: unknown[] = [];
  closed = 0;
  #memory: Buffer = Buffer.alloc(0);
  #listener: (length: number, truncated: boolean) => void = () => {};

  constructor() {
    FakeCap.last = this;
  }

  open(device: string, filter: string, bufferBytes: number, packet: Buffer): string | undefined {
    if (FakeCap.refusal !== undefined) throw FakeCap.refusal;
    this.opened = [device, filter, bufferBytes, packet.length];
    this.#memory = packet;
    return FakeCap.linkName;
  }

  on(event: "packet", listener: (length: number, truncated: boolean) => void): void {
    expect(event).toBe("packet");
    this.#listener = listener;
  }

  close(): void {
    this.closed++;
  }

  /** @param length - As cap says it, when it is another. */
  receive(bytes: Uint8Array, length = bytes.length): void {
    this.#memory.set(bytes);
    this.#listener(length, length > bytes.length);
  }
}

const OPTIONS: LiveOptions = {
  interfaces: ["eth7"],
  expression: undefined,
  snaplen: 262_144,
  promiscuous: true,
  immediate: false,
  bufferBytes: 1 << 20,
  backend: "cap",
  worker: new URL("file:///no-worker.mjs"),
  now: () => TIME,
};

function open(options: Partial<LiveOptions> = {}, linkName: string | undefined = "ETHERNET") {
  FakeCap.linkName = linkName;
  FakeCap.refusal = undefined;
  const bytes = openCap("eth7", { ...OPTIONS, ...options }, () => ({ Cap: FakeCap }));
  const { window } = bytes;
  const info = { format: "live", interfaces: [], packets: 0, bytes: 0, bytesRead: 0, anomalies: new Map() };
  const layout = parsePcapHeader(window.view, window.position, "eth7");
  const reader = new PcapReader(bytes, window, layout, info as unknown as SourceInfo);
  const packet = new CapturedPacket();
  /** All that has come, once the capture has been stopped. */
  const rest = async () => {
    const packets: ReadPacket[] = [];
    while (await reader.fill()) while (reader.next(packet)) packets.push(copyPacket(packet));
    return packets;
  };
  return { bytes, layout, reader, packet, rest, cap: FakeCap.last };
}

function errorOf(work: () => unknown): LeekError {
  try {
    work();
  } catch (error) {
    if (error instanceof LeekError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the backend cap, with a package that does as the test says", () => {
  it("passes the expression and the buffer's size on, and offers memory for a packet of full length", () => {
    expect(open({ expression: "udp port 53" }).cap.opened).toEqual(["eth7", "udp port 53", 1 << 20, CAP_SNAPLEN]);
    expect(open().cap.opened[1]).toBe("");
  });

  it("gives packets as they came, with the time of the clock and lengths as cap says them", async () => {
    const { bytes, cap, rest } = open();
    const frames = [payload(60, 1), payload(1_500, 2), payload(CAP_SNAPLEN, 3)];
    for (const frame of frames) cap.receive(frame);
    bytes.stop();
    const packets = await rest();
    expect(packets.map((packet) => packet.bytes)).toEqual(frames.map(hex));
    expect(packets.map(({ originalLength }) => originalLength)).toEqual([60, 1_500, CAP_SNAPLEN]);
    expect(packets.map(({ time }) => time)).toEqual(Array(3).fill("1700000000.123456000"));
    expect([bytes.lost, bytes.statistics, bytes.failure]).toEqual([0, undefined, undefined]);
    expect(bytes.bytesRead).toBe(24 + 3 * 16 + 60 + 1_500 + CAP_SNAPLEN);
  });

  it.each([
    [0, "0.000000000"],
    [999, "0.999000000"],
    [1_000, "1.000000000"],
    [4_294_967_295_999, "4294967295.999000000"],
  ])("a clock that shows %i ms is shown as %s", async (milliseconds, expected) => {
    const { bytes, cap, rest } = open({ now: () => milliseconds });
    cap.receive(payload(60));
    bytes.stop();
    expect((await rest())[0]!.time).toBe(expected);
  });

  it("cuts packets to the snaplen, and keeps their length", async () => {
    const { bytes, layout, cap, rest } = open({ snaplen: 40 });
    cap.receive(payload(60));
    cap.receive(payload(20));
    bytes.stop();
    const packets = await rest();
    expect(layout.snaplen).toBe(40);
    expect(packets.map((packet) => packet.bytes)).toEqual([hex(payload(60).slice(0, 40)), hex(payload(20))]);
    expect(packets.map(({ originalLength }) => originalLength)).toEqual([60, 20]);
  });

  it("does not read beyond the memory, whatever length cap says", async () => {
    const { bytes, cap, rest } = open();
    cap.receive(payload(CAP_SNAPLEN), 1_000_000);
    bytes.stop();
    expect((await rest()).map((packet) => packet.bytes.length / 2)).toEqual([CAP_SNAPLEN]);
  });

  it("a read waits for a packet, and is woken by one", async () => {
    const { cap, reader, packet } = open();
    expect(reader.next(packet)).toBe(false);
    let settled = false;
    const filled = reader.fill().finally(() => {
      settled = true;
    });
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    cap.receive(payload(60));
    expect(await filled).toBe(true);
    expect(reader.next(packet)).toBe(true);
    expect(timeText(packet)).toBe("1700000000.123456000");
  });

  it("packets that come while one is read do not touch it", async () => {
    const { cap, reader, packet } = open();
    cap.receive(payload(60, 1));
    while (!reader.next(packet)) await reader.fill();
    for (let i = 0; i < 10; i++) cap.receive(payload(60, 2));
    expect(copyPacket(packet).bytes).toBe(hex(payload(60, 1)));
  });

  it("counts what it throws away while nobody reads, and goes on once somebody does", async () => {
    const { bytes, cap, reader, packet, rest } = open();
    const frame = payload(60_000);
    const room = Math.floor(QUEUE_BYTES / (16 + frame.length));
    for (let i = 0; i < room + 5; i++) cap.receive(frame);
    expect(bytes.lost).toBe(5);
    // A smaller one still fits.
    cap.receive(payload(60));
    expect(bytes.lost).toBe(5);
    while (!reader.next(packet)) await reader.fill();
    cap.receive(frame);
    bytes.stop();
    expect(await rest()).toHaveLength(room - 1 + 1 + 1);
    expect(bytes.lost).toBe(5);
  });

  it("stop closes once, lets nothing more in, and gives what had come", async () => {
    const { bytes, cap, rest } = open();
    cap.receive(payload(60, 1));
    bytes.stop();
    bytes.stop();
    cap.receive(payload(60, 2));
    await bytes.close();
    expect(cap.closed).toBe(1);
    expect((await rest()).map((packet) => packet.bytes)).toEqual([hex(payload(60, 1))]);
  });

  it("close ends a read that waits", async () => {
    const { bytes, reader } = open();
    const filled = reader.fill();
    await bytes.close();
    expect(await filled).toBe(false);
    expect(await reader.fill()).toBe(false);
  });

  it.each([
    ["NULL", 0],
    ["ETHERNET", 1],
    ["RAW", 101],
    ["LINKTYPE_LINUX_SLL", 113],
    ["IEEE802_11_RADIO", 127],
  ])("the link type %s is %i", (name, expected) => {
    expect(open({}, name).layout.linkType).toBe(expected);
  });

  it.each(["PPP", undefined])("the link type %s is refused, and the interface closed", (name) => {
    FakeCap.refusal = undefined;
    FakeCap.linkName = name;
    const error = errorOf(() => openCap("eth7", OPTIONS, () => ({ Cap: FakeCap })));
    expect([error.code, FakeCap.last.closed]).toEqual(["LEEK_CAPTURE_FAILED", 1]);
    expect(error.message).toContain("eth7");
  });
});

describe("errors of the backend cap", () => {
  it("the package is missing: the error says how to get it", () => {
    const missing = new Error("Cannot find module 'cap'");
    const error = errorOf(() =>
      openCap("eth7", OPTIONS, () => {
        throw missing;
      }),
    );
    expect(error).toMatchObject({ code: "LEEK_CAP_MISSING", kind: "unavailable", cause: missing });
    expect(error.hint).toContain("npm install");
  });

  it.each([
    ["eth7: You don't have permission to capture on that device", "LEEK_CAPTURE_PERMISSION"],
    ["socket: Operation not permitted", "LEEK_CAPTURE_PERMISSION"],
    ["eth7: No such device exists\u001b[31m", "LEEK_CAPTURE_FAILED"],
  ])("cap says %j: %s", (message, code) => {
    FakeCap.refusal = new Error(message);
    const error = errorOf(() => openCap("eth7", OPTIONS, () => ({ Cap: FakeCap })));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain("\u001b");
  });

  it("names of hosts are refused before cap could look them up", () => {
    const error = errorOf(() =>
      openCap("eth7", { ...OPTIONS, expression: "host example.com" }, () => {
        throw new Error("was asked");
      }),
    );
    expect(error.code).toBe("LEEK_FILTER_HOST_NAME");
  });
});

describe("the backend cap, with the package itself", () => {
  let lab: LiveLab;
  beforeAll(() => {
    lab = new LiveLab();
  });
  afterAll(() => lab?.close());

  it("captures: each packet once, whole, with a time, and no counter of drops", async () => {
    const near = await lab.peer(lab.near);
    const file = `${lab.folder}/cap.pcap`;
    const tcpdump = await lab.tcpdump(["--immediate-mode", "-B", "16384", "-i", SINK, "-w", file]);
    const options = { interfaces: [SINK], backend: "cap", expression: "udp", snaplen: 500 } as const;
    const live = await lab.drive({ options });
    await near.do("send", { address: FAR, port: 9, count: 5 });
    for (const size of [1, 100, 1_400]) {
      await near.do("send", { address: BEHIND_SINK, port: 9, count: 20, text: "x".repeat(size) });
    }
    await pause(500);
    await tcpdump.stop();
    const { packets, infos, sockets } = await live.stopped();
    const { packets: expected } = await readAll(await openCapture(file));
    expect(expected).toHaveLength(60);
    expect(packets.map(({ bytes }) => bytes)).toEqual(expected.map(({ bytes }) => bytes.slice(0, 1_000)));
    expect(packets.map(({ originalLength }) => originalLength)).toEqual(
      expected.map(({ originalLength }) => originalLength),
    );
    packets.forEach(({ time }, i) => {
      const late = Number(time) - Number(expected[i]!.time);
      expect(Math.abs(late)).toBeLessThan(1);
    });
    const [face] = infos[0]!.interfaces;
    expect(face).toEqual({ linkType: 1, name: SINK, snaplen: 500, fractionDigits: 6 });
    expect([infos[0]!.damage, infos[0]!.anomalies, sockets]).toEqual([undefined, {}, 0]);
  });

  it("an interface that there is not, and rights that are missing, are LeekErrors", async () => {
    const options = { interfaces: ["no-such-0"], backend: "cap" } as const;
    expect((await lab.refused({ options })).error?.code).toBe("LEEK_CAPTURE_FAILED");
    const user = { id: 65_534, when: "before" } as const;
    const { error } = await lab.refused({ options: { ...options, interfaces: [SINK] }, user });
    expect(error?.code).toBe("LEEK_CAPTURE_PERMISSION");
  });
});
