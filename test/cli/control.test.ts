import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildPcap } from "../support/capture-builder.js";
import { LEEK } from "../support/leek.js";
import { ethernet, ipv4, tcp } from "../support/packet-builder.js";
import { expectNoClientLeft, fakeTor } from "../tor-control/fake-tor.js";

const FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567";
const CONNECTED = `250-orconn-status=$${FINGERPRINT}~mybridge CONNECTED\r\n250 OK\r\n`;
const BRIDGE = `250-UseBridges=1\r\n250 Bridge=203.0.113.77:8443 ${FINGERPRINT}\r\n`;

let folder: string;
let capture: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-control-"));
  capture = join(folder, "now.pcap");
  // What tor says now is said of connections of now.
  const seconds = Math.floor(Date.now() / 1000) - 60;
  const syn = (dst: string, dstPort: number) => ({
    seconds,
    bytes: ethernet({}, ipv4({ src: "192.168.1.2", dst }, tcp({ srcPort: 40_000, dstPort, flags: 2 }))),
  });
  writeFileSync(capture, buildPcap({}, [syn("203.0.113.77", 8443), syn("203.0.113.78", 443)]));
});
afterEach(expectNoClientLeft);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without blocking the control port in this process. */
async function analyze(args: readonly string[]) {
  const words = [LEEK, "analyze", capture, "--json", "--no-local-consensus", ...args];
  const child = spawn(process.execPath, words, { env: { ...process.env, LEEK_DATA_DIR: "/nonexistent" } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const [status] = await once(child, "close");
  const classes = () =>
    JSON.parse(stdout).flows.map((flow: { class: string; evidence: { kind: string }[] }) => [
      flow.class,
      flow.evidence[0]!.kind,
    ]);
  return { status, stdout, stderr, classes };
}

describe("--control", () => {
  it("asks the local tor: flows that are its OR connections are tor, by its own word", async () => {
    const tor = await fakeTor({ "GETINFO orconn-status": CONNECTED, "GETINFO ns/id/": "552 no\r\n", GETCONF: BRIDGE });
    const { status, stderr, stdout, classes } = await analyze(["--control", `127.0.0.1:${tor.where.port}`]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(classes().sort()).toEqual([
      ["clearnet", "no-document"],
      ["tor", "tor-control"],
    ]);
    expect(stdout).toContain(`"fingerprint":"${FINGERPRINT}","nickname":"mybridge"`);
    // Questions only.
    expect(
      tor.commands.filter((command) => !/^(PROTOCOLINFO|AUTHENTICATE|GETINFO|GETCONF|QUIT)/.test(command)),
    ).toEqual([]);
  });

  it("knows tor's bridges also while it has no connection to them", async () => {
    const none = "250-orconn-status=\r\n250 OK\r\n";
    const tor = await fakeTor({ "GETINFO orconn-status": none, GETCONF: BRIDGE });
    const { classes } = await analyze(["--control", `127.0.0.1:${tor.where.port}`]);
    expect(classes().sort()).toEqual([
      ["clearnet", "no-document"],
      ["tor", "bridge"],
    ]);
  });

  it("does not ask when it is not told to, and says what is wrong with a port that was named", async () => {
    const tor = await fakeTor({});
    expect((await analyze([])).classes()).toEqual([
      ["clearnet", "no-document"],
      ["clearnet", "no-document"],
    ]);
    expect(tor.commands).toEqual([]);
    const { status, stderr } = await analyze(["--control", join(folder, "nowhere")]);
    expect([status, stderr]).toEqual([69, expect.stringContaining("control port")]);
  });
});
