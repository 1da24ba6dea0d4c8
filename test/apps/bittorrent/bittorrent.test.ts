import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bittorrent, bittorrentDht, udpTracker, utp } from "../../../src/apps/bittorrent/index.js";
import { detailsOf, disclosed, overTcp, overUdp } from "../conversation.js";

const HASH = "0123456789abcdef0123456789abcdef01234567";
const hash = Buffer.from(HASH, "hex").toString("latin1");
const handshake = (peerId: string) => `\x13BitTorrent protocol${"\0".repeat(8)}${hash}${peerId}`;
const OURS = handshake("-qB4630-abcdefghijkl");
const THEIRS = handshake("-TR4040-abcdefghijkl");
const UDP = [bittorrentDht, udpTracker, utp];

describe("bittorrent between peers", () => {
  it.each([Infinity, 1])("tells the torrent and the programs, in segments of %d bytes", (size) => {
    const facts = overTcp(
      [bittorrent],
      [
        [0, `${OURS}\0\0\0\x01\x02`],
        [1, THEIRS],
      ],
      size,
    );
    expect(facts?.protocol).toBe("bittorrent");
    expect(detailsOf(facts)).toEqual({
      use: "peer",
      infoHash: HASH,
      originatorSoftware: "qBittorrent -qB4630-",
      responderSoftware: "Transmission -TR4040-",
    });
    expect(disclosed(facts)).toEqual([
      `info-hash: ${HASH}`,
      "software: qBittorrent -qB4630-",
      "software: Transmission -TR4040-",
    ]);
  });

  it.each([
    ["M7-9-2--abcdefghijkl", "M7-9-2-"],
    ["S58B-----abcdefghijk", "S58B-----"],
    ["-XY1234-abcdefghijkl", "-XY1234-"],
    ["\x01\x02random bytes 1234567", undefined],
  ])("says of the peer id %j: %s", (peerId, software) => {
    expect(detailsOf(overTcp([bittorrent], [[0, handshake(peerId.slice(0, 20))]])).originatorSoftware).toBe(software);
  });

  it("is not known by less than its whole name", () => {
    expect(overTcp([bittorrent], [[0, "\x13BitTorrent protoco"]])).toBeUndefined();
    expect(overTcp([bittorrent], [[0, `\x13BitTorrent Protocol${OURS.slice(20)}`]])).toBeUndefined();
  });
});

describe("the DHT", () => {
  const id = "abcdefghij0123456789";

  // The examples of BEP 5, with a version and an address (BEP 42).
  it.each([
    ["ping", `d1:ad2:id20:${id}e1:q4:ping1:t2:aa1:y1:qe`, []],
    ["find_node", `d1:ad2:id20:${id}6:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe`, []],
    [
      "get_peers",
      `d1:ad2:id20:${id}9:info_hash20:${hash}e1:q9:get_peers1:t2:aa1:v4:LT\x01\x021:y1:qe`,
      [`info-hash: ${HASH}`, "software: libtorrent (Rasterbar)"],
    ],
    [
      "announce_peer",
      `d1:ad2:id20:${id}12:implied_porti1e9:info_hash20:${hash}4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe`,
      [`info-hash: ${HASH}`],
    ],
  ])("is known by %s", (query, message, said) => {
    const facts = overUdp(UDP, [[0, message]]);
    expect(detailsOf(facts)).toMatchObject({ use: "dht", queries: [query] });
    expect(detailsOf(facts).announcedPort).toBe(query === "announce_peer" ? 6881 : undefined);
    expect(disclosed(facts)).toEqual(said);
  });

  it("is known by responses and errors", () => {
    const response = `d2:ip6:\xcb\x00\x71\x05\x1a\xe11:rd2:id20:${id}5:nodes0:5:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re`;
    expect(disclosed(overUdp(UDP, [[1, response]]))).toEqual(["public-address: 203.0.113.5"]);
    expect(overUdp(UDP, [[1, "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee"]])?.protocol).toBe("bittorrent");
  });

  it("tells how nodes see each other, in either version of IP, but no address of a site", () => {
    const seen = (ip: string) =>
      disclosed(overUdp(UDP, [[1, `d2:ip${ip.length}:${ip}1:rd2:id20:${id}e1:t2:aa1:y1:re`]]));
    expect(seen(`\x20\x01\x0d\xb8${"\0".repeat(11)}\x05\x1a\xe1`)).toEqual(["public-address: 2001:db8::5"]);
    expect(seen("\xc0\xa8\x32\x02\x1a\xe1")).toEqual([]);
    expect(seen("\xcb\x00\x71\x05\x1a")).toEqual([]);
  });

  it("is known where the snaplen cut it, after the node's id", () => {
    const message = `d1:ad2:id20:${id}9:info_hash20:${hash}e1:q9:get_peers1:t2:aa1:y1:qe`;
    expect(disclosed(overUdp(UDP, [[0, message]], 20))).toEqual([`info-hash: ${HASH}`]);
    expect(overUdp(UDP, [[0, message]], message.length - 25)).toBeUndefined();
  });

  it.each([
    "d8:announce20:http://tracker.examplee",
    `d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe`,
    `d1:ad2:id20:${id}e1:q4:ping1:t2:aa1:y1:qe and more`,
    `d1:ad2:id20:${id}e1:q4:ping1:y1:qe`,
    `d1:a${"l".repeat(400)}`,
    `d1:r${"9".repeat(100)}:`,
    "d1:rde1:t2:aa1:y1:re",
    "data1:ad2:id20:aaaaaaaaaaaaaaaaaaaa",
  ])("is not %j", (message) => {
    expect(overUdp(UDP, [[0, message]])).toBeUndefined();
  });
});

describe("uTP", () => {
  const header = (type: number, extension = 0) =>
    `${String.fromCharCode((type << 4) | 1, extension)}\x12\x34${"\0".repeat(12)}\0\x01\0\x02`;

  it("is known by a handshake in its first data alone", () => {
    const facts = overUdp(UDP, [
      [0, header(4)],
      [1, header(2)],
      [0, `${header(0)}${OURS}`],
      [1, `${header(0, 1)}\x00\x04\0\0\0\0${THEIRS}`],
    ]);
    expect(detailsOf(facts)).toEqual({
      use: "utp",
      infoHash: HASH,
      originatorSoftware: "qBittorrent -qB4630-",
      responderSoftware: "Transmission -TR4040-",
    });
    expect(
      overUdp(UDP, [
        [0, header(4)],
        [1, header(2)],
      ]),
    ).toBeUndefined();
    expect(overUdp(UDP, [[0, `${header(0, 1)}${"\x01\x00".repeat(20)}${OURS}`]])).toBeUndefined();
  });

  it("says nothing of a handshake that was cut", () => {
    const facts = overUdp(UDP, [[0, `${header(0)}${OURS}`]], 30);
    expect(detailsOf(facts)).toEqual({ use: "utp" });
  });
});

describe("a tracker over UDP", () => {
  const connect = "\x00\x00\x04\x17\x27\x10\x19\x80\0\0\0\0abcd";

  it("is known by its connect request, and asked for torrents", () => {
    const announce = `connecti\0\0\0\x01abcd${hash}-DE13F0-abcdefghijkl${"\0".repeat(40)}\x1a\xe1`;
    const facts = overUdp(UDP, [
      [0, connect],
      [1, "\0\0\0\0abcdconnecti"],
      [0, announce],
    ]);
    expect(announce).toHaveLength(98);
    expect(detailsOf(facts)).toEqual({
      use: "udp-tracker",
      infoHash: HASH,
      announcedPort: 6881,
      originatorSoftware: "Deluge -DE13F0-",
    });
    const turned = overUdp(UDP, [
      [1, connect],
      [1, announce],
    ]);
    expect(detailsOf(turned).responderSoftware).toBe("Deluge -DE13F0-");
    const scrape = overUdp(UDP, [
      [0, connect],
      [0, `connecti\0\0\0\x02abcd${hash}${hash}tail`],
    ]);
    expect(disclosed(scrape)).toEqual([`info-hash: ${HASH}`]);
  });

  it("is not known by anything else", () => {
    for (const other of [`${connect}x`, connect.slice(0, 15), connect.replace("\x80\0\0\0\0", "\x80\0\0\0\x01")])
      expect(overUdp(UDP, [[0, other]])).toBeUndefined();
  });
});

describe("hostile bytes", () => {
  const samples = [
    OURS,
    `\x01\x00${"\0".repeat(18)}${OURS}`,
    `d1:ad2:id20:abcdefghij01234567899:info_hash20:${hash}4:porti6881ee1:q9:get_peers1:t2:aa1:v4:LT\x01\x021:y1:qe`,
    "\x00\x00\x04\x17\x27\x10\x19\x80\0\0\0\0abcd",
    `connecti\0\0\0\x01abcd${hash}${"\0".repeat(62)}`,
  ].map((it) => Buffer.from(it, "latin1"));
  const mutated = fc
    .tuple(
      fc.constantFrom(...samples),
      fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 }),
      fc.nat(150),
      fc.uint8Array({ maxLength: 30 }),
    )
    .map(([sample, changes, length, tail]) => {
      const bytes = Buffer.from(sample);
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      return Buffer.concat([bytes.subarray(0, length), tail]);
    });

  it("never make the readers throw, or read what is not the packet's", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(0 as const, 1 as const), fc.oneof(mutated, fc.uint8Array())), {
          maxLength: 5,
        }),
        fc.nat(3),
        (said, cut) => {
          overTcp([bittorrent], said, 3);
          overUdp(
            UDP,
            said.filter(([, bytes]) => bytes.length > cut),
            cut,
          );
        },
      ),
      { numRuns: 400 },
    );
  });
});
