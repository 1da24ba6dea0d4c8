import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { PcapngBuilder } from "../support/capture-builder.js";
import { leek } from "../support/leek.js";
import { dnsQuery, icmpEcho } from "../support/packet-builder.js";
import { auditCapture, auditOf, codes, NODE, pcapngOf, pcapOf, type Sent } from "./audited.js";
import { certificates, OR_PORT, RELAY, signedConsensus, torrc } from "./documents.js";
import { arpFrame, connection, datagram, ip, tlsWords, torWords } from "./traffic.js";

const sent = (frames: readonly Uint8Array[]): Sent[] => frames.map((frame) => ({ frame }));

/** A short one: it is cut at each of its bytes. */
const CLEAN = connection({ dst: RELAY, dstPort: OR_PORT, isClosed: false }, torWords.slice(0, 2));
const DNS = datagram({ dstPort: 53 }, dnsQuery("www.example.com"));
const LEAKING = [...CLEAN.slice(0, 3), DNS, ...CLEAN.slice(3)];

/** From the first length at which a whole packet can have been read. */
const PCAP_HEADER = 24;
const PCAPNG_HEADERS = new PcapngBuilder().section().interface({ name: "eth0" }).build().length;
/** Of the block that pcapngOf writes last. */
const STATISTICS_BYTES = pcapngOf([]).length - PCAPNG_HEADERS;
const lengths = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("a pcapng with statistics", () => {
  const bytes = pcapngOf(sent(LEAKING));

  it("that is cut at any byte is not clean, and what came before the cut is still a leak", async () => {
    // Up to which length the packet of the leak is not all there.
    const before = pcapngOf(sent(LEAKING.slice(0, 4))).length - STATISTICS_BYTES;
    for (const length of lengths(PCAPNG_HEADERS, bytes.length)) {
      const { verdict } = await auditCapture(bytes.subarray(0, length));
      expect([length, verdict]).toEqual([length, length < before ? "inconclusive" : "leak"]);
    }
  });

  it("that has no leak is inconclusive when it is cut at any byte, and says by itself that it was cut", async () => {
    const whole = pcapngOf(sent(CLEAN));
    expect((await auditCapture(whole)).verdict).toBe("clean");
    let damaged = 0;
    for (const length of lengths(PCAPNG_HEADERS, whole.length)) {
      const report = await auditCapture(whole.subarray(0, length));
      expect([length, report.verdict]).toEqual([length, "inconclusive"]);
      if (codes(report).includes("capture-damaged")) damaged++;
      // At the end of a block: the statistics are missing.
      else expect(codes(report)).toContain("drops-unknown");
    }
    expect(damaged).toBe(whole.length - PCAPNG_HEADERS - CLEAN.length - 1);
  });
});

describe("a classic pcap", () => {
  const bytes = pcapOf(sent(CLEAN));
  const ends = CLEAN.map((_, i) => pcapOf(sent(CLEAN.slice(0, i + 1))).length);

  it("that is cut within a record is damaged, whatever is said of drops", async () => {
    for (const length of lengths(PCAP_HEADER + 1, bytes.length)) {
      const report = await auditCapture(bytes.subarray(0, length), { drops: 0 });
      if (!ends.includes(length))
        expect([length, codes(report)]).toEqual([length, expect.arrayContaining(["capture-damaged"])]);
      if (!ends.includes(length)) expect([length, report.verdict]).toEqual([length, "inconclusive"]);
    }
  });

  it("that is cut between records cannot tell: it is clean only for who vouches for it", async () => {
    for (const length of ends) {
      const report = await auditCapture(bytes.subarray(0, length));
      expect([length, report.verdict, codes(report)]).toEqual([length, "inconclusive", ["drops-unknown"]]);
    }
    // How long it should be helps.
    const short = bytes.subarray(0, ends.at(-2));
    expect((await auditCapture(short, { drops: 0 })).verdict).toBe("clean");
    const policy = { minDurationSeconds: CLEAN.length - 1 };
    expect(codes(await auditCapture(short, { drops: 0, policy }))).toEqual(["too-short"]);
  });

  it("never makes a leak clean where it is cut", async () => {
    const leaking = pcapOf(sent(LEAKING));
    const before = pcapOf(sent(LEAKING.slice(0, 4))).length;
    for (const length of lengths(before, leaking.length)) {
      expect([length, (await auditCapture(leaking.subarray(0, length))).verdict]).toEqual([length, "leak"]);
    }
  });
});

describe("packets of a leak", () => {
  const leak = [
    DNS,
    ...connection({ dstPort: 443 }, tlsWords("www.example.com", ">100", "<400")),
    ip(NODE, "203.0.113.10", icmpEcho(false, 1, 1)),
    ...connection({ src: "203.0.113.9", dst: NODE, srcPort: 40_000, dstPort: 22 }, [[1, "SSH-2.0-x\r\n"]]),
  ];
  const tor = [arpFrame, ...CLEAN];
  /** By the last byte of the source address, which is the node's only. */
  const isOwn = (frame: Uint8Array) => frame[29] === 10;

  it("make any capture that has one of them, or a piece of one, anything but clean", async () => {
    const fate = fc.constantFrom("kept", "kept", "lost", "cut" as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { minLength: leak.length, maxLength: leak.length }),
        fc.nat(80),
        async (fates, kept) => {
          const left = leak.flatMap((frame, i): Sent[] =>
            fates[i] === "lost" ? [] : fates[i] === "cut" && kept < frame.length ? [{ frame, kept }] : [{ frame }],
          );
          const { verdict } = await auditCapture(pcapngOf([...sent(tor), ...left]));
          // What only a stranger sends is no leak.
          if (left.some(({ frame }) => isOwn(frame))) expect(verdict).not.toBe("clean");
        },
      ),
      { numRuns: 150 },
    );
  });

  it("are found alone, whichever the node sent", async () => {
    for (const frame of leak.filter(isOwn)) {
      expect((await auditOf([...tor, frame], { node: [NODE] })).verdict).toBe("leak");
    }
  });
});

describe("leek audit", () => {
  const folder = mkdtempSync(join(tmpdir(), "leek-audit-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, bytes: Uint8Array | string) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const documents = [
    "--no-local-consensus",
    ...["--consensus", file("consensus", signedConsensus)],
    ...["--certs", file("certificates", certificates)],
    ...["--authorities-from", file("torrc", torrc)],
  ];
  const status = (name: string, bytes: Uint8Array, ...more: string[]) =>
    leek(["audit", file(name, bytes), ...documents, ...more]).status;

  it("tells the verdict by its exit status", () => {
    const whole = pcapngOf(sent(CLEAN));
    expect(status("clean.pcapng", whole)).toBe(0);
    expect(status("named.pcapng", whole, "--node", NODE)).toBe(0);
    expect(status("leaking.pcapng", pcapngOf(sent(LEAKING)))).toBe(1);
    expect(status("cut.pcapng", whole.subarray(0, -1))).toBe(2);
    expect(status("other.pcapng", whole, "--node", "192.168.1.77")).toBe(2);
    expect(status("short.pcapng", whole, "--min-duration", "1h")).toBe(2);
    expect(status("clean.pcap", pcapOf(sent(CLEAN)))).toBe(2);
    expect(status("vouched.pcap", pcapOf(sent(CLEAN)), "--drops", "0")).toBe(0);
    expect(leek(["audit", file("unverified.pcapng", whole), ...documents.slice(0, 3)]).status).toBe(2);
  });

  it("has other statuses for what is no capture, and for what it does not understand", () => {
    expect(status("text.pcapng", Buffer.from("No capture at all.\n"))).toBe(65);
    expect(status("empty.pcapng", new Uint8Array(0))).toBe(65);
    expect(leek(["audit", join(folder, "nowhere.pcapng")]).status).toBe(66);
    expect(status("clean.pcapng", pcapngOf(sent(CLEAN)), "--node", "nobody")).toBe(64);
  });
});
