import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FIXTURES, LEEK, run } from "../support/leek.js";

const scratch = mkdtempSync(join(tmpdir(), "leek-silence-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const CONSENSUS = ["--consensus", join(FIXTURES, "consensus")];
const capture = join(FIXTURES, "tor-and-dns-leak.pcap");

describe("leek never uses the network", () => {
  it.each([
    [["analyze", capture, ...CONSENSUS]],
    [["analyze", "--json", capture]],
    [["print", capture, ...CONSENSUS]],
    [["print", capture, ...CONSENSUS, "-f", "host 203.0.113.53 and not ip6"]],
    [["relays", "lookup", "198.51.100.1", ...CONSENSUS]],
  ])("%j opens no socket", (args) => {
    const trace = join(scratch, "trace");
    const options = ["-f", "-qq", "-o", trace, "-e", "trace=socket,connect,sendto,sendmsg,sendmmsg,bind"];
    run("strace", [...options, process.execPath, LEEK, ...args]);
    const calls = readFileSync(trace, "utf8");
    expect(calls).not.toMatch(/AF_INET|AF_PACKET|AF_NETLINK|AF_UNIX/);
  });

  it("would be caught if it did", () => {
    const trace = join(scratch, "trace");
    const code = 'require("node:net").connect(9, "127.0.0.1").on("error", () => {})';
    run("strace", ["-f", "-qq", "-o", trace, "-e", "trace=socket,connect", process.execPath, "-e", code]);
    expect(readFileSync(trace, "utf8")).toMatch(/AF_INET/);
  });
});
