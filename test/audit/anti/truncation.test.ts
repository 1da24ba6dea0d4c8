import { beforeAll, describe, expect, it } from "vitest";
import { auditCapture, codes, NODE, pcapngOf, pcapOf } from "../audited.js";
import { arpFrame, torLink } from "../traffic.js";

/** Offsets at which a cut file still ends with a whole record. */
function recordEnds(bytes: Uint8Array): Set<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = new Set<number>();
  // The builder's pcap is little-endian: 24 bytes, then 16 before each packet.
  for (let at = 24; at < bytes.length; at += 16 + view.getUint32(at + 8, true)) ends.add(at);
  return ends;
}

describe("a capture that was cut", () => {
  // A link to Tor that is being opened; short, for there are as many audits as bytes.
  const frames = [arpFrame, ...torLink().slice(0, 3)].map((frame) => ({ frame }));
  const pcapng = pcapngOf(frames);
  const pcap = pcapOf(frames);
  const node = [NODE];
  beforeAll(async () => {
    expect((await auditCapture(pcapng, { node })).verdict).toBe("clean");
    expect((await auditCapture(pcap, { node, drops: 0 })).verdict).toBe("clean");
  });

  it("is never clean as pcapng, wherever it was cut", async () => {
    const clean: number[] = [];
    for (let length = 0; length < pcapng.length; length++) {
      // Whoever cannot read a file at all gets an error, which is no verdict.
      const report = await auditCapture(pcapng.subarray(0, length), { node }).catch(() => undefined);
      if (report?.verdict === "clean") clean.push(length);
    }
    expect(clean).toEqual([]);
  });

  it("is damaged as pcap, wherever it was cut within a record", async () => {
    const ends = recordEnds(pcap);
    const unnoticed: number[] = [];
    for (let length = 0; length < pcap.length; length++) {
      if (ends.has(length)) continue;
      const report = await auditCapture(pcap.subarray(0, length), { node, drops: 0 }).catch(() => undefined);
      if (report !== undefined && !codes(report).includes("capture-damaged")) unnoticed.push(length);
    }
    expect(unnoticed).toEqual([]);
  });

  it("is never clean as pcap when nobody says what was lost", async () => {
    for (const length of recordEnds(pcap)) {
      const report = await auditCapture(pcap.subarray(0, length), { node });
      expect([report.verdict, codes(report)]).toEqual(["inconclusive", expect.arrayContaining(["drops-unknown"])]);
    }
  });
});
