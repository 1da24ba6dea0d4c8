import { describe, expect, it } from "vitest";
import { AuditedNode, parseCidr } from "../../src/audit/index.js";
import { bitcoinP2p } from "../../src/audit/rules/money.js";
import { subjectOf } from "../../src/audit/subject.js";
import type { FlowRecord } from "../../src/pipeline/index.js";
import { dnsQuery, dnsReply, TcpFlag } from "../support/packet-builder.js";
import { auditOf, found, NODE } from "./audited.js";
import { OPAQUE } from "./leaks.js";
import { connection, datagram, segment, tlsWords, torLink } from "./traffic.js";

const PEER = "203.0.113.83";
const RESOLVER = "203.0.113.53";
/** No port of Bitcoin's: nothing in such a flow itself tells of Bitcoin. */
const PORT = 12_345;

/** The node asks a resolver, and learns the peer's address. */
const lookup = (name: string) => [
  datagram({ dst: RESOLVER, dstPort: 53 }, dnsQuery(name)),
  datagram({ src: RESOLVER, srcPort: 53, dst: NODE, dstPort: 50_000 }, dnsReply(name, [PEER])),
];
const opaque = connection({ dst: PEER, dstPort: PORT }, [
  [0, OPAQUE],
  [1, OPAQUE],
]);

async function rulesWith(...frames: Uint8Array[]): Promise<string[]> {
  return found(await auditOf([...torLink(), ...frames], { node: [NODE] })).sort();
}

describe("a flow that says nothing", () => {
  it("is Bitcoin's where a seed had named its address before", async () => {
    const seed = lookup("seed.bitcoin.sipa.be");
    expect(await rulesWith(...seed, ...opaque)).toEqual(["bitcoin-p2p leak", "dns-seed leak"]);
    expect(await rulesWith(...opaque, ...seed)).toEqual(["dns-seed leak", "other-tcp leak"]);
    expect(await rulesWith(...lookup("seed.example.com"), ...opaque)).toEqual(["dns leak", "other-tcp leak"]);
  });

  it("is Bitcoin's also where that peer never answered", async () => {
    const tried = segment({ src: NODE, dst: PEER, srcPort: 50_000, dstPort: PORT }, TcpFlag.SYN);
    expect(await rulesWith(...lookup("x9.seed.bitcoin.sipa.be"), tried)).toContain("bitcoin-p2p leak");
  });

  it("keeps its own name where it says what it is", async () => {
    const web = connection({ dst: PEER, dstPort: 443 }, tlsWords("www.example.com"));
    expect(await rulesWith(...lookup("seed.bitcoin.sipa.be"), ...web)).toContain("tls leak");
  });
});

describe("a flow of a Bitcoin node's program", () => {
  it.each([
    ["bitcoind", true],
    ["bitcoin-qt", true],
    ["curl", false],
  ])("%s", async (name, isPeer) => {
    const record = await recordOf(opaque);
    const process = { pid: 7, name } as NonNullable<FlowRecord["process"]>["process"] & {};
    const subject = subjectOf(
      { ...record, process: { confidence: "exact", process } },
      new AuditedNode([parseCidr(NODE)!]),
      "client",
    );
    expect(bitcoinP2p.match(subject) !== undefined).toBe(isPeer);
    expect(bitcoinP2p.match({ ...subject, isClearnet: false })).toBeUndefined();
  });
});

async function recordOf(frames: readonly Uint8Array[]): Promise<FlowRecord> {
  let found: FlowRecord | undefined;
  await auditOf(frames, {
    node: [NODE],
    options: {
      onFinding: (record) => {
        found = record;
      },
    },
  });
  return found!;
}
