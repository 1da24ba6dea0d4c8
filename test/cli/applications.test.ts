import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURES, leek } from "../support/leek.js";

interface FlowJson {
  readonly flow: number;
  readonly transport: string;
  readonly originator: { readonly address: string; readonly port: number };
  readonly responder: { readonly address: string; readonly port: number };
  readonly class: string;
  readonly evidence: readonly { readonly kind: string; readonly [key: string]: unknown }[];
  readonly names: readonly string[];
  readonly application?: { readonly protocol: string; readonly by: string; readonly details: Record<string, unknown> };
  readonly disclosed?: readonly { readonly kind: string; readonly value: string; readonly packet: number }[];
  readonly carriedBy?: {
    readonly responder: { readonly address: string; readonly port: number };
    readonly packet: number;
  };
  readonly carries?: { readonly targets: readonly string[]; readonly requests: number };
}

function analyze(capture: string, ...options: string[]) {
  const consensus = ["--consensus", join(FIXTURES, "consensus")];
  const { status, stdout, stderr } = leek(["analyze", "--json", join(FIXTURES, capture), ...consensus, ...options]);
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as {
    readonly flows: readonly FlowJson[];
    readonly classes: Record<
      string,
      { applications: Record<string, number>; disclosed: { kind: string; values: string[] }[] }
    >;
  };
}

const speaks = (flows: readonly FlowJson[], protocol: string) =>
  flows.filter(({ application }) => application?.protocol === protocol);
const values = (flows: readonly FlowJson[], kind: string) =>
  new Set(flows.flatMap(({ disclosed = [] }) => disclosed.filter((it) => it.kind === kind).map(({ value }) => value)));

describe("what clearnet gives away", () => {
  it("is the names that are looked up, those of onion services too", () => {
    const { flows, classes } = analyze("tor-and-dns-leak.pcap");
    const dns = speaks(flows, "dns");
    expect(dns.length).toBeGreaterThan(3);
    expect(dns.every(({ class: name, application }) => name === "clearnet" && application?.by === "content")).toBe(
      true,
    );
    expect(new Set(dns.map(({ transport }) => transport))).toEqual(new Set(["udp", "tcp"]));
    expect([...values(flows, "onion-name")].some((name) => name.endsWith(".onion"))).toBe(true);
    expect(classes.clearnet!.applications.dns).toBe(dns.length);
    expect(classes.clearnet!.disclosed.map(({ kind }) => kind)).toContain("dns-question");
  });

  it("is the server's name in TLS", () => {
    const { flows } = analyze("tor-and-https-leak.pcap");
    const tls = speaks(flows, "tls").filter(({ class: name }) => name === "clearnet");
    expect(tls.length).toBeGreaterThan(0);
    for (const { names, disclosed = [], application } of tls) {
      expect(names[0]).toMatch(/\.[a-z]+$/);
      expect(disclosed.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["server-name", "tls-fingerprint"]));
      expect(application!.details.ja4).toMatch(/^t1[23]d\d{4}/);
    }
  });

  it("is host, page and program of plain HTTP", () => {
    const { flows } = analyze("tor-and-http-leak.pcap");
    const http = speaks(flows, "http").filter(({ class: name }) => name === "clearnet");
    expect(http.length).toBeGreaterThan(1);
    expect(values(http, "http-host").size).toBeGreaterThan(0);
    expect(values(http, "user-agent").size).toBeGreaterThan(0);
  });

  it("is all that a Bitcoin node says of itself", () => {
    const { flows } = analyze("tor-and-bitcoin-leak.pcap");
    const bitcoin = speaks(flows, "bitcoin");
    expect(bitcoin).toHaveLength(2);
    for (const { class: name, disclosed = [] } of bitcoin) {
      expect(name).toBe("clearnet");
      expect(disclosed.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(["bitcoin-chain", "user-agent", "bitcoin-services", "bitcoin-height"]),
      );
    }
  });

  it("is echo requests and the clock", () => {
    const { classes } = analyze("tor-and-ping-ntp-leak.pcap");
    expect(classes.clearnet!.applications).toMatchObject({ icmp: expect.any(Number), ntp: expect.any(Number) });
  });
});

describe("Tor without a list", () => {
  it("is suspected at the link to a bridge, and never at anything that is clearnet", () => {
    const { flows } = analyze("bridge.pcap");
    const suspected = flows.filter(({ class: name }) => name === "tor-suspected");
    expect(suspected.length).toBeGreaterThan(0);
    for (const { evidence } of suspected) {
      expect(evidence[0]).toMatchObject({ kind: "cell-shape" });
      expect(evidence[1]).toMatchObject({ kind: "not-listed" });
    }
    const captures = ["https", "http", "dns", "bitcoin", "ping-ntp"].map((name) => `tor-and-${name}-leak.pcap`);
    for (const capture of captures) {
      expect(
        analyze(capture).flows.filter(({ class: name }) => name === "tor-suspected"),
        capture,
      ).toEqual([]);
    }
  });

  it("is not suspected where the bridge was named", () => {
    const [link] = analyze("bridge.pcap").flows.filter(({ class: name }) => name === "tor-suspected");
    const { address, port } = link!.responder;
    const { flows } = analyze("bridge.pcap", "--bridge", `${address}:${port}`);
    expect(flows.filter(({ class: name }) => name === "tor-suspected")).toEqual([]);
    expect(flows.find(({ flow }) => flow === link!.flow)!.class).toBe("tor");
  });
});

describe("requests to the local proxy", () => {
  it("show what a program asked Tor for", () => {
    const { flows } = analyze("loopback-socks.pcap");
    const socks = [...speaks(flows, "socks5"), ...speaks(flows, "socks4")];
    expect(socks.every(({ class: name }) => name === "local")).toBe(true);
    const kinds = new Set(socks.map(({ application }) => application!.details.targetKind));
    expect(kinds).toEqual(new Set(["host-name", "onion-name", "ipv4"]));
  });

  it("are joined to tor's link where the capture shows both", () => {
    const { flows } = analyze("any-interface.pcap");
    const joined = flows.filter(({ carriedBy }) => carriedBy !== undefined);
    expect(joined.length).toBeGreaterThan(0);
    for (const { carriedBy } of joined) {
      const { address, port } = carriedBy!.responder;
      const link = flows.find(({ responder }) => responder.address === address && responder.port === port)!;
      expect(link.class).toBe("tor");
      expect(link.carries!.requests).toBeGreaterThan(0);
    }
  });
});

describe("--headers-only", () => {
  it("reads no payload", () => {
    const { flows, classes } = analyze("tor-and-https-leak.pcap", "--headers-only");
    expect(flows.filter(({ names, application }) => names.length > 0 || application !== undefined)).toEqual([]);
    expect(Object.keys(classes.clearnet!.applications)).toEqual(["unknown"]);
  });
});

describe("leek explain", () => {
  const consensus = ["--consensus", join(FIXTURES, "consensus")];
  const explain = (capture: string, ...options: string[]) =>
    leek(["explain", join(FIXTURES, capture), ...consensus, ...options]);

  it("tells of a Tor link which document lists it", () => {
    const { status, stdout } = explain("only-tor.pcap", "--flow", "1");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Packet \d+: .* > .*: Flags \[S\]/);
    expect(stdout).toContain("It is Tor");
    expect(stdout).toMatch(/The consensus of .* UTC \(microdesc\) lists this address and port of guard/);
    expect(stdout).not.toContain("undefined");
  });

  it("tells of a leak what is disclosed, and by which packet, by flow and by packet alike", () => {
    const leak = analyze("tor-and-https-leak.pcap").flows.find(
      ({ class: name, application }) => name === "clearnet" && application?.protocol === "tls",
    )!;
    const proof = leak.disclosed!.find(({ kind }) => kind === "server-name")!;
    const byFlow = explain("tor-and-https-leak.pcap", "--flow", String(leak.flow)).stdout;
    expect(byFlow).toContain("It is clearnet");
    expect(byFlow).toContain(`the name of the server: ${proof.value} (packet ${proof.packet})`);
    const byPacket = explain("tor-and-https-leak.pcap", "--packet", String(proof.packet)).stdout;
    expect(byPacket).toMatch(new RegExp(`^Packet ${proof.packet}: `));
    expect(byPacket.slice(byPacket.indexOf("Flow "))).toBe(byFlow.slice(byFlow.indexOf("Flow ")));
    const json = JSON.parse(explain("tor-and-https-leak.pcap", "--flow", String(leak.flow), "--json").stdout);
    expect(json).toEqual(leak);
  });

  it.each([
    [["--flow", "100000"], 65, /has no flow 100000\.\n.*analyze --json/s],
    [["--packet", "100000"], 65, /has no packet 100000\.\n.*print -#/s],
    [[], 64, /Name a flow with --flow, or a packet with --packet/],
    [["--flow", "1", "--packet", "1"], 64, /cannot be used with/],
    [["--flow", "0"], 64, /flow/],
  ])("%j ends with %i", (options, status, message) => {
    const outcome = explain("only-tor.pcap", ...options);
    expect(outcome.status).toBe(status);
    expect(outcome.stderr).toMatch(message);
  });

  it("needs a capture that is there", () => {
    expect(existsSync(join(FIXTURES, "no-such.pcap"))).toBe(false);
    expect(explain("no-such.pcap", "--flow", "1").status).toBe(66);
  });
});
