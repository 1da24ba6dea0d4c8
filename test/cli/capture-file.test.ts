import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LeekError } from "../../src/base/index.js";
import { CaptureFile, type CaptureFileOptions, type InterfaceCounters } from "../../src/cli/live/capture-file.js";
import { formatTimePattern } from "../../src/cli/live/time-pattern.js";
import { parseAddress } from "../../src/net/index.js";
import { payload, type ReadResult, readBytes } from "../capture/read-packets.js";
import { bundleScript } from "../support/bundle.js";
import { buildPcap } from "../support/capture-builder.js";
import { captured } from "../support/packets.js";

const directory = mkdtempSync(join(tmpdir(), "leek-capture-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

let folders = 0;
/** An empty folder of its own. */
function folder(): string {
  folders += 1;
  const path = join(directory, String(folders));
  mkdirSync(path);
  return path;
}

const START_MS = Date.UTC(2026, 10, 22, 10, 0, 0, 250);

interface Recording {
  readonly file: CaptureFile;
  /** Moves the clock. */
  readonly clock: { ms: number };
  readonly faces: { linkType: number; snaplen: number; name: string; statistics?: InterfaceCounters }[];
}

function recording(options: CaptureFileOptions): Recording {
  const clock = { ms: START_MS };
  const faces = [{ linkType: 1, snaplen: 262144, name: "eth0" }];
  const file = new CaptureFile(options, { interfaces: faces, application: "leek test", now: () => clock.ms });
  return { file, clock, faces };
}

function read(path: string): Promise<ReadResult> {
  return readBytes(readFileSync(path));
}

function errorOf(work: () => void): LeekError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(LeekError);
    return error as LeekError;
  }
  throw new Error("nothing was thrown");
}

/** What capinfos says of a file that has no fault; with one, it exits with 1. */
function capinfos(path: string, status = 0): string {
  const outcome = spawnSync("capinfos", ["-M", path], { encoding: "utf8" });
  expect(outcome.status, outcome.stderr).toBe(status);
  return outcome.stdout;
}

function packetsOf(path: string, status = 0): number {
  return Number(/^Number of packets:\s+(\d+)$/m.exec(capinfos(path, status))![1]);
}

describe("one file", () => {
  it("is there once it is open, and grows by whole blocks at each flush", async () => {
    const path = join(folder(), "a.pcapng");
    const { file } = recording({ path });
    file.open();
    expect((await read(path)).info.interfaces).toMatchObject([{ name: "eth0", linkType: 1, snaplen: 262144 }]);
    for (let index = 0; index < 5; index += 1) {
      file.packet(captured(payload(60, index)), 0);
      expect((await read(path)).packets).toHaveLength(index);
      file.flush();
      expect((await read(path)).packets).toHaveLength(index + 1);
    }
    file.close();
    file.close();
    expect((await read(path)).info.damage).toBeUndefined();
    expect(file.fileNumber).toBe(1);
  });

  it("takes much without a flush, and does not keep it in memory", async () => {
    const path = join(folder(), "a.pcapng");
    const { file } = recording({ path });
    file.open();
    const packet = captured(payload(1400));
    for (let index = 0; index < 2000; index += 1) file.packet(packet, 0);
    expect(statSync(path).size).toBeGreaterThan(2_000_000);
    file.close();
    expect((await read(path)).packets).toHaveLength(2000);
  });

  it("is readable by whom the umask lets, and given to who leek becomes if it is new", () => {
    const path = join(folder(), "a.pcapng");
    const umask = process.umask(0o027);
    try {
      recording({ path }).file.open({ uid: 12345, gid: 23456 });
    } finally {
      process.umask(umask);
    }
    expect(statSync(path)).toMatchObject({ uid: 12345, gid: 23456, mode: 0o100640 });
    chownSync(path, 7, 8);
    const { file } = recording({ path });
    file.open({ uid: 12345, gid: 23456 });
    file.close();
    expect(statSync(path)).toMatchObject({ uid: 7, gid: 8 });
  });

  it("describes interfaces that come later, and keeps names and comments", async () => {
    const path = join(folder(), "a.pcapng");
    const { file, faces } = recording({ path });
    file.open();
    file.names([{ address: parseAddress("192.0.2.1")!, names: ["a.example"] }]);
    faces.push({ linkType: 101, snaplen: 96, name: "tun0" }, { linkType: 276, snaplen: 0, name: "any" });
    file.packet(captured(payload(40)), 2, "on any");
    file.packet(captured(payload(40)), 0);
    file.close();
    const { info, packets } = await read(path);
    expect(info.interfaces.map(({ name }) => name)).toEqual(["eth0", "tun0", "any"]);
    expect(packets.map(({ interfaceIndex }) => interfaceIndex)).toEqual([2, 0]);
    expect(capinfos(path)).toContain("IPv4 addresses in file: 1");
    const comments = execFileSync("tshark", ["-r", path, "-T", "fields", "-e", "frame.comment"], { stdio: "pipe" });
    expect(comments.toString()).toBe("on any\n\n");
  });

  it.each([
    ["LEEK_OUTPUT_CREATE", "io", "no such folder", () => join(folder(), "missing", "a.pcapng")],
    ["LEEK_OUTPUT_CREATE", "io", "it is a folder", () => folder()],
  ])("that cannot be made gives %s (%s, %s)", (code, kind, reason, path) => {
    const { file } = recording({ path: path() });
    const error = errorOf(() => file.open());
    expect(error).toMatchObject({ code, kind, message: expect.stringContaining(reason) });
    file.packet(captured(payload(9)), 0);
    file.flush();
    file.close();
  });
});

describe("rotation", () => {
  /** 5 MB in packets that are large, so that both formats fill a file with about the same number of them. */
  const PACKETS = 3600;
  const PACKET_BYTES = 1400;
  const capture = join(directory, "big.pcap");
  beforeAll(() => {
    const bytes = payload(PACKET_BYTES);
    writeFileSync(capture, buildPcap({}, new Array(PACKETS).fill({ seconds: 1_700_000_000, bytes })));
  });

  const byTcpdump = (name: string, ...options: string[]): string[] => {
    const where = folder();
    // -Z root: Debian's tcpdump becomes another user, who may not write here.
    const args = ["-Z", "root", "-r", capture, "-w", join(where, name), ...options];
    execFileSync("tcpdump", args, { stdio: "ignore", env: { ...process.env, TZ: "UTC" } });
    return readdirSync(where).sort();
  };
  const byLeek = (name: string, options: Omit<CaptureFileOptions, "path">): { names: string[]; where: string } => {
    const where = folder();
    const { file } = recording({ path: join(where, name), ...options });
    file.open();
    const packet = captured(payload(PACKET_BYTES));
    for (let index = 0; index < PACKETS; index += 1) {
      file.turn();
      file.packet(packet, 0);
    }
    file.close();
    return { names: readdirSync(where).sort(), where };
  };

  it.each<[string, string[], Omit<CaptureFileOptions, "path">]>([
    ["-C", ["-C", "1"], { rotateBytes: 1e6 }],
    ["-C -W", ["-C", "1", "-W", "3"], { rotateBytes: 1e6, maxFiles: 3 }],
    ["-C -W, two digits", ["-C", "1", "-W", "12"], { rotateBytes: 1e6, maxFiles: 12 }],
    ["-C -W, ten files need one digit", ["-C", "1", "-W", "10"], { rotateBytes: 1e6, maxFiles: 10 }],
    ["-C -W, eleven need two", ["-C", "1", "-W", "11"], { rotateBytes: 1e6, maxFiles: 11 }],
    ["-C -W, one file", ["-C", "1", "-W", "1"], { rotateBytes: 1e6, maxFiles: 1 }],
    ["-W alone", ["-W", "5"], { maxFiles: 5 }],
    ["-C that is never reached", ["-C", "9"], { rotateBytes: 9e6 }],
    ["-G", ["-G", "1000"], { rotateSeconds: 1000 }],
    ["-G -W", ["-G", "1000", "-W", "9"], { rotateSeconds: 1000, maxFiles: 9 }],
    ["-G -C", ["-G", "1000", "-C", "1"], { rotateSeconds: 1000, rotateBytes: 1e6 }],
    ["-G -C -W", ["-G", "1000", "-C", "1", "-W", "3"], { rotateSeconds: 1000, rotateBytes: 1e6, maxFiles: 3 }],
  ])("%s: files are named as tcpdump names them", (_, tcpdumpOptions, options) => {
    // A pattern only where -G makes it one; nothing in it changes between the two runs.
    expect(byLeek("out%C%%.x", options).names.map((name) => name.replace("out20%", "out%C%%"))).toEqual(
      byTcpdump("out%C%%.x", ...tcpdumpOptions).map((name) => name.replace("out20%", "out%C%%")),
    );
    if (options.rotateSeconds !== undefined) expect(byLeek("out%C%%.x", options).names[0]).toMatch(/^out20%\.x/);
  });

  it("-C: a file ends with the packet that makes it larger than the size, and stands for itself", async () => {
    const { names, where } = byLeek("out", { rotateBytes: 1e6 });
    let packets = 0;
    for (const name of names) {
      const { packets: some, info } = await read(join(where, name));
      expect(info).toMatchObject({ damage: undefined, interfaces: [{ name: "eth0" }] });
      packets += some.length;
      // Less what comes at the end: the statistics.
      const size = statSync(join(where, name)).size - 100;
      if (name !== names.at(-1)) expect(size).toBeGreaterThan(1e6);
      expect(size).toBeLessThan(1e6 + PACKET_BYTES + 33);
    }
    expect(packets).toBe(PACKETS);
  });

  it("-C -W: the files are a ring with the latest packets", async () => {
    const where = folder();
    const { file } = recording({ path: join(where, "ring"), rotateBytes: 10_000, maxFiles: 3 });
    file.open();
    const turns: number[] = [];
    for (let index = 0; index < 60; index += 1) {
      turns.push(file.turn());
      file.packet(captured(payload(1000), { seconds: index }), 0);
    }
    file.close();
    // Ten packets in each file: file 6 is the third of the second round.
    expect([turns[0], turns[9], turns[10], turns[59]]).toEqual([1, 1, 2, 6]);
    expect(readdirSync(where).sort()).toEqual(["ring0", "ring1", "ring2"]);
    const first = async (name: string) => (await read(join(where, name))).packets[0]!.time;
    expect([await first("ring0"), await first("ring1"), await first("ring2")]).toEqual([
      "30.000000000",
      "40.000000000",
      "50.000000000",
    ]);
  });

  it("-G and -G -W: as tcpdump when packets come slowly", async () => {
    const offsets = [0, 1500, 3000];
    const frames = offsets.map((ms) => buildPcap({}, [{ seconds: ms, bytes: payload(60) }]));
    const header = frames[0]!.subarray(0, 24);
    const tcpdump = async (...options: string[]): Promise<number[]> => {
      const where = folder();
      const child = spawn("tcpdump", ["-Z", "root", "-U", "-r", "-", "-w", join(where, "out-%s"), ...options]);
      child.stdin.on("error", () => {}); // It ends on its own with -W.
      const ended = new Promise((resolve) => child.on("close", resolve));
      child.stdin.write(header);
      for (const [index, offset] of offsets.entries()) {
        await sleep(offset - (offsets[index - 1] ?? 0));
        child.stdin.write(frames[index]!.subarray(24));
      }
      child.stdin.end();
      await ended;
      return readdirSync(where)
        .sort()
        .map((name) => packetsOf(join(where, name)));
    };
    const leek = (options: Omit<CaptureFileOptions, "path">): { packets: number[]; done: boolean; names: string[] } => {
      const where = folder();
      const { file, clock } = recording({ path: join(where, "out-%s"), ...options });
      file.open();
      for (const offset of offsets) {
        clock.ms = START_MS + offset;
        file.turn();
        file.packet(captured(payload(60)), 0);
      }
      file.close();
      const names = readdirSync(where).sort();
      return { packets: names.map((name) => packetsOf(join(where, name))), done: file.done, names };
    };
    const [endless, bounded] = await Promise.all([tcpdump("-G", "1"), tcpdump("-G", "1", "-W", "2")]);
    const second = START_MS / 1000 - 0.25;
    expect(leek({ rotateSeconds: 1 })).toEqual({
      packets: endless,
      done: false,
      names: [`out-${second}`, `out-${second + 1}`, `out-${second + 3}`],
    });
    expect(leek({ rotateSeconds: 1, maxFiles: 2 })).toEqual({
      packets: bounded,
      done: true,
      names: [`out-${second}`, `out-${second + 1}`],
    });
    expect([endless, bounded]).toEqual([
      [1, 1, 1],
      [1, 1],
    ]);
  });

  it("-G -W: the capture ends in time although no packet comes", () => {
    const { file, clock } = recording({ path: join(folder(), "out"), rotateSeconds: 60, maxFiles: 1 });
    file.open();
    clock.ms += 59_000;
    file.flush();
    expect(file.done).toBe(false);
    clock.ms += 1000;
    file.flush();
    expect(file.done).toBe(true);
    file.close();
  });

  it("counts the statistics of each file from its beginning, so that they add up", async () => {
    const where = folder();
    const { file, clock, faces } = recording({ path: join(where, "%H%M%S"), rotateSeconds: 10 });
    file.open();
    const counters = { received: 0, droppedByKernel: 0, droppedByInterface: 0 };
    const totals = [
      [10, 3, 0],
      [25, 3, 2],
      [25, 3, 2],
    ] as const;
    for (const [received, droppedByKernel, droppedByInterface] of totals) {
      file.turn();
      file.packet(captured(payload(60)), 0);
      // The same object each time, as a live source does it.
      faces[0]!.statistics = Object.assign(counters, { received, droppedByKernel, droppedByInterface });
      clock.ms += 10_000;
    }
    file.close();
    const names = readdirSync(where).sort();
    expect(names).toEqual(["100000", "100010", "100020"]);
    const fields = ["received", "dropped", "dropped_by_os", "delivered_to_user"].flatMap((name) => [
      "-e",
      `pcapng.options.option.data.interface.${name}`,
    ]);
    const args = ["-X", "read_format:MIME Files Format", "-T", "fields", ...fields];
    const shown = names.map((name) =>
      execFileSync("tshark", [...args, "-r", join(where, name)], { encoding: "utf8", stdio: "pipe" }).trim(),
    );
    expect(shown).toEqual(["10\t0\t3\t1", "15\t2\t0\t1", "0\t0\t0\t1"]);
    const dropped = await Promise.all(names.map(async (name) => (await read(join(where, name))).info.interfaces[0]!));
    expect(dropped.map((face) => face.dropped)).toEqual([3, 2, 0]);
  });

  it("leaves unknown statistics out", async () => {
    const path = join(folder(), "out");
    const { file } = recording({ path });
    file.open();
    file.close();
    expect((await read(path)).info.interfaces[0]!.dropped).toBeUndefined();
    expect(capinfos(path)).toContain("Number of stat entries = 1");
  });
});

describe("patterns of -G", () => {
  const zone = process.env.TZ;
  afterEach(() => {
    process.env.TZ = zone;
  });

  it("are those of date(1), in local time", () => {
    const pattern = [..."aAbBCdeFHIjklmMpRsSTuwyYz%"].map((letter) => `%${letter}`).join(",");
    const moments = [0, 1_700_000_000, 1_795_394_996, 1_798_761_599, 951_782_400, 1_774_746_000];
    for (const TZ of ["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin"]) {
      process.env.TZ = TZ;
      for (const seconds of moments) {
        const env = { ...process.env, TZ, LC_ALL: "C" };
        const expected = execFileSync("date", ["-d", `@${seconds}`, `+${pattern}`], { encoding: "utf8", env }).trim();
        expect(formatTimePattern(pattern, new Date(seconds * 1000)), `${TZ} ${seconds}`).toBe(expected);
      }
    }
  });

  it.each(["out-%Q", "out-%", "out-%D", "out-%Ey", "out-%\n"])("with %j in them are refused at once", (path) => {
    expect(errorOf(() => recording({ path, rotateSeconds: 1 }))).toMatchObject({ code: "LEEK_USAGE", kind: "usage" });
  });

  it("are none without -G", () => {
    const path = join(folder(), "out-%Q");
    const { file } = recording({ path });
    file.open();
    file.close();
    expect(existsSync(path)).toBe(true);
  });
});

describe("a disk that takes no more", () => {
  it("that is full: the error counts the whole packets in the file, which is readable", async () => {
    const mount = folder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "leek-test", mount]);
    try {
      const path = join(mount, "a.pcapng");
      const { file } = recording({ path });
      file.open();
      const error = errorOf(() => {
        for (let index = 0; index < 1000; index += 1) {
          file.packet(captured(payload(333, index)), 0, index % 3 === 0 ? "a comment" : undefined);
          if (index % 20 === 19) file.flush();
        }
      });
      expect(error).toMatchObject({ code: "LEEK_OUTPUT_IO", kind: "io" });
      expect(error.message).toMatch(new RegExp(`${path}: the disk is full; it keeps \\d+ whole packets\\.$`));
      const kept = Number(/keeps (\d+)/.exec(error.message)![1]);
      expect(kept).toBeGreaterThan(100);
      const size = statSync(path).size;
      for (let index = 0; index < 3; index += 1) file.packet(captured(payload(333)), 0);
      file.names([{ address: parseAddress("192.0.2.1")!, names: ["a.example"] }]);
      expect(file.turn()).toBe(1);
      file.flush();
      file.close();
      expect(statSync(path).size).toBe(size);
      expect(packetsOf(path)).toBe(kept);
      expect((await read(path)).packets.map(({ bytes }) => bytes)).toEqual(
        Array.from({ length: kept }, (_, index) => Buffer.from(payload(333, index)).toString("hex")),
      );
    } finally {
      execFileSync("umount", [mount]);
    }
  });

  it("that is full from the beginning: so says open", () => {
    const { file } = recording({ path: "/dev/full" });
    expect(errorOf(() => file.open()).message).toBe(
      "Cannot write on to /dev/full: the disk is full; it keeps 0 whole packets.",
    );
    file.close();
  });

  it("that has no room for the next file of a rotation", () => {
    const where = folder();
    const { file } = recording({ path: join(where, "sub", "out"), rotateBytes: 100 });
    mkdirSync(join(where, "sub"));
    file.open();
    file.packet(captured(payload(99)), 0);
    rmSync(join(where, "sub"), { recursive: true });
    expect(errorOf(() => file.turn())).toMatchObject({ code: "LEEK_OUTPUT_CREATE" });
    file.packet(captured(payload(99)), 0);
    file.turn();
    file.flush();
    file.close();
  });
});

describe("in a process of its own", () => {
  const writer = join(directory, "writer.mjs");
  beforeAll(() => {
    bundleScript(
      `
      import { writeSync } from "node:fs";
      import { CaptureFile } from "./src/cli/live/capture-file.js";
      import { reportError } from "./src/cli/output/messages.js";
      import { CapturedPacket } from "./src/base/index.js";
      const [path, count] = process.argv.slice(2);
      const file = new CaptureFile(
        { path },
        { interfaces: [{ linkType: 1, snaplen: 0, name: "eth0" }], application: "leek test", now: Date.now },
      );
      try {
        file.open();
        const packet = new CapturedPacket();
        packet.bytes = new Uint8Array(2000).fill(7);
        packet.view = new DataView(packet.bytes.buffer);
        for (let i = 1; i <= Number(count); i++) {
          packet.end = 60 + (i * 7919) % 1400;
          packet.originalLength = packet.end;
          packet.seconds = i;
          file.packet(packet, 0, i % 5 === 0 ? "a comment" : undefined);
          if (i % 97 === 0) { file.flush(); writeSync(2, i + "\\n"); }
        }
        file.close();
      } catch (error) {
        process.exitCode = reportError(error);
        file.close();
      }
    `,
      writer,
    );
  });

  it("kill -9 leaves a readable file with everything that was flushed", async () => {
    for (const delay of [1, 20, 60]) {
      const path = join(folder(), "killed.pcapng");
      const child = spawn(process.execPath, [writer, path, "1e9"], { stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      const killed = new Promise((resolve) => child.on("close", resolve));
      await new Promise<void>((resolve) => {
        child.stderr.on("data", (text) => {
          said += text;
          resolve();
        });
      });
      await sleep(delay);
      child.kill("SIGKILL");
      await killed;
      const flushed = Number(said.trimEnd().split("\n").at(-1));
      expect(flushed).toBeGreaterThan(0);
      const { packets, info } = await readBytes(readFileSync(path), { chunkBytes: 1 << 20 });
      // Linux lets a kill end a large write() between two pages: then the last block, and only that, is cut.
      if (info.damage !== undefined) expect(info.damage.code).toBe("cut-short");
      expect(packetsOf(path, info.damage === undefined ? 0 : 1)).toBe(packets.length);
      expect(packets.length).toBeGreaterThanOrEqual(flushed);
      expect(packets.map(({ time }) => time)).toEqual(packets.map((_, index) => `${index + 1}.000000000`));
    }
  });

  it("a limit on the size of files is an error like that of a full disk", async () => {
    const path = join(folder(), "limited.pcapng");
    const command = 'ulimit -f 200; exec "$0" "$@"';
    const { status, stderr } = spawnSync("bash", ["-c", command, process.execPath, writer, path, "100000"], {
      encoding: "utf8",
    });
    expect(status).toBe(74);
    const kept = Number(/the file may not grow further; it keeps (\d+) whole packets/.exec(stderr)![1]);
    expect(packetsOf(path)).toBe(kept);
  });

  it("standard output gets the same bytes, and cannot rotate", async () => {
    const path = join(folder(), "out.pcapng");
    const { stdout, status } = spawnSync(process.execPath, [writer, "-", "1000"], { maxBuffer: 1 << 28 });
    expect(status).toBe(0);
    writeFileSync(path, stdout);
    expect(packetsOf(path)).toBe(1000);
    expect(errorOf(() => recording({ path: "-", rotateBytes: 1e6 }))).toMatchObject({ code: "LEEK_USAGE" });
    expect(errorOf(() => recording({ path: "-", rotateSeconds: 1 }))).toMatchObject({ code: "LEEK_USAGE" });
  });

  it("standard output that is full ends in an error", () => {
    const { status, stderr } = spawnSync(
      "sh",
      ["-c", 'exec "$0" "$@" > /dev/full', process.execPath, writer, "-", "9"],
      {
        encoding: "utf8",
      },
    );
    expect(status).toBe(74);
    expect(stderr).toContain("Cannot write the output");
  });
});
