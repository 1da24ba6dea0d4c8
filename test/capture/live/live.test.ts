import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openCapture } from "../../../src/capture/index.js";
import { buildPcap } from "../../support/capture-builder.js";
import { ethernet, filler, ipv4, udp } from "../../support/packet-builder.js";
import { FAR, type Peer, pause, WIRE } from "../../support/wire-lab.js";
import { type ReadPacket, readAll } from "../read-packets.js";
import { BEHIND_SINK, LiveLab, SINK } from "./live-lab.js";

/** Packets come in blocks that the kernel keeps back for 50 ms. */
const SETTLE_MS = 250;
const NOBODY = 65_534;
/** For tcpdump, which loses what the kernel still keeps back when it is stopped. In this mode its buffer holds little. */
const AT_ONCE = ["--immediate-mode", "-s", "2000", "-B", "16384"];
const ETHERNET = 1;
const LINUX_SLL = 113;
const LINUX_SLL2 = 276;
/** The protocol of IPv4, in hexadecimal. */
const UDP = "11";
/** The destination of what comes in over the wire, in hexadecimal. */
const NEAR_MAC = "020000000001";
const HEADERS_BYTES = 14 + 20 + 8;

let lab: LiveLab;
let near: Peer;
beforeAll(async () => {
  lab = new LiveLab();
  near = await lab.peer(lab.near);
});
afterAll(() => lab?.close());

const send = (address: string, count: number, size = 20, port = 9) =>
  near.do("send", { address, port, count, text: "x".repeat(size) });

/** The payloads' lengths of UDP packets, in their order: `5 x 100, 5 x 200`. */
function sizes(packets: readonly ReadPacket[]): string {
  const runs: { size: number; count: number }[] = [];
  for (const { bytes, originalLength } of packets) {
    if (bytes.slice(46, 48) !== UDP) continue;
    const size = originalLength - HEADERS_BYTES;
    const last = runs.at(-1);
    if (last?.size === size) last.count++;
    else runs.push({ size, count: 1 });
  }
  return runs.map(({ size, count }) => `${count} x ${size}`).join(", ");
}

/** A file of one packet, for tcpreplay. */
function pcapOfOne(payloadBytes: number): string {
  const segment = udp({ srcPort: 1000, dstPort: 9 }, filler(payloadBytes));
  const packet = ethernet({}, ipv4({ src: "5.5.6.1", dst: BEHIND_SINK }, segment));
  const file = join(lab.folder, `one-${payloadBytes}.pcap`);
  writeFileSync(file, buildPcap({}, [{ bytes: packet }]));
  return file;
}

function replay(file: string, ...words: readonly string[]): readonly string[] {
  return ["tcpreplay", "-q", "-i", SINK, "--preload-pcap", ...words, file];
}

describe("beside tcpdump", () => {
  it("the same packets, bytes and nanoseconds", async () => {
    const file = join(lab.folder, "beside.pcap");
    const tcpdump = await lab.tcpdump([...AT_ONCE, "--time-stamp-precision=nano", "-w", file]);
    const live = await lab.drive({ options: { interfaces: [WIRE] } });
    for (let size = 0; size < 1_400; size += 70) await send(FAR, 20, size);
    // What comes in, beside what goes out.
    lab.run(lab.near, "ping", "-q", "-c", "5", "-i", "0.01", FAR);
    await pause(SETTLE_MS);
    await tcpdump.stop();
    const { packets, infos, sockets } = await live.stopped();
    const { packets: expected } = await readAll(await openCapture(file));
    expect(expected.length).toBeGreaterThan(400);
    const untimed = (list: readonly ReadPacket[]) => list.map(({ time: _, ...packet }) => packet);
    expect(untimed(packets)).toEqual(untimed(expected));
    packets.forEach(({ time, bytes }, i) => {
      const late = Math.abs(nanoseconds(time) - nanoseconds(expected[i]!.time));
      // What goes out gets one time for all that listen; what comes in may get one from each.
      expect(late).toBeLessThan(bytes.startsWith(NEAR_MAC) ? 20_000_000 : 1);
    });
    // Whole microseconds would show as zeros.
    expect(packets.filter(({ time }) => !time!.endsWith("000")).length).toBeGreaterThan(packets.length / 2);
    const info = infos[0]!;
    expect(info).toMatchObject({ name: WIRE, format: "live", packets: packets.length });
    expect(info.damage).toBeUndefined();
    expect(info.interfaces).toEqual([
      {
        linkType: ETHERNET,
        name: WIRE,
        snaplen: 262_144,
        fractionDigits: 9,
        dropped: 0,
        statistics: { received: packets.length, droppedByKernel: 0, droppedByInterface: 0 },
      },
    ]);
    expect(sockets).toBe(0);
  });

  it("on lo, where each packet passes twice", async () => {
    const file = join(lab.folder, "lo.pcap");
    const tcpdump = await lab.tcpdump([...AT_ONCE, "-i", "lo", "-w", file]);
    const live = await lab.drive({ options: { interfaces: ["lo"] } });
    await send("127.0.0.1", 50);
    await pause(SETTLE_MS);
    await tcpdump.stop();
    const { packets, infos } = await live.stopped();
    const { packets: expected } = await readAll(await openCapture(file));
    expect(packets.map(({ bytes }) => bytes)).toEqual(expected.map(({ bytes }) => bytes));
    expect(sizes(packets)).toBe("50 x 20");
    expect(infos[0]!.interfaces[0]!.statistics!.received).toBe(packets.length);
  });

  it("on any, where packets of all interfaces come, with a header that says of which", async () => {
    const live = await lab.drive({ options: { interfaces: ["any"], expression: "udp" } });
    await send("127.0.0.1", 10);
    await send(BEHIND_SINK, 10);
    await send(FAR, 10);
    await pause(SETTLE_MS);
    const { packets, infos } = await live.stopped();
    expect(packets).toHaveLength(30);
    const { linkType } = infos[0]!.interfaces[0]!;
    expect([LINUX_SLL, LINUX_SLL2]).toContain(linkType);
    expect(new Set(packets.map((packet) => packet.linkType))).toEqual(new Set([linkType]));
    if (linkType !== LINUX_SLL2) return;
    const indexes = packets.map(({ bytes }) => Number.parseInt(bytes.slice(8, 16), 16));
    const index = (name: string) => JSON.parse(lab.ip("-j", "link", "show", "dev", name))[0].ifindex;
    expect(indexes).toEqual([
      ...Array(10).fill(index("lo")),
      ...Array(10).fill(index(SINK)),
      ...Array(10).fill(index(WIRE)),
    ]);
  });
});

describe("options", () => {
  it("the snaplen cuts packets, and keeps their length on the wire", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK], snaplen: 60 } });
    await send(BEHIND_SINK, 20, 1_000);
    await send(BEHIND_SINK, 20, 5);
    await pause(SETTLE_MS);
    const { packets, infos } = await live.stopped();
    expect(infos[0]!.interfaces[0]!.snaplen).toBe(60);
    expect(packets.map(({ bytes, originalLength }) => [bytes.length / 2, originalLength])).toEqual([
      ...Array(20).fill([60, HEADERS_BYTES + 1_000]),
      ...Array(20).fill([HEADERS_BYTES + 5, HEADERS_BYTES + 5]),
    ]);
  });

  it("the kernel runs the expression: it does not even receive what does not match", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK], expression: "udp port 4242" } });
    await send(BEHIND_SINK, 30, 10, 4243);
    await send(BEHIND_SINK, 7, 11, 4242);
    await pause(SETTLE_MS);
    const { packets, infos } = await live.stopped();
    expect(sizes(packets)).toBe("7 x 11");
    expect(infos[0]!.interfaces[0]!.statistics!.received).toBe(7);
  });

  it("what comes while the expression is put in place passes no filter unseen", async () => {
    const stream = lab.start(lab.near, replay(pcapOfOne(100), "--pps=20000", "--loop=100000", "--duration=20"));
    await pause(300);
    for (let i = 0; i < 3; i++) {
      const live = await lab.drive({ options: { interfaces: [SINK], expression: "udp port 4242" } });
      await send(BEHIND_SINK, 3, 11, 4242);
      await pause(SETTLE_MS);
      const { packets, infos } = await live.stopped();
      expect(sizes(packets)).toBe("3 x 11");
      expect(infos[0]!.interfaces[0]!.statistics).toEqual({ received: 3, droppedByKernel: 0, droppedByInterface: 0 });
    }
    stream.child.kill();
    await stream.ended;
  });

  it.each([true, false])("a packet comes within 200 ms (immediate mode: %s)", async (immediate) => {
    const live = await lab.drive({ options: { interfaces: [SINK], immediate } });
    await send(BEHIND_SINK, 40, 30);
    const sent = performance.now();
    await live.started.says(/first packet/);
    expect(performance.now() - sent).toBeLessThan(200);
    await pause(SETTLE_MS);
    const { packets } = await live.stopped();
    expect(sizes(packets)).toBe("40 x 30");
  });
});

describe("interfaces", () => {
  it("two at once: each packet has its interface, and all have one numbering", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK, WIRE], expression: "udp" } });
    for (let i = 0; i < 5; i++) {
      await send(BEHIND_SINK, 10, 100);
      await send(FAR, 10, 200);
    }
    await pause(SETTLE_MS);
    const { packets, infos } = await live.stopped();
    expect(infos.map(({ name, interfaces }) => [name, interfaces[0]!.name])).toEqual([
      [SINK, SINK],
      [WIRE, WIRE],
    ]);
    expect(packets.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    for (const [index, size] of [100, 200].entries()) {
      const own = packets.filter(({ interfaceIndex }) => interfaceIndex === index);
      expect(sizes(own)).toBe(`50 x ${size}`);
      expect(infos[index]!.packets).toBe(50);
      expect(own.map(({ time }) => time)).toEqual(own.map(({ time }) => time).toSorted());
    }
  });

  it("down and up again: both are told, and packets come as before", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] } });
    await send(BEHIND_SINK, 5, 100);
    await pause(SETTLE_MS);
    lab.ip("link", "set", SINK, "down");
    await live.event(SINK, "down");
    lab.ip("link", "set", SINK, "up");
    await live.event(SINK, "up");
    await send(BEHIND_SINK, 5, 200);
    await pause(SETTLE_MS);
    const { packets, events, infos } = await live.stopped();
    expect(sizes(packets)).toBe("5 x 100, 5 x 200");
    expect(events.map(({ kind }) => kind)).toEqual(["down", "up"]);
    expect(infos[0]!.damage).toBeUndefined();
  });

  it("removed: what came before is delivered, the source ends, and says why; others go on", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK, WIRE], expression: "udp" }, hold: true });
    await send(BEHIND_SINK, 5, 100);
    lab.ip("link", "delete", SINK);
    try {
      await live.event(SINK, "gone");
      live.release();
      await send(FAR, 5, 200);
      await pause(SETTLE_MS);
      const { packets, events, infos } = await live.stopped();
      expect(sizes(packets)).toBe("5 x 100, 5 x 200");
      expect(events).toEqual([{ interface: SINK, kind: "gone", message: `Interface ${SINK} disappeared.` }]);
      expect(infos.map(({ damage }) => damage?.code)).toEqual(["interface-gone", undefined]);
      expect(infos[0]!.damage).toMatchObject({ record: 6, offset: 24 + 5 * (16 + HEADERS_BYTES + 100) });
    } finally {
      lab.addSink();
    }
  });

  it("the only one removed: the capture ends by itself", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] } });
    lab.ip("link", "delete", SINK);
    try {
      const { infos, count, sockets } = await live.result();
      expect([infos[0]!.damage?.code, count, sockets]).toEqual(["interface-gone", 0, 0]);
    } finally {
      lab.addSink();
    }
  });

  it("renamed: to libpcap it is gone, and what came before is delivered", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] } });
    await send(BEHIND_SINK, 5, 100);
    await pause(SETTLE_MS);
    try {
      // Not every kernel renames an interface that is up.
      lab.ip("link", "set", SINK, "down");
      lab.ip("link", "set", SINK, "name", "other0");
      lab.ip("link", "set", "other0", "up");
      const { packets, infos, sockets } = await live.result();
      expect(sizes(packets)).toBe("5 x 100");
      expect([infos[0]!.damage?.code, sockets]).toEqual(["interface-gone", 0]);
    } finally {
      lab.ip("link", "set", "other0", "down");
      lab.ip("link", "set", "other0", "name", SINK);
      lab.ip("link", "set", SINK, "up");
    }
  });
});

describe("the end", () => {
  it("stop drains what came before it, and takes nothing that comes after", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] }, hold: true });
    await send(BEHIND_SINK, 500, 100);
    await live.stop();
    await pause(2 * SETTLE_MS);
    await send(BEHIND_SINK, 100, 200);
    live.release();
    const { packets, infos } = await live.result();
    expect(sizes(packets)).toBe("500 x 100");
    expect(infos[0]!.interfaces[0]!.statistics!.received).toBe(500);
  });

  it("stop ends under traffic that does not cease", async () => {
    const stream = lab.start(lab.near, replay(pcapOfOne(100), "--pps=50000", "--loop=1000000", "--duration=3"));
    const live = await lab.drive({ options: { interfaces: [SINK] }, countOnly: true });
    await live.started.says(/first packet/);
    const start = performance.now();
    const { count, infos } = await live.stopped();
    expect(performance.now() - start).toBeLessThan(1_500);
    const { received, droppedByKernel } = infos[0]!.interfaces[0]!.statistics!;
    expect(count + droppedByKernel).toBe(received);
    stream.child.kill();
    await stream.ended;
  });

  it("close ends at once while packets stream, read or not", async () => {
    const stream = lab.start(lab.near, replay(pcapOfOne(100), "--pps=50000", "--loop=1000000", "--duration=10"));
    for (const hold of [false, true]) {
      const live = await lab.drive({ options: { interfaces: [SINK] }, countOnly: true, hold });
      if (!hold) await live.started.says(/first packet/);
      await pause(SETTLE_MS);
      live.close();
      if (hold) live.release();
      const { closing, sockets, count } = await live.result();
      expect(closing).toBeLessThan(500);
      expect(sockets).toBe(0);
      if (!hold) expect(count).toBeGreaterThan(0);
    }
    stream.child.kill();
    await stream.ended;
  });

  it("close ends a wait for packets that do not come", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] } });
    live.close();
    const { closing, count } = await live.result();
    expect([closing < 500, count]).toEqual([true, 0]);
  });
});

describe("overload", () => {
  it("every packet that was sent is captured or counted as dropped", async () => {
    const live = await lab.drive({
      options: { interfaces: [SINK], bufferBytes: 1 << 18 },
      hold: true,
      countOnly: true,
    });
    const loops = 80_000;
    // More than leek's slots and the kernel's buffer hold together.
    const report = lab.run(lab.near, ...replay(pcapOfOne(1_400), "--topspeed", `--loop=${loops}`));
    expect(report).toContain(`Actual: ${loops} packets`);
    live.release();
    // A second time, while it is read.
    lab.run(lab.near, ...replay(pcapOfOne(1_400), "--topspeed", "--loop=20000"));
    await pause(SETTLE_MS);
    const { count, bytes, infos } = await live.stopped();
    const { statistics, dropped } = infos[0]!.interfaces[0]!;
    expect(statistics!.received).toBe(loops + 20_000);
    expect(count + statistics!.droppedByKernel).toBe(loops + 20_000);
    expect(bytes).toBe(count * (HEADERS_BYTES + 1_400));
    expect(dropped).toBe(statistics!.droppedByKernel);
    // Seven slots of 8 MiB were full, but for the room of a packet of full snaplen; the first was handed over early.
    expect(statistics!.droppedByKernel).toBeGreaterThan(20_000);
    expect(count).toBeGreaterThan((7 * ((8 << 20) - 262_160)) / (16 + HEADERS_BYTES + 1_400));
    expect(infos[0]!.damage).toBeUndefined();
  });

  it("close ends while the capture thread waits for a slot", async () => {
    const live = await lab.drive({ options: { interfaces: [SINK] }, hold: true, countOnly: true });
    lab.run(lab.near, ...replay(pcapOfOne(1_400), "--topspeed", "--loop=60000"));
    live.close();
    live.release();
    const { closing, sockets } = await live.result();
    expect([closing < 500, sockets]).toEqual([true, 0]);
  });
});

describe("rights and refusals", () => {
  it("without the right to capture, an error with the three ways out", async () => {
    const { error } = await lab.refused({
      options: { interfaces: [WIRE] },
      user: { id: NOBODY, when: "before" },
    });
    expect(error).toMatchObject({ code: "LEEK_CAPTURE_PERMISSION", kind: "permission" });
    expect(error!.hint).toMatch(/sudo leek/);
    expect(error!.hint).toMatch(/setcap cap_net_raw,cap_net_admin=eip/);
    expect(error!.hint).toMatch(/sudo tcpdump -i wire0 -U -w - \| leek analyze -/);
  });

  it.each([
    ["host example.com", "LEEK_FILTER_HOST_NAME"],
    ["tcp port", "LEEK_FILTER_SYNTAX"],
    // What only an interface can tell is no mistake as long as there is none.
    ["inbound", "LEEK_CAPTURE_PERMISSION"],
    ["ifindex 1", "LEEK_CAPTURE_PERMISSION"],
    ["type mgt", "LEEK_CAPTURE_PERMISSION"],
  ])("an expression that leek does not take is told before missing rights are: %s", async (expression, code) => {
    const options = { interfaces: [WIRE], expression };
    const { error } = await lab.refused({ options, user: { id: NOBODY, when: "before" } });
    expect(error!.code).toBe(code);
  });

  it("rights may be given away as soon as the interfaces are open", async () => {
    const live = await lab.drive({
      options: { interfaces: [SINK, WIRE], expression: "udp" },
      user: { id: NOBODY, when: "open" },
    });
    expect(live.started.status("Uid")).toBe(NOBODY);
    await send(BEHIND_SINK, 20, 100);
    await send(FAR, 20, 200);
    lab.ip("link", "set", SINK, "down");
    await live.event(SINK, "down");
    lab.ip("link", "set", SINK, "up");
    await live.event(SINK, "up");
    const { packets, infos } = await live.stopped();
    for (const [index, size] of [100, 200].entries()) {
      expect(sizes(packets.filter(({ interfaceIndex }) => interfaceIndex === index))).toBe(`20 x ${size}`);
    }
    expect(infos.map(({ damage }) => damage)).toEqual([undefined, undefined]);
    expect(infos.map(({ interfaces }) => interfaces[0]!.statistics!.received)).toEqual([20, 20]);
  });

  it.each([
    [{ interfaces: ["no-such-0"] }, "LEEK_INTERFACE_NOT_FOUND"],
    [{ interfaces: [WIRE, "no-such-0", SINK] }, "LEEK_INTERFACE_NOT_FOUND"],
    [{ interfaces: ["a-name-that-is-too-long-for-any-interface"] }, "LEEK_INTERFACE_NOT_FOUND"],
    [{ interfaces: [WIRE], expression: "udp port" }, "LEEK_FILTER_SYNTAX"],
    [{ interfaces: [WIRE], expression: "host example.com" }, "LEEK_FILTER_HOST_NAME"],
    [{ interfaces: [WIRE], expression: "type mgt" }, "LEEK_FILTER_LINK_TYPE"],
  ])("%j is refused with %s, and nothing stays open", async (options, code) => {
    const { error, sockets } = await lab.refused({ options });
    expect([error?.code, sockets]).toEqual([code, 0]);
  });

  it("an interface that is down is refused or captured, as libpcap has it, and says so", async () => {
    lab.ip("link", "set", SINK, "down");
    try {
      const { error, sockets } = await lab.refused({ options: { interfaces: [SINK] } });
      expect([error?.code, sockets]).toEqual(["LEEK_INTERFACE_DOWN", 0]);
      expect(error!.hint).toContain(`ip link set ${SINK} up`);
    } finally {
      lab.ip("link", "set", SINK, "up");
    }
  });
});

/** Of the day: the seconds alone would not leave room for nanoseconds. */
function nanoseconds(time: string | undefined): number {
  const [seconds, fraction] = time!.split(".");
  return (Number(seconds) % 86_400) * 1e9 + Number(fraction);
}
