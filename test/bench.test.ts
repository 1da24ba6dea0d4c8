import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BenchData, generate } from "../bench/generate.mjs";

const PACKETS = 20_000;
const FLOWS = 150;

describe("the generated capture", () => {
  let directory: string;
  let made: BenchData;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "leek-test-"));
    made = generate({ packets: PACKETS, flows: FLOWS, directory });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("holds the packets and bytes that the generator says, in order of time, as capinfos counts them", () => {
    const lines = run("capinfos", ["-T", "-M", "-r", "-c", "-d", "-o", made.capture]).trim().split("\t");
    expect(lines.slice(1)).toEqual([String(PACKETS), String(made.facts.bytes), "True"]);
    expect(made.facts.packets).toBe(PACKETS);
    expect(statSync(made.capture).size).toBe(made.facts.fileBytes);
  });

  it("holds as many TCP and UDP conversations as were asked for, as tshark counts them", () => {
    const conversations = run("tshark", ["-r", made.capture, "-q", "-z", "conv,tcp", "-z", "conv,udp"]);
    expect(conversations.match(/<->/g)).toHaveLength(FLOWS);
  });

  it("has no wrong checksum", () => {
    const checks = ["ip", "tcp", "udp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
    const bad = ["ip", "tcp", "udp", "icmp", "icmpv6"].map((name) => `${name}.checksum.status == "Bad"`).join(" || ");
    expect(run("tshark", ["-r", made.capture, ...checks, "-Y", bad])).toBe("");
  });

  it("accounts for every packet and byte by class", () => {
    const classes = Object.values(made.facts.classes);
    const sum = (key: "packets" | "bytes" | "flows") => classes.reduce((total, counts) => total + counts[key], 0);
    expect([sum("packets"), sum("bytes"), sum("flows")]).toEqual([PACKETS, made.facts.bytes, FLOWS]);
  });

  it("is what leek analyze says of it, class by class", () => {
    const leek = join(import.meta.dirname, "..", "bin", "leek.js");
    const args = [leek, "analyze", "--json", made.capture, "--consensus", made.consensus];
    const analysis = JSON.parse(run(process.execPath, args));
    expect(analysis.directory.coverage).toBe("full");
    for (const [name, { packets, bytes }] of Object.entries(made.facts.classes)) {
      expect(analysis.classes[name], name).toMatchObject({ packets, bytes });
    }
    // Pings and neighbour discovery are flows to leek, the generator counts TCP and UDP.
    expect(analysis.classes.tor.flows).toBe(made.facts.classes.tor.flows);
    const transports = analysis.flows.map((flow: { transport: string }) => flow.transport);
    expect(transports.filter((transport: string) => transport === "tcp" || transport === "udp")).toHaveLength(FLOWS);
  });

  it("is the same, byte for byte, when made again", () => {
    const before = [made.capture, made.consensus].map(digest);
    generate({ packets: PACKETS, flows: FLOWS, directory, force: true });
    expect([made.capture, made.consensus].map(digest)).toEqual(before);
  });

  it("is kept when it is up to date", () => {
    const before = statSync(made.capture).mtimeMs;
    generate({ packets: PACKETS, flows: FLOWS, directory });
    expect(statSync(made.capture).mtimeMs).toBe(before);
  });
});

function run(program: string, args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 2 ** 26 });
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
