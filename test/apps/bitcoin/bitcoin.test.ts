import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeMessage, encodeVersion } from "../../../scripts/tornet/wire/bitcoin.mjs";
import { bitcoin } from "../../../src/apps/bitcoin/index.js";
import { detailsOf, disclosed, type Said } from "../conversation.js";
import { addrEntry, addrV2Entry, ipv4Mapped, list, MAGIC, message, version } from "./messages.js";
import { onPort } from "./on-port.js";

/** The public key in an onion name, version 3: what stands before checksum and version (rend-spec-v3 6). */
function keyOf(onion: string): Buffer {
  let bits = "";
  for (const letter of onion) bits += "abcdefghijklmnopqrstuvwxyz234567".indexOf(letter).toString(2).padStart(5, "0");
  return Buffer.from((bits.slice(0, 256).match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

// The Tor Project's and DuckDuckGo's own names: an independent judge of the checksum.
const ONION = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";
const OTHER_ONION = "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion";

const ours = version({ receiver: [ipv4Mapped("203.0.113.83"), 8333] });
const theirs = version({
  receiver: [ipv4Mapped("198.51.100.7"), 50_000],
  userAgent: "/btcwire:0.5.0/btcd:0.24.2/",
  height: 899_999,
  services: 0xc4dn,
  relay: 0,
});
const handshake: Said[] = [
  [0, message("version", ours)],
  [1, message("version", theirs)],
  [1, message("wtxidrelay")],
  [1, message("sendaddrv2")],
  [1, message("verack")],
  [0, message("verack")],
  [0, message("ping", Buffer.alloc(8))],
  [1, message("pong", Buffer.alloc(8))],
];

describe("bitcoin", () => {
  it.each([Infinity, 100, 1])("is known by its first message, in segments of %d bytes", (segmentBytes) => {
    const facts = onPort([bitcoin], handshake, { segmentBytes });
    expect([facts?.protocol, facts?.by]).toEqual(["bitcoin", "content"]);
    expect(detailsOf(facts)).toEqual({
      chain: "main",
      originatorCommands: ["version", "verack", "ping"],
      originatorProtocolVersion: 70_016,
      originatorServices: ["NETWORK", "WITNESS", "NETWORK_LIMITED"],
      originatorTime: 1_700_000_000,
      originatorSeesPeerAt: "203.0.113.83:8333",
      originatorUserAgent: "/Satoshi:29.0.0/",
      originatorHeight: 900_000,
      originatorRelay: true,
      responderCommands: ["version", "wtxidrelay", "sendaddrv2", "verack", "pong"],
      responderProtocolVersion: 70_016,
      responderServices: ["NETWORK", "BLOOM", "WITNESS", "COMPACT_FILTERS", "NETWORK_LIMITED", "P2P_V2"],
      responderTime: 1_700_000_000,
      responderSeesPeerAt: "198.51.100.7:50000",
      responderUserAgent: "/btcwire:0.5.0/btcd:0.24.2/",
      responderHeight: 899_999,
      responderRelay: false,
    });
    expect(disclosed(facts)).toEqual([
      "bitcoin-chain: main",
      "bitcoin-command: version",
      "bitcoin-services: NETWORK WITNESS NETWORK_LIMITED",
      "public-address: 203.0.113.83",
      "user-agent: /Satoshi:29.0.0/",
      "bitcoin-height: 900000",
      "bitcoin-services: NETWORK BLOOM WITNESS COMPACT_FILTERS NETWORK_LIMITED P2P_V2",
      "public-address: 198.51.100.7",
      "user-agent: /btcwire:0.5.0/btcd:0.24.2/",
      "bitcoin-height: 899999",
      "bitcoin-command: wtxidrelay",
      "bitcoin-command: sendaddrv2",
      "bitcoin-command: verack",
      "bitcoin-command: ping",
      "bitcoin-command: pong",
    ]);
  });

  it.each(Object.entries(MAGIC))("of chain %s is known by its magic", (chain, magic) => {
    const facts = onPort([bitcoin], [[1, message("inv", Buffer.alloc(37), magic)]], { segmentBytes: 1 });
    expect(detailsOf(facts)).toEqual({ chain, responderCommands: ["inv"] });
    expect(disclosed(facts)).toContain(`bitcoin-chain: ${chain}`);
  });

  it("of the private test network is read", () => {
    const payload = encodeVersion({ userAgent: "/Satoshi:29.0.0/", receiver: { address: "2001:db8::7", port: 8333 } });
    const facts = onPort([bitcoin], [[0, encodeMessage("version", payload)]]);
    expect(detailsOf(facts)).toMatchObject({
      originatorUserAgent: "/Satoshi:29.0.0/",
      originatorHeight: 900_000,
      originatorSeesPeerAt: "[2001:db8::7]:8333",
    });
    expect(disclosed(facts)).toContain("public-address: 2001:db8::7");
  });

  it("tells no addresses of a node that dials through a proxy, and private ones are not public", () => {
    expect(disclosed(onPort([bitcoin], [[0, message("version", version())]])).join()).not.toContain("address");
    const inside = version({ receiver: [ipv4Mapped("192.168.1.9"), 8333], sender: [ipv4Mapped("10.0.0.1"), 8333] });
    const facts = onPort([bitcoin], [[0, message("version", inside)]]);
    expect(detailsOf(facts)).toMatchObject({
      originatorSeesPeerAt: "192.168.1.9:8333",
      originatorAddress: "10.0.0.1:8333",
    });
    expect(disclosed(facts).join()).not.toContain("address");
  });

  it("tells what an old node says of itself, and its onion name of version 2", () => {
    const sender = ["fd87d87eeb43000102030405060708ff", 8333] as const;
    const facts = onPort([bitcoin], [[0, message("version", version({ sender, userAgent: "" }))]]);
    expect(detailsOf(facts)).toMatchObject({ originatorAddress: "aaaqeayeaudaoch7.onion:8333" });
    expect(disclosed(facts)).toContain("onion-name: aaaqeayeaudaoch7.onion");
    expect(disclosed(facts).join()).not.toContain("user-agent");
  });

  it("tells a private broadcast as it is", () => {
    const fields = { services: 0n, time: 0n, userAgent: "/pynode:0.0.1/", height: 0, relay: 0 };
    const facts = onPort([bitcoin], [[0, message("version", version(fields))]]);
    expect(detailsOf(facts)).toMatchObject({ originatorServices: [], originatorTime: 0, originatorHeight: 0 });
    expect(disclosed(facts)).toContain("bitcoin-services: none");
  });

  it("names services without a name by their bit", () => {
    const facts = onPort([bitcoin], [[0, message("version", version({ services: 2n ** 63n + 2n }))]]);
    expect(detailsOf(facts).originatorServices).toEqual(["UNKNOWN[2^1]", "UNKNOWN[2^63]"]);
  });

  it("believes no version whose checksum is wrong, and reads on behind it", () => {
    const wrong = Buffer.from(message("version", ours));
    wrong[110]! ^= 1;
    const said: Said[] = [[0, Buffer.concat([wrong, message("version", theirs)])]];
    const facts = onPort([bitcoin], said, { segmentBytes: 7 });
    expect(detailsOf(facts).originatorUserAgent).toBe("/btcwire:0.5.0/btcd:0.24.2/");
  });

  it("believes the first version of a side only", () => {
    const facts = onPort(
      [bitcoin],
      [
        [0, message("version", ours)],
        [0, message("version", theirs)],
      ],
    );
    expect(detailsOf(facts).originatorUserAgent).toBe("/Satoshi:29.0.0/");
    expect(disclosed(facts).filter((it) => it.startsWith("user-agent"))).toHaveLength(1);
  });

  it("tells what the snaplen left of a version", () => {
    const facts = onPort([bitcoin], [[0, message("version", ours)]], { snaplen: 42 });
    expect(detailsOf(facts)).toEqual({
      chain: "main",
      originatorCommands: ["version"],
      originatorProtocolVersion: 70_016,
      originatorServices: ["NETWORK", "WITNESS", "NETWORK_LIMITED"],
    });
  });

  it("sees commands for as long as the flow lasts, also behind blocks and in flows without a beginning", () => {
    const block = message("block", Buffer.alloc(100_000, 0xf9));
    const said: Said[] = [
      [0, message("getdata", Buffer.alloc(37))],
      [1, block],
      [1, message("inv", Buffer.alloc(37))],
      [0, message("tx", Buffer.alloc(400))],
      [1, Buffer.concat([block, message("headers", Buffer.of(0))])],
    ];
    for (const circumstances of [{}, { segmentBytes: 100 }, { segmentBytes: 1448, fromStart: false }]) {
      const facts = onPort([bitcoin], said, circumstances);
      expect(detailsOf(facts)).toEqual({
        chain: "main",
        originatorCommands: ["getdata", "tx"],
        responderCommands: ["block", "inv", "headers"],
      });
    }
  });

  it("lists a bounded number of commands, and none that is not text", () => {
    const said: Said[] = [[0, message("ping", Buffer.alloc(8))]];
    for (let i = 0; i < 500; i++) {
      said.push([0, message(`new${i}`)], [1, message(`other${i}`)], [1, message("a\0b")], [1, message("")]);
    }
    const facts = onPort([bitcoin], said);
    const { originatorCommands, responderCommands } = detailsOf(facts);
    expect(originatorCommands).toHaveLength(32);
    expect(responderCommands).toHaveLength(32);
    expect((responderCommands as string[]).every((it) => /^other\d+$/.test(it))).toBe(true);
    expect(facts?.disclosures.filter(({ kind }) => kind === "bitcoin-command")).toHaveLength(32);
    expect(facts?.more).toBe(0);
  });
});

describe("addresses that are told", () => {
  const i2p = Buffer.alloc(32, 7);
  const gossip = list(
    addrV2Entry(1, Buffer.of(192, 0, 2, 1), 8333),
    addrV2Entry(4, keyOf(ONION), 8333),
    addrV2Entry(5, i2p, 0),
    addrV2Entry(6, Buffer.from("fc000000000000000000000000000001", "hex"), 8333),
    // Of a network to come, and with a length that is not its network's.
    addrV2Entry(99, Buffer.alloc(300), 1),
    addrV2Entry(4, Buffer.alloc(31), 1),
    addrV2Entry(4, keyOf(OTHER_ONION), 8333),
  );

  it.each([Infinity, 1])("are counted with their networks, and onion names told, in segments of %d", (segmentBytes) => {
    const facts = onPort([bitcoin], [...handshake, [1, message("addrv2", gossip)]], { segmentBytes });
    expect(detailsOf(facts)).toMatchObject({
      responderAddressesTold: 7,
      responderNetworksTold: ["ipv4", "onion", "i2p", "cjdns"],
    });
    expect(disclosed(facts).slice(-3)).toEqual([
      "bitcoin-command: addrv2",
      `onion-name: ${ONION}`,
      `onion-name: ${OTHER_ONION}`,
    ]);
  });

  it.each([
    ["addr", list(addrEntry(ipv4Mapped("198.51.100.7"), 8333)), "peer-address: 198.51.100.7:8333"],
    ["addr", list(addrEntry("20010db8000000000000000000000007", 8333)), "peer-address: [2001:db8::7]:8333"],
    ["addrv2", list(addrV2Entry(2, Buffer.from("20010db8000000000000000000000007", "hex"), 1)), "[2001:db8::7]:1"],
    ["addrv2", list(addrV2Entry(4, keyOf(ONION), 8333)), `peer-address: ${ONION}:8333`],
    ["addrv2", list(addrV2Entry(5, i2p, 0)), `peer-address: ${"a4dqobyh".repeat(6)}a4dq.b32.i2p:0`],
  ])("alone in %s are a node's own, most likely", (command, payload, expected) => {
    const facts = onPort([bitcoin], [[0, message(command, payload)]], { segmentBytes: 1 });
    expect(disclosed(facts).join("\n")).toContain(expected);
    expect(detailsOf(facts).originatorAddressesTold).toBe(1);
  });

  it("are read as far as the first bytes of a direction are kept", () => {
    const many = list(
      ...Array.from({ length: 1000 }, (_, i) => addrEntry(ipv4Mapped(`198.51.${i >> 8}.${i & 255}`), 1)),
    );
    const facts = onPort([bitcoin], [[0, message("addr", many)]], { segmentBytes: 1448 });
    expect(detailsOf(facts)).toMatchObject({ originatorAddressesTold: 1000, originatorNetworksTold: ["ipv4"] });
    expect(disclosed(facts).join()).not.toContain("peer-address");
  });

  it("are read behind messages that nobody reads, in whatever pieces these come", () => {
    const said = Buffer.concat([
      message("tx", Buffer.alloc(5_000, 0xf9)),
      message("addrv2", gossip),
      message("inv", Buffer.alloc(37)),
      message("block", Buffer.alloc(3_000)),
      message("addr", list(addrEntry(ipv4Mapped("198.51.100.7"), 8333))),
    ]);
    const whole = onPort([bitcoin], [[0, said]]);
    expect(detailsOf(whole).originatorAddressesTold).toBe(8);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6_000 }), (segmentBytes) => {
        const facts = onPort([bitcoin], [[0, said]], { segmentBytes });
        expect(detailsOf(facts)).toEqual(detailsOf(whole));
        expect(new Set(disclosed(facts))).toEqual(new Set(disclosed(whole)));
      }),
      { numRuns: 60 },
    );
  });

  it("are bounded, however many a peer tells", () => {
    const said: Said[] = [[0, message("verack")]];
    for (let i = 0; i < 100; i++) {
      said.push([0, message("addrv2", list(addrV2Entry(4, Buffer.alloc(32, i), i)))]);
      said.push([0, message("addr", list(addrEntry(ipv4Mapped(`198.51.100.${i}`), 1)))]);
    }
    const facts = onPort([bitcoin], said);
    expect(facts?.disclosures.filter(({ kind }) => kind === "peer-address" || kind === "onion-name")).toHaveLength(8);
    expect(facts?.more).toBe(0);
  });

  it.each([
    ["addr", Buffer.concat([Buffer.of(2), addrEntry(ipv4Mapped("198.51.100.7"), 1)])],
    ["addr", Buffer.from("fdffff", "hex")],
    ["addrv2", Buffer.from("fe00000010", "hex")],
    ["addrv2", Buffer.from("ffffffffffffffffff", "hex")],
    ["addrv2", Buffer.alloc(0)],
    ["addrv2", Buffer.concat([Buffer.of(8), gossip.subarray(1)])],
    ["addrv2", gossip.subarray(0, -1)],
  ])("in %s whose count cannot be are none", (command, payload) => {
    const facts = onPort([bitcoin], [[0, message(command, payload)]]);
    expect(detailsOf(facts)).toEqual({ chain: "main", originatorCommands: [command] });
  });
});

describe("a custom signet", () => {
  const magic = "a5df2dcb";
  const said: Said[] = [
    [0, message("version", ours, magic)],
    [1, message("version", theirs, magic)],
    [1, message("verack", Buffer.alloc(0), magic)],
  ];

  it.each([Infinity, 1])("is known by a whole version on signet's port, in segments of %d", (segmentBytes) => {
    for (const ports of [{ port: 38_333 }, { originatorPort: 38_333 }]) {
      const facts = onPort([bitcoin], said, { ...ports, segmentBytes });
      expect(detailsOf(facts)).toMatchObject({
        chain: "signet-custom",
        originatorUserAgent: "/Satoshi:29.0.0/",
        responderCommands: ["version", "verack"],
      });
    }
  });

  it("is not what other coins say on their ports", () => {
    expect(onPort([bitcoin], said)).toBeUndefined();
    // Litecoin.
    expect(onPort([bitcoin], [[0, message("version", ours, "fbc0b6db")]], { port: 9333 })).toBeUndefined();
  });

  it("is nothing without a version that is one", () => {
    const wrong = Buffer.from(message("version", version({ userAgent: "" }), magic));
    wrong[100]! ^= 1;
    const other: [string, Uint8Array][] = [
      ["another command", message("inv", Buffer.alloc(37), magic)],
      ["a wrong checksum", wrong],
      ["an old protocol", message("version", version({ protocolVersion: 60_002 }), magic)],
      ["no time", message("version", version({ time: 0n }), magic)],
      ["too short", message("version", Buffer.alloc(20), magic)],
    ];
    for (const [why, bytes] of other) {
      for (const segmentBytes of [Infinity, 1]) {
        expect(onPort([bitcoin], [[0, bytes]], { port: 38_333, segmentBytes }), why).toBeUndefined();
      }
    }
  });

  it("tells nothing when a long version's checksum is wrong", () => {
    const wrong = Buffer.from(message("version", version({ userAgent: "x".repeat(200) }), magic));
    wrong[120]! ^= 1;
    const facts = onPort([bitcoin], [[0, wrong]], { port: 38_333 });
    expect(detailsOf(facts)).toEqual({ originatorCommands: ["version"] });
    expect(disclosed(facts)).toEqual(["bitcoin-command: version"]);
  });
});

describe("what is not Bitcoin", () => {
  it.each([
    ["TLS", Buffer.from("16030100c8010000c40303", "hex")],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.2p1\r\n")],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")],
    ["BitTorrent", Buffer.from(`\x13BitTorrent protocol${"\0".repeat(48)}`, "latin1")],
    ["SOCKS", Buffer.from("05020002", "hex")],
    ["Monero", Buffer.from("0121010101010101e20000000000000001e90300000000000001000000010000000111", "hex")],
    ["an unknown command", message("hello")],
    ["a command that is not padded", message("ping\0x")],
    ["a length beyond the limit", Buffer.concat([message("ping").subarray(0, 16), Buffer.alloc(8, 0xff)])],
    ["a magic alone", Buffer.concat([Buffer.from(MAGIC.main, "hex"), Buffer.alloc(60)])],
    ["another magic", message("verack", Buffer.alloc(0), "e3e1f3e8")],
  ])("%s", (_, bytes) => {
    for (const segmentBytes of [Infinity, 1]) {
      for (const port of [8333, 38_333]) {
        const said: Said[] = [
          [0, bytes],
          [1, bytes],
        ];
        expect(onPort([bitcoin], said, { port, segmentBytes })).toBeUndefined();
      }
    }
  });
});

describe("whatever the bytes", () => {
  const whole = Buffer.concat([
    message("version", ours),
    message("verack"),
    message("addrv2", list(addrV2Entry(4, keyOf(ONION), 8333), addrV2Entry(1, Buffer.of(192, 0, 2, 1), 1))),
    message("addr", list(addrEntry(ipv4Mapped("198.51.100.7"), 8333))),
  ]);
  const picture = (bytes: Uint8Array, circumstances = {}) => {
    const facts = onPort([bitcoin], [[1, bytes]], { port: 38_333, ...circumstances });
    return [facts?.protocol, detailsOf(facts), disclosed(facts).sort()] as const;
  };

  /** Behind damage, messages are found again where a segment begins with one. */
  const withoutCommands = ([protocol, details, disclosures]: ReturnType<typeof picture>) => [
    protocol,
    Object.entries(details).filter(([key]) => !key.endsWith("Commands")),
    disclosures.filter((it) => !it.startsWith("bitcoin-command")),
  ];

  it("every prefix is safe, and says the same whatever lies behind its end", () => {
    for (let length = 0; length <= whole.length; length++) {
      const prefix = whole.subarray(0, length);
      const once = picture(prefix);
      expect(picture(prefix, { behind: 0xf9 })).toEqual(once);
      expect(picture(whole, { snaplen: length, behind: 0 })).toEqual(picture(whole, { snaplen: length, behind: 0xff }));
    }
  });

  it("random and damaged bytes do no harm, and say the same in any segments", () => {
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 })
      .map((changes) => changes.reduce((bytes, [at, value]) => bytes.fill(value, at, at + 1), Buffer.from(whole)));
    const random = fc.uint8Array({ maxLength: 300 });
    const payload = fc
      .tuple(
        fc.constantFrom("version", "addr", "addrv2", "inv"),
        random,
        fc.constantFrom(...Object.values(MAGIC), "0a0b0c0d"),
      )
      .map(([command, bytes, magic]) => message(command, bytes, magic));
    fc.assert(
      fc.property(fc.oneof(damaged, random, payload), fc.integer({ min: 1, max: 40 }), (bytes, segmentBytes) => {
        expect(withoutCommands(picture(bytes, { segmentBytes }))).toEqual(withoutCommands(picture(bytes)));
      }),
      { numRuns: 500 },
    );
  });
});
