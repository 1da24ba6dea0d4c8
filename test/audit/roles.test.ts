import { describe, expect, it } from "vitest";
import type { Role } from "../../src/audit/index.js";
import { dnsQuery } from "../support/packet-builder.js";
import { auditOf, codes, found, NODE } from "./audited.js";
import { noDirectory, OR_PORT, RELAY } from "./documents.js";
import { connection, datagram, tlsWords, torLink, torWords } from "./traffic.js";

const OUTSIDE = "203.0.113.9";
const LINK = torLink();
const DNS = datagram({ dstPort: 53 }, dnsQuery("www.example.com"));
const LAN_DNS = datagram({ dst: "192.168.1.1", dstPort: 53 }, dnsQuery("www.example.com"));
const WEB = connection({ dstPort: 443 }, tlsWords("www.example.com"));
const as = (role: Role, frames: readonly Uint8Array[], node: readonly string[] = [NODE], directory = {}) =>
  auditOf(frames, { node, policy: { role }, ...directory });

describe("a relay, or a bridge", () => {
  it.each(["relay", "bridge"] as const)("leaks what others leak (%s)", async (role) => {
    expect(found(await as(role, [...LINK, DNS, ...WEB]))).toEqual(["dns leak", "tls leak"]);
  });

  it("is reached on its OR port: links that are listed are Tor's", async () => {
    const link = connection({ src: OUTSIDE, dst: RELAY, dstPort: OR_PORT }, torWords);
    expect((await as("relay", link, [RELAY])).verdict).toBe("clean");
  });

  it("is reached by links that may be Tor's, where no document tells", async () => {
    const link = connection({ src: OUTSIDE, dst: RELAY, dstPort: OR_PORT }, tlsWords("www.example.com"));
    const relay = await as("relay", link, [RELAY], { directory: noDirectory });
    expect([relay.verdict, found(relay)]).toEqual(["inconclusive", []]);
    expect(codes(relay)).toContain("flows-unjudged");
    const client = await as("client", link, [RELAY], { directory: noDirectory });
    expect(found(client)).toEqual(["inbound leak"]);
  });

  it("is not to be reached in other ways", async () => {
    const ssh = connection({ src: OUTSIDE, dst: RELAY, dstPort: 22 }, [[1, "SSH-2.0-OpenSSH_9.6\r\n"]]);
    for (const directory of [{}, { directory: noDirectory }]) {
      expect(found(await as("relay", ssh, [RELAY], directory))).toContain("inbound leak");
    }
  });
});

describe("an exit", () => {
  it("sends for others what nobody can tell from its own: no verdict, in a file", async () => {
    for (const frames of [WEB, [DNS], [LAN_DNS]]) {
      const report = await as("exit", [...LINK, ...frames]);
      expect([report.verdict, found(report), codes(report)]).toEqual(["inconclusive", [], ["exit-unattributed"]]);
    }
  });

  it("is judged as others are where it is reached", async () => {
    const ssh = connection({ src: OUTSIDE, dst: NODE, dstPort: 22 }, [[1, "SSH-2.0-OpenSSH_9.6\r\n"]]);
    expect(found(await as("exit", [...LINK, ...ssh]))).toEqual(["inbound leak"]);
  });

  it("may be clean where it sends nothing", async () => {
    expect((await as("exit", LINK)).verdict).toBe("clean");
  });
});
