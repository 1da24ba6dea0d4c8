import { describe, expect, it } from "vitest";
import { dnsQuery } from "../support/packet-builder.js";
import { auditOf, found, NODE } from "./audited.js";
import { mdnsAnswer } from "./leaks.js";
import { connection, datagram, tlsWords, torLink } from "./traffic.js";

const LINK = torLink();
const DNS = datagram({ dstPort: 53 }, dnsQuery("www.example.com"));
const audit = (frames: readonly Uint8Array[], expectBootstrap = true) =>
  auditOf(frames, { node: [NODE], options: { expectBootstrap } });

describe("what goes around Tor", () => {
  it("before it is up is told by a rule of its own, which says what it was", async () => {
    const report = await audit([DNS, ...LINK]);
    expect([report.verdict, found(report)]).toEqual(["leak", ["start-up leak"]]);
    expect(report.findings[0]).toMatchObject({
      title: "Before Tor was up: Names are looked up outside of Tor.",
      disclosed: [{ kind: "dns-question", value: "www.example.com" }],
      proof: [1],
    });
  });

  it("is told as usual where the start was not expected", async () => {
    expect(found(await audit([DNS, ...LINK], false))).toEqual(["dns leak"]);
  });

  it("is told as usual once a relay has said something", async () => {
    expect(found(await audit([...LINK, DNS]))).toEqual(["dns leak"]);
    // SYN, SYN-ACK, ACK, the client's hello and what acknowledges it: nobody knows yet whether it is a relay that answers.
    expect(found(await audit([...LINK.slice(0, 5), DNS, ...LINK.slice(5)]))).toEqual(["start-up leak"]);
    expect(found(await audit([...LINK.slice(0, 6), DNS, ...LINK.slice(6)]))).toEqual(["dns leak"]);
  });

  it("is before it also where another machine's Tor is up", async () => {
    const others = torLink({ src: "192.168.1.77" });
    expect(found(await audit([...others, DNS, ...LINK]))).toEqual(["start-up leak"]);
    const whoever = await auditOf([...others, DNS, ...LINK], { options: { expectBootstrap: true } });
    expect(found(whoever)).not.toContain("start-up leak");
  });

  it("is all before it where Tor never comes up", async () => {
    expect(found(await audit([DNS, ...connection({ dstPort: 443 }, tlsWords("www.example.com"))]))).toEqual([
      "start-up leak",
      "start-up leak",
    ]);
  });

  it("is no worse than at another time", async () => {
    const report = await audit([mdnsAnswer(NODE), ...LINK]);
    expect([report.verdict, found(report)]).toEqual(["clean", ["start-up note"]]);
  });
});

describe("Tor's own packets", () => {
  it("are nothing, also while it starts", async () => {
    expect((await audit(LINK)).verdict).toBe("clean");
  });
});
