import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isExplained } from "../report/tcpdump/out-of-scope.js";
import { FIXTURES, leek, run, startLeek } from "../support/leek.js";

const CONSENSUS = ["--consensus", join(FIXTURES, "consensus")];
const captures = readdirSync(FIXTURES).filter((name) => /\.pcap(ng)?$/.test(name));

function tcpdump(args: readonly string[]): string {
  return run("tcpdump", ["-n", ...args]).stdout;
}

describe("leek print --plain", () => {
  it.each(captures)("prints what tcpdump -n -r prints for %s", (name) => {
    const { status, stdout } = leek(["print", "--plain", join(FIXTURES, name)]);
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    const expected = tcpdump(["-r", join(FIXTURES, name)]).split("\n");
    expect(lines).toHaveLength(expected.length);
    const differences = lines
      .map((line, i) => ({ leek: line, tcpdump: expected[i]! }))
      .filter((pair) => pair.leek !== pair.tcpdump && !isExplained(pair));
    expect(differences).toEqual([]);
  });

  it.each(["-t", "-tt", "-ttt", "-tttt", "-ttttt", "-e", "-q", "-#"])("agrees with tcpdump about %s", (option) => {
    const capture = join(FIXTURES, "course.pcap");
    expect(leek(["print", "--plain", option, capture]).stdout).toBe(tcpdump([option, "-r", capture]));
  });

  it("takes tcpdump's own words: -r FILE, -c, -n and a filter at the end", () => {
    const capture = join(FIXTURES, "tor-and-https-leak.pcap");
    const words = ["-n", "-r", capture, "-c", "5", "tcp", "port", "443"];
    const { stdout } = leek(["print", "--plain", ...words]);
    expect(stdout.split("\n")).toHaveLength(6);
    expect(stdout).toBe(tcpdump(["-r", capture, "-c", "5", "tcp", "port", "443"]));
  });
});

describe("leek print", () => {
  it("tags each line with its flow's class, and with the relay or the name", () => {
    const { stdout, stderr, status } = leek(["print", "-t", join(FIXTURES, "course.pcap"), ...CONSENSUS]);
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.every((line) => / \[(tor|clearnet|local|non-ip)( [^\]]+)?\]$/.test(line))).toBe(true);
    expect(lines.find((line) => line.includes("length 29"))).toMatch(
      / \[clearnet lb-140-82-114-25-iad\.github\.com\]$/,
    );
    expect(lines.find((line) => line.includes("length 1050"))).toMatch(/ \[tor guard9999\]$/);
  });

  it("keeps the text before the tag as it is without tags", () => {
    const capture = join(FIXTURES, "tor-and-dns-leak.pcap");
    const plain = leek(["print", "--plain", capture]).stdout;
    const tagged = leek(["print", capture, ...CONSENSUS]).stdout;
    expect(tagged.replace(/ \[[a-z-]+( [^\]\n]+)?\]$/gm, "")).toBe(plain);
  });

  it("prints packets of a pipe as they arrive", async () => {
    const bytes = readFileSync(join(FIXTURES, "course.pcap"));
    const child = startLeek(["print", "--plain", "-"]);
    const lines: string[] = [];
    child.stdout.on("data", (data: Buffer) => lines.push(...data.toString().trimEnd().split("\n")));
    const arrived = async (count: number) => {
      for (let tries = 0; lines.length < count && tries < 500; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return lines.length;
    };
    // The first record: 24 bytes of file header, 16 of record header, then its captured bytes.
    const firstEnd = 24 + 16 + bytes.readUInt32LE(24 + 8);
    child.stdin.write(bytes.subarray(0, firstEnd));
    expect(await arrived(1)).toBe(1);
    child.stdin.write(bytes.subarray(firstEnd, firstEnd + 10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines).toHaveLength(1);
    child.stdin.end(bytes.subarray(firstEnd + 10));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    expect(lines).toHaveLength(14);
  });

  it("prints what it can of a cut capture, and says where it is cut", () => {
    const { status, stdout, stderr } = leek(["print", "--plain", join(FIXTURES, "truncated.pcap")]);
    expect(status).toBe(0);
    expect(stdout.split("\n").length).toBeGreaterThan(10);
    expect(stderr).toMatch(/truncated\.pcap is damaged at record \d+, byte \d+/);
  });

  it("ends quietly when its reader has gone", async () => {
    const child = startLeek(["print", join(FIXTURES, "mid-stream.pcap"), ...CONSENSUS]);
    child.stdout.destroy();
    let errors = "";
    child.stderr.on("data", (data) => {
      errors += data;
    });
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(141);
    expect(errors).toBe("");
  });
});
