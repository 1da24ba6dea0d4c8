import { describe, expect, it } from "vitest";
import { ALL_RULES, type AuditReport, type Finding, type RuleName } from "../../src/audit/index.js";
import { discover, pcpMap } from "../apps/lan/samples.js";
import {
  ascii,
  concat,
  dnsQuery,
  icmp,
  icmpEcho,
  icmpv6,
  ipv4,
  ipv4Bytes,
  TcpFlag,
  u16,
  udp,
} from "../support/packet-builder.js";
import { allowedTo, auditOf, codes, found, NODE } from "./audited.js";
import { DIR_PORT, noDirectory, OR_PORT, RELAY } from "./documents.js";
import { LEAKS, type Leak, mdnsAnswer, OPAQUE, tunnelled } from "./leaks.js";
import { arpFrame, connection, datagram, ip, type Said, segment, tlsWords, torLink } from "./traffic.js";

const OUTSIDE = "203.0.113.9";
const ROUTER = "192.168.1.1";
const OTHER = "192.168.1.77";

/** Tor's own packets come first. */
const LINK = torLink();

function finding(report: AuditReport, rule: RuleName): Finding {
  const found = report.findings.find((it) => it.rule === rule);
  if (found === undefined) throw new Error(`no finding of ${rule}: ${JSON.stringify(report.findings)}`);
  return found;
}

const told = ({ disclosed }: Pick<Finding, "disclosed">) => disclosed.map(({ kind, value }) => `${kind}: ${value}`);
const expectedOf = ({ rule, severity, also = [] }: Leak) => [...also, `${rule} ${severity}`].sort();

describe("each rule", () => {
  it("has a leak here that it finds, or a test of its own", () => {
    const apart = [
      "tor-unlisted",
      "tunnel",
      "inbound",
      "lan-announcement",
      "directory-port",
      "relay-other-port",
      "lan-proxy",
    ];
    const beside = ["ipv6", "socks-address", "fail-open", "start-up", "unexpected-application", "new-contact"];
    const provoked = new Set<string>([...LEAKS.map(({ rule }) => rule), ...apart, ...beside]);
    expect(ALL_RULES.map(({ name }) => name).filter((name) => !provoked.has(name))).toEqual([]);
  });
});

describe.each(LEAKS)("$what", (leak) => {
  it(`is found as ${leak.rule}, with what it tells and the packets that prove it`, async () => {
    const frames = leak.frames(NODE, OUTSIDE);
    const report = await auditOf([...LINK, ...frames], { node: [NODE] });
    expect(found(report).sort()).toEqual(expectedOf(leak));
    expect(report.verdict).toBe(leak.severity === "leak" ? "leak" : "clean");
    expect(report.reasons).toEqual([]);
    const { proof, packets, flows, remedy, title, disclosed } = finding(report, leak.rule);
    expect(told({ disclosed })).toEqual(expect.arrayContaining([...leak.disclosed]));
    expect(proof[0]).toBe(LINK.length + 1);
    expect(proof.at(-1)).toBeLessThanOrEqual(LINK.length + frames.length);
    expect(packets).toBe(frames.length);
    expect(flows.map(({ originator, responder }) => [originator.address, responder.address])).toEqual([
      [NODE, OUTSIDE],
    ]);
    expect([title, remedy].every((text) => text.length > 0)).toBe(true);
  });

  it("is found over IPv6 too", async () => {
    const frames = leak.frames("2001:db8:50::2", "2001:db8:9::9");
    const report = await auditOf([...LINK, ...frames], { node: [NODE, "2001:db8:50::2"] });
    const also = leak.severity === "leak" ? ["ipv6 leak"] : [];
    expect(found(report).sort()).toEqual([...expectedOf(leak), ...also].sort());
  });

  it(leak.onLan ? "is found on the LAN too" : "is nothing on the LAN", async () => {
    const report = await auditOf([...LINK, ...leak.frames(NODE, ROUTER)], { node: [NODE] });
    expect(found(report).sort()).toEqual(leak.onLan ? expectedOf(leak) : []);
    if (!leak.onLan) expect(report.verdict).toBe("clean");
  });

  it("is nothing on loopback", async () => {
    const report = await auditOf([...LINK, ...leak.frames("127.0.0.1", "127.0.0.53")], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", []]);
  });

  it("is another machine's, where the node is named", async () => {
    const frames = [...torLink({ src: OTHER }), ...leak.frames(NODE, OUTSIDE)];
    const report = await auditOf(frames, { node: [OTHER] });
    expect([report.verdict, found(report), report.coverage.otherFlows]).toEqual(["clean", [], 1]);
    expect((await auditOf(frames)).verdict).toBe(leak.severity === "leak" ? "leak" : "clean");
  });
});

describe("a relay", () => {
  const overTls = connection({ dst: RELAY, dstPort: OR_PORT }, tlsWords("www.example.com", ">300", "<900"));

  it("may be spoken to on its OR port, by TLS with a name as Tor makes them up", async () => {
    const report = await auditOf(overTls, { node: [NODE] });
    expect([report.verdict, found(report), report.coverage.torFlows]).toEqual(["clean", [], 1]);
  });

  it("that is spoken to in another way than TLS is no Tor, though nobody understands it", async () => {
    const opaque = connection({ dst: RELAY, dstPort: OR_PORT }, [[0, new Uint8Array(40).fill(0x91)]]);
    const report = await auditOf([...LINK, ...opaque]);
    expect([report.verdict, found(report), report.coverage.torFlows]).toEqual(["leak", ["other-tcp leak"], 1]);
  });

  it("that is asked for a name as no Tor has it is none, on whatever port", async () => {
    const other = connection({ dst: RELAY, dstPort: OR_PORT }, tlsWords("shop.example.org", ">300", "<900"));
    const report = await auditOf([...LINK, ...other]);
    expect([report.verdict, found(report), report.coverage.torFlows]).toEqual(["leak", ["tls leak"], 1]);
  });

  it.each([
    ["HTTP", "http", "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"],
    ["SSH", "ssh", "SSH-2.0-OpenSSH_9.6\r\n"],
  ])("that is spoken to in %s is no Tor, though it is on its OR port", async (_, rule, words) => {
    const report = await auditOf([...LINK, ...connection({ dst: RELAY, dstPort: OR_PORT }, [[0, words]])]);
    expect([found(report), report.coverage.torFlows]).toEqual([[`${rule} leak`], 1]);
  });

  it("on another port is no Tor", async () => {
    const frames = connection({ dst: RELAY, dstPort: 8080 }, tlsWords("www.example.com"));
    expect(found(await auditOf([...LINK, ...frames]))).toEqual(["relay-other-port leak"]);
    const udp = datagram({ dst: RELAY, dstPort: OR_PORT }, new Uint8Array(20).fill(0x91));
    expect(found(await auditOf([...LINK, udp]))).toEqual(["relay-other-port leak"]);
  });

  it.each([
    ["client", "leak"],
    ["bridge", "note"],
    ["relay", "note"],
  ] as const)("is asked for documents in the clear by a %s: a %s", async (role, severity) => {
    const words: Said = [0, "GET /tor/status-vote/current/consensus HTTP/1.0\r\nHost: 192.0.2.7\r\n\r\n"];
    const frames = connection({ dst: RELAY, dstPort: DIR_PORT }, [words]);
    const report = await auditOf([...LINK, ...frames], { node: [NODE], policy: { role } });
    expect(found(report)).toEqual([`directory-port ${severity}`]);
    const own = connection({ src: OUTSIDE, dst: RELAY, dstPort: DIR_PORT }, [words]);
    const served = await auditOf([...LINK, ...own], { node: [NODE, RELAY], policy: { role } });
    expect(found(served)).toEqual([role === "client" ? "inbound leak" : "directory-port note"]);
  });

  it.each([NODE, "2001:db8:50::2"])("that only looks like one is a warning, and no verdict (%s)", async (src) => {
    const dst = src === NODE ? OUTSIDE : "2001:db8:9::9";
    const report = await auditOf([...LINK, ...torLink({ src, dst, dstPort: 443 })], { node: [NODE, "2001:db8:50::2"] });
    expect([report.verdict, found(report), codes(report)]).toEqual([
      "inconclusive",
      ["tor-unlisted warning"],
      ["tor-unlisted"],
    ]);
  });
});

describe("a tunnel", () => {
  it.each([
    ["IPv6 inside", "2001:db8:5::1", "2001:db8:6::1", ["ipv6 leak", "tunnel leak"]],
    ["the internet inside", "10.8.0.2", "198.51.100.7", ["tunnel leak"]],
    ["private addresses inside", "10.8.0.2", "10.8.0.1", ["tunnel leak"]],
  ])("across the internet with %s is found by the node's outer address", async (_, src, dst, expected) => {
    const frames = [...LINK, tunnelled(NODE, OUTSIDE, src, dst)];
    expect(found(await auditOf(frames, { node: [NODE] })).sort()).toEqual(expected);
    expect(found(await auditOf(frames)).sort()).toEqual(expected);
    expect(found(await auditOf([...torLink({ src: OTHER }), ...frames], { node: [OTHER] }))).toEqual([]);
  });

  it("on the LAN is nothing as long as its inside is", async () => {
    expect(found(await auditOf([...LINK, tunnelled(NODE, ROUTER, "10.8.0.2", "10.8.0.1")], { node: [NODE] }))).toEqual(
      [],
    );
    const out = await auditOf([...LINK, tunnelled(NODE, ROUTER, "10.8.0.2", "198.51.100.7")], { node: [NODE] });
    expect(found(out)).toEqual(["tunnel leak"]);
  });

  it("that a stranger sends, and nobody answers, is no leak", async () => {
    const report = await auditOf([...LINK, tunnelled(OUTSIDE, NODE, "10.8.0.2", "198.51.100.7")], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", ["inbound note"]]);
  });
});

describe("a stranger", () => {
  const toNode = { src: OUTSIDE, dst: NODE, srcPort: 40_000, dstPort: 8333 };
  const fromNode = { src: NODE, dst: OUTSIDE, srcPort: 8333, dstPort: 40_000 };
  const SYN_ACK = TcpFlag.SYN | TcpFlag.ACK;

  it.each([
    ["is not answered", "note", [segment(toNode, TcpFlag.SYN)]],
    ["is refused", "note", [segment(toNode, TcpFlag.SYN), segment(fromNode, TcpFlag.RST | TcpFlag.ACK)]],
    ["is answered", "leak", connection(toNode, [[0, "x"]])],
    // As port scanners do it.
    [
      "is answered, and breaks off",
      "leak",
      [segment(toNode, TcpFlag.SYN), segment(fromNode, SYN_ACK), segment(toNode, TcpFlag.RST)],
    ],
    ["is answered by a datagram", "leak", [datagram(toNode, OPAQUE), datagram(fromNode, OPAQUE)]],
    ["is not answered by a datagram", "note", [datagram(toNode, OPAQUE)]],
    ["pings and is not answered", "note", [ip(OUTSIDE, NODE, icmpEcho(false, 1, 1))]],
    [
      "pings and is answered",
      "leak",
      [ip(OUTSIDE, NODE, icmpEcho(false, 1, 1)), ip(NODE, OUTSIDE, icmpEcho(true, 1, 1))],
    ],
    // Somebody else sends in the node's name.
    ["answers what the node never asked", "note", [segment(toNode, SYN_ACK), segment(fromNode, TcpFlag.RST)]],
  ])("that %s is a %s", async (_, severity, frames) => {
    const report = await auditOf([...LINK, ...frames], { node: [NODE] });
    expect(found(report)).toEqual([`inbound ${severity}`]);
    expect(report.verdict).toBe(severity === "leak" ? "leak" : "clean");
    expect(report.findings[0]!.proof[0]).toBe(LINK.length + 1);
  });

  it("who comes through an exit of Tor's is told apart from others", async () => {
    const byTor = { src: RELAY, dst: NODE, srcPort: 40_000, dstPort: 8333 };
    const report = await auditOf([...LINK, ...connection(byTor, [[0, "x"]]), ...connection(toNode, [[0, "x"]])], {
      node: [NODE],
    });
    expect(found(report)).toEqual(["inbound leak", "inbound leak"]);
    expect(report.findings.map(({ id, flows }) => [id, flows.map(({ originator }) => originator.address)])).toEqual([
      ["inbound:tor-exit", [RELAY]],
      ["inbound", [OUTSIDE]],
    ]);
    // Without a document nobody knows.
    const unknown = await auditOf([...LINK, ...connection(byTor, [[0, "x"]])], {
      node: [NODE],
      directory: noDirectory,
    });
    expect(unknown.findings.filter(({ rule }) => rule === "inbound").map(({ id }) => id)).toEqual(["inbound"]);
    // A router with its address does not answer for the node.
    const refused = await auditOf([...LINK, segment(byTor, TcpFlag.SYN)], { node: [NODE] });
    expect(refused.findings.map(({ id }) => id)).toEqual(["inbound:refused"]);
  });

  it("on the node's own connection, of which only the answers are seen, is no stranger", async () => {
    const answers = [segment(toNode, SYN_ACK), segment(toNode, TcpFlag.ACK, OPAQUE)];
    expect(found(await auditOf([...LINK, ...answers], { node: [NODE] }))).toEqual(["other-tcp leak"]);
  });

  it("whose data are reset had a connection", async () => {
    const frames = [segment({ ...toNode, srcPort: 443, dstPort: 50_000 }, TcpFlag.ACK, OPAQUE)];
    const reset = segment({ ...fromNode, srcPort: 50_000, dstPort: 443 }, TcpFlag.RST);
    expect(found(await auditOf([...LINK, ...frames, reset], { node: [NODE] }))).toEqual(["other-tcp leak"]);
  });

  it("comes over IPv6 too, and is told once", async () => {
    const frames = connection({ src: "2001:db8:9::9", dst: "2001:db8:50::2", dstPort: 22 }, []);
    const report = await auditOf([...LINK, ...frames], { node: [NODE, "2001:db8:50::2"] });
    expect(found(report)).toEqual(["inbound leak"]);
  });
});

describe("what belongs to the link", () => {
  const announcement = mdnsAnswer(NODE);

  it("is a note where it names the machine", async () => {
    const report = await auditOf([...LINK, announcement], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", ["lan-announcement note"]]);
    expect(told(report.findings[0]!)).toContain("host-name: alices-laptop.local");
    const others = await auditOf([...torLink({ src: OTHER }), announcement], { node: [OTHER] });
    expect([others.verdict, found(others)]).toEqual(["clean", []]);
  });

  it("is a note where a machine without an address asks for one, and tells its name", async () => {
    const frame = datagram({ src: "0.0.0.0", dst: "255.255.255.255", srcPort: 68, dstPort: 67 }, discover);
    const report = await auditOf([...LINK, frame], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", ["lan-announcement note"]]);
    expect(told(report.findings[0]!)).toContain("host-name: alices-laptop");
  });

  it("is a note where a lease is renewed with a provider's server on the internet", async () => {
    const frame = datagram({ dst: OUTSIDE, srcPort: 68, dstPort: 67 }, discover);
    expect(found(await auditOf([...LINK, frame], { node: [NODE] }))).toEqual(["lan-announcement note"]);
  });

  it("is a leak where it is announced to somebody outside", async () => {
    const payload = ascii("M-SEARCH * HTTP/1.1\r\nHOST: 203.0.113.9:1900\r\nST: upnp:rootdevice\r\n\r\n");
    const frame = datagram({ dst: OUTSIDE, dstPort: 1900 }, payload);
    expect(found(await auditOf([...LINK, frame], { node: [NODE] }))).toEqual(["lan-announcement leak"]);
  });

  it.each([
    ["a port", "WANIPConnection:1#AddPortMapping"],
    ["an IPv6 pinhole", "WANIPv6FirewallControl:1#AddPinhole"],
  ])("is a warning where the router is asked by SOAP for %s, whatever else it is asked for", async (_what, action) => {
    const request = (service: string) =>
      "POST /ctl/IPConn HTTP/1.1\r\nHost: 192.168.1.1:5000\r\n" +
      `SOAPAction: "urn:schemas-upnp-org:service:${service}"\r\nContent-Length: 0\r\n\r\n`;
    const words = request(action) + request("WANIPConnection:1#GetStatusInfo");
    const frames = connection({ dst: ROUTER, dstPort: 5000 }, [[0, words]]);
    const report = await auditOf([...LINK, ...frames], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", ["port-mapping warning"]]);
  });

  it("is nothing where another machine answers, and names itself", async () => {
    const answer = ascii(
      "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\nSERVER: Linux UPnP/1.1 router/1\r\n\r\n",
    );
    const router = datagram({ src: ROUTER, dst: NODE, srcPort: 1900, dstPort: 40_000 }, answer);
    expect(found(await auditOf([...LINK, router], { node: [NODE] }))).toEqual([]);
    const own = datagram({ dst: ROUTER, srcPort: 1900, dstPort: 40_000 }, answer);
    expect(found(await auditOf([...LINK, own], { node: [NODE] }))).toEqual(["lan-announcement note"]);
  });

  it("is nothing: ARP, discovery of routers and neighbours, also with internet addresses", async () => {
    const [own, neighbour] = ["2001:db8:50::2", "2001:db8:50::1"];
    const discovery = (src: string, dst: string, type: number) =>
      ip(src, dst, icmpv6(type, 0, [0, 0, 0, 0], new Uint8Array(16)));
    const frames = [
      arpFrame,
      discovery("fe80::1", "ff02::1", 134),
      discovery(own, neighbour, 135),
      discovery(neighbour, own, 136),
      discovery(neighbour, own, 135),
      discovery(own, neighbour, 136),
      discovery("::", "ff02::1:ff00:2", 135),
    ];
    for (const node of [[NODE, own], undefined]) {
      const report = await auditOf([...LINK, ...frames], { node });
      expect([report.verdict, found(report)]).toEqual(["clean", []]);
    }
    const ping = ip(own, neighbour, icmpv6(128));
    expect(found(await auditOf([...LINK, ...frames, ping], { node: [NODE, own] }))).toEqual(["icmp leak", "ipv6 leak"]);
  });

  it("is not what others on the LAN ask of the node", async () => {
    const frames = [
      datagram({ src: OTHER, dst: NODE, dstPort: 53 }, dnsQuery("www.example.com")),
      datagram({ src: ROUTER, dst: NODE, srcPort: 5350, dstPort: 5351 }, pcpMap),
    ];
    const report = await auditOf([...LINK, ...frames], { node: [NODE] });
    expect([report.verdict, found(report)]).toEqual(["clean", []]);
  });

  it("is not what goes to shared addresses, which are the provider's, or from link-local ones to the internet", async () => {
    for (const [src, dst] of [
      [NODE, "100.64.0.1"],
      ["169.254.7.7", OUTSIDE],
    ] as const) {
      const frames = connection({ src, dst, dstPort: 4000 }, [[0, OPAQUE]]);
      expect(found(await auditOf([...LINK, ...frames], { node: [NODE, "169.254.7.7"] }))).toEqual(["other-tcp leak"]);
      expect(found(await auditOf([...LINK, ...frames]))).toEqual(["other-tcp leak"]);
    }
  });
});

describe("ICMP errors", () => {
  const quoted = ipv4({ src: OUTSIDE, dst: NODE }, udp({ srcPort: 40_000, dstPort: 9 }));
  const unreachable = (src: string, dst: string) => ip(src, dst, icmp(3, 3, [0, 0, 0, 0], quoted));

  it("answer what is judged on its own: a note", async () => {
    const report = await auditOf(
      [...LINK, datagram({ src: OUTSIDE, dst: NODE, dstPort: 9 }, OPAQUE), unreachable(NODE, OUTSIDE)],
      {
        node: [NODE],
      },
    );
    expect([report.verdict, found(report)]).toEqual(["clean", ["inbound note", "icmp note"]]);
  });

  it("answer errors, and are no service", async () => {
    const sent = [...LINK, unreachable(OUTSIDE, NODE), unreachable(NODE, OUTSIDE)];
    expect(found(await auditOf(sent, { node: [NODE] }))).toEqual(["icmp note"]);
  });

  it("do not hide an echo request between the same ends", async () => {
    const ping = ip(NODE, OUTSIDE, icmpEcho(false, 1, 1));
    for (const frames of [
      [unreachable(NODE, OUTSIDE), ping],
      [ping, unreachable(NODE, OUTSIDE)],
      // Of so many the later ones are not read.
      [...Array.from({ length: 1025 }, () => unreachable(NODE, OUTSIDE)), ping],
    ]) {
      const sent = [...LINK, ...frames].map((frame) => ({ frame, at: 1 }));
      expect(found(await auditOf(sent, { node: [NODE] }))).toEqual(["icmp leak"]);
    }
  });
});

describe("a request to a SOCKS proxy", () => {
  const socks = (request: Uint8Array | string): Said[] => [
    [0, Uint8Array.of(5, 1, 0)],
    [1, Uint8Array.of(5, 0)],
    [0, request],
  ];
  const toAddress = concat([5, 1, 0, 1], ipv4Bytes(OUTSIDE), u16(443));
  const toName = concat([5, 1, 0, 3, 15], ascii("www.example.com"), u16(443));

  it.each([
    [[NODE], toAddress, ["socks-address note"]],
    [[NODE], toName, []],
    [undefined, toAddress, ["socks-address note"]],
  ])("for a bare address is a note (%j)", async (node, request, expected) => {
    const frames = connection({ src: "127.0.0.1", dst: "127.0.0.1", dstPort: 9050 }, socks(request));
    const report = await auditOf([...LINK, ...frames], { node });
    expect([report.verdict, found(report)]).toEqual(["clean", expected]);
  });

  it("across the internet is a leak, also where no document tells of relays", async () => {
    const frames = connection({ dst: OUTSIDE, dstPort: 1080 }, socks(toAddress));
    expect(found(await auditOf([...LINK, ...frames]))).toEqual(["other-tcp leak", "socks-address note"]);
    const report = await auditOf([...LINK, ...frames], { directory: noDirectory });
    expect([report.verdict, found(report)]).toEqual([
      "leak",
      ["other-tcp leak", "tor-unlisted warning", "socks-address note"],
    ]);
  });
});

describe("without a document", () => {
  it("what says what no link says is a leak, and what may be a link is not judged", async () => {
    for (const leak of LEAKS) {
      const report = await auditOf([...LINK, ...leak.frames(NODE, OUTSIDE)], { node: [NODE], directory: noDirectory });
      const isJudged = leak.rule !== "tls" && leak.rule !== "other-tcp";
      expect([leak.what, found(report).sort()]).toEqual([
        leak.what,
        [...(isJudged ? expectedOf(leak) : []), "tor-unlisted warning"].sort(),
      ]);
      expect([leak.what, report.verdict]).toEqual([
        leak.what,
        isJudged && leak.severity === "leak" ? "leak" : "inconclusive",
      ]);
      expect(codes(report)).toContain("no-consensus");
      if (!isJudged) expect(codes(report)).toContain("flows-unjudged");
    }
  });
});

describe("a proxy on the LAN", () => {
  const ROUTER = "192.168.1.1";
  const socks = [
    [0, Uint8Array.of(5, 1, 0)],
    [1, Uint8Array.of(5, 0)],
    [0, concat([5, 1, 0, 3, 15], ascii("www.example.com"), u16(443))],
  ] as const;
  const words = {
    CONNECT: [[0, "CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n"]],
    "absolute HTTP": [[0, "GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n"]],
    SOCKS: socks,
  } as const;

  it.each(Object.entries(words))(
    "that is asked for others in %s gives a warning, and is never clean",
    async (_, said) => {
      const report = await auditOf([...LINK, ...connection({ dst: ROUTER, dstPort: 3128 }, said)], { node: [NODE] });
      expect([report.verdict, found(report), codes(report)]).toEqual([
        "inconclusive",
        ["lan-proxy warning"],
        ["proxy-on-lan"],
      ]);
      expect(told(finding(report, "lan-proxy")).join()).toContain("www.example.com");
    },
  );

  it("may be allowed, by whoever knows that it is tor", async () => {
    const allowed = allowedTo(ROUTER, "tor runs on the router");
    const frames = [...LINK, ...connection({ dst: ROUTER, dstPort: 9050 }, socks)];
    const report = await auditOf(frames, { node: [NODE], policy: { allow: [allowed] } });
    expect([report.verdict, found(report), report.exceptions.map(({ flows }) => flows)]).toEqual(["clean", [], [1]]);
  });

  it("is no such thing where it is asked for its own pages", async () => {
    const frames = connection({ dst: ROUTER, dstPort: 80 }, [[0, "GET / HTTP/1.1\r\nHost: router\r\n\r\n"]]);
    expect(found(await auditOf([...LINK, ...frames], { node: [NODE] }))).toEqual([]);
  });
});

describe("an exception", () => {
  it("for a resolver does not cover names of onion services", async () => {
    const allowed = allowedTo("203.0.113.53", "the resolver is ours");
    const names = ["www.example.com", `${"leek".repeat(14)}.onion`];
    const frames = names.map((name, i) =>
      datagram({ dst: "203.0.113.53", dstPort: 53, srcPort: 50_000 + i }, dnsQuery(name)),
    );
    const report = await auditOf([...LINK, ...frames], { node: [NODE], policy: { allow: [allowed] } });
    expect([found(report), report.exceptions.map(({ flows }) => flows)]).toEqual([["dns-onion-name leak"], [2]]);
  });
});
