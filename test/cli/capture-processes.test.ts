import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf, FAR, NEAR, type Peer, pause, type Started, until, WIRE, WireLab } from "../support/wire-lab.js";

const ON_WIRE = ["-i", WIRE, "--no-local-consensus"];
const NOBODY = 65_534;

interface FlowJson {
  readonly originator: { readonly port: number };
  readonly responder: { readonly port: number };
  readonly process?: {
    readonly confidence: string;
    readonly pid?: number;
    readonly name?: string;
    readonly commandLine?: string;
    readonly user?: string;
  };
}

let lab: WireLab;
let near: Peer;
let far: Peer;
beforeAll(async () => {
  lab = new WireLab();
  near = await lab.peer(lab.near);
  far = await lab.peer(lab.far);
  await far.do("serveTcp", { port: 8000 });
  await near.do("serveTcp", { port: 8010 });
});
afterAll(() => lab.close());

/** A connection to the far end, and one from there; both stay open while their sockets are looked for. */
async function converse(): Promise<{ readonly out: number; readonly in: number }> {
  const out = await near.do("connect", { address: FAR, port: 8000 });
  const { port } = await far.do("connect", { address: NEAR, port: 8010 });
  await pause(700);
  await near.do("hangUp");
  await far.do("hangUp");
  await pause(200);
  return { out: out.port, in: port };
}

function processOf(leek: Started, originatorPort: number): FlowJson["process"] {
  const flows: FlowJson[] = JSON.parse(leek.stdout).flows;
  return flows.find(({ originator }) => originator.port === originatorPort)?.process;
}

/** The helper that keeps root's rights: leek's only child. */
function helperOf(leek: Started): number {
  const children = childrenOf(leek.pid);
  expect(children).toHaveLength(1);
  return children[0]!;
}

/** Fields of /proc/PID/task/TID/status, for each thread. */
function rightsOf(pid: number): string[][] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    return ["Uid", "Gid", "Groups", "CapPrm", "CapEff"].map((field) => {
      return new RegExp(`^${field}:\\s*(.*?)\\s*$`, "m").exec(status)?.[1] ?? "";
    });
  });
}

/** Waits until a process has ended, whether or not somebody has asked how. */
function isGone(pid: number): Promise<void> {
  const runs = () => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  return until(
    () => !runs(),
    5_000,
    () => `process ${pid} still runs`,
  );
}

describe("processes of a live capture", () => {
  it("are those of a known client and a known server, exactly, and --no-processes leaves them out", async () => {
    const [json, text, without] = await Promise.all([
      lab.leek(["capture", "--json", ...ON_WIRE]),
      lab.leek(["capture", "-q", ...ON_WIRE]),
      lab.leek(["capture", "--json", "--no-processes", ...ON_WIRE]),
    ]);
    const ports = await converse();
    await Promise.all([json, text, without].map((leek) => leek.stop()));

    const known = { confidence: "exact", pid: near.pid, name: "node", user: "root" };
    expect(processOf(json, ports.out)).toMatchObject(known);
    expect(processOf(json, ports.in)).toMatchObject(known);
    expect(processOf(json, ports.out)?.commandLine).toContain("network-peer.mjs");
    expect(text.stdout).toMatch(new RegExp(`node \\(${near.pid}\\)\\W+root\\W+exact`));
    expect(processOf(without, ports.out)).toBeUndefined();
    expect(without.stdout).not.toContain('"process"');
  });

  it("are not known of packets that no socket here has sent", async () => {
    const leek = await lab.leek(["capture", "--json", ...ON_WIRE, "udp"]);
    const { port } = await far.do("send", { address: NEAR, port: 8099 });
    await pause(400);
    await leek.stop();
    expect(processOf(leek, port)).toEqual({ confidence: "unknown" });
  });
});

describe("rights of a live capture", () => {
  it.each([
    ["the user who called sudo", [], { SUDO_UID: `${NOBODY}`, SUDO_GID: `${NOBODY}`, SUDO_USER: "nobody" }],
    ["-Z USER", ["-Z", "nobody"], {}],
  ] as const)("are those of %s once it has begun, while processes of root are still found", async (_, args, env) => {
    const leek = await lab.leek(["capture", "--json", ...args, ...ON_WIRE], { env });
    await pause(100);
    const ids = Array(4).fill(NOBODY).join("\t");
    const threads = rightsOf(leek.pid);
    expect(threads.length).toBeGreaterThan(1);
    for (const thread of threads) expect(thread).toEqual([ids, ids, `${NOBODY}`, "0".repeat(16), "0".repeat(16)]);
    const helper = helperOf(leek);
    expect(rightsOf(helper)[0]![0]).toBe("0\t0\t0\t0");

    const ports = await converse();
    expect(await leek.stop()).toBe(0);
    expect(processOf(leek, ports.out)).toMatchObject({ confidence: "exact", pid: near.pid });
    await isGone(helper);
  });

  it("are left as they are when nobody else is known", async () => {
    const env = { SUDO_UID: undefined, SUDO_GID: undefined, SUDO_USER: undefined };
    const leek = await lab.leek(["capture", "-q", ...ON_WIRE], { env });
    expect(rightsOf(leek.pid)[0]![0]).toBe("0\t0\t0\t0");
    await leek.stop();
  });

  it("die with it: a kill leaves no helper behind", async () => {
    const leek = await lab.leek(["capture", "-q", ...ON_WIRE]);
    const helper = helperOf(leek);
    await leek.stop("SIGKILL");
    await isGone(helper);
  });
});
