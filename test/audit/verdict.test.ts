import { describe, expect, it } from "vitest";
import { makeCanary } from "../../src/audit/canary.js";
import { type AuditReport, REASONS, type ReasonCode } from "../../src/audit/index.js";
import { parseAddress } from "../../src/net/index.js";
import { parseBridge, RelayDirectory } from "../../src/relays/index.js";
import { dnsQuery, ethernet } from "../support/packet-builder.js";
import { auditCapture, auditOf, codes, found, NODE, pcapngOf, pcapOf, type Sent } from "./audited.js";
import { OR_PORT, RELAY, unverifiedDirectory } from "./documents.js";
import { OPAQUE } from "./leaks.js";
import { arpFrame, connection, datagram, ip, tlsWords, torLink } from "./traffic.js";

const ROUTER = "192.168.1.1";
const LINK = torLink();
const CLEAN = [arpFrame, ...LINK];
const LEAK = datagram({ dstPort: 53 }, dnsQuery("www.example.com"));
const sent = (frames: readonly Uint8Array[]): Sent[] => frames.map((frame) => ({ frame }));

/** The relay is known without a document. */
const bridgeOnly = new RelayDirectory({
  bridges: [parseBridge(`${RELAY}:${OR_PORT}`)],
  authorities: [],
  fallbacks: [],
});

interface Provocation {
  /** A capture without a leak, but for what is put behind it. */
  readonly audit: (more: readonly Uint8Array[]) => Promise<AuditReport>;
  /** Reasons that come with it. */
  readonly with?: readonly ReasonCode[];
  /** Whose traffic is audited, or what it is, makes that the leak is not. */
  readonly hidesLeak?: true;
}

const PROVOCATIONS: Readonly<Record<ReasonCode, Provocation>> = {
  "packets-dropped": {
    audit: (more) => auditCapture(pcapngOf(sent([...CLEAN, ...more]), { dropped: 3n })),
  },
  "drops-unknown": { audit: (more) => auditCapture(pcapOf(sent([...CLEAN, ...more]))) },
  // The client's hello.
  "upstream-loss": { audit: (more) => auditOf([...CLEAN.filter((frame) => frame !== LINK[3]), ...more]) },
  "capture-damaged": {
    audit: (more) => auditCapture(pcapngOf(sent([...CLEAN, ...more])).subarray(0, -9), { drops: 0 }),
  },
  "undecoded-frames": {
    audit: (more) => auditOf([...CLEAN, ethernet({ type: 0x0800 }, Uint8Array.of(0x45, 0)), ...more]),
  },
  "snaplen-short": {
    audit: (more) => {
      const [first, ...rest] = connection({ dst: ROUTER, dstPort: 443 }, tlsWords("router.example")).slice(3);
      const cut = { frame: first!, kept: 60 };
      return auditCapture(pcapngOf([...sent(CLEAN), cut, ...sent([...rest, ...more])]));
    },
  },
  "fragments-lost": {
    audit: (more) => auditOf([...CLEAN, ip(NODE, ROUTER, OPAQUE, { protocol: 17, fragmentOffset: 1480 }), ...more]),
  },
  "too-many-flows": {
    audit: (more) => {
      const frames = Array.from({ length: 40 }, (_, i) => datagram({ dst: ROUTER, dstPort: 4000 + i }, OPAQUE));
      return auditOf([...CLEAN, ...frames, ...more], { analysis: { maxFlows: 16 } });
    },
  },
  "no-consensus": { audit: (more) => auditOf([...CLEAN, ...more], { directory: bridgeOnly }) },
  "unverified-consensus": { audit: (more) => auditOf([...CLEAN, ...more], { directory: unverifiedDirectory }) },
  "flows-unjudged": {
    audit: (more) =>
      auditOf([...CLEAN, ...connection({ dstPort: 4000 }, [[0, OPAQUE]]), ...more], { directory: bridgeOnly }),
    with: ["no-consensus"],
  },
  "tor-unlisted": {
    audit: (more) => auditOf([...CLEAN, ...torLink({ dst: "203.0.113.5", dstPort: 443 }), ...more]),
  },
  "nothing-seen": {
    audit: (more) => auditOf([...CLEAN, ...more], { node: ["192.168.1.77"], policy: { expectTor: false } }),
    hidesLeak: true,
  },
  "no-tor-traffic": {
    audit: (more) => auditOf([...connection({ dst: ROUTER, dstPort: 22 }), ...more]),
  },
  "only-loopback": {
    audit: (more) =>
      auditOf([...connection({ src: "127.0.0.1", dst: "127.0.0.1", dstPort: 9050 }), ...more], {
        policy: { expectTor: false },
      }),
  },
  "tunnel-interface": {
    audit: (more) => auditCapture(pcapngOf(sent([...CLEAN, ...more]), { name: "wg0" })),
  },
  "addresses-unnamed": {
    audit: (more) => {
      const frames = connection({ src: "2001:db8:50::2", dst: "2001:db8:9::9", dstPort: 443 });
      return auditOf([...CLEAN, ...frames, ...more], { node: [NODE] });
    },
  },
  filtered: { audit: (more) => auditOf([...CLEAN, ...more], { options: { isFiltered: true } }) },
  "too-short": { audit: (more) => auditOf([...CLEAN, ...more], { policy: { minDurationSeconds: 3600 } }) },
  "proxy-on-lan": {
    audit: (more) => {
      const words = "CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n";
      return auditOf([...CLEAN, ...connection({ dst: ROUTER, dstPort: 3128 }, [[0, words]]), ...more]);
    },
  },
  "other-interfaces": { audit: (more) => auditOf([...CLEAN, ...more], { options: { otherWaysOut: ["wlan0"] } }) },
  "exit-unattributed": {
    audit: (more) => auditOf([...CLEAN, ...connection({ dstPort: 443 }), ...more], { policy: { role: "exit" } }),
    hidesLeak: true,
  },
  "canary-missed": {
    audit: (more) => {
      const canaries = [makeCanary(parseAddress(NODE)!, 7)];
      return auditOf([...CLEAN, ...more], { node: [NODE], options: { canaries } });
    },
  },
};

describe("an audit", () => {
  it("is clean where all is seen, all is judged, and nothing goes around Tor", async () => {
    for (const node of [undefined, [NODE], ["192.168.1.0/24"]]) {
      const report = await auditOf(CLEAN, { node });
      expect([report.verdict, report.reasons, report.findings]).toEqual(["clean", [], []]);
      expect(report.coverage).toMatchObject({ dropped: 0, cutPackets: 0, missingTcpBytes: 0, torFlows: 1 });
    }
  });

  it("takes a short snaplen amiss only where it cut the node's own packets", async () => {
    const otherHost = connection({ src: "192.168.1.77", dst: ROUTER, dstPort: 443 }, tlsWords("router.example"));
    const bytes = pcapngOf([...sent(CLEAN), ...otherHost.map((frame) => ({ frame, kept: 60 }))]);
    expect((await auditCapture(bytes, { node: [NODE] })).verdict).toBe("clean");
    expect(codes(await auditCapture(bytes))).toContain("snaplen-short");
    expect(codes(await auditCapture(bytes, { node: [NODE, "192.168.1.77"] }))).toContain("snaplen-short");
  });

  it("has a text and a remedy for each reason", () => {
    for (const { text, remedy } of Object.values(REASONS))
      expect([text, remedy].map((it) => it.at(-1))).toEqual([".", "."]);
  });
});

describe.each(Object.entries(PROVOCATIONS))("%s", (code, { audit, with: others = [], hidesLeak }) => {
  it("makes an audit inconclusive that would have been clean", async () => {
    const report = await audit([]);
    expect(report.findings.filter(({ severity }) => severity === "leak")).toEqual([]);
    expect([report.verdict, codes(report).sort()]).toEqual(["inconclusive", [...others, code].sort()]);
  });

  it(hidesLeak ? "stands where the leak is not the node's" : "is outranked by a leak", async () => {
    const report = await audit([LEAK]);
    expect(report.verdict).toBe(hidesLeak ? "inconclusive" : "leak");
    expect(found(report).includes("dns leak")).toBe(hidesLeak === undefined);
  });
});

describe("what is told by whoever knows better", () => {
  it("lets the user say how many packets were lost", async () => {
    const bytes = pcapOf(sent(CLEAN));
    expect((await auditCapture(bytes, { drops: 0 })).verdict).toBe("clean");
    expect(codes(await auditCapture(bytes, { drops: 4 }))).toEqual(["packets-dropped"]);
    // And not less than the capture says.
    expect(codes(await auditCapture(pcapngOf(sent(CLEAN), { dropped: 1n }), { drops: 0 }))).toEqual([
      "packets-dropped",
    ]);
  });

  it("lets the user trust a document", async () => {
    const traits = { directory: unverifiedDirectory, options: { trustUnverified: true } };
    expect((await auditOf(CLEAN, traits)).verdict).toBe("clean");
  });

  it("asks for no Tor where none is expected", async () => {
    const report = await auditOf([...connection({ dst: ROUTER, dstPort: 22 })], { policy: { expectTor: false } });
    expect(report.verdict).toBe("clean");
  });
});

describe("the outside of a tunnel", () => {
  it("is not seen in frames that begin with their IP header, nor on an interface that is named as one", async () => {
    const bare = sent(LINK.map((frame) => frame.subarray(14)));
    expect(codes(await auditCapture(pcapngOf(bare, { linkType: 101 })))).toEqual(["tunnel-interface"]);
    for (const name of ["tun0", "wg-home", "utun4"]) {
      expect(codes(await auditCapture(pcapngOf(sent(CLEAN), { name })))).toEqual(["tunnel-interface"]);
    }
    for (const name of ["eth0", "wlan0", "enp3s0", "any"]) {
      expect(codes(await auditCapture(pcapngOf(sent(CLEAN), { name })))).toEqual([]);
    }
  });

  it("has nothing to do with a file's name", async () => {
    const report = await auditCapture(pcapOf(sent(CLEAN)), { drops: 0, fileName: "tunis.pcap" });
    expect(report.verdict).toBe("clean");
  });
});

describe("frames without IP", () => {
  it.each([0x0806, 0x8863, 0x888e, 0x88cc, 0x88f7, 0x8809, 0x88e1, 0x893a])(
    "of type %d stay on the link",
    async (type) => {
      expect((await auditOf([...CLEAN, ethernet({ type }, OPAQUE)])).verdict).toBe("clean");
    },
  );

  it.each([
    ["MACsec", 0x88e5],
    ["ethertype 0x4305", 0x4305],
    ["ethertype 0x88b5", 0x88b5],
  ])("that may carry anything are not understood: %s", async (name, type) => {
    const report = await auditOf([...CLEAN, ethernet({ type }, OPAQUE)]);
    expect([report.verdict, codes(report)]).toEqual(["inconclusive", ["undecoded-frames"]]);
    expect(report.reasons[0]!.details).toContain(name);
  });
});
