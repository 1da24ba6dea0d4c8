import { describe, expect, it } from "vitest";
import { isCanary, makeCanary, plantCanaries } from "../../src/audit/canary.js";
import { AuditedNode, DEFAULT_POLICY, LeakAudit, PacketWatch, type Policy, parseCidr } from "../../src/audit/index.js";
import { CapturedPacket } from "../../src/base/index.js";
import { parseAddress } from "../../src/net/index.js";
import { Analysis } from "../../src/pipeline/index.js";
import { RelayDirectory } from "../../src/relays/index.js";
import { allowedTo } from "./audited.js";

const AT = { seconds: 1_800_000_000, nanoseconds: 0 };
const own = { 4: parseAddress("192.168.1.10")!, 6: parseAddress("2001:db8:50::2")! };
const planted = (canary = makeCanary(own[4], 7)) => plantCanaries(new RelayDirectory(), [canary], AT);

/** The sum over what a checksum covers, with the checksum: 0xffff when it is right (RFC 1071). */
function sum(...parts: Uint8Array[]): number {
  const bytes = Buffer.concat(parts);
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

describe("a canary", () => {
  it.each([4, 6] as const)("of IPv%d goes to nobody, and no farther than a hop", (version) => {
    const { frame } = makeCanary(own[version], 7, Uint8Array.of(2, 0, 0, 0, 0, 9));
    // To whom it comes from.
    expect([...frame.subarray(0, 6)]).toEqual([...frame.subarray(6, 12)]);
    const [record] = planted(makeCanary(own[version], 7));
    expect(record!.flow.responder).toEqual({ address: version === 4 ? "192.0.2.1" : "2001:db8::1", port: 9 });
    expect(frame[version === 4 ? 14 + 8 : 14 + 7]).toBe(1);
  });

  it("has the checksums that it should", () => {
    const four = makeCanary(own[4], 7).frame;
    expect(sum(four.subarray(14, 34))).toBe(0xffff);
    const length = four.subarray(38, 40);
    expect(sum(four.subarray(26, 34), Uint8Array.of(0, 17), length, four.subarray(34))).toBe(0xffff);
    const six = makeCanary(own[6], 7).frame;
    const udp = six.subarray(54);
    expect(sum(six.subarray(22, 54), Uint8Array.of(0, 17), udp.subarray(4, 6), udp)).toBe(0xffff);
  });

  it("is clearnet, and known by its port among others to the same place", () => {
    const canary = makeCanary(own[4], 7);
    const [record] = planted(canary);
    expect(record!.classification.flowClass).toBe("clearnet");
    expect(isCanary(record!, canary)).toBe(true);
    expect(isCanary(record!, makeCanary(own[4], 8))).toBe(false);
    expect(isCanary(record!, makeCanary(own[6], 7))).toBe(false);
  });
});

describe("the canary that is planted in each audit", () => {
  /** Of a capture with one packet. */
  function reasonsOf(policy: Policy): string[] {
    const analysis = new Analysis({ directory: new RelayDirectory() });
    const node = new AuditedNode([parseCidr("192.168.1.10")!]);
    const audit = new LeakAudit(
      {
        policy,
        node,
        expectBootstrap: false,
        trustUnverified: false,
        loss: { stated: 0 },
        canaries: [],
        isFiltered: false,
      },
      () => new PacketWatch(analysis, node),
    );
    const packet = new CapturedPacket();
    packet.bytes = makeCanary(own[4], 1).frame;
    packet.view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.length);
    packet.end = packet.bytes.length;
    packet.linkType = 1;
    analysis.observe(packet);
    return audit.finish(analysis.finish([])).reasons.map(({ code }) => code);
  }

  it("is found", () => {
    expect(reasonsOf(DEFAULT_POLICY)).not.toContain("canary-missed");
  });

  it("is missed where the policy lets it pass, or makes little of it", () => {
    const everything = allowedTo("0.0.0.0/0", "a careless exception");
    expect(reasonsOf({ ...DEFAULT_POLICY, allow: [everything] })).toContain("canary-missed");
    expect(reasonsOf({ ...DEFAULT_POLICY, severities: new Map([["other-udp", "note"]]) })).toContain("canary-missed");
  });
});
