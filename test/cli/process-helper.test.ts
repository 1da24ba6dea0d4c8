import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { MAX_QUERIES } from "../../src/cli/processes/process-messages.js";
import { Namespace } from "../host/namespace.js";
import { bundleScript } from "../support/bundle.js";
import { until } from "../support/wire-lab.js";

/** An address that the namespace has, and this one does not. */
const INSIDE = "10.78.0.1";
const WAIT_MS = 10_000;
const QUESTIONS = 20;

const folder = mkdtempSync(join(tmpdir(), "leek-helper-"));
const helper = join(folder, "process-helper.mjs");
beforeAll(() => bundleScript('import "./src/cli/processes/process-helper.js";', helper));
afterAll(() => rmSync(folder, { recursive: true }));

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Starts a program that starts the helper, and prints `pid NUMBER` of it when it is ready. */
async function startParent(command: string): Promise<{
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  readonly pid: number;
}> {
  const program = `const child = require("node:child_process").fork(process.argv[1]);
    child.once("message", () => {
      child.send(Array(100).fill({ transport: "tcp", local: { address: "1.1.1.1", port: 1 }, remote: { address: "1.1.1.2", port: 1 } }));
      console.log("pid " + child.pid);
    });`;
  const child = spawn("bash", ["-c", `${command} exec "$@"`, "bash", process.execPath, "-e", program, helper]);
  started.push(child);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    said.stdout += text;
  });
  child.stderr.on("data", (text) => {
    said.stderr += text;
  });
  await until(
    () => /pid \d+\n/.test(said.stdout),
    WAIT_MS,
    () => said.stdout + said.stderr,
  );
  return { child, said, pid: Number(/pid (\d+)/.exec(said.stdout)?.[1]) };
}

/** What a process has open. It opens and closes files meanwhile: those that are gone by now do not count. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}

describe("the helper for processes", () => {
  it("keeps no socket of leek's: libpcap's are inherited", async () => {
    // bash opens a socket in the same way. Connecting over UDP sends nothing. Node closes the first descriptors only.
    const { child, pid } = await startParent("exec 60<>/dev/udp/127.0.0.1/9;");
    const opened = readlinkSync(`/proc/${child.pid}/fd/60`);
    expect(opened).toMatch(/^socket:/);
    const kept = openFiles(pid);
    expect(kept.length).toBeGreaterThan(2);
    expect(kept).not.toContain(opened);
  });

  it("ends without a word when leek is killed", async () => {
    const { child, said } = await startParent("");
    // The helper has the same standard error, which ends with the last of them.
    const closed = new Promise((resolve) => child.stderr!.once("close", resolve));
    child.kill("SIGKILL");
    await closed;
    expect(said.stderr).toBe("");
  });

  it("needs little memory, however many flows it is asked about", async () => {
    const namespace = new Namespace();
    try {
      namespace.ip("address", "add", `${INSIDE}/32`, "dev", "lo");
      const program = await namespace.program();
      const port = await program.do("listen", INSIDE);
      const from = await program.do("connect", INSIDE, port);
      const query = { transport: "tcp", local: { address: INSIDE, port: from }, remote: { address: INSIDE, port } };
      const flags = ["--max-old-space-size=64", "--max-semi-space-size=1"];
      const child = fork(helper, { execArgv: flags, stdio: ["ignore", "ignore", "inherit", "ipc"] });
      started.push(child);
      const answer = () => new Promise<{ matches: object[] }>((resolve) => child.once("message", resolve as never));
      await answer();
      for (let i = 0; i < QUESTIONS; i++) {
        child.send(Array(MAX_QUERIES).fill(query));
        const { matches } = await answer();
        expect(matches[MAX_QUERIES - 1]).toMatchObject({ confidence: "exact", process: { pid: program.pid } });
      }
      // Without the pages of node's own file, which leek's process shares.
      const own = /^Pss_Anon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/smaps_rollup`, "utf8"))?.[1];
      expect(Number(own)).toBeGreaterThan(1_000);
      expect(Number(own)).toBeLessThan(25_000);
    } finally {
      await namespace.close();
    }
  });
});
