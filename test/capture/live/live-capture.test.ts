import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LIVE_BUFFER_BYTES, openCapture } from "../../../src/capture/index.js";
import { readAll } from "../read-packets.js";
import { LiveNetwork, type ProbeResult, startTcpdump } from "./live-network.js";

const network = new LiveNetwork();
beforeAll(() => network.create());
beforeEach(() => network.plugIn());
afterAll(() => network.remove());

const MIXED = [60, 1514, 46, 576, 90];

/** What must hold at the end of every capture: every packet was delivered, or counted as dropped. */
function expectExact(result: ProbeResult, sent: number): void {
  const [info] = result.infos;
  const [face] = info!.interfaces;
  const { received, droppedByKernel } = face!.statistics!;
  expect(received).toBe(sent);
  expect(result.count + droppedByKernel).toBe(sent);
  expect(face!.dropped).toBe(droppedByKernel + face!.statistics!.droppedByInterface);
  expect(info!.packets).toBe(result.count);
}

describe("a live capture", () => {
  it("gives the packets that tcpdump records: the same bytes, lengths and nanoseconds", async () => {
    const file = join(network.folder, "tcpdump.pcap");
    const endTcpdump = await startTcpdump(network, file, ["-i", "sink"]);
    const result = await network.capture({ live: { interfaces: ["sink"] } }, () =>
      network.send({ count: 1000, sizes: MIXED }),
    );
    await endTcpdump();
    const recorded = await readAll(await openCapture(file));
    expect(recorded.packets).toHaveLength(1000);
    expect(result.packets).toEqual(recorded.packets);
    expect(result.infos[0]!.interfaces[0]).toMatchObject({ name: "sink", linkType: 1, fractionDigits: 9 });
    // Times in microseconds would end with three zeros, all of them.
    expect(result.packets.some(({ time }) => !time!.endsWith("000"))).toBe(true);
    expectExact(result, 1000);
  });

  it("keeps as much of a packet as the snaplen says, and knows its length", async () => {
    const result = await network.capture({ live: { interfaces: ["sink"], snaplen: 96 } }, () =>
      network.send({ count: 50, sizes: MIXED }),
    );
    const lengths = result.packets.map(({ bytes, originalLength }) => [bytes.length / 2, originalLength]);
    expect(lengths).toEqual(Array.from({ length: 50 }, (_, i) => [Math.min(96, MIXED[i % 5]!), MIXED[i % 5]!]));
    expect(result.infos[0]!.interfaces[0]!.snaplen).toBe(96);
    expect(result.infos[0]!.anomalies).toEqual({});
  });

  it("runs the expression in the kernel: what it refuses is not even received", async () => {
    const result = await network.capture({ live: { interfaces: ["sink"], expression: "udp dst port 4242" } }, () =>
      network.send({ count: 300, sizes: MIXED }, { count: 70, sizes: [100], port: 4242 }, { count: 300, sizes: MIXED }),
    );
    expect(result.packets.every(({ originalLength }) => originalLength === 100)).toBe(true);
    expectExact(result, 70);
  });

  it("counts exactly also when it begins and ends in the midst of traffic", async () => {
    const sending = network.send({ count: 200_000, sizes: MIXED, port: 1 }, { count: 1, sizes: [60], port: 2 });
    const probe = network.start({ live: { interfaces: ["sink"], expression: "udp dst port 1" } });
    await probe.packets(1000);
    const result = await probe.stop();
    await sending;
    expectExact(result, result.infos[0]!.interfaces[0]!.statistics!.received);
    expect(result.count).toBeLessThan(200_000);
  });

  it("delivers, after stop, all that had come by then", async () => {
    const probe = network.start({ live: { interfaces: ["sink"] }, hold: true });
    await probe.opened();
    await network.send({ count: 5000, sizes: MIXED });
    probe.askToStop();
    await network.send({ count: 10, sizes: [1000] });
    probe.go();
    const result = await probe.result();
    expect(result.count).toBeGreaterThanOrEqual(5000);
    expectExact(result, result.count);
  });

  it("counts what it loses when leek does not keep up: sent = captured + dropped", async () => {
    const probe = network.start({ live: { interfaces: ["sink"], bufferBytes: 1 << 20 }, hold: true, keep: 0 });
    await probe.opened();
    // More than all buffers hold together: 128 MiB of leek's, 1 MiB of the kernel's.
    await network.send({ count: 120_000, sizes: [1514] });
    probe.go();
    const result = await probe.stop();
    expect(result.infos[0]!.interfaces[0]!.statistics!.droppedByKernel).toBeGreaterThan(1000);
    expect(result.bytes).toBeLessThan(150e6);
    expectExact(result, 120_000);
  });

  it("hands a packet over within 200 ms, with immediate mode and without", async () => {
    for (const immediate of [false, true]) {
      const probe = network.start({ live: { interfaces: ["sink"], immediate } });
      await probe.opened();
      await network.send({ count: 1, sizes: [60] });
      const sent = performance.now();
      await probe.packets(1);
      expect(performance.now() - sent).toBeLessThan(200);
      expectExact(await probe.stop(), 1);
    }
  });

  it("needs no rights once it is open", async () => {
    const result = await network.capture({ live: { interfaces: ["sink"] }, becomeUid: 65_534 }, () =>
      network.send({ count: 100, sizes: MIXED }),
    );
    expectExact(result, 100);
  });

  it("takes less than 120 MB with the default buffer", async () => {
    const result = await network.capture(
      { live: { interfaces: ["sink"], bufferBytes: DEFAULT_LIVE_BUFFER_BYTES } },
      () => network.send({ count: 1, sizes: [60] }),
    );
    expect(result.residentBytes).toBeLessThan(120e6);
  });
});

describe("a live capture of several interfaces", () => {
  it("gives packets of each with its index, and waits for none that is idle", async () => {
    const probe = network.start({ live: { interfaces: ["lo", "sink"] } });
    await probe.opened();
    await network.send({ count: 10, sizes: [60] });
    await probe.packets(10);
    await network.run("ping -c 1 -W 1 127.0.0.1");
    await probe.packets(12);
    const { packets, infos } = await probe.stop();
    expect(packets.map(({ interfaceIndex }) => interfaceIndex)).toEqual([...Array(10).fill(1), 0, 0]);
    expect(packets.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(infos.map(({ name, packets }) => [name, packets])).toEqual([
      ["lo", 2],
      ["sink", 10],
    ]);
    // What goes over lo passes it twice, out and in, and is neither shown nor counted twice.
    expect(infos.map(({ interfaces }) => interfaces[0]!.statistics!.received)).toEqual([2, 10]);
  });

  it("takes `any` for all of them, with cooked headers", async () => {
    const result = await network.capture({ live: { interfaces: ["any"] } }, async () => {
      await network.send({ count: 10, sizes: [60] });
      await network.run("ping -c 1 -W 1 127.0.0.1");
    });
    expect(result.infos[0]!.interfaces[0]).toMatchObject({ name: "any", linkType: 276 });
    expect(result.events).toEqual([]);
    // Cooked headers are 20 bytes where those of Ethernet are 14.
    expect(result.packets.map(({ originalLength }) => originalLength)).toEqual([...Array(10).fill(66), 104, 104]);
  });
});

describe("an interface", () => {
  it("that goes down and comes back is reported, and the capture goes on", async () => {
    const probe = network.start({ live: { interfaces: ["sink"] } });
    await probe.opened();
    await network.send({ count: 3, sizes: [60] });
    await probe.packets(3);
    await network.run("ip link set sink down");
    await probe.event("down");
    await network.run("ip link set sink up");
    await probe.event("up");
    await network.send({ count: 4, sizes: [60] });
    await probe.packets(7);
    const result = await probe.stop();
    expect(result.events.map(({ kind, message }) => [kind, message])).toEqual([
      ["down", "Interface sink went down."],
      ["up", "Interface sink is up again."],
    ]);
    expect(result.infos[0]!.damage).toBeUndefined();
    expectExact(result, 7);
  });

  it("that disappears ends its part of the capture, as damage, and no other's", async () => {
    const probe = network.start({ live: { interfaces: ["sink", "lo"] } });
    await probe.opened();
    await network.send({ count: 5, sizes: [60] });
    await network.run("ip link del sink");
    await probe.event("gone");
    await network.run("ping -c 1 -W 1 127.0.0.1");
    await probe.packets(7);
    const { events, infos } = await probe.stop();
    expect(events.at(-1)).toEqual({ interface: "sink", kind: "gone", message: "Interface sink disappeared." });
    expect(infos[0]).toMatchObject({ packets: 5, damage: { code: "interface-gone", record: 6 } });
    expect(infos[1]).toMatchObject({ packets: 2 });
    expect(infos[1]!.damage).toBeUndefined();
  });

  it("that is the only one and disappears ends the capture", async () => {
    const probe = network.start({ live: { interfaces: ["sink"] } });
    await probe.opened();
    await network.run("ip link del sink");
    const { infos } = await probe.result();
    expect(infos[0]!.damage).toMatchObject({ code: "interface-gone" });
  });
});

describe("the opening of a live capture", () => {
  it.each([
    ["an interface that is not there", ["nowhere"], "LEEK_INTERFACE_NOT_FOUND", "no-input", /leek interfaces/],
    ["one of two that is not there", ["lo", "nowhere"], "LEEK_INTERFACE_NOT_FOUND", "no-input", /leek interfaces/],
  ])("refuses %s", async (_, interfaces, code, kind, hint) => {
    const error = await network.start({ live: { interfaces } }).refusal();
    expect(error).toMatchObject({ code, kind, hint: expect.stringMatching(hint) });
  });

  it("refuses an interface that is down", async () => {
    await network.run("ip link add dormant type veth peer name other");
    const error = await network.start({ live: { interfaces: ["dormant"] } }).refusal();
    expect(error).toMatchObject({
      code: "LEEK_INTERFACE_DOWN",
      kind: "unavailable",
      hint: "Bring it up: ip link set dormant up",
    });
  });

  it("names three ways to those who may not capture", async () => {
    const wrapper = ["setpriv", "--bounding-set", "-net_raw,-net_admin"];
    const error = await network.start({ live: { interfaces: ["sink"] } }, wrapper).refusal();
    expect(error).toMatchObject({ code: "LEEK_CAPTURE_PERMISSION", kind: "permission" });
    expect(error.message).toBe("Cannot capture on sink: permission denied.");
    for (const way of [
      "sudo leek",
      "setcap cap_net_raw,cap_net_admin=eip",
      "sudo tcpdump -i sink -U -w - | leek analyze -",
    ]) {
      expect(error.hint).toContain(way);
    }
  });

  it("tells a mistake in the expression before missing rights, and takes what only an interface can tell", async () => {
    const wrapper = ["setpriv", "--bounding-set", "-net_raw,-net_admin"];
    const refusal = (expression: string) =>
      network.start({ live: { interfaces: ["sink"], expression } }, wrapper).refusal();
    expect((await refusal("tcp port")).code).toBe("LEEK_FILTER_SYNTAX");
    for (const expression of ["inbound", "ip broadcast", "ifindex 1", "type mgt"]) {
      expect((await refusal(expression)).code).toBe("LEEK_CAPTURE_PERMISSION");
    }
  });

  it.each([
    ["a name that would be looked up", "host example.com", "LEEK_FILTER_HOST_NAME"],
    ["a mistake", "tcp port", "LEEK_FILTER_SYNTAX"],
    ["what makes no sense on the link", "type mgt", "LEEK_FILTER_LINK_TYPE"],
  ])("refuses an expression with %s", async (_, expression, code) => {
    const error = await network.start({ live: { interfaces: ["sink"], expression } }).refusal();
    expect(error).toMatchObject({ code, kind: "usage" });
  });
});
