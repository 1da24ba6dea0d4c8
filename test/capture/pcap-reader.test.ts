import { describe, expect, it } from "vitest";
import { buildPcap, concatBytes, type PcapOptions } from "../support/capture-builder.js";
import { hex, payload, readBytes } from "./read-packets.js";

const ONE = payload(60, 1);
const TWO = payload(90, 2);

describe("classic pcap", () => {
  it.each([
    ["micro", "little", "1700000000.123456000"],
    ["micro", "big", "1700000000.123456000"],
    ["nano", "little", "1700000000.000123456"],
    ["nano", "big", "1700000000.000123456"],
    ["modified", "little", "1700000000.123456000"],
    ["modified", "big", "1700000000.123456000"],
  ] as const)("a %s-form %s-endian file gives its packets with their times", async (form, byteOrder, time) => {
    const file = buildPcap({ form, byteOrder, linkType: 113, snaplen: 96 }, [
      { seconds: 1_700_000_000, fraction: 123456, bytes: ONE },
      { seconds: 1_700_000_001, fraction: 0, bytes: TWO, originalLength: 1500 },
    ]);
    const { packets, info } = await readBytes(file);
    expect(packets).toEqual([
      { number: 1, time, bytes: hex(ONE), originalLength: 60, linkType: 113, interfaceIndex: 0 },
      {
        number: 2,
        time: "1700000001.000000000",
        bytes: hex(TWO),
        originalLength: 1500,
        linkType: 113,
        interfaceIndex: 0,
      },
    ]);
    expect(info).toMatchObject({ format: "pcap", compression: undefined, packets: 2, bytes: 1560, damage: undefined });
    expect(info.interfaces).toEqual([
      { linkType: 113, name: undefined, snaplen: 96, fractionDigits: form === "nano" ? 9 : 6, dropped: undefined },
    ]);
    expect(info.anomalies.size).toBe(0);
  });

  it("the frame check sequence bits are no part of the link type", async () => {
    const { packets } = await readBytes(buildPcap({ linkType: 0x24000001 }, [{ bytes: ONE }]));
    expect(packets[0]?.linkType).toBe(1);
  });

  it("reserved bits of the link type are counted and do not matter", async () => {
    const { packets, info } = await readBytes(buildPcap({ linkType: 0x00010001 }, [{ bytes: ONE }]));
    expect(packets[0]?.linkType).toBe(1);
    expect(info.anomalies).toEqual(new Map([["reserved-link-type-bits", 1]]));
  });

  it("seconds are unsigned and reach 2106", async () => {
    const { packets } = await readBytes(buildPcap({}, [{ seconds: 0xffffffff, bytes: ONE }]));
    expect(packets[0]?.time).toBe("4294967295.000000000");
  });

  it.each([
    ["micro", 2_500_000, "12.500000000"],
    ["nano", 2_500_000_000, "12.500000000"],
  ] as const)("in %s form a fraction of more than a second is carried, and counted", async (form, fraction, time) => {
    const { packets, info } = await readBytes(buildPcap({ form }, [{ seconds: 10, fraction, bytes: ONE }]));
    expect(packets[0]?.time).toBe(time);
    expect(info.anomalies).toEqual(new Map([["fraction-exceeds-second", 1]]));
  });

  it.each<[string, PcapOptions, number, number]>([
    ["2.2: always", { version: [2, 2] }, 1500, 60],
    ["543.0: always", { version: [543, 0] }, 1500, 60],
    ["2.3: when the captured one is greater", { version: [2, 3] }, 1500, 60],
    ["2.3: not when it is less", { version: [2, 3] }, 60, 1500],
  ])("lengths have changed places in version %s", async (_, options, capturedLength, originalLength) => {
    const record = { bytes: ONE, capturedLength, originalLength };
    const { packets, info } = await readBytes(buildPcap(options, [record, record]));
    expect(packets.map((packet) => [packet.bytes, packet.originalLength])).toEqual([
      [hex(ONE), 1500],
      [hex(ONE), 1500],
    ]);
    expect(info.damage).toBeUndefined();
  });

  it("a record longer than the snapshot length is kept up to it, as libpcap does, and counted", async () => {
    const { packets, info } = await readBytes(buildPcap({ snaplen: 20 }, [{ bytes: ONE }, { bytes: TWO }]));
    expect(packets.map((packet) => packet.bytes)).toEqual([hex(ONE.slice(0, 20)), hex(TWO.slice(0, 20))]);
    expect(packets.map((packet) => packet.originalLength)).toEqual([60, 90]);
    expect(info.anomalies).toEqual(new Map([["captured-exceeds-snaplen", 2]]));
  });

  it.each([0, 0xffffffff])("a snapshot length of %d says nothing", async (snaplen) => {
    const { packets, info } = await readBytes(buildPcap({ snaplen }, [{ bytes: ONE }]));
    expect(packets[0]?.bytes).toBe(hex(ONE));
    expect(info.anomalies.size).toBe(0);
  });

  it("a wire length below the captured one hides no bytes", async () => {
    const { packets, info } = await readBytes(buildPcap({}, [{ bytes: ONE, originalLength: 0 }]));
    expect(packets[0]).toMatchObject({ bytes: hex(ONE), originalLength: 60 });
    expect(info.bytes).toBe(60);
    expect(info.anomalies).toEqual(new Map([["captured-exceeds-original", 1]]));
  });

  it("a record may hold no bytes", async () => {
    const { packets, info } = await readBytes(
      buildPcap({}, [{ bytes: new Uint8Array(0), originalLength: 9 }, { bytes: ONE }]),
    );
    expect(packets.map((packet) => packet.originalLength)).toEqual([9, 60]);
    expect(info.damage).toBeUndefined();
  });

  it("a file without packets is no error", async () => {
    const { packets, info } = await readBytes(buildPcap({}, []));
    expect(packets).toEqual([]);
    expect(info).toMatchObject({ packets: 0, damage: undefined });
  });

  it("the largest record that libpcap allows is read through small chunks", async () => {
    const large = payload(262144, 3);
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: large }, { bytes: TWO }]);
    const { packets } = await readBytes(file, { chunkBytes: 100, sliceSizes: [1000] });
    expect(packets.map((packet) => packet.bytes)).toEqual([hex(ONE), hex(large), hex(TWO)]);
  });
});

describe("damage to classic pcap", () => {
  it("an impossible captured length ends the capture there", async () => {
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO, capturedLength: 262145, originalLength: 262145 }]);
    const { packets, info } = await readBytes(file);
    expect(packets).toHaveLength(1);
    expect(info.damage).toEqual({
      code: "bad-record-length",
      record: 2,
      offset: 24 + 16 + 60,
      message: "Record 2 at byte 100 claims 262145 captured bytes, more than the 262144 possible.",
    });
  });

  it("a second pcap file joined to the first is recognised", async () => {
    const file = buildPcap({}, [{ bytes: ONE }]);
    const { packets, info } = await readBytes(concatBytes([file, file]));
    expect(packets).toHaveLength(1);
    expect(info.damage).toMatchObject({ code: "bad-record-length", record: 2, offset: 100 });
    expect(info.damage?.message).toContain("Another pcap file begins at byte 100");
  });

  it("a file cut inside a record gives the records before and says where it ends", async () => {
    const file = buildPcap({}, [{ bytes: ONE }, { bytes: TWO }]);
    const { packets, info } = await readBytes(file.slice(0, 150));
    expect(packets).toHaveLength(1);
    expect(info.damage).toEqual({
      code: "cut-short",
      record: 2,
      offset: 100,
      message: "The capture is cut short at byte 150, inside record 2, which begins at byte 100.",
    });
  });
});

describe("files that are not read at all", () => {
  const cases: [string, Uint8Array, string][] = [
    ["nothing", new Uint8Array(0), "LEEK_CAPTURE_EMPTY"],
    ["one byte", Uint8Array.of(0xd4), "LEEK_CAPTURE_UNKNOWN_FORMAT"],
    ["text", new TextEncoder().encode("IP 10.0.0.1.22 > 10.0.0.2.9"), "LEEK_CAPTURE_UNKNOWN_FORMAT"],
    ["a header of 23 bytes", buildPcap({}, []).slice(0, 23), "LEEK_CAPTURE_CUT_HEADER"],
    ["version 3", buildPcap({ version: [3, 0] }, []), "LEEK_CAPTURE_UNSUPPORTED"],
    ["variant a1b234cd", buildPcap({ magic: 0xa1b234cd }, []), "LEEK_CAPTURE_UNSUPPORTED"],
    ["variant a12b3c4d", buildPcap({ magic: 0xa12b3c4d }, []), "LEEK_CAPTURE_UNSUPPORTED"],
    ["variant a1b2c3cb", buildPcap({ magic: 0xa1b2c3cb, byteOrder: "big" }, []), "LEEK_CAPTURE_UNSUPPORTED"],
    ["xz", Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2), "LEEK_CAPTURE_UNSUPPORTED_COMPRESSION"],
    ["bzip2", new TextEncoder().encode("BZh91AY&SY"), "LEEK_CAPTURE_UNSUPPORTED_COMPRESSION"],
  ];
  it.each(cases)("%s is refused with a code and a hint", async (_, bytes, code) => {
    await expect(readBytes(bytes)).rejects.toMatchObject({ name: "LeekError", code, kind: "bad-data" });
    await expect(readBytes(bytes)).rejects.toHaveProperty("hint", expect.stringMatching(/\.$|-$/));
  });
});
