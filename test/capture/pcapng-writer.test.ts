import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { CapturedPacket, LinkType } from "../../src/base/index.js";
import { type NameRecord, openCapture, PcapngWriter } from "../../src/capture/index.js";
import { parseAddress } from "../../src/net/index.js";
import { bundleScript } from "../support/bundle.js";
import { ethernet, ipv4, ipv6, udp } from "../support/packet-builder.js";
import { captured } from "../support/packets.js";
import { payload, readBytes } from "./read-packets.js";

const FIXTURES = new URL("../../fixtures/", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "leek-writer-"));
afterAll(() => rmSync(directory, { recursive: true }));

function save(name: string, writer: PcapngWriter): string {
  const path = join(directory, name);
  writeFileSync(path, taken(writer));
  return path;
}

function taken(writer: PcapngWriter): Uint8Array {
  return writer.bytes.slice(0, writer.length);
}

function run(command: string, ...args: string[]): string {
  // capinfos and tshark complain of running as root on standard error.
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
}

/** A writer that has begun a section with one interface. */
function begun(linkType: number = LinkType.EN10MB): PcapngWriter {
  const writer = new PcapngWriter();
  writer.section({ application: "leek test" });
  writer.interface({ linkType, snaplen: 262144, name: "eth0" });
  return writer;
}

/** Fields of the blocks themselves, as Wireshark's dissector of pcapng files sees them. */
function dissect(path: string, ...fields: string[]): string[][] {
  const args = fields.flatMap((field) => ["-e", `pcapng.${field}`]);
  const text = run("tshark", "-X", "read_format:MIME Files Format", "-r", path, "-T", "fields", ...args);
  return text
    .replace(/\n$/, "")
    .split("\t")
    .map((values) => values.split(","));
}

const DAMAGE = [
  "invalid_byte_order_magic",
  "block_length_below_block_minimum",
  "block_length_below_block_content_length",
  "block_length_not_multiple_of4",
  "block_lengths_dont_match",
  "invalid_option_length",
  "invalid_record_length",
  "no_interfaces",
];

function names(address: string, ...called: string[]): NameRecord {
  return { address: parseAddress(address)!, names: called };
}

describe("times", () => {
  const expected = (seconds: number, nanoseconds: number): bigint => {
    const exact = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
    const last = (1n << 64n) - 1n;
    return exact < 0n ? 0n : exact > last ? last : exact;
  };
  const written = (seconds: number, nanoseconds: number): bigint => {
    const writer = new PcapngWriter();
    writer.packet(captured(new Uint8Array(0), { seconds, nanoseconds }), 0);
    const view = new DataView(writer.bytes.buffer);
    return (BigInt(view.getUint32(12, true)) << 32n) | BigInt(view.getUint32(16, true));
  };
  const nanoseconds = fc.integer({ min: 0, max: 999_999_999 });

  it("are exact to the nanosecond from 1970 to 2554, and beyond become the first or last one", () => {
    const seconds = fc.oneof(
      fc.integer({ min: 0, max: 2 ** 32 }),
      fc.integer({ min: 18_446_743_000, max: 18_446_744_080 }),
      fc.integer({ min: -(2 ** 40), max: 2 ** 45 }),
      fc.maxSafeInteger(),
    );
    fc.assert(
      fc.property(seconds, nanoseconds, (s, ns) => {
        expect(written(s, ns)).toBe(expected(s, ns));
      }),
      {
        numRuns: 3000,
        examples: [
          [0, 0],
          [-1, 999_999_999],
          [18_446_744_073, 709_551_615],
          [18_446_744_073, 709_551_616],
          [4, 294_967_295],
          [4, 294_967_296],
        ],
      },
    );
  });

  it("survive seconds that no integer holds", () => {
    expect(written(9.3e18, 5)).toBe((1n << 64n) - 1n);
    expect(written(-9.3e18, 5)).toBe(0n);
  });
});

describe("what was written is read back", () => {
  it("by leek: bytes, lengths, times, interfaces, whatever the comments", async () => {
    const packets = fc.array(
      fc.record({
        bytes: fc.uint8Array({ maxLength: 80 }),
        missing: fc.nat({ max: 2000 }),
        seconds: fc.integer({ min: 0, max: 4_000_000_000 }),
        nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
        interfaceId: fc.nat({ max: 2 }),
        comment: fc.option(fc.string({ unit: "binary", maxLength: 40 }), { nil: undefined }),
      }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(packets, async (list) => {
        const writer = begun();
        writer.interface({ linkType: LinkType.RAW, snaplen: 0 });
        writer.interface({ linkType: 60000, snaplen: 96, name: "x".repeat(70_000), description: "ü" });
        for (const { bytes, missing, seconds, nanoseconds, interfaceId, comment } of list) {
          // Bytes of other packets around it must not come along.
          const padding = { before: 3, after: new Uint8Array(9).fill(0xaa) };
          const originalLength = bytes.length + missing;
          writer.packet(captured(bytes, { seconds, nanoseconds, originalLength, padding }), interfaceId, comment);
          expect(writer.length % 4).toBe(0);
        }
        const { packets: read, info } = await readBytes(taken(writer));
        expect(info.damage).toBeUndefined();
        expect(read).toEqual(
          list.map(({ bytes, missing, seconds, nanoseconds, interfaceId }, index) => ({
            number: index + 1,
            time: `${seconds}.${String(nanoseconds).padStart(9, "0")}`,
            bytes: Buffer.from(bytes).toString("hex"),
            originalLength: bytes.length + missing,
            linkType: [LinkType.EN10MB, LinkType.RAW, 60000][interfaceId],
            interfaceIndex: interfaceId,
          })),
        );
      }),
      { numRuns: 150 },
    );
  });

  it("with zeros behind a packet, not the bytes of its neighbour or of one that was there before", () => {
    const writer = new PcapngWriter();
    writer.packet(captured(new Uint8Array(99).fill(0xdd)), 0);
    writer.clear();
    writer.packet(captured(payload(1), { padding: { before: 0, after: new Uint8Array(8).fill(0xee) } }), 0);
    expect([...writer.bytes.subarray(28, 32)]).toEqual([...payload(1), 0, 0, 0]);
  });

  it("by tcpdump and tshark as the file that it came from, for every fixture", async () => {
    const sources = ["any-interface", "course", "ipv6-guard", "snaplen-96", "tor-and-dns-leak", "truncated"];
    for (const name of sources) {
      const original = join(FIXTURES, `${name}.pcap`);
      const source = await openCapture(original);
      const packet = new CapturedPacket();
      const writer = new PcapngWriter();
      writer.section({ application: "leek test" });
      let described = 0;
      while (await source.fill()) {
        const { interfaces } = source.infos[0]!;
        for (; described < interfaces.length; described++) writer.interface(interfaces[described]!);
        while (source.next(packet)) writer.packet(packet, packet.interfaceIndex, `packet ${packet.number}`);
      }
      await source.close();
      const copy = save(`${name}.pcapng`, writer);

      const lines = (path: string) => run("tcpdump", "-nn", "-tttt", "-e", "-r", path);
      // tcpdump reports the cut end of a fixture only after the packets before it.
      const whole = name === "truncated" ? run("sh", "-c", `tcpdump -nn -tttt -e -r ${original}; :`) : lines(original);
      expect(lines(copy), name).toBe(whole);
      const fields = ["frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.comment"];
      const shown = run("tshark", "-n", "-r", copy, "-T", "fields", ...fields.flatMap((field) => ["-e", field]));
      expect(shown.split("\n")[6]).toMatch(/^7\t\d+\.\d{9}\t\d+\t\d+\tpacket 7$/);
    }
  });

  it("by tshark, to the nanosecond and with any comment", () => {
    const writer = begun();
    const frame = ethernet({}, ipv4({}, udp({ srcPort: 1, dstPort: 2 }, payload(9))));
    const comments = ["leek: tor, relay A $0123", "ü ☂ 𝄞", undefined];
    comments.forEach((comment, index) => {
      writer.packet(captured(frame, { seconds: 4_000_000_000 + index, nanoseconds: 987_654_321 }), 0, comment);
    });
    const fields = ["-e", "frame.time_epoch", "-e", "frame.comment", "-e", "frame.interface_name"];
    expect(run("tshark", "-n", "-r", save("comments.pcapng", writer), "-T", "fields", ...fields)).toBe(
      "4000000000.987654321\tleek: tor, relay A $0123\teth0\n" +
        "4000000001.987654321\tü ☂ 𝄞\teth0\n" +
        "4000000002.987654321\t\teth0\n",
    );
  });
});

describe("a comment", () => {
  it("is cut to 65,535 bytes between two characters", async () => {
    for (const [comment, bytes] of [
      ["x".repeat(65_535), 65_535],
      ["x".repeat(65_536), 65_535],
      ["𝄞".repeat(20_000), 65_532],
      [`x${"☂".repeat(30_000)}`, 65_533],
    ] as const) {
      const writer = begun();
      const at = writer.length;
      writer.packet(captured(payload(8)), 0, comment);
      const view = new DataView(writer.bytes.buffer, at);
      expect(view.getUint16(36, true)).toBe(1);
      expect(view.getUint16(38, true)).toBe(bytes);
      const text = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(view.buffer, at + 40, bytes));
      expect(comment.startsWith(text)).toBe(true);
      const { packets, info } = await readBytes(taken(writer));
      expect([packets.length, info.damage]).toEqual([1, undefined]);
    }
  });
});

describe("sections, interfaces, names and statistics", () => {
  const whole = (): PcapngWriter => {
    const writer = new PcapngWriter();
    writer.section({ application: "leek 1.2.3", os: "Linux 6.1", hardware: "x86-64" });
    writer.interface({
      linkType: LinkType.EN10MB,
      snaplen: 262144,
      name: "eth0",
      description: "Ethernet ☂",
      filter: "tcp port 9001",
      os: "Linux",
    });
    writer.names([
      names("192.0.2.7", "relay.example", "second.example"),
      names("2001:db8::7", "six.example"),
      names("192.0.2.8"),
      names("192.0.2.9", "", "bell\u0007.example"),
    ]);
    const four = ipv4({ src: "192.0.2.1", dst: "192.0.2.7" }, udp({ srcPort: 1, dstPort: 2 }, payload(9)));
    const six = ipv6({ src: "2001:db8::1", dst: "2001:db8::7" }, udp({ srcPort: 1, dstPort: 2 }, payload(9)));
    const nine = ipv4({ src: "192.0.2.1", dst: "192.0.2.9" }, udp({ srcPort: 1, dstPort: 2 }, payload(9)));
    for (const packet of [four, six, nine]) writer.packet(captured(ethernet({}, packet)), 0);
    writer.statistics(
      0,
      { seconds: 1_700_000_010, nanoseconds: 5 },
      {
        start: { seconds: 1_700_000_000, nanoseconds: 123_456_789 },
        end: { seconds: 1_700_000_010, nanoseconds: 5 },
        received: 2 ** 40 + 3,
        droppedByKernel: 7,
        droppedByInterface: 4,
        delivered: 3,
      },
    );
    return writer;
  };

  it("are without fault to Wireshark's dissector of the format", () => {
    const path = save("whole.pcapng", whole());
    expect(
      dissect(path, ...DAMAGE)
        .flat()
        .join(""),
    ).toBe("");
    expect(dissect(path, "block.type.value").flat()).toHaveLength(7);
    const option = "options.option.data";
    const filterFields = [`${option}.interface.filter.type`, `${option}.interface.filter.string`];
    expect(dissect(path, `${option}.user_application`, `${option}.os`, `${option}.hardware`)).toEqual([
      ["leek 1.2.3"],
      ["Linux 6.1"],
      ["x86-64"],
    ]);
    expect(dissect(path, `${option}.interface.name`, `${option}.interface.description`, ...filterFields)).toEqual([
      ["eth0"],
      ["Ethernet ☂"],
      ["0"],
      ["tcp port 9001"],
    ]);
    const counters = ["received", "dropped", "dropped_by_os", "delivered_to_user"];
    expect(dissect(path, ...counters.map((name) => `${option}.interface.${name}`))).toEqual([
      [String(2 ** 40 + 3)],
      ["4"],
      ["7"],
      ["3"],
    ]);
    expect(dissect(path, "timestamp").flat().at(-1)).toContain("22:13:30.000000005");
  });

  it("give capinfos the interfaces, and the start and end of the statistics", () => {
    const path = save("infos.pcapng", whole());
    const infos = run("capinfos", path);
    for (const line of [
      "Capture hardware:    x86-64",
      "Capture oper-sys:    Linux 6.1",
      "Capture application: leek 1.2.3",
      "Name = eth0",
      "Description = Ethernet ☂",
      "Encapsulation = Ethernet (1 - ether)",
      "Capture length = 262144",
      "Time precision = nanoseconds (9)",
      "Filter string = tcp port 9001",
      "Operating system = Linux",
      "Number of stat entries = 1",
      "Number of packets = 3",
      "Number of resolved IPv4 addresses in file: 3",
      "Number of resolved IPv6 addresses in file: 1",
    ]) {
      expect(infos).toContain(line);
    }
    const start = 1_700_000_000_123_456_789n;
    const bytes = whole();
    const block = Buffer.from(taken(bytes)).subarray(-100);
    expect([block.readUInt32LE(24), block.readUInt32LE(28)]).toEqual([
      Number(start >> 32n),
      Number(start & 0xffff_ffffn),
    ]);
  });

  it("show in tshark the first name of each address, with the terminal safe from them", () => {
    const path = save("names.pcapng", whole());
    const shown = run("tshark", "-N", "n", "-r", path, "-T", "fields", "-e", "ip.dst_host", "-e", "ipv6.dst_host");
    expect(shown).toBe("relay.example\t\n\tsix.example\nbell\\x07.example\t\n");
  });

  it("give leek the packets that were lost", async () => {
    const { info, packets } = await readBytes(taken(whole()));
    expect(packets).toHaveLength(3);
    expect(info.interfaces.map(({ dropped }) => dropped)).toEqual([11]);
  });

  it("stay readable with more names than a block or a record holds", () => {
    const writer = begun();
    const many = Array.from({ length: 300 }, (_, index) => `${index}${"n".repeat(300)}`);
    const records = Array.from({ length: 2000 }, (_, index) => names(`10.0.${index >> 8}.${index & 255}`, `h${index}`));
    writer.names([names("192.0.2.1", ...many), ...records, names("2001:db8::1", ...many)]);
    const path = save("many.pcapng", writer);
    // capinfos counts names, of which an address has 64 at most.
    expect(
      dissect(path, ...DAMAGE)
        .flat()
        .join(""),
    ).toBe("");
    expect(run("capinfos", "-n", path)).toContain("IPv4 addresses in file: 2064");
  });

  it("write no block when there is no name", () => {
    const writer = new PcapngWriter();
    writer.names([]);
    writer.names([names("192.0.2.1"), names("192.0.2.2", "")]);
    expect(writer.length).toBe(0);
  });

  it("keep unknown counters out", () => {
    const writer = begun();
    writer.statistics(0, { seconds: 1, nanoseconds: 0 }, { delivered: 5, received: undefined });
    const path = save("unknown.pcapng", writer);
    expect(dissect(path, "options.option.data.interface.received", "options.option.data.interface.dropped")).toEqual([
      [""],
      [""],
    ]);
  });
});

describe("the buffer", () => {
  it("tells the whole blocks and packets of a part of it", () => {
    const writer = begun();
    const ends = [writer.length];
    for (let index = 0; index < 5; index += 1) {
      writer.packet(captured(payload(index * 7)), 0, index === 2 ? "a comment" : undefined);
      ends.push(writer.length);
    }
    for (let count = 0; count <= writer.length; count += 1) {
      const packets = ends.findLastIndex((end) => end <= count);
      const { bytes, packets: counted } = writer.wholeBlocks(count);
      if (packets >= 0) expect([bytes, counted]).toEqual([ends[packets], packets]);
      else expect([bytes <= count, counted]).toEqual([true, 0]);
    }
  });

  it("takes no memory per packet without a comment", () => {
    const script = `
      import { PcapngWriter } from "./src/capture/index.js";
      import { CapturedPacket } from "./src/base/index.js";
      const writer = new PcapngWriter();
      const packet = new CapturedPacket();
      packet.bytes = new Uint8Array(1 << 20).fill(7);
      packet.view = new DataView(packet.bytes.buffer);
      const pass = (count) => {
        for (let i = 0; i < count; i++) {
          packet.start = (i * 1517) & 0x7ffff;
          packet.end = packet.start + 40 + (i * 7919) % 1460;
          packet.originalLength = packet.end - packet.start;
          packet.seconds = 1_700_000_000 + (i >> 10);
          packet.nanoseconds = (i * 7919) % 1_000_000_000;
          writer.packet(packet, 0);
          if (writer.length > 1 << 18) writer.clear();
        }
      };
      // The least of several: on a busy machine the compiler, which works beside it, comes late.
      let bytes = Infinity;
      for (let round = 0; round < 6; round++) {
        globalThis.gc();
        const before = process.memoryUsage().heapUsed;
        pass(300_000);
        bytes = Math.min(bytes, (process.memoryUsage().heapUsed - before) / 300_000);
      }
      console.log(JSON.stringify({ bytes }));
    `;
    const bundle = join(directory, "allocation.mjs");
    bundleScript(script, bundle);
    const flags = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
    const { bytes } = JSON.parse(execFileSync(process.execPath, [...flags, bundle], { encoding: "utf8" }));
    // An object would be 16 bytes or more.
    expect(bytes).toBeLessThan(2);
  });
});
