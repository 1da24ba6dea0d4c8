import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  AuditedNode,
  type AuditReport,
  DEFAULT_POLICY,
  LeakAudit,
  PacketWatch,
  parseCidr,
} from "../../src/audit/index.js";
import { type CapturedPacket, formatIsoTime } from "../../src/base/index.js";
import type { PacketSource } from "../../src/capture/index.js";
import { checkEvidence } from "../../src/cli/arguments/evidence-arguments.js";
import { verificationText } from "../../src/cli/commands/verify-evidence.js";
import { DirectorySources } from "../../src/cli/directory/directory-options.js";
import { verifyFolder } from "../../src/cli/evidence/evidence-verification.js";
import { type EvidenceOptions, EvidenceWriter } from "../../src/cli/evidence/evidence-writer.js";
import { readCaptures } from "../../src/cli/reading/read-capture.js";
import { DecodeStatus, decodePacket, PacketHeaders } from "../../src/decode/index.js";
import { formatAddress, parseEndpoint } from "../../src/net/index.js";
import { Analysis } from "../../src/pipeline/index.js";
import { readBytes } from "../capture/read-packets.js";
import { buildPcap } from "../support/capture-builder.js";
import { FIXTURES, PROJECT, run } from "../support/leek.js";
import {
  concat,
  ethernet,
  filler,
  ipv4,
  ipv4Bytes,
  ipv6Bytes,
  nullLink,
  TcpFlag,
  tcp,
} from "../support/packet-builder.js";
import { captured } from "../support/packets.js";

const CONSENSUS = join(FIXTURES, "consensus", "2026-11-23-00-49-36-consensus-microdesc");
const OTHER_FLAVOR = join(FIXTURES, "consensus", "2026-11-23-00-49-36-consensus");
const DIRECTORY = {
  consensus: [CONSENSUS],
  authoritiesFrom: [join(FIXTURES, "torrc-authorities")],
  localConsensus: false,
} as const;
/** As the report names what is disclosed. */
const DISCLOSURE_KINDS = ["tls-fingerprint", "certificate-name"];
const LEAKS = [
  "tor-and-dns-leak",
  "tor-and-https-leak",
  "tor-and-http-leak",
  "tor-and-bitcoin-leak",
  "tor-and-ping-ntp-leak",
  "relay-other-port",
  "any-interface",
  "mid-stream",
  "snaplen-96",
];

let folder: string;
let evidence: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "leek-evidence-"));
  evidence = join(folder, "evidence");
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Kept {
  readonly report: AuditReport;
  readonly manifest: ReturnType<typeof JSON.parse>;
  readonly findings: ReturnType<typeof JSON.parse>;
}

/** An audit as `leek audit` makes it, with its evidence. */
async function keep(paths: readonly string[], more: Partial<EvidenceOptions> = {}): Promise<Kept> {
  const options: EvidenceOptions = { ...DIRECTORY, evidence, filter: undefined, count: undefined, ...more };
  const writer = (await EvidenceWriter.start(paths, options))!;
  const node = new AuditedNode(options.node?.map((text) => parseCidr(text)!));
  let analysis: Analysis;
  let watch: PacketWatch;
  const audit = new LeakAudit(
    {
      policy: DEFAULT_POLICY,
      node,
      expectBootstrap: options.expectBootstrap === true,
      trustUnverified: true,
      loss: { stated: 0 },
      canaries: [],
      isFiltered: false,
      onFinding: writer.onFinding,
    },
    () => watch,
  );
  let taken = 0;
  const source = await readCaptures(paths, {
    async start(_opened: PacketSource, from: number | undefined) {
      const directory = await new DirectorySources(options).load(from);
      analysis = new Analysis({ directory, onFlow: (record) => audit.flow(record) });
      watch = new PacketWatch(analysis, node);
    },
    packet(packet: CapturedPacket) {
      watch.packet(packet, analysis.observe(packet));
      return ++taken !== options.count;
    },
    batch() {},
  });
  const report = audit.finish(analysis!.finish(source.infos));
  await writer.write(report, undefined);
  return { report, manifest: json("manifest.json"), findings: json("findings.json") };
}

function json(name: string): ReturnType<typeof JSON.parse> {
  return JSON.parse(readFileSync(join(evidence, name), "utf8"));
}

const fixture = (name: string) => join(FIXTURES, `${name}.pcap`);
const verify = (more: object = {}) => verifyFolder(evidence, { ...DIRECTORY, ...more });

describe("evidence", () => {
  it.each(LEAKS)("of %s is verified from its own packets", async (name) => {
    const { report } = await keep([fixture(name)]);
    expect(report.findings.length).toBeGreaterThan(0);
    const { findings, ...verification } = await verify();
    expect(verification).toMatchObject({ state: "verified", differences: [], unknown: [] });
    expect(findings!.length).toBe(report.findings.filter(({ severity }) => severity !== "note").length);
  });

  it.each(LEAKS)("of %s is verified when redacted", async (name) => {
    await keep([fixture(name)], { redact: true });
    expect(await verify()).toMatchObject({ state: "verified", differences: [], unknown: [] });
  });

  it("has all packets of the offending flows and no others, each as it was, with its number", async () => {
    const { report, manifest } = await keep([fixture("tor-and-http-leak")]);
    const { packets: all } = await readBytes(readFileSync(fixture("tor-and-http-leak")));
    const { packets: kept } = await readBytes(readFileSync(join(evidence, "packets.pcapng")));
    const leaks = report.findings.filter(({ severity }) => severity !== "note");
    const numbers = manifest.packets.flatMap(([, captured, count]: number[]) =>
      Array.from({ length: count! }, (_, i) => captured! + i),
    );
    expect(kept.length).toBe(numbers.length);
    for (const [i, packet] of kept.entries()) expect({ ...packet, number: numbers[i] }).toEqual(all[numbers[i]! - 1]);
    for (const { proof } of leaks) for (const number of proof) expect(numbers).toContain(number);
    expect(kept.length).toBeLessThan(all.length);
  });

  it("is read by tshark, with the comments that name the findings", async () => {
    await keep([fixture("tor-and-dns-leak")]);
    const { stdout } = run("tshark", ["-r", join(evidence, "packets.pcapng"), "-T", "fields", "-e", "frame.comment"]);
    expect(stdout).toContain("leek: finding dns, leak: Names are looked up outside of Tor.");
  });

  it("of a capture without leaks has no packets, and proves nothing", async () => {
    const { manifest } = await keep([fixture("only-tor")]);
    expect(manifest).toMatchObject({ findings: [], packets: [], files: { "packets.pcapng": { packets: 0 } } });
    expect(await verify()).toMatchObject({ state: "cannot-tell", findings: [] });
  });

  it("of several captures is that of all of them", async () => {
    await keep([fixture("tor-and-dns-leak"), fixture("tor-and-http-leak")]);
    expect(await verify()).toMatchObject({ state: "verified" });
  });

  it("of a named node judges by that node again", async () => {
    const { report } = await keep([fixture("tor-and-http-leak")]);
    const [first] = report.findings[0]!.flows;
    rmSync(evidence, { recursive: true });
    const { manifest } = await keep([fixture("tor-and-http-leak")], { node: [first!.originator.address] });
    expect(manifest.options.nodes).toEqual([first!.originator.address]);
    expect(await verify()).toMatchObject({ state: "verified" });
    rmSync(evidence, { recursive: true });
    const redacted = await keep([fixture("tor-and-http-leak")], {
      node: [first!.originator.address],
      redact: true,
    });
    expect(redacted.manifest.options.nodes).not.toContain(first!.originator.address);
    expect(await verify()).toMatchObject({ state: "verified" });
  });

  it("of what came before Tor was up is verified though Tor's links are not in it", async () => {
    const capture = join(folder, "no-tor.pcap");
    writeFileSync(capture, longDownload());
    const { findings } = await keep([capture], { expectBootstrap: true });
    expect(findings.findings.map(({ rule }: { readonly rule: string }) => rule)).toEqual(["start-up"]);
    expect(await verify()).toMatchObject({ state: "verified" });
  });

  it.each([false, true])("fits its schema (redacted: %s)", async (redact) => {
    const { manifest } = await keep([fixture("tor-and-dns-leak")], { redact });
    const schema = JSON.parse(readFileSync(join(PROJECT, "docs", "schemas", "evidence.json"), "utf8"));
    const validate = new Ajv2020({ strictTypes: false }).compile(schema);
    expect(validate(manifest), JSON.stringify(validate.errors)).toBe(true);
  });
});

describe("the folder of evidence", () => {
  it("must be new or empty", async () => {
    mkdirSync(evidence);
    await keep([fixture("tor-and-dns-leak")]);
    await expect(keep([fixture("tor-and-dns-leak")])).rejects.toMatchObject({ code: "LEEK_USAGE" });
  });

  it("is not there when something fails, and nothing else is left", async () => {
    const capture = join(folder, "changing.pcap");
    copyFileSync(fixture("tor-and-dns-leak"), capture);
    const options: EvidenceOptions = { ...DIRECTORY, evidence, filter: undefined, count: undefined };
    const writer = (await EvidenceWriter.start([capture], options))!;
    const { report } = await keep([fixture("tor-and-dns-leak")]);
    rmSync(evidence, { recursive: true });
    truncateSync(capture, 5_000);
    await expect(writer.write(report, undefined)).rejects.toMatchObject({ code: "LEEK_EVIDENCE_CAPTURE_CHANGED" });
    expect(readdirSync(folder)).toEqual(["changing.pcap"]);
  });

  it("needs captures that can be read twice", async () => {
    await expect(keep(["-"])).rejects.toMatchObject({ code: "LEEK_USAGE" });
    expect(() => checkEvidence({ evidence: "x" }, true)).toThrow(/read twice/);
    expect(() => checkEvidence({ redact: true }, false)).toThrow(/nothing to redact/);
  });

  it("keeps the beginnings of flows when there is too little room, and says what it left out", async () => {
    const capture = join(folder, "large.pcap");
    writeFileSync(capture, longDownload());
    const { manifest } = await keep([capture], { evidenceLimit: 1 });
    expect(manifest.leftOut.packets).toBeGreaterThan(0);
    expect(manifest.files["packets.pcapng"].bytes).toBeLessThanOrEqual(2 ** 20);
    expect(manifest.findings[0].flows).toEqual([1]);
    expect(await verify()).toMatchObject({ state: "verified" });
  });
});

describe("verification", () => {
  it.each(["manifest.json", "findings.json", "packets.pcapng"])(
    "finds one changed byte of %s, wherever it is",
    async (name) => {
      await keep([fixture("tor-and-dns-leak")]);
      const path = join(evidence, name);
      const bytes = readFileSync(path);
      const step = Math.max(1, Math.floor(bytes.length / 120));
      for (let at = 0; at < bytes.length; at += step) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 << (at % 7);
        writeFileSync(path, changed);
        expect((await verify()).state, `byte ${at}`).toBe("not-verified");
      }
      writeFileSync(path, Buffer.concat([bytes, Buffer.from("\n")]));
      expect((await verify()).state).toBe("not-verified");
      writeFileSync(path, bytes);
      expect((await verify()).state).toBe("verified");
    },
  );

  it("finds a missing file", async () => {
    await keep([fixture("tor-and-dns-leak")]);
    rmSync(join(evidence, "findings.json"));
    expect(await verify()).toMatchObject({ state: "not-verified", differences: ["findings.json is missing."] });
    rmSync(join(evidence, "manifest.json"));
    await expect(verify()).rejects.toMatchObject({ code: "LEEK_FILE_NOT_FOUND" });
  });

  it("cannot tell without the consensus of the audit", async () => {
    await keep([fixture("tor-and-dns-leak")]);
    expect(await verify({ consensus: [] })).toMatchObject({ state: "cannot-tell" });
    expect(await verify({ consensus: [OTHER_FLAVOR] })).toMatchObject({ state: "cannot-tell" });
    const text = verificationText("folder", await verify({ consensus: [] }));
    expect(text).toMatch(/^CANNOT TELL: folder\n {2}Written by leek .*: verdict leak, \d+ packets\.\n/);
  });

  it("finds that the consensus or the policy is another one", async () => {
    const policy = join(folder, "policy.yaml");
    writeFileSync(policy, "role: client\n");
    await keep([fixture("tor-and-dns-leak")], { policy });
    expect(await verify({ policy })).toMatchObject({ state: "verified" });
    writeFileSync(policy, "role: relay\n");
    expect(await verify({ policy })).toMatchObject({ state: "not-verified" });
    const other = join(folder, "consensus");
    // Another bandwidth of a relay: a document that nobody signed.
    writeFileSync(other, readFileSync(CONSENSUS, "latin1").replace(/^w Bandwidth=.*$/m, "w Bandwidth=7"), "latin1");
    const verification = verify({ consensus: [other], authoritiesFrom: [] });
    expect(await verification).toMatchObject({ state: "not-verified" });
  });

  it("does not believe findings that the packets do not show, whatever the digests say", async () => {
    const { manifest, findings } = await keep([fixture("tor-and-dns-leak")]);
    const { manifestText, sha256Of } = await import("../../src/audit/evidence/index.js");
    const forge = (change: (it: ReturnType<typeof JSON.parse>) => void) => {
      const forged = structuredClone(findings);
      change(forged.findings[0]);
      const text = `${JSON.stringify(forged, undefined, 2)}\n`;
      const { sha256: _, ...rest } = structuredClone(manifest);
      rest.findings[0].rule = forged.findings[0].rule;
      rest.files["findings.json"] = { bytes: Buffer.byteLength(text), sha256: sha256Of(text) };
      writeFileSync(join(evidence, "findings.json"), text);
      writeFileSync(join(evidence, "manifest.json"), manifestText(rest));
    };
    const lies: ((finding: ReturnType<typeof JSON.parse>) => void)[] = [
      (finding) => finding.packets++,
      (finding) => finding.bytes--,
      (finding) => finding.flowCount++,
      (finding) => (finding.first = "2026-01-01T00:00:00.000000Z"),
      (finding) => (finding.rule = "ssh"),
      (finding) => (finding.flows[0].responder.address = "192.0.2.99"),
    ];
    for (const lie of lies) {
      forge(lie);
      expect((await verify()).state, String(lie)).toBe("not-verified");
    }
    forge(() => {});
    expect((await verify()).state).toBe("verified");
  });
});

describe("redaction", () => {
  it.each(LEAKS)("leaves nothing of addresses, hardware, names and payload of %s", async (name) => {
    const { report } = await keep([fixture(name)]);
    const secrets = await secretsOf(report, readFileSync(join(evidence, "packets.pcapng")));
    // The search finds them where nothing was redacted.
    expect(foundIn(evidence, secrets).length).toBeGreaterThan(3);
    rmSync(evidence, { recursive: true });
    await keep([fixture(name)], { redact: true });
    expect(foundIn(evidence, secrets)).toEqual([]);
  });

  it("keeps relays' addresses, so that they can be looked up", async () => {
    const { report } = await keep([fixture("relay-other-port")], { redact: true });
    const relay = report.findings.find(({ rule }) => rule === "relay-other-port")!.flows[0]!.responder.address;
    const kept = await addressesIn(readFileSync(join(evidence, "packets.pcapng")));
    expect(kept).toContain(relay);
    expect(readFileSync(join(evidence, "findings.json"), "utf8")).toContain(relay);
  });

  it("gives another address in each run", async () => {
    const addresses: Set<string>[] = [];
    for (let i = 0; i < 2; i++) {
      await keep([fixture("tor-and-http-leak")], { redact: true });
      addresses.push(await addressesIn(readFileSync(join(evidence, "packets.pcapng"))));
      rmSync(evidence, { recursive: true });
    }
    expect([...addresses[0]!].filter((address) => addresses[1]!.has(address))).toEqual([]);
  });

  it("makes packets whose checksums tshark finds right", async () => {
    for (const name of ["tor-and-bitcoin-leak", "tor-and-ping-ntp-leak", "any-interface"]) {
      await keep([fixture(name)], { redact: true });
      const checks = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"].flatMap((it) => [
        "-o",
        `${it}:TRUE`,
      ]);
      const bad =
        "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0";
      const { stdout } = run("tshark", ["-r", join(evidence, "packets.pcapng"), ...checks, "-Y", bad]);
      expect(stdout, name).toBe("");
      rmSync(evidence, { recursive: true });
    }
  });

  it("is refused for link types whose headers leek cannot write anew", async () => {
    const capture = join(folder, "null.pcap");
    writeFileSync(capture, buildPcap({ linkType: 0 }, [{ bytes: nullLink(toSite(64)), seconds: START }]));
    await expect(keep([capture], { redact: true })).rejects.toMatchObject({ code: "LEEK_EVIDENCE_LINK_TYPE" });
    expect(existsSync(evidence)).toBe(false);
  });
});

/** Within the reach of the consensus. */
const START = Date.UTC(2026, 10, 23, 0, 50) / 1000;

function toSite(length: number): Uint8Array {
  const segment = tcp({ srcPort: 40_000, dstPort: 9_999, seq: 1, ack: 1, flags: TcpFlag.ACK }, filler(length));
  return ipv4({ src: "192.168.7.7", dst: "203.0.113.200" }, segment);
}

/** More than a MiB of one flow. */
function longDownload(): Uint8Array {
  const frame = ethernet({}, toSite(1_400));
  return buildPcap(
    {},
    Array.from({ length: 2_000 }, (_, i) => ({ bytes: frame, seconds: START, fraction: i })),
  );
}

interface Secrets {
  /** As latin1, whatever their letters. */
  readonly texts: ReadonlySet<string>;
  readonly bytes: ReadonlySet<string>;
  /** Eight bytes each. */
  readonly windows: ReadonlySet<string>;
}

/** What must not be told, from the report and from packets as they were. */
async function secretsOf(report: AuditReport, packets: Uint8Array): Promise<Secrets> {
  const texts = new Set<string>();
  const bytes = new Set<string>();
  const windows = new Set<string>();
  for (const address of await addressesIn(packets)) {
    if (isEverybodys(address)) continue;
    const octets = address.includes(":") ? ipv6Bytes(address) : ipv4Bytes(address);
    const hex = Buffer.from(octets).toString("hex");
    texts.add(address).add(hex);
    texts.add(address.includes(":") ? [...hex].reverse().join(".") : octets.toReversed().join("."));
    bytes.add(latin1(octets)).add(latin1(octets.toReversed()));
  }
  for (const { severity, disclosed } of report.findings) {
    if (severity === "note") continue;
    for (const { value } of disclosed) {
      const labels = parseEndpoint(value) === undefined ? value.split(/[.:/ >-]+/) : [];
      for (const text of [value, ...labels]) if (text.length >= 4) texts.add(text.toLowerCase());
    }
  }
  const headers = new PacketHeaders();
  for (const { bytes: frame, linkType, originalLength } of (await readBytes(packets)).packets) {
    const data = Buffer.from(frame, "hex");
    if (linkType === 1) for (const at of [0, 6]) bytes.add(latin1(data.subarray(at, at + 6)));
    if (linkType === 276) bytes.add(latin1(data.subarray(12, 18)));
    if (decodePacket(captured(data, { linkType, originalLength }), headers) !== DecodeStatus.Ok) continue;
    for (let at = headers.payloadStart; at + 8 <= headers.payloadEnd; at++) {
      const window = data.subarray(at, at + 8);
      // Nearly nothing but zeros stands in every file.
      if (window.filter((byte) => byte !== 0).length > 4) windows.add(latin1(window));
    }
  }
  const own = ownWords(report);
  for (const text of texts) if (own.toLowerCase().includes(text)) texts.delete(text);
  for (const window of windows) if (own.includes(window)) windows.delete(window);
  for (const nothing of ["\0\0\0\0\0\0", "\xff\xff\xff\xff\xff\xff"]) bytes.delete(nothing);
  return { texts, bytes, windows };
}

/** What stands in the files whatever the capture says, and may stand in payloads too: sentences, times, relays. */
function ownWords({ findings, reasons, analysis }: AuditReport): string {
  const sentences = [...findings, ...reasons].map((it) => `${"title" in it ? it.title : it.text} ${it.remedy}`);
  const times = [analysis.first!, analysis.last!, ...findings.flatMap(({ first, last }) => [first, last])].map(
    ({ seconds, nanoseconds }) => formatIsoTime(seconds, nanoseconds, 9),
  );
  const relays = readFileSync(OTHER_FLAVOR, "latin1").match(/^[ra] .*/gm)!;
  const keys = ["manifest.json", "findings.json"].flatMap((name) => [
    ...readFileSync(join(evidence, name), "latin1").matchAll(/"([\w-]+)": /g),
  ]);
  const words = [...keys.map(([, key]) => key!), ...DISCLOSURE_KINDS, "unverified", "verified", ".onion", ".invalid"];
  return [...sentences, ...times, ...relays, ...words].join("\n");
}

/** Secrets that some file of the folder still has, or its name. */
function foundIn(path: string, { texts, bytes, windows }: Secrets): string[] {
  const found: string[] = [];
  for (const name of readdirSync(path)) {
    const content = `${name}\n${readFileSync(join(path, name), "latin1")}`;
    const lower = content.toLowerCase();
    for (const text of texts) if (lower.includes(text)) found.push(`${name}: ${text}`);
    for (const some of bytes)
      if (content.includes(some)) found.push(`${name}: ${Buffer.from(some, "latin1").toString("hex")}`);
    for (let at = 0; at + 8 <= content.length; at++) {
      const window = content.slice(at, at + 8);
      if (windows.has(window)) found.push(`${name}: payload ${Buffer.from(window, "latin1").toString("hex")}`);
    }
  }
  return found;
}

async function addressesIn(packets: Uint8Array): Promise<Set<string>> {
  const headers = new PacketHeaders();
  const found = new Set<string>();
  for (const { bytes, linkType, originalLength } of (await readBytes(packets)).packets) {
    const packet = captured(Buffer.from(bytes, "hex"), { linkType, originalLength });
    if (decodePacket(packet, headers) !== DecodeStatus.Ok) continue;
    const { srcA, srcB, srcC, srcD, dstA, dstB, dstC, dstD } = headers;
    const version = headers.ipVersion === 4 ? 4 : 6;
    found.add(formatAddress(version, srcA, srcB, srcC, srcD)).add(formatAddress(version, dstA, dstB, dstC, dstD));
  }
  return found;
}

/** Relays' addresses, and those that mean the same on each machine. */
function isEverybodys(address: string): boolean {
  if (address === "127.0.0.1" || address === "::1") return true;
  const relays = readFileSync(OTHER_FLAVOR, "latin1");
  return relays.includes(` ${address} `) || relays.includes(`a [${address}]:`);
}

function latin1(bytes: Uint8Array | readonly number[]): string {
  return Buffer.from(concat(bytes)).toString("latin1");
}
