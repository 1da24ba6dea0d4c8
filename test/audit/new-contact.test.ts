import { describe, expect, it } from "vitest";
import { BaselineRecorder, parseBaseline } from "../../src/audit/index.js";
import { ascii } from "../support/packet-builder.js";
import { auditOf, found, NODE } from "./audited.js";
import { connection, datagram, tlsWords, torLink } from "./traffic.js";

const lan = (last: number) => datagram({ dst: `192.168.1.${last}`, dstPort: 9 }, ascii("x"));

/** What a run finds when it is held to the baseline of another. */
async function news(before: readonly Uint8Array[], now: readonly Uint8Array[]) {
  const recorder = new BaselineRecorder();
  await auditOf(before, { node: [NODE], options: { recorder } });
  const baseline = parseBaseline(recorder.toText(), "ci.json");
  return auditOf(now, { node: [NODE], options: { baseline } });
}

describe("a contact that the baseline does not have", () => {
  it("is a note where no rule says more, and the verdict stays as it is", async () => {
    const report = await news([...torLink(), lan(1)], [...torLink(), lan(1), lan(2)]);
    expect([report.verdict, found(report)]).toEqual(["clean", ["new-contact note"]]);
    expect(report.findings[0]!.flows.map(({ responder }) => responder.address)).toEqual(["192.168.1.2"]);
  });

  it("is Tor, where there was none", async () => {
    const report = await news([lan(1)], [...torLink(), lan(1)]);
    expect(report.findings.map(({ rule, title }) => [rule, title])).toEqual([
      ["new-contact", "The node uses Tor, and did not when the baseline was saved."],
    ]);
  });

  it("is nothing without a baseline, and nothing when another rule finds it", async () => {
    expect(found(await auditOf([...torLink(), lan(1)], { node: [NODE] }))).toEqual([]);
    const leak = await news(torLink(), [...torLink(), datagram({ dstPort: 9 }, ascii("x"))]);
    expect(found(leak)).toEqual(["other-udp leak"]);
  });
});

describe("an application that is not expected", () => {
  const page = (dst: string) => connection({ dst, dstPort: 80 }, [[0, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"]]);
  const expecting = async (expectedApplications: readonly ("http" | "ssh")[], frames: readonly Uint8Array[]) =>
    found(await auditOf([...torLink(), ...frames], { node: [NODE], policy: { expectedApplications } }));

  it("is a warning on the LAN and on the machine, and none where it is expected or anything is", async () => {
    for (const dst of ["192.168.1.2", NODE]) {
      expect(await expecting(["ssh"], page(dst))).toEqual(["unexpected-application warning"]);
      expect(await expecting(["ssh", "http"], page(dst))).toEqual([]);
      expect(await expecting([], page(dst))).toEqual([]);
    }
  });

  it("is what it is beyond the site, expected or not", async () => {
    expect(await expecting(["ssh"], page("203.0.113.9"))).toEqual(["http leak"]);
    expect(await expecting(["http"], page("203.0.113.9"))).toEqual(["http leak"]);
  });

  it("is never a link of Tor's, nor what was not understood", async () => {
    expect(await expecting(["ssh"], [])).toEqual([]);
    expect(await expecting(["ssh"], [lan(1)])).toEqual([]);
    expect(await expecting(["ssh"], connection({ dst: "192.168.1.2", dstPort: 443 }, tlsWords("a.example")))).toEqual([
      "unexpected-application warning",
    ]);
  });
});
