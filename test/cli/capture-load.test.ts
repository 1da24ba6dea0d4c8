import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEEK, run } from "../support/leek.js";
import { FAR, NEAR, pause, type Started, WIRE, WireLab } from "../support/wire-lab.js";

const ON_WIRE = ["-i", WIRE, "--no-local-consensus"];
/** What tcpreplay sends; the kernel's answers to it are something else. */
const SENT_ONLY = ["udp", "and", "dst", "port", "9"];
/** In USER_HZ, 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;

let lab: WireLab;
beforeAll(() => {
  lab = new WireLab();
  writeFileSync(join(lab.folder, "small.pcap"), datagrams(100, 60));
  writeFileSync(join(lab.folder, "large.pcap"), datagrams(100, 1000));
});
afterAll(() => lab.close());

/** A pcap of UDP datagrams from FAR to NEAR, port 9, in frames of so many bytes. */
function datagrams(count: number, frameBytes: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const frame = Buffer.alloc(frameBytes);
  frame.write("02000000000102000000000208004500", "hex");
  frame.writeUInt16BE(frameBytes - 14, 16);
  frame.write("00000000401100000505050205050501", 18, "hex");
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~sum & 0xffff, 24);
  frame.writeUInt16BE(4000, 34);
  frame.writeUInt16BE(9, 36);
  frame.writeUInt16BE(frameBytes - 34, 38);
  const record = Buffer.alloc(16);
  record.writeUInt32LE(frameBytes, 8);
  record.writeUInt32LE(frameBytes, 12);
  return Buffer.concat([header, ...Array.from({ length: count }, () => [record, frame]).flat()]);
}

/** Sends a file as often from the far end, as fast as it can. Gives the packets that came into the near end. */
function flood(file: string, loops: number): number {
  const before = received();
  const options = ["-q", "--topspeed", "--preload-pcap", "--loop", String(loops), "-i", WIRE];
  const text = lab.run(lab.far, "tcpreplay", ...options, join(lab.folder, file));
  expect(text).toMatch(/Failed packets:\s+0\n/);
  return received() - before;
}

function received(): number {
  const [link] = JSON.parse(run("ip", ["-n", lab.near, "-s", "-j", "link", "show", WIRE]).stdout);
  return link.stats64.rx.packets;
}

const capturedBy = (leek: Started) => Number(/(\d+) packets? captured/.exec(leek.stderr)?.[1]);
const droppedBy = (leek: Started) => Number(/(\d+) packets? dropped by kernel/.exec(leek.stderr)?.[1]);

describe("leek capture under load", () => {
  it("loses nothing while nobody reads its lines, says what it did not show, and keeps its memory small", async () => {
    const pipe = join(lab.folder, "lines");
    run("mkfifo", [pipe]);
    const go = join(lab.folder, "go");
    const waiting = `while [ ! -e "$1" ]; do sleep 0.05; done; exec cat`;
    const reader = lab.start(lab.near, ["sh", "-c", `exec < "$0"; ${waiting}`, pipe, go]);
    const leek = lab.start(lab.near, [
      ...["sh", "-c", `exec "$@" > "$0"`, pipe],
      ...[process.execPath, LEEK, "capture", ...ON_WIRE, ...SENT_ONLY],
    ]);
    await leek.says(/listening on/);
    const sent = flood("small.pcap", 3000);
    expect(sent).toBe(300_000);
    await pause(300);
    const peakKib = leek.status("VmHWM");
    leek.child.kill("SIGINT");
    await pause(200);
    writeFileSync(go, "");
    expect(await leek.ended).toBe(0);
    await reader.ended;

    expect(leek.stderr).toContain(`${sent} packets captured\n${sent} packets received by filter\n`);
    expect(leek.stderr).toContain("0 packets dropped by kernel\n");
    expect(peakKib).toBeLessThan(300 * 1024);
    const hidden = [...reader.stdout.matchAll(/^\[(\d+) packets not shown: .*\]$/gm)];
    const sum = hidden.reduce((total, [, count]) => total + Number(count), 0);
    expect(sum).toBeGreaterThan(0);
    expect(reader.lines.length + sum).toBe(sent);
    expect(leek.stderr).toContain(`${sum} packets analysed but not shown`);
  });

  it("counts exactly what it loses when it is stopped for a while", async () => {
    const leek = await lab.leek(["capture", "--json", "-B", "256", ...ON_WIRE, ...SENT_ONLY]);
    leek.child.kill("SIGSTOP");
    const sent = flood("large.pcap", 300);
    leek.child.kill("SIGCONT");
    await pause(200);
    expect(await leek.stop()).toBe(0);
    expect(droppedBy(leek)).toBeGreaterThan(0);
    expect(capturedBy(leek)).toBeGreaterThan(0);
    expect(capturedBy(leek) + droppedBy(leek)).toBe(sent);
    const { capture } = JSON.parse(leek.stdout);
    expect(capture.packets).toBe(capturedBy(leek));
    expect(capture.sources).toMatchObject([
      { dropped: droppedBy(leek), statistics: [{ received: sent, droppedByKernel: droppedBy(leek) }] },
    ]);
  });

  it("counts exactly what it loses when packets never cease", async () => {
    const leek = await lab.leek(["capture", "-q", "-B", "256", ...ON_WIRE, ...SENT_ONLY, "--duration", "2s"]);
    const flooding = lab.start(lab.far, [
      ...["tcpreplay", "-q", "--topspeed", "--preload-pcap", "--loop", "100000000", "-i", WIRE],
      join(lab.folder, "small.pcap"),
    ]);
    expect(await leek.ended).toBe(0);
    await flooding.stop("SIGKILL");
    const byFilter = Number(/(\d+) packets received by filter/.exec(leek.stderr)?.[1]);
    expect(capturedBy(leek)).toBeGreaterThan(10_000);
    expect(capturedBy(leek) + droppedBy(leek)).toBe(byFilter);
  });
});

describe("an idle leek capture", () => {
  it("takes less than 120 MB and less than 1 % of a core", async () => {
    const leek = await lab.leek(["capture", ...ON_WIRE]);
    await pause(3000);
    const ticks = () => {
      const fields = readFileSync(`/proc/${leek.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    expect(leek.status("VmRSS")).toBeLessThan(120 * 1024);
    const before = ticks();
    await pause(5000);
    expect((ticks() - before) / TICKS_PER_SECOND / 5).toBeLessThan(0.01);
    await leek.stop();
  });
});

it("the flood comes from and goes to where its bytes say", () => {
  const text = run("tcpdump", ["-n", "-t", "-c", "1", "-v", "-r", join(lab.folder, "small.pcap")]).stdout;
  expect(text).toContain(`${FAR}.4000 > ${NEAR}.9:`);
  expect(text).not.toContain("bad cksum");
});
