import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { FIXTURES, leek, run, startLeek } from "../support/leek.js";

const CONSENSUS = ["--consensus", join(FIXTURES, "consensus")];
const scratch = mkdtempSync(join(tmpdir(), "leek-analyze-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Endpoint {
  readonly address: string;
  readonly port: number | null;
}
interface FlowJson {
  readonly transport: string;
  readonly originator: Endpoint;
  readonly responder: Endpoint;
  readonly class: string;
  readonly evidence: readonly { readonly kind: string; readonly nickname?: string; readonly fingerprint?: string }[];
  readonly packets: { readonly originator: number; readonly responder: number };
  readonly bytes: { readonly originator: number; readonly responder: number };
  readonly names: readonly string[];
}
interface AnalysisJson {
  readonly schema: string;
  readonly capture: {
    readonly sources: readonly {
      readonly truncated: boolean;
      readonly packets: number;
      readonly linkTypes: string[];
    }[];
    readonly packets: number;
    readonly bytes: number;
    readonly first: string;
    readonly last: string;
  };
  readonly directory: { readonly coverage: string; readonly documents: readonly object[] };
  readonly classes: Readonly<
    Record<string, { readonly packets: number; readonly bytes: number; readonly flows: number }>
  >;
  readonly flows: readonly FlowJson[];
}
interface Truth {
  readonly capture: string;
  readonly packets: number;
  readonly bytes: number;
  readonly linkType: string;
  readonly flows: readonly {
    readonly transport: string;
    readonly originator: Endpoint;
    readonly responder: Endpoint;
    readonly class: string;
    readonly why: string;
    readonly fingerprint?: string;
    readonly names?: readonly string[];
  }[];
  readonly nonIp?: Readonly<Record<string, number>>;
}

function analyze(args: readonly string[], input?: Uint8Array): AnalysisJson {
  const { status, stdout, stderr } = leek(["analyze", "--json", ...args], input);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

/** The two ends without direction: mid-stream captures do not tell who opened a flow. */
function flowKey(flow: { transport: string; originator: Endpoint; responder: Endpoint }): string {
  const ends = [flow.originator, flow.responder].map(({ address, port }) => `${address} ${port ?? "-"}`);
  return `${flow.transport} ${ends.sort().join(" ")}`;
}

const truths = readdirSync(FIXTURES)
  .filter((name) => name.endsWith(".truth.json"))
  .map((name): Truth => JSON.parse(readFileSync(join(FIXTURES, name), "utf8")));

describe("leek analyze --json against the ground truth of each fixture", () => {
  it("has fixtures to look at", () => {
    expect(truths.length).toBeGreaterThan(10);
  });

  it.each(truths.map((truth) => [truth.capture, truth] as const))("%s", (name, truth) => {
    const bridge = truth.flows.find(({ why }) => why.startsWith("bridge "));
    const bridgeOption =
      bridge === undefined
        ? []
        : ["--bridge", `${bridge.responder.address}:${bridge.responder.port} ${bridge.fingerprint}`];
    const result = analyze([join(FIXTURES, name), ...CONSENSUS, ...bridgeOption]);
    expect([result.capture.packets, result.capture.bytes]).toEqual([truth.packets, truth.bytes]);
    expect(result.capture.sources[0]?.linkTypes).toEqual([truth.linkType]);
    expect(result.directory.coverage).toBe("full");

    const seen = result.flows.map((flow) => `${flowKey(flow)} ${flow.class}`);
    const known = truth.flows.map((flow) => `${flowKey(flow)} ${flow.class}`);
    expect([...new Set(seen)].sort()).toEqual([...new Set(known)].sort());

    for (const flow of truth.flows.filter(({ fingerprint }) => fingerprint !== undefined)) {
      const found = result.flows.find((candidate) => flowKey(candidate) === flowKey(flow));
      expect(found?.evidence[0]?.fingerprint).toBe(flow.fingerprint);
    }
    // Elsewhere the truth's names are what was asked of a resolver, a proxy or a web server.
    const named = truth.flows.filter(({ names, responder }) => names !== undefined && responder.port === 443);
    for (const flow of named) {
      const found = result.flows.find((candidate) => flowKey(candidate) === flowKey(flow));
      expect(found?.names).toEqual(expect.arrayContaining([...flow.names!]));
    }
    const sum = (part: "packets" | "bytes") =>
      Object.values(result.classes).reduce((total, counts) => total + counts[part], 0);
    expect([sum("packets"), sum("bytes")]).toEqual([truth.packets, truth.bytes]);
  });
});

describe("leek analyze against tshark", () => {
  it.each(["tor-and-https-leak.pcap", "any-interface.pcap", "ipv6-guard.pcap"])(
    "counts the packets and bytes of each TCP conversation of %s alike",
    (name) => {
      const result = analyze([join(FIXTURES, name), ...CONSENSUS]);
      const fields = ["ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "frame.len"];
      const { stdout } = run("tshark", [
        ...["-r", join(FIXTURES, name), "-Y", "tcp && !icmp && !icmpv6", "-T", "fields"],
        ...fields.flatMap((field) => ["-e", field]),
      ]);
      const expected = new Map<string, number[]>();
      for (const line of stdout.split("\n").filter((text) => text !== "")) {
        const [src4, src6, srcPort, dst4, dst6, dstPort, length] = line.split("\t");
        const originator = { address: src4 || src6!, port: Number(srcPort) };
        const responder = { address: dst4 || dst6!, port: Number(dstPort) };
        const key = flowKey({ transport: "tcp", originator, responder });
        const counts = expected.get(key) ?? [0, 0];
        expected.set(key, [counts[0]! + 1, counts[1]! + Number(length)]);
      }
      const found = new Map<string, number[]>();
      for (const flow of result.flows.filter(({ transport }) => transport === "tcp")) {
        const counts = found.get(flowKey(flow)) ?? [0, 0];
        counts[0]! += flow.packets.originator + flow.packets.responder;
        counts[1]! += flow.bytes.originator + flow.bytes.responder;
        found.set(flowKey(flow), counts);
      }
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    },
  );
});

describe("leek analyze", () => {
  const capture = join(FIXTURES, "tor-and-https-leak.pcap");
  const bytes = readFileSync(capture);

  it("gives the same from a file, a pipe, gzip and zstd", () => {
    const { capture: fromFile, flows } = analyze([capture, ...CONSENSUS]);
    const zipped = join(scratch, "a.pcap.gz");
    writeFileSync(zipped, gzipSync(bytes));
    const zstd = join(scratch, "a.pcap.zst");
    run("zstd", ["-q", "-f", capture, "-o", zstd]);
    for (const other of [
      analyze(["-", ...CONSENSUS], bytes),
      analyze([zipped, ...CONSENSUS]),
      analyze([zstd, ...CONSENSUS]),
    ]) {
      expect(other.flows).toEqual(flows);
      expect(other.capture.packets).toBe(fromFile.packets);
    }
  });

  it("merges several captures by time", () => {
    const one = analyze([capture, ...CONSENSUS]);
    const course = analyze([join(FIXTURES, "course.pcap"), ...CONSENSUS]);
    const both = analyze([capture, join(FIXTURES, "course.pcap"), ...CONSENSUS]);
    expect(both.capture.packets).toBe(one.capture.packets + course.capture.packets);
    expect(both.capture.sources).toHaveLength(2);
    expect(both.flows).toHaveLength(one.flows.length + course.flows.length);
  });

  it("analyses a cut capture up to the cut, and says where it is", () => {
    const { status, stdout } = leek(["analyze", join(FIXTURES, "truncated.pcap"), ...CONSENSUS]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/truncated\.pcap is damaged at record \d+, byte \d+/);
  });

  it("says that nothing covers the capture when there is no consensus, and calls nothing tor by it", () => {
    const { stdout } = leek(["analyze", "--json", "--no-local-consensus", capture]);
    const result: AnalysisJson = JSON.parse(stdout);
    expect(result.directory).toMatchObject({ coverage: "none", documents: [] });
    expect(result.classes.tor?.packets).toBe(0);
    expect(leek(["analyze", "--no-local-consensus", capture]).stdout).toContain("No Tor consensus was given");
  });

  it("shows clearnet beside Tor with names, relays, and a packet of each", () => {
    const { stdout, status } = leek(["analyze", join(FIXTURES, "course.pcap"), ...CONSENSUS]);
    expect(status).toBe(0);
    expect(stdout).toContain("lb-140-82-114-25-iad.github.com");
    expect(stdout).toContain("192.168.50.2.36300 > 140.82.114.25.443: Flags [P.], seq 1:30, ack 25, win 501");
    expect(stdout).toMatch(/seq 264139:265189, ack 3519373, win 3410, .*length 1050/);
    expect(stdout).toContain("Somebody on the path learns that 192.168.50.2 uses Tor");
  });

  it("prints flows as CSV with a header line", () => {
    const { stdout } = leek(["analyze", "--csv", "flows", capture, ...CONSENSUS]);
    const lines = stdout.trimEnd().split("\r\n");
    expect(lines[0]).toMatch(/^first,last,transport,originator_address,/);
    expect(lines).toHaveLength(analyze([capture, ...CONSENSUS]).flows.length + 1);
    for (const line of lines) expect(line.split(",")).toHaveLength(27);
  });

  it("takes only packets that the filter lets pass", () => {
    const filtered = analyze([capture, "-f", "tcp port 443", ...CONSENSUS]);
    const { stdout } = run("tcpdump", ["-n", "-r", capture, "tcp", "port", "443"]);
    expect(filtered.capture.packets).toBe(stdout.trimEnd().split("\n").length);
    expect(analyze(["-r", capture, ...CONSENSUS, "tcp", "port", "443"]).flows).toEqual(filtered.flows);
  });

  it("stops after -c packets", () => {
    expect(analyze([capture, "-c", "7", ...CONSENSUS]).capture.packets).toBe(7);
  });

  it("reports what it saw when Ctrl-C ends a live pipe", async () => {
    const child = startLeek(["analyze", "--json", "-", ...CONSENSUS]);
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stdin.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill("SIGINT");
    const status = await new Promise((resolve) => child.on("exit", resolve));
    expect(status).toBe(0);
    expect(JSON.parse(output).capture.packets).toBe(analyze([capture, ...CONSENSUS]).capture.packets);
  });
});

describe("errors of leek", () => {
  it.each([
    [["analyze"], 64, "no capture was named"],
    [["frobnicate"], 64, "unknown command"],
    [["analyze", "--frobnicate"], 64, "unknown option"],
    [["analyze", "-c", "0", "x"], 64, "whole number"],
    [["analyze", "does-not-exist.pcap"], 66, "no such file"],
    [["analyze", join(FIXTURES, "README.md")], 65, "no pcap or pcapng"],
    [["analyze", FIXTURES], 66, "directory"],
    [["analyze", join(FIXTURES, "course.pcap"), "--consensus", "does-not-exist"], 66, "no such file"],
    [["analyze", join(FIXTURES, "course.pcap"), "--consensus", join(FIXTURES, "README.md")], 65, "consensus"],
    [["analyze", join(FIXTURES, "course.pcap"), "--bridge", "nonsense"], 64, "bridge"],
    [["analyze", join(FIXTURES, "course.pcap"), ...CONSENSUS, "-f", "tcp and and"], 64, "syntax error"],
    [["analyze", join(FIXTURES, "course.pcap"), ...CONSENSUS, "-f", "host example.com"], 64, "example.com"],
    [["relays", "lookup", "example.com"], 64, "ADDR"],
    [["relays", "lookup", "192.0.2.1", "--at", "yesterday"], 64, "time"],
  ] as const)("%j ends with %d and says %j", (args, status, text) => {
    const outcome = leek([...args]);
    expect([outcome.status, outcome.stdout]).toEqual([status, ""]);
    expect(outcome.stderr.toLowerCase()).toContain(text.toLowerCase());
    expect(outcome.stderr).not.toContain("    at ");
  });

  it("names an empty capture", () => {
    const empty = join(scratch, "empty.pcap");
    writeFileSync(empty, "");
    expect(leek(["analyze", empty])).toMatchObject({ status: 65 });
  });
});

describe("leek --help and --version", () => {
  it("show how to use it, and the version", () => {
    const help = leek(["--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("Examples:");
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(leek(["--version"])).toMatchObject({ status: 0, stdout: `${version}\n` });
    expect(leek(["-V"])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  it("end without a word when their reader goes", async () => {
    const help = startLeek(["analyze", "--help"]);
    help.stdout.destroy();
    const said: Buffer[] = [];
    help.stderr.on("data", (bytes: Buffer) => said.push(bytes));
    const [status] = await once(help, "close");
    expect([status, Buffer.concat(said).toString()]).toEqual([141, ""]);
  });
});
