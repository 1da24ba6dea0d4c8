import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ProcessLookup } from "../../src/cli/processes/process-lookup.js";
import { MAX_QUERIES } from "../../src/cli/processes/process-messages.js";
import type { ProcessQuery } from "../../src/host/index.js";
import { bundleScript } from "../support/bundle.js";
import { PROJECT } from "../support/leek.js";
import { childrenOf, FAR, NEAR, type Peer, pause, until, WireLab } from "../support/wire-lab.js";

const HELPER = join(PROJECT, "dist/cli/processes/process-helper.js");
const UNKNOWN = { confidence: "unknown" };
/** Of no socket anywhere: TEST-NET-1 to TEST-NET-2. */
const NOBODYS = query("tcp", "192.0.2.200", 4000, "198.51.100.10", 9001);
/** A clock tick of /proc/PID/stat, as sysconf(_SC_CLK_TCK) has it on Linux. */
const TICK_MS = 10;

function query(transport: string, address: string, port: number, otherAddress: string, otherPort: number) {
  return { transport, local: { address, port }, remote: { address: otherAddress, port: otherPort } };
}

function field(pid: number, name: string): string {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1] ?? "";
}

/** Whether it still does something; what has ended stays listed until its parent asks. */
function runs(pid: number): boolean {
  try {
    return !field(pid, "State").startsWith("Z");
  } catch {
    return false;
  }
}

function isGone(pid: number): Promise<void> {
  return until(
    () => !runs(pid),
    5_000,
    () => `process ${pid} still runs`,
  );
}

/** Time on a processor so far. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The helpers that this test's process has started, and that still run. */
function helpers(file: string, parent = process.pid): number[] {
  return childrenOf(parent).filter(
    (pid) => runs(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(file),
  );
}

const folder = mkdtempSync(join(tmpdir(), "leek-lookup-"));
afterAll(() => rmSync(folder, { recursive: true }));

const started: { readonly lookup: ProcessLookup; readonly pid: number }[] = [];
afterEach(() => {
  for (const { lookup, pid } of started.splice(0)) {
    lookup.close();
    // Stopped ones, and those of a test that has failed.
    if (runs(pid)) process.kill(pid, "SIGKILL");
  }
});

/** Starts a lookup, and tells the number of its helper. */
async function start(file = HELPER): Promise<{ readonly lookup: ProcessLookup; readonly pid: number }> {
  const others = new Set(helpers(file));
  const lookup = await ProcessLookup.start(file);
  const pid = helpers(file).find((one) => !others.has(one)) ?? Number.NaN;
  started.push({ lookup, pid });
  return { lookup, pid };
}

describe("a lookup", () => {
  let lab: WireLab;
  let server: Peer;
  let client: Peer;
  /** A connection between two processes in a namespace of its own, seen from either end. */
  let outward: ProcessQuery;
  let inward: ProcessQuery;
  beforeAll(async () => {
    lab = new WireLab();
    server = await lab.peer(lab.far);
    client = await lab.peer(lab.near);
    await server.do("serveTcp", { port: 8000 });
    const { port } = await client.do("connect", { address: FAR, port: 8000 });
    outward = query("tcp", NEAR, port, FAR, 8000);
    inward = query("tcp", FAR, 8000, NEAR, port);
  });
  afterAll(() => lab?.close());

  it("answers each query of a question, in their order", async () => {
    const { lookup } = await start();
    const answers = await lookup.find([NOBODYS, outward, query("icmp", NEAR, 0, FAR, 0), inward]);
    expect(answers).toEqual([
      UNKNOWN,
      { confidence: "exact", process: expect.objectContaining({ pid: client.pid, name: "node", user: "root" }) },
      UNKNOWN,
      { confidence: "exact", process: expect.objectContaining({ pid: server.pid }) },
    ]);
    expect(lookup).toMatchObject({ unasked: 0, unreadable: 0, lost: false });
  });

  it("does not ask about what has no ports or is no TCP or UDP", async () => {
    const { lookup, pid } = await start();
    process.kill(pid, "SIGSTOP");
    const ends = { local: { address: NEAR, port: undefined }, remote: { address: FAR, port: undefined } };
    expect(await lookup.find([{ transport: "udp", ...ends }, query("gre", NEAR, 1, FAR, 1)])).toEqual([
      UNKNOWN,
      UNKNOWN,
    ]);
    expect(await lookup.find([])).toEqual([]);
    expect(lookup.unasked).toBe(0);
    process.kill(pid, "SIGCONT");
  });

  it("finds nothing for a second question before the first one's answer, and counts it", async () => {
    const { lookup } = await start();
    const first = lookup.find([outward]);
    expect(await lookup.find([inward, inward])).toEqual([UNKNOWN, UNKNOWN]);
    expect(lookup.unasked).toBe(2);
    expect(await first).toMatchObject([{ confidence: "exact" }]);
    expect(await lookup.find([inward])).toMatchObject([{ confidence: "exact" }]);
    expect(lookup.unasked).toBe(2);
  });

  it("asks so many at once and no more, and counts the others", async () => {
    const { lookup } = await start();
    const answers = await lookup.find([...Array<ProcessQuery>(MAX_QUERIES - 1).fill(NOBODYS), outward, inward, inward]);
    expect(answers).toHaveLength(MAX_QUERIES + 2);
    expect(answers.slice(-3)).toMatchObject([{ confidence: "exact" }, UNKNOWN, UNKNOWN]);
    expect(lookup).toMatchObject({ unasked: 2, lost: false });
  });

  it("is lost when the helper is killed: what it was asked, and all that comes, is unknown", async () => {
    const { lookup, pid } = await start();
    process.kill(pid, "SIGSTOP");
    const asked = lookup.find([outward, inward]);
    process.kill(pid, "SIGKILL");
    expect(await asked).toEqual([UNKNOWN, UNKNOWN]);
    expect(await lookup.find([outward])).toEqual([UNKNOWN]);
    expect(lookup).toMatchObject({ unasked: 3, lost: true });
  });

  it("is closed, not lost, when nobody needs it any more; the helper ends", async () => {
    const { lookup, pid } = await start();
    const asked = lookup.find([outward]);
    lookup.close();
    lookup.close();
    expect(await asked).toEqual([UNKNOWN]);
    expect(await lookup.find([outward])).toEqual([UNKNOWN]);
    expect(lookup.lost).toBe(false);
    await isGone(pid);
  });

  it("outlives Ctrl-C and SIGTERM, which are for the capture", async () => {
    const { lookup, pid } = await start();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.kill(pid, signal);
    await pause(50);
    expect(await lookup.find([outward])).toMatchObject([{ confidence: "exact" }]);
    expect(runs(pid)).toBe(true);
  });

  it("costs nothing while nobody asks", async () => {
    const { lookup, pid } = await start();
    await lookup.find([outward]);
    await pause(300);
    const before = cpuMs(pid);
    await pause(1_500);
    expect(cpuMs(pid) - before).toBeLessThanOrEqual(2 * TICK_MS);
    // Half of it is node itself, which leek's process shares.
    expect(Number.parseInt(field(pid, "VmRSS"), 10)).toBeLessThan(80 * 1024);
  });

  it("takes a tenth of the time, however much is asked", async () => {
    const { lookup, pid } = await start();
    // What may be done at a stretch is soon used up.
    const burstEnd = Date.now() + 4_000;
    let lastMs = 0;
    while (lastMs < 60 && Date.now() < burstEnd) {
      const at = performance.now();
      await lookup.find([outward, inward, NOBODYS]);
      lastMs = performance.now() - at;
    }
    const [since, before] = [performance.now(), cpuMs(pid)];
    while (performance.now() - since < 2_000) await lookup.find([outward, inward, NOBODYS]);
    // Messages, and what stands between them, come on top.
    expect((cpuMs(pid) - before) / (performance.now() - since)).toBeLessThan(0.2);
  });
});

describe("a lookup whose helper", () => {
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const silent = write("silent.mjs", 'process.on("disconnect", () => process.exit()); process.send("ready");');
  const dead = write("dead.mjs", "process.exit(3);");
  const slow = write("slow.mjs", 'process.on("disconnect", () => process.exit());');
  afterEach(() => vi.useRealTimers());

  it("cannot start is lost from the beginning", async () => {
    const { lookup } = await start(dead);
    expect(lookup.lost).toBe(true);
    expect(await lookup.find([NOBODYS])).toEqual([UNKNOWN]);
  });

  it("does not get ready does not hold up the capture", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const starting = ProcessLookup.start(slow);
    const [pid] = helpers(slow);
    vi.advanceTimersByTime(5_000);
    const lookup = await starting;
    expect(lookup.lost).toBe(true);
    vi.useRealTimers();
    expect(await lookup.find([NOBODYS])).toEqual([UNKNOWN]);
    await isGone(pid ?? Number.NaN);
  });

  it("does not answer is lost after a minute", async () => {
    const { lookup, pid } = await start(silent);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const asked = lookup.find([NOBODYS]);
    vi.advanceTimersByTime(59_999);
    expect(lookup.lost).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await asked).toEqual([UNKNOWN]);
    expect(lookup.lost).toBe(true);
    vi.useRealTimers();
    await isGone(pid);
  });
});

describe("the helper", () => {
  const forked: ChildProcess[] = [];
  afterEach(() => {
    for (const child of forked.splice(0)) child.kill("SIGKILL");
  });

  /** Starts the helper alone; what it says, and how it ends. */
  async function forkHelper() {
    const child = fork(HELPER, { execArgv: [], stdio: ["ignore", "ignore", "inherit", "ipc"] });
    forked.push(child);
    const said: unknown[] = [];
    const ended = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? signal!));
    });
    await new Promise((resolve) => child.once("message", resolve));
    child.on("message", (message) => said.push(message));
    return { child, said, ended };
  }

  it.each<readonly [string, unknown]>([
    ["no list", "tcp"],
    ["nothing", null],
    ["an object like a list", { length: 1, 0: NOBODYS }],
    ["too many queries", Array(MAX_QUERIES + 1).fill(NOBODYS)],
    ["a query that is none", [NOBODYS, null]],
    ["a query that is a list", [[]]],
    ["another transport", [{ ...NOBODYS, transport: "__proto__" }]],
    ["a transport in a list", [{ ...NOBODYS, transport: ["tcp"] }]],
    ["no local end", [{ transport: "tcp", remote: NOBODYS.remote }]],
    ["a long address", [{ ...NOBODYS, local: { address: "1".repeat(46), port: 1 } }]],
    ["an address that is no text", [{ ...NOBODYS, local: { address: ["192.0.2.200"], port: 1 } }]],
    ["a port in text", [{ ...NOBODYS, local: { address: "192.0.2.200", port: "1" } }]],
    ["half a port", [{ ...NOBODYS, remote: { address: "192.0.2.200", port: 1.5 } }]],
    ["a port below 0", [{ ...NOBODYS, remote: { address: "192.0.2.200", port: -1 } }]],
    ["a port above 65535", [{ ...NOBODYS, remote: { address: "192.0.2.200", port: 65_536 } }]],
  ])("ends, and does not answer, when it is asked %s", async (_name, question) => {
    const { child, said, ended } = await forkHelper();
    child.send(question as object);
    expect(await ended).toBe(1);
    expect(said).toEqual([]);
  });

  it("answers an empty question, and one whose addresses are none", async () => {
    const { child, said } = await forkHelper();
    const odd = ["../../etc/passwd", "", "1.2.3.4.5", "\u001b[2J", "::ffff:", "constructor"];
    child.send([]);
    child.send(odd.map((address) => query("udp", address, 0, address, 65_535)));
    await until(
      () => said.length === 2,
      5_000,
      () => `${said.length} answers`,
    );
    expect(said).toEqual([
      { matches: [], unreadable: 0 },
      { matches: odd.map(() => UNKNOWN), unreadable: 0 },
    ]);
  });

  it("ends when the channel is closed, also while it was asked something", async () => {
    const { child, ended } = await forkHelper();
    child.send([NOBODYS]);
    child.disconnect();
    expect(await ended).toBe(0);
  });

  it("ends when leek is killed, and leek ends without closing it", async () => {
    const script = join(folder, "leek.mjs");
    bundleScript(
      `import { ProcessLookup } from "./src/cli/processes/process-lookup.ts";
       const lookup = await ProcessLookup.start(process.argv[2]);
       console.log(lookup.lost);
       if (process.argv[3] === "stay") setInterval(() => {}, 1000);`,
      script,
    );
    const begin = async (...words: string[]) => {
      const child = spawn(process.execPath, [script, HELPER, ...words], { stdio: ["ignore", "pipe", "inherit"] });
      forked.push(child);
      const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
      expect(await new Promise((resolve) => child.stdout.once("data", (data) => resolve(`${data}`)))).toBe("false\n");
      return { child, ended };
    };
    const stays = await begin("stay");
    const [pid] = helpers(HELPER, stays.child.pid);
    expect(pid).toBeGreaterThan(0);
    stays.child.kill("SIGKILL");
    await isGone(pid!);
    expect(await (await begin()).ended).toBe(0);
  });

  describe("of a user who loads something into their programs", () => {
    const mark = join(folder, "mark");
    beforeEach(() => {
      const module = join(folder, "theirs.cjs");
      writeFileSync(module, `require("node:fs").appendFileSync(${JSON.stringify(mark)}, "loaded\\n");`);
      vi.stubEnv("NODE_OPTIONS", `--require=${module}`);
    });
    afterEach(() => vi.unstubAllEnvs());

    it("does not load it, keeps no folder in use, and stands behind the capture", async () => {
      const { lookup, pid } = await start();
      expect(lookup.lost).toBe(false);
      expect(existsSync(mark)).toBe(false);
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
      const nice = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ")[16];
      expect(Number(nice)).toBeGreaterThanOrEqual(10);
    });
  });
});
