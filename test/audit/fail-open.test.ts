import { describe, expect, it } from "vitest";
import { dnsQuery, TcpFlag } from "../support/packet-builder.js";
import { auditOf, found, NODE, type Sent } from "./audited.js";
import { OR_PORT, RELAY } from "./documents.js";
import { connection, datagram, segment, torLink, torWords } from "./traffic.js";

/** In packets one second apart. */
const LINK = torLink();
const CLOSED = connection({ dst: RELAY, srcPort: 40_000, dstPort: OR_PORT }, torWords);
const END = CLOSED.length - 1;
const DNS = datagram({ dstPort: 53 }, dnsQuery("www.example.com"));
const LAN = datagram({ dst: "192.168.1.1", dstPort: 9 }, new Uint8Array(8));

const from = (frames: readonly Uint8Array[], at: number): Sent[] => frames.map((frame, i) => ({ frame, at: at + i }));
const audit = (sent: readonly Sent[], failOpenSeconds = 30) =>
  auditOf(sent, { node: [NODE], policy: { failOpenSeconds } });

describe("a leak", () => {
  it("after the last link of Tor's was closed is a finding of its own, with both times", async () => {
    const report = await audit([...from(CLOSED, 0), ...from([DNS], END + 5)]);
    expect(found(report)).toEqual(["dns leak", "fail-open leak"]);
    const finding = report.findings.find(({ rule }) => rule === "fail-open")!;
    // Packet 0 is at 10:01:00.
    const at = new Date(Date.UTC(2026, 10, 22, 10, 1, END)).toISOString().replace(".000", "");
    expect(finding.title).toContain(at);
    expect(finding.first.seconds).toBe(Date.UTC(2026, 10, 22, 10, 1, END + 5) / 1000);
    expect(finding.proof).toEqual([CLOSED.length + 1]);
  });

  it.each([
    [30, true],
    [31, false],
  ])("%d seconds after: %s", async (seconds, isFound) => {
    const report = await audit([...from(CLOSED, 0), ...from([DNS], END + seconds)]);
    expect(found(report).includes("fail-open leak")).toBe(isFound);
    expect(found(report)).toContain("dns leak");
  });

  it("while a link is alive is no fail-open", async () => {
    expect(found(await audit([...from(CLOSED, 0), ...from([DNS], 5)]))).toEqual(["dns leak"]);
    const second = torLink({ srcPort: 40_001 });
    expect(found(await audit([...from(CLOSED, 0), ...from(second, 2), ...from([DNS], END + 1)]))).toEqual(["dns leak"]);
    // The capture ends before a link that says nothing can be told from one that is gone.
    expect(found(await audit([...from(LINK, 0), ...from([DNS], LINK.length + 10)]))).toEqual(["dns leak"]);
  });

  it("after a link fell silent for good is one", async () => {
    const sent = [...from(LINK, 0), ...from([DNS], LINK.length + 10), ...from([LAN], LINK.length + 60)];
    expect(found(await audit(sent))).toEqual(["dns leak", "fail-open leak"]);
  });

  it("after a link was reset is one", async () => {
    const reset = segment({ src: RELAY, dst: NODE, srcPort: OR_PORT, dstPort: 40_000 }, TcpFlag.RST);
    const sent = [...from([...LINK, reset], 0), ...from([DNS], LINK.length + 3)];
    expect(found(await audit(sent))).toEqual(["dns leak", "fail-open leak"]);
  });

  it("before any link is none, nor is one where there was no link", async () => {
    expect(found(await audit([...from([DNS], 0), ...from(CLOSED, 1)]))).toEqual(["dns leak"]);
    expect(found(await audit(from([DNS], 0)))).toEqual(["dns leak"]);
  });

  it("by another's doing is none", async () => {
    const inbound = connection({ src: "203.0.113.9", dst: NODE, dstPort: 8333 }, [[0, "x"]]);
    expect(found(await audit([...from(CLOSED, 0), ...from(inbound, END + 5)]))).toEqual(["inbound leak"]);
  });

  it("between two links is one, and once Tor is back none", async () => {
    const again = torLink({ srcPort: 40_001 });
    const sent = [...from(CLOSED, 0), ...from([DNS], END + 2), ...from(again, END + 4)];
    expect(found(await audit(sent))).toEqual(["dns leak", "fail-open leak"]);
    const later = datagram({ dst: "203.0.113.10", dstPort: 53 }, dnsQuery("www.example.com"));
    expect(found(await audit([...from(CLOSED, 0), ...from(again, END + 4), ...from([later], END + 6)]))).toEqual([
      "dns leak",
    ]);
  });
});
