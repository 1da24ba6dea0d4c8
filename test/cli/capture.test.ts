import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEEK } from "../support/leek.js";
import { FAR, type Peer, pause, type Started, WIRE, WireLab } from "../support/wire-lab.js";

const TAG = / \[(tor|clearnet|local|non-ip|undecoded)[^\]]*\]$/;
const ON_WIRE = ["-i", WIRE, "--no-local-consensus"];

let lab: WireLab;
let near: Peer;
let far: Peer;
beforeAll(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
  far = await lab.peer(lab.far);
  await far.do("serveTcp", { port: 8000 });
  await far.do("serveUdp", { port: 8001, hex: "00" });
});
afterAll(() => lab.close());

/** A ping, UDP with an answer, UDP that is refused (ICMP), and a whole TCP connection: 16 packets or a few more. */
async function converse(): Promise<void> {
  lab.run(lab.near, "ping", "-q", "-c", "1", "-W", "2", FAR);
  await near.do("send", { address: FAR, port: 8001 });
  await near.do("send", { address: FAR, port: 8002 });
  await near.do("connect", { address: FAR, port: 8000 });
  await near.do("hangUp");
  await pause(200);
}

const send = (count: number) => near.do("send", { address: FAR, port: 9, count });
/** Lines without their times, which each capture takes for itself where the kernel does not. */
const untimed = (lines: readonly string[]) => lines.map((line) => line.replace(/^\S+ /, ""));
const seconds = (line: string) => {
  const [hours, minutes, rest] = line.split(" ")[0]!.split(":").map(Number);
  return hours! * 3600 + minutes! * 60 + rest!;
};
const expectEnd = (leek: Started) => {
  expect(leek.stderr).toMatch(/\d+ packets? captured\n\d+ packets? received by filter\n\d+ packets? dropped by kernel/);
  expect(leek.stdout).toContain("clearnet");
};

describe("leek capture beside tcpdump", () => {
  it("shows tcpdump's lines, each with a tag", async () => {
    const [leek, plain, tcpdump] = await Promise.all([
      lab.leek(["capture", ...ON_WIRE]),
      lab.leek(["print", "--plain", ...ON_WIRE]),
      lab.tcpdump(["-l"]),
    ]);
    await converse();
    expect([await leek.stop(), await plain.stop(), await tcpdump.stop()]).toEqual([0, 0, 0]);
    expect(tcpdump.lines.length).toBeGreaterThan(12);
    for (const line of leek.lines) expect(line).toMatch(TAG);
    expect(untimed(leek.lines.map((line) => line.replace(TAG, "")))).toEqual(untimed(tcpdump.lines));
    expect(untimed(plain.lines)).toEqual(untimed(tcpdump.lines));
    expect(plain.stdout.trimEnd().split("\n")).toEqual(plain.lines);
    leek.lines.forEach((line, i) => {
      expect(Math.abs(seconds(line) - seconds(tcpdump.lines[i]!)) % 86_400).toBeLessThan(0.05);
    });
    const captured = `${tcpdump.lines.length} packets captured\n${tcpdump.lines.length} packets received by filter\n`;
    expect(tcpdump.stderr).toContain(captured);
    expect(leek.stderr).toContain(`${captured}0 packets dropped by kernel\n`);
    expect(plain.stderr).toContain(captured);
  });

  it("takes an expression after the options, and with -f", async () => {
    const words = ["udp", "dst", "port", "8001"];
    const [after, withF, tcpdump] = await Promise.all([
      lab.leek(["capture", ...ON_WIRE, ...words]),
      lab.leek(["capture", ...ON_WIRE, "-f", words.join(" ")]),
      lab.tcpdump(["-l", ...words]),
    ]);
    await converse();
    await Promise.all([after.stop(), withF.stop(), tcpdump.stop()]);
    expect(tcpdump.lines).toHaveLength(1);
    expect(untimed(after.lines.map((line) => line.replace(TAG, "")))).toEqual(untimed(tcpdump.lines));
    expect(untimed(withF.lines)).toEqual(untimed(after.lines));
  });
});

describe("leek capture", () => {
  it("shows a packet within 200 ms, and stops after -c packets", async () => {
    const shown: number[] = [];
    const onOutput = (text: string) => {
      for (const line of text.split("\n")) if (/^\d\d:\d\d:/.test(line)) shown.push(Date.now());
    };
    const leek = await lab.leek(["capture", "-c", "5", ...ON_WIRE, "udp"], { onOutput });
    const { at } = await near.do("send", { address: FAR, port: 9, count: 7, gapMs: 250 });
    expect(await leek.ended).toBe(0);
    expect(leek.lines).toHaveLength(5);
    expect(leek.stderr).toContain("5 packets captured\n");
    const delays = shown.map((time, i) => time - at[i]!).sort((a, b) => a - b);
    expect(delays).toHaveLength(5);
    expect(delays[2]).toBeLessThan(200);
    expectEnd(leek);
  });

  it("ends after --duration, without a packet too", async () => {
    const before = Date.now();
    const leek = await lab.leek(["capture", ...ON_WIRE, "--duration", "1s"]);
    expect(await leek.ended).toBe(0);
    expect(Date.now() - before).toBeGreaterThan(1000);
    expect(leek.stderr).toContain("0 packets captured\n0 packets received by filter\n0 packets dropped by kernel\n");
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "gives the counts and the contrast at %s, and ends with 0",
    async (signal) => {
      const leek = await lab.leek(["capture", "-q", ...ON_WIRE, "udp"]);
      await send(10);
      expect(await leek.stop(signal)).toBe(0);
      expect(leek.stderr).toContain("10 packets captured\n");
      expect(leek.lines).toEqual([]);
      expectEnd(leek);
    },
  );

  it("captures from several interfaces, and from any with loopback", async () => {
    const [both, any] = await Promise.all([
      lab.leek(["capture", "-i", "lo", ...ON_WIRE, "--json", "udp", "dst", "port", "9"]),
      lab.leek(["capture", "-i", "any", "--no-local-consensus", "--json", "udp", "dst", "port", "9"]),
    ]);
    await send(3);
    await near.do("send", { address: "127.0.0.1", port: 9, count: 2 });
    await Promise.all([both.stop(), any.stop()]);
    const sources = JSON.parse(both.stdout).capture.sources;
    expect(sources.map((source: { name: string; packets: number }) => [source.name, source.packets])).toEqual([
      // On loopback libpcap takes each packet once, as it comes.
      ["lo", 2],
      [WIRE, 3],
    ]);
    expect(JSON.parse(any.stdout).capture).toMatchObject({
      packets: 5,
      sources: [{ name: "any", linkTypes: ["LINUX_SLL2"] }],
    });
  });

  it("ends with the program that reads its lines", async () => {
    const words = [process.execPath, LEEK, "capture", ...ON_WIRE, "udp"];
    const script = '"$@" | head -n 1; echo "status $PIPESTATUS" >&2';
    const leek = lab.start(lab.near, ["bash", "-c", script, "-", ...words]);
    await leek.says(/listening on/);
    // The second one finds the reader gone; no third one is needed.
    await near.do("send", { address: FAR, port: 9, count: 2, gapMs: 300 });
    expect(await leek.ended).toBe(0);
    expect(leek.lines).toHaveLength(1);
    expect(leek.stderr).toContain("\nstatus 141\n");
    expect(leek.stderr).not.toContain("not shown");
  });
});

describe("errors of a live capture", () => {
  it.each([
    ["lines", []],
    ["--ndjson", ["--ndjson"]],
    ["--json", ["--json", "-c", "4"]],
  ])("%s on a full disk end it with 74, after the counts", async (_, options) => {
    const leek = lab.start(lab.near, [
      ...["sh", "-c", 'exec "$@" > /dev/full', "-", process.execPath, LEEK],
      ...["capture", ...options, ...ON_WIRE, "tcp"],
    ]);
    await leek.says(/listening on/);
    // A connection that begins anew ends the record of the one before.
    for (let i = 0; i < 2; i++) {
      await near.do("connect", { address: FAR, port: 8000, localPort: 40_001, reset: true });
    }
    expect(await leek.ended).toBe(74);
    expect(leek.stderr).toMatch(/captured\n\d+ packets received by filter\n0 packets dropped by kernel\nleek: Cannot/);
    expect(leek.stderr).toContain("no space left on device");
  });

  it.each([
    [["capture"], 64, "no interface was named"],
    [["capture", ...ON_WIRE, "-f", "udp", "tcp"], 64, "two filters"],
    [["capture", ...ON_WIRE, "tcp", "and", "and"], 64, "syntax error"],
    [["capture", ...ON_WIRE, "host", "example.com"], 64, "example.com"],
    [["capture", ...ON_WIRE, "-C", "1"], 64, "-w file"],
    [["capture", ...ON_WIRE, "--json", "-w", "-"], 64, "standard output"],
    [["capture", ...ON_WIRE, "--duration", "soon"], 64, "--duration"],
    [["capture", ...ON_WIRE, "-Z", "no-such-user"], 64, "no-such-user"],
    [["capture", "-i", "no-such-if0"], 66, "no-such-if0"],
    [["analyze", "-i", "no-such-if0"], 66, "no-such-if0"],
    [["print", "-i", WIRE, "-i", "no-such-if0"], 66, "no-such-if0"],
    [["capture", ...ON_WIRE, "-w", "/no/such/folder/a.pcapng"], 74, "no such folder"],
  ] as const)("%j ends with %d and says %j", async (args, status, text) => {
    const leek = lab.startLeek(args);
    expect([await leek.ended, leek.stdout]).toEqual([status, ""]);
    expect(leek.stderr.toLowerCase()).toContain(text);
    expect(leek.stderr).not.toContain("    at ");
  });

  it("names the three ways when there is no right to capture", async () => {
    const powerless = ["setpriv", "--bounding-set", "-net_raw,-net_admin"];
    const leek = lab.startLeek(["capture", ...ON_WIRE], { before: powerless });
    expect([await leek.ended, leek.stdout]).toEqual([77, ""]);
    expect(leek.stderr).toContain("sudo");
    expect(leek.stderr).toContain("setcap cap_net_raw,cap_net_admin");
    expect(leek.stderr).toContain("tcpdump");
    expect(leek.stderr).toContain("leek analyze -");
  });
});
