import { describe, expect, it } from "vitest";
import { formatConsensus } from "../../bench/consensus-generator.mjs";
import { Classifier, type Opener } from "../../src/classify/index.js";
import { parseBridge, parseConsensus, RelayDirectory } from "../../src/relays/index.js";
import { ethernet, ipip, ipv4, ipv6, type Payload, tcp, udp } from "../support/packet-builder.js";
import { captured, decode } from "../support/packets.js";

const VALID_AFTER = 1_700_000_000;
const RELAY = {
  nickname: "guard9999",
  identity: Buffer.from("0123456789ABCDEF0123456789ABCDEF01234567", "hex"),
  fingerprint: "0123456789ABCDEF0123456789ABCDEF01234567",
  address: "198.51.100.9",
  orPort: 9999,
  dirPort: 9030,
  ipv6: { address: "2001:db8:9::9", port: 9001 },
  flags: ["Fast", "Guard", "Running", "Valid"],
  bandwidth: 100,
};
const document = parseConsensus(Buffer.from(formatConsensus([RELAY], { validAfter: VALID_AFTER })), "test");
const directory = new RelayDirectory({ documents: [document], bridges: [parseBridge("203.0.113.77:4443")] });
const classifier = new Classifier(directory);

interface Question {
  readonly src?: string;
  readonly dst: string;
  readonly payload?: Payload;
  readonly opener?: Opener;
  readonly seconds?: number;
}

function judge({ src = "192.168.50.2", dst, payload = tcp({ dstPort: 9999 }), opener = "source", seconds }: Question) {
  const packet = src.includes(":") ? ipv6({ src, dst }, payload) : ipv4({ src, dst }, payload);
  const headers = decode(captured(ethernet({}, packet)));
  const { flowClass, evidence } = classifier.classify(headers, opener, seconds ?? VALID_AFTER + 60);
  return { flowClass, kind: evidence[0]?.kind, evidence: evidence[0] };
}

describe("Classifier", () => {
  it("takes a relay's OR port for tor, and says which relay by which document", () => {
    const answer = judge({ dst: RELAY.address });
    expect(answer.flowClass).toBe("tor");
    expect(answer.evidence).toMatchObject({
      kind: "consensus",
      nickname: "guard9999",
      fingerprint: RELAY.fingerprint,
      flags: RELAY.flags,
      validAfter: "2023-11-14T22:13:20Z",
    });
  });

  it("takes an IPv6 OR port for tor", () => {
    expect(judge({ src: "fd00::2", dst: RELAY.ipv6.address, payload: tcp({ dstPort: 9001 }) }).flowClass).toBe("tor");
  });

  it("takes an OR port behind NAT64 for tor", () => {
    expect(judge({ src: "fd00::2", dst: "64:ff9b::198.51.100.9" }).flowClass).toBe("tor");
  });

  it("never takes a relay's address on another port for tor", () => {
    const answer = judge({ dst: RELAY.address, payload: tcp({ dstPort: 443 }) });
    expect([answer.flowClass, answer.kind]).toEqual(["clearnet", "relay-address-other-port"]);
  });

  it("never takes UDP to an OR port for tor", () => {
    const answer = judge({ dst: RELAY.address, payload: udp({ dstPort: 9999 }) });
    expect([answer.flowClass, answer.kind]).toEqual(["clearnet", "relay-address-other-port"]);
  });

  it("never takes plain HTTP to a directory port for tor", () => {
    const answer = judge({ dst: RELAY.address, payload: tcp({ dstPort: 9030 }) });
    expect([answer.flowClass, answer.kind]).toEqual(["clearnet", "dir-port"]);
  });

  it("takes a configured bridge for tor", () => {
    const answer = judge({ dst: "203.0.113.77", payload: tcp({ dstPort: 4443 }) });
    expect([answer.flowClass, answer.kind]).toEqual(["tor", "bridge"]);
  });

  it("takes a built-in authority for tor without any consensus", () => {
    const bare = new Classifier(new RelayDirectory());
    const headers = decode(
      captured(ethernet({}, ipv4({ src: "10.0.0.2", dst: "45.66.35.11" }, tcp({ dstPort: 443 })))),
    );
    expect(bare.classify(headers, "source", Date.UTC(2026, 10, 22) / 1000)).toMatchObject({
      flowClass: "tor",
      evidence: [{ kind: "authority", nickname: "dizum" }],
    });
  });

  it("never takes a relay out of its document's reach for tor", () => {
    const answer = judge({ dst: RELAY.address, seconds: VALID_AFTER + 10 * 86_400 });
    expect([answer.flowClass, answer.kind]).toEqual(["clearnet", "consensus-out-of-reach"]);
  });

  it("tells an address that is not listed from one that nobody could have listed", () => {
    expect(judge({ dst: "203.0.113.9" }).kind).toBe("not-listed");
    expect(judge({ dst: "203.0.113.9", seconds: VALID_AFTER + 10 * 86_400 }).kind).toBe("no-document");
  });

  it("takes a connection from a relay's address for clearnet when the relay opened it", () => {
    const payload = tcp({ srcPort: 9999, dstPort: 8333 });
    expect(judge({ src: RELAY.address, dst: "203.0.113.9", payload, opener: "source" }).flowClass).toBe("clearnet");
  });

  it("finds the relay at either end when nobody saw who opened the flow", () => {
    const payload = tcp({ srcPort: 9999, dstPort: 40000 });
    expect(judge({ src: RELAY.address, dst: "192.168.50.2", payload, opener: "unknown" }).flowClass).toBe("tor");
    expect(judge({ src: RELAY.address, dst: "192.168.50.2", payload, opener: "destination" }).flowClass).toBe("tor");
  });

  it.each([
    ["10.0.0.1", "192.168.1.1", "private"],
    ["127.0.0.1", "127.0.0.1", "loopback"],
    ["192.168.50.2", "224.0.0.251", "multicast"],
    ["203.0.113.9", "224.0.0.251", "multicast"],
    ["0.0.0.0", "255.255.255.255", "broadcast"],
    ["fe80::1", "ff02::1", "multicast"],
    ["2001:db8:50::2", "fe80::1", "link-local"],
    ["fe80::1", "2001:db8:50::2", "link-local"],
    ["203.0.113.9", "169.254.1.1", "link-local"],
  ])("takes %s to %s for local", (src, dst, range) => {
    expect(judge({ src, dst })).toMatchObject({ flowClass: "local", evidence: { kind: "special-range", range } });
  });

  it.each([
    ["192.168.50.2", "203.0.113.9"],
    ["203.0.113.9", "192.168.50.2"],
    ["2001:db8:50::2", "fd00::1"],
  ])("takes %s to %s for clearnet, because a private address may be translated", (src, dst) => {
    expect(judge({ src, dst }).flowClass).toBe("clearnet");
  });

  it("takes local addresses inside a tunnel over the internet for clearnet", () => {
    const inner = ipv4({ src: "10.0.0.1", dst: "10.0.0.2" }, tcp());
    expect(judge({ dst: "203.0.113.9", payload: ipip(inner) })).toMatchObject({
      flowClass: "clearnet",
      kind: "tunnel",
    });
    expect(judge({ dst: "192.168.50.3", payload: ipip(inner) }).flowClass).toBe("local");
  });
});
