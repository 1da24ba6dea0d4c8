import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEEK, run } from "../support/leek.js";
import { FAR, type Peer, pause, until, WIRE, WireLab } from "../support/wire-lab.js";

const ON_WIRE = ["-i", WIRE, "--no-local-consensus", "--bridge", `${FAR}:8000`];
/** A question for example.net, and, behind its transaction number, the answer: FAR. */
const NAME = "076578616d706c65036e657400";
const QUESTION = `123401000001000000000000${NAME}00010001`;
const ANSWER = `81800001000100000000${NAME}00010001c00c000100010000003c0004${hexOf(FAR)}`;

function hexOf(address: string): string {
  return address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");
}

let lab: WireLab;
let near: Peer;
beforeAll(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
  const far = await lab.peer(lab.far);
  await far.do("serveTcp", { port: 8000 });
  await far.do("serveTcp", { port: 8003 });
  await far.do("serveUdp", { port: 53, hex: ANSWER, keep: 2 });
});
afterAll(() => lab.close());

/** A name, then a connection to that address, then one to the bridge. */
async function converse(): Promise<void> {
  await near.do("send", { address: FAR, port: 53, hex: QUESTION });
  await pause(50);
  await near.do("connect", { address: FAR, port: 8003 });
  await near.do("connect", { address: FAR, port: 8000 });
  await near.do("hangUp");
  await pause(200);
}

const file = (name: string) => join(lab.folder, name);
const send = (count: number, text = "hello") => near.do("send", { address: FAR, port: 9, count, text });

/** tcpdump's lines of a file without times; none of its packets may be damaged. */
function linesOf(path: string): string[] {
  const { status, stdout, stderr } = run("tcpdump", ["-n", "-t", "-r", path]);
  expect(stderr).not.toMatch(/tcpdump: (?!Warning)/);
  expect(status).toBe(0);
  return stdout.split("\n").filter((line) => line !== "");
}

function fieldsOf(path: string, names: readonly string[], ...options: readonly string[]): string[][] {
  const { status, stdout, stderr } = run("tshark", [
    ...["-r", path, ...options, "-T", "fields"],
    ...names.flatMap((name) => ["-e", name]),
  ]);
  expect([status, stderr.replace(/^Running as user "root".*\n/m, "")]).toEqual([0, ""]);
  return stdout
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => line.split("\t"));
}

describe("leek capture -w", () => {
  it("keeps the packets that tcpdump keeps, with comments, names and statistics", async () => {
    const own = file("own.pcapng");
    const theirs = file("theirs.pcap");
    const [leek, tcpdump] = await Promise.all([
      lab.leek(["capture", "-w", own, ...ON_WIRE, "tcp or udp"]),
      lab.tcpdump(["-U", "-w", theirs, "tcp or udp"]),
    ]);
    await converse();
    expect([await leek.stop(), await tcpdump.stop()]).toEqual([0, 0]);
    expect(linesOf(own).length).toBeGreaterThan(16);
    expect(linesOf(own)).toEqual(linesOf(theirs));
    // Showing goes on while writing.
    expect(leek.lines).toHaveLength(linesOf(own).length);

    const packets = fieldsOf(own, ["_ws.col.Protocol", "udp.stream", "tcp.stream", "frame.comment"]);
    const seen = new Set<string>();
    for (const [, udp, tcp, comment] of packets) {
      const flow = `${udp}/${tcp}`;
      expect([flow, comment !== ""]).toEqual([flow, !seen.has(flow)]);
      seen.add(flow);
    }
    expect(seen.size).toBe(3);
    const comments = fieldsOf(own, ["tcp.dstport", "frame.comment"], "-Y", "tcp && frame.comment");
    expect(comments).toEqual([
      ["8003", expect.stringMatching(/clearnet.*example\.net/)],
      ["8000", expect.stringMatching(/tor/)],
    ]);
    // Names of the file, without asking anybody: tshark -N n looks no names up.
    const [first] = fieldsOf(own, ["ip.dst_host"], "-N", "n", "-Y", "tcp.dstport == 8003");
    expect(first).toEqual(["example.net"]);

    const { stdout } = run("capinfos", ["-M", own]);
    expect(stdout).toMatch(/^File type:.* pcapng$/m);
    expect(stdout).toContain(`Number of packets = ${packets.length}`);
    expect(stdout).toMatch(new RegExp(`Name = ${WIRE}`));
    expect(stdout).toContain("Filter string = tcp or udp");
    expect(stdout).toContain("Time precision = nanoseconds (9)");
    expect(stdout).toContain("Number of stat entries = 1");
    const { capture } = JSON.parse(run(process.execPath, [LEEK, "analyze", "--json", own]).stdout);
    expect(capture.sources).toMatchObject([{ format: "pcapng", truncated: false, dropped: 0 }]);
  });

  it("leaves a readable file with all that came when it is killed", async () => {
    const leek = await lab.leek(["capture", "-q", "-w", file("killed.pcapng"), ...ON_WIRE, "udp"]);
    await send(50);
    await pause(400);
    expect(await leek.stop("SIGKILL")).toBe("SIGKILL");
    expect(linesOf(file("killed.pcapng"))).toHaveLength(50);
  });

  it("leaves a readable file when it is killed amid packets", async () => {
    const leek = await lab.leek(["capture", "-q", "-w", file("amid.pcapng"), ...ON_WIRE, "udp"]);
    const sending = send(20_000, "x".repeat(1000));
    await until(
      () => statSync(file("amid.pcapng")).size > 2e6,
      10_000,
      () => "nothing was written",
    );
    await leek.stop("SIGKILL");
    await sending;
    const { capture } = JSON.parse(run(process.execPath, [LEEK, "analyze", "--json", file("amid.pcapng")]).stdout);
    expect(capture.packets).toBeGreaterThan(1500);
  });

  it("begins new files with -C and -W, each of which can be read", async () => {
    const folder = file("rotated");
    mkdirSync(folder);
    const args = ["capture", "-q", "-w", join(folder, "c"), "-C", "20k", "-W", "3", ...ON_WIRE, "udp"];
    const leek = await lab.leek(args);
    await send(100, "x".repeat(1000));
    expect(await leek.stop()).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["c0", "c1", "c2"]);
    const counts = readdirSync(folder).map((name) => linesOf(join(folder, name)).length);
    for (const count of counts) expect(count).toBeGreaterThan(0);
    for (const count of counts) expect(count).toBeLessThan(22);
  });

  it("keeps every packet in one of the files of -G", async () => {
    const folder = file("timed");
    mkdirSync(folder);
    const leek = await lab.leek(["capture", "-q", "-w", join(folder, "%s"), "-G", "1", ...ON_WIRE, "udp"]);
    await near.do("send", { address: FAR, port: 9, count: 10, gapMs: 250 });
    expect(await leek.stop()).toBe(0);
    const counts = readdirSync(folder).map((name) => linesOf(join(folder, name)).length);
    expect(counts.length).toBeGreaterThan(1);
    expect(counts.reduce((sum, count) => sum + count)).toBe(10);
  });

  it("ends with an error when the disk is full, and gives the counts and the contrast all the same", async () => {
    const disk = lab.makeDisk("disk", "64k");
    const leek = await lab.leek(["capture", "-q", "-w", join(disk, "full.pcapng"), ...ON_WIRE, "udp"]);
    await send(200, "x".repeat(1000));
    expect(await leek.ended).toBe(74);
    expect(leek.stderr).toMatch(
      /leek: Cannot write on to .*full\.pcapng: the disk is full; it keeps \d+ whole packets/,
    );
    expect(leek.stderr).toMatch(/\d+ packets captured\n\d+ packets received by filter\n0 packets dropped by kernel/);
    expect(leek.stdout).toContain("clearnet");
    const kept = Number(/keeps (\d+) whole/.exec(leek.stderr)?.[1]);
    expect(kept).toBeGreaterThan(10);
    expect(linesOf(join(disk, "full.pcapng"))).toHaveLength(kept);
  });

  it("gives the packets to a pipe with -w -", async () => {
    const words = [process.execPath, LEEK, "capture", "-w", "-", "-c", "10", ...ON_WIRE, "udp"];
    const pipe = lab.start(lab.near, ["bash", "-c", '"$@" | tcpdump -n -r -', "-", ...words]);
    await pipe.says(/listening on/);
    await send(10);
    expect(await pipe.ended).toBe(0);
    expect(pipe.lines).toHaveLength(10);
    expect(pipe.stderr).toContain("10 packets captured\n");
  });

  it("makes files for the user that it becomes", async () => {
    const folder = file("of-user");
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const args = ["capture", "-q", "-w", join(folder, "c"), "-C", "20k", "-Z", "nobody", ...ON_WIRE, "udp"];
    const leek = await lab.leek(args);
    await send(50, "x".repeat(1000));
    expect(await leek.stop()).toBe(0);
    for (const name of ["c", "c1"]) {
      expect(existsSync(join(folder, name))).toBe(true);
      expect(statSync(join(folder, name)).uid).toBe(65_534);
      expect(linesOf(join(folder, name)).length).toBeGreaterThan(0);
    }
  });
});
