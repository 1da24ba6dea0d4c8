import { describe, expect, it } from "vitest";
import { buildPcap, PcapngBuilder } from "../support/capture-builder.js";
import { hex, payload, readBytes } from "./read-packets.js";

const ONE = payload(61, 1);
const TWO = payload(90, 2);

describe("pcapng", () => {
  it.each(["little", "big"] as const)(
    "a %s-endian section gives the packets of every packet block",
    async (byteOrder) => {
      const file = new PcapngBuilder()
        .section({ byteOrder })
        .interface({ name: "eth0", snaplen: 65 })
        .interface({ description: "the tunnel", linkType: 101, snaplen: 0 })
        .enhancedPacket({ timestamp: 1_700_000_000_123_456n, bytes: ONE, originalLength: 1500 })
        .simplePacket({ bytes: TWO.slice(0, 65), originalLength: 90 })
        .obsoletePacket({ interfaceId: 1, timestamp: 1_700_000_001_000_001n, bytes: TWO })
        .build();
      const { packets, info } = await readBytes(file);
      expect(packets).toEqual([
        {
          number: 1,
          time: "1700000000.123456000",
          bytes: hex(ONE),
          originalLength: 1500,
          linkType: 1,
          interfaceIndex: 0,
        },
        {
          number: 2,
          time: undefined,
          bytes: hex(TWO.slice(0, 65)),
          originalLength: 90,
          linkType: 1,
          interfaceIndex: 0,
        },
        {
          number: 3,
          time: "1700000001.000001000",
          bytes: hex(TWO),
          originalLength: 90,
          linkType: 101,
          interfaceIndex: 1,
        },
      ]);
      expect(info).toMatchObject({ format: "pcapng", packets: 3, bytes: 1680, damage: undefined });
      expect(info.interfaces).toEqual([
        { linkType: 1, name: "eth0", snaplen: 65, fractionDigits: 6, dropped: undefined },
        { linkType: 101, name: "the tunnel", snaplen: 0, fractionDigits: 6, dropped: undefined },
      ]);
    },
  );

  it("a section resets the interfaces and may change the byte order, while interface indices grow", async () => {
    const file = new PcapngBuilder()
      .section({ byteOrder: "little" })
      .interface({ name: "a" })
      .enhancedPacket({ timestamp: 1n, bytes: ONE })
      .section({ byteOrder: "big" })
      .interface({ name: "b", linkType: 113 })
      .enhancedPacket({ timestamp: 2n, bytes: TWO })
      .section({ byteOrder: "little" })
      .interface({ name: "c", linkType: 276 })
      .enhancedPacket({ timestamp: 3n, bytes: ONE })
      .build();
    const { packets, info } = await readBytes(file);
    expect(packets.map(({ time, linkType, interfaceIndex }) => [time, linkType, interfaceIndex])).toEqual([
      ["0.000001000", 1, 0],
      ["0.000002000", 113, 1],
      ["0.000003000", 276, 2],
    ]);
    expect(info.interfaces.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(info.damage).toBeUndefined();
  });

  it.each<[string, { tsresol?: number; tsoffset?: bigint }, bigint, string, number]>([
    ["absent: microseconds", {}, 1_700_000_000_123_456n, "1700000000.123456000", 6],
    ["6", { tsresol: 6 }, 1_700_000_000_999_999n, "1700000000.999999000", 6],
    ["0: seconds", { tsresol: 0 }, 1_700_000_000n, "1700000000.000000000", 6],
    ["3: milliseconds", { tsresol: 3 }, 1_700_000_000_123n, "1700000000.123000000", 6],
    ["9: nanoseconds", { tsresol: 9 }, 1_700_000_000_123_456_789n, "1700000000.123456789", 9],
    ["9, end of range", { tsresol: 9 }, 2n ** 64n - 1n, "18446744073.709551615", 9],
    ["12: picoseconds", { tsresol: 12 }, 1_700_000_123_456_789_999n, "1700000.123456789", 9],
    ["19", { tsresol: 19 }, 2n ** 64n - 1n, "1.844674407", 9],
    ["2^-1", { tsresol: 0x81 }, 3n, "1.500000000", 6],
    ["2^-9", { tsresol: 0x89 }, 513n, "1.001953125", 6],
    ["2^-10", { tsresol: 0x8a }, 1025n, "1.000976562", 6],
    ["2^-32", { tsresol: 0xa0 }, (1_700_000_000n << 32n) + (1n << 31n), "1700000000.500000000", 9],
    ["2^-63", { tsresol: 0xbf }, 2n ** 64n - 1n, "1.999999999", 9],
    ["with an offset", { tsoffset: 1_700_000_000n }, 123_456n, "1700000000.123456000", 6],
    ["with a negative offset", { tsoffset: -5n }, 7_000_001n, "2.000001000", 6],
    ["nanoseconds with an offset", { tsresol: 9, tsoffset: 100n }, 5n, "100.000000005", 9],
  ])("time resolution %s", async (_, options, timestamp, time, digits) => {
    for (const byteOrder of ["little", "big"] as const) {
      const builder = new PcapngBuilder().section({ byteOrder }).interface(options);
      const { packets, info } = await readBytes(builder.enhancedPacket({ timestamp, bytes: ONE }).build());
      expect(packets[0]?.time).toBe(time);
      expect(info.interfaces[0]?.fractionDigits).toBe(digits);
    }
  });

  it("time stamps whose high word goes back and forth are still exact", async () => {
    const times = [4294967295n, 4294967296n, 4294967295n, 2n ** 50n, 3n];
    const builder = new PcapngBuilder().section().interface({ tsresol: 9 });
    for (const timestamp of times) builder.enhancedPacket({ timestamp, bytes: ONE });
    const { packets } = await readBytes(builder.build());
    expect(packets.map(({ time }) => BigInt(time!.replace(".", "")))).toEqual(times);
  });

  it("blocks without packets are skipped: names, secrets, custom, unknown", async () => {
    const file = new PcapngBuilder()
      .section({ options: [{ code: 4, value: new TextEncoder().encode("dumpcap") }] })
      .nameResolution([{ address: Uint8Array.of(192, 0, 2, 1), name: "a.example" }])
      .decryptionSecrets(new TextEncoder().encode("CLIENT_RANDOM 00 11"))
      .interface()
      .rawBlock(9, payload(40))
      .rawBlock(0x00000bad, payload(8))
      .rawBlock(0x40000bad, payload(8))
      .rawBlock(0x80000001, payload(300_000))
      .enhancedPacket({ bytes: ONE })
      .rawBlock(0x77777777, new Uint8Array(0))
      .build();
    const { packets, info } = await readBytes(file);
    expect(packets.map(({ bytes }) => bytes)).toEqual([hex(ONE)]);
    expect(info.damage).toBeUndefined();
  });

  it("the secrets of a capture are in nothing that is reported", async () => {
    const file = new PcapngBuilder().section().decryptionSecrets(new TextEncoder().encode("CLIENT_RANDOM secret"));
    const { info } = await readBytes(file.interface().enhancedPacket({ bytes: ONE }).build());
    expect(JSON.stringify({ ...info, anomalies: [...info.anomalies] })).not.toContain("secret");
  });

  it("a packet block without a captured length of its own holds what fits of snaplen, wire length and block", async () => {
    const file = new PcapngBuilder()
      .section()
      .interface({ snaplen: 0 })
      .simplePacket({ bytes: ONE })
      .simplePacket({ bytes: TWO.slice(0, 40), originalLength: 90 })
      .section()
      .interface({ snaplen: 16 })
      .simplePacket({ bytes: TWO, originalLength: 90 })
      .build();
    const { packets } = await readBytes(file);
    expect(packets.map(({ bytes, originalLength }) => [bytes, originalLength])).toEqual([
      [hex(ONE), 61],
      [hex(TWO.slice(0, 40)), 90],
      [hex(TWO.slice(0, 16)), 90],
    ]);
  });

  it("minor version 2 is read as 0", async () => {
    const { packets } = await readBytes(
      new PcapngBuilder()
        .section({ version: [1, 2] })
        .interface()
        .enhancedPacket({ bytes: ONE })
        .build(),
    );
    expect(packets).toHaveLength(1);
  });

  it("captured bytes beyond the snapshot length or the wire length are kept and counted", async () => {
    const file = new PcapngBuilder()
      .section()
      .interface({ snaplen: 10 })
      .enhancedPacket({ bytes: ONE, originalLength: 5 });
    const { packets, info } = await readBytes(file.build());
    expect(packets[0]).toMatchObject({ bytes: hex(ONE), originalLength: 61 });
    expect(info.anomalies).toEqual(
      new Map([
        ["captured-exceeds-snaplen", 1],
        ["captured-exceeds-original", 1],
      ]),
    );
  });
});

describe("packets that an interface lost", () => {
  const section = () => new PcapngBuilder().section().interface();

  it("are unknown when nothing counts them", async () => {
    const { info } = await readBytes(section().statistics({ received: 10n }).build());
    expect(info.interfaces[0]?.dropped).toBeUndefined();
  });

  it("are the last statistics block's drops, of the interface and of the system", async () => {
    const file = section()
      .interface({ name: "other" })
      .statistics({ interfaceDrops: 1n, systemDrops: 2n })
      .statistics({ interfaceDrops: 5n, systemDrops: 7n })
      .statistics({ interfaceId: 1, systemDrops: 0n });
    const { info } = await readBytes(file.build());
    expect(info.interfaces.map(({ dropped }) => dropped)).toEqual([12, 0]);
  });

  it("are the sum of the packets' counts when there are no statistics", async () => {
    const file = section()
      .enhancedPacket({ bytes: ONE, dropCount: 3 })
      .enhancedPacket({ bytes: ONE })
      .enhancedPacket({ bytes: ONE, dropCount: 4, options: [{ code: 2, value: payload(4) }] })
      .obsoletePacket({ bytes: ONE, dropCount: 10 })
      .obsoletePacket({ bytes: ONE });
    expect((await readBytes(file.build())).info.interfaces[0]?.dropped).toBe(17);
  });

  it("are not counted twice when both count them", async () => {
    const file = section()
      .enhancedPacket({ bytes: ONE, dropCount: 3 })
      .statistics({ interfaceDrops: 3n })
      .enhancedPacket({ bytes: ONE, dropCount: 3 });
    expect((await readBytes(file.build())).info.interfaces[0]?.dropped).toBe(3);
  });

  it("of an interface that is not described are an anomaly, no damage", async () => {
    const { info } = await readBytes(section().statistics({ interfaceId: 9, interfaceDrops: 3n }).build());
    expect(info).toMatchObject({ damage: undefined, anomalies: new Map([["statistics-for-unknown-interface", 1]]) });
  });
});

describe("damage to pcapng", () => {
  const good = () => new PcapngBuilder().section().interface().enhancedPacket({ bytes: ONE });
  const badBlockAt = 28 + 20 + 96;

  it.each<[string, PcapngBuilder, string]>([
    ["a trailing length that differs", good().rawBlock(6, payload(40), { trailing: 16 }), "bad-block-length"],
    ["a length below 12", good().rawBlock(6, payload(40), { leading: 8 }), "bad-block-length"],
    ["a length that is no multiple of 4", good().rawBlock(6, payload(40), { leading: 53 }), "bad-block-length"],
    ["a length above 16 MiB", good().rawBlock(6, payload(40), { leading: 0x2000000 }), "bad-block-length"],
    [
      "a packet of an interface not described",
      good().enhancedPacket({ interfaceId: 1, bytes: ONE }),
      "unknown-interface",
    ],
    ["an old packet of such an interface", good().obsoletePacket({ interfaceId: 7, bytes: ONE }), "unknown-interface"],
    [
      "more captured bytes than the block holds",
      good().enhancedPacket({ bytes: ONE, capturedLength: 65 }),
      "bad-block",
    ],
    ["more captured bytes than possible", good().enhancedPacket({ bytes: payload(262148) }), "bad-record-length"],
    ["a packet block too short for its fields", good().rawBlock(6, payload(16)), "bad-block"],
    ["an interface block too short", good().rawBlock(1, payload(4)), "bad-block"],
    ["a time resolution that does not exist", good().interface({ tsresol: 20 }), "bad-block"],
    ["a binary one that does not exist", good().interface({ tsresol: 0xc0 }), "bad-block"],
    ["a section without its magic number", good().rawBlock(0x0a0d0d0a, payload(16)), "bad-block-length"],
    ["a section of version 2", good().section({ version: [2, 0] }), "bad-block"],
  ])("%s ends the capture there", async (_, builder, code) => {
    const { packets, info } = await readBytes(builder.enhancedPacket({ bytes: TWO }).build());
    expect(packets.map(({ bytes }) => bytes)).toEqual([hex(ONE)]);
    expect(info.damage).toMatchObject({ code, record: 4, offset: badBlockAt });
    expect(info.damage?.message).toMatch(new RegExp(`^Block 4 at byte ${badBlockAt} .*\\.$`));
  });

  it("a packet before any interface is damage", async () => {
    for (const builder of [
      new PcapngBuilder().section().enhancedPacket({ bytes: ONE }),
      new PcapngBuilder().section().simplePacket({ bytes: ONE }),
      good().section().simplePacket({ bytes: ONE }),
    ]) {
      expect((await readBytes(builder.build())).info.damage?.code).toBe("unknown-interface");
    }
  });

  it("interfaces without end do not fill the memory", async () => {
    const builder = new PcapngBuilder().section();
    for (let count = 0; count < 65537; count += 1) builder.interface();
    const { info } = await readBytes(builder.build(), { chunkBytes: 1 << 20 });
    expect(info.interfaces).toHaveLength(65536);
    expect(info.damage).toMatchObject({ code: "bad-block", record: 65538 });
  });

  it.each<[string, Uint8Array, string]>([
    ["cut in its section header", good().build().slice(0, 20), "LEEK_CAPTURE_CUT_HEADER"],
    ["cut before its version", good().build().slice(0, 14), "LEEK_CAPTURE_CUT_HEADER"],
    ["of version 2", new PcapngBuilder().section({ version: [2, 0] }).build(), "LEEK_CAPTURE_UNSUPPORTED"],
    [
      "of an unknown byte order",
      new PcapngBuilder().rawBlock(0x0a0d0d0a, payload(20)).build(),
      "LEEK_CAPTURE_UNKNOWN_FORMAT",
    ],
  ])("a file %s is not read at all", async (_, bytes, code) => {
    await expect(readBytes(bytes)).rejects.toMatchObject({ code, kind: "bad-data" });
  });

  it("pcap behind pcapng is damage", async () => {
    const file = good().rawBytes(buildPcap({}, [{ bytes: ONE }]));
    expect((await readBytes(file.build())).info).toMatchObject({
      packets: 1,
      damage: { record: 4, offset: badBlockAt },
    });
  });
});
