import { describe, expect, it } from "vitest";
import { ascii, concat, dnsPointer, dnsQuery, hex, ipv4Bytes, u16 } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { recognised, tshark, understand } from "./datagrams.js";
import { netbiosName, rawMessage, record } from "./messages.js";

const PATH = { src: "192.168.1.5", srcPort: 137, dst: "192.168.1.255", dstPort: 137 };
const NB = 32;
const NBSTAT = 33;
const asks = (name: Uint8Array, type: number) => concat(name, u16(type), u16(1));
const address = (flags: number, ip: string) => concat(u16(flags), ipv4Bytes(ip));

const query = (name: string, suffix: number, scope = "") =>
  rawMessage(0x0110, [asks(netbiosName(name, suffix, scope), NB)], [[], [], []], 0x1234);
const registration = (name: string, suffix: number, flags = 0) =>
  rawMessage(
    0x2910,
    [asks(netbiosName(name, suffix), NB)],
    [[], [], [record(dnsPointer(12), NB, address(flags, "192.168.1.5"))]],
  );
const POSITIVE = rawMessage(
  0x8500,
  [],
  [[record(netbiosName("FILESERVER", 0x20), NB, concat(address(0, "192.168.1.7"), address(0, "10.0.0.7")))], [], []],
);
const plain = (name: string, suffix: number, flags: number) => concat(ascii(name.padEnd(15)), [suffix], u16(flags));
const status = (mac: string) =>
  rawMessage(
    0x8400,
    [],
    [
      [
        record(
          netbiosName("*", 0),
          NBSTAT,
          concat(
            [3],
            plain("ALICE-PC", 0, 0x0400),
            plain("WORKGROUP", 0, 0x8400),
            plain("ALICE-PC", 0x20, 0x0400),
            hex(mac),
            new Uint8Array(40),
          ),
        ),
      ],
      [],
      [],
    ],
  );

describe("the NetBIOS name service", () => {
  it("tells what machines are called and look for", () => {
    const { facts } = understand(PATH, [
      { payload: registration("ALICE-PC", 0x00) },
      { payload: registration("WORKGROUP", 0x00, 0x8000) },
      { payload: registration("ALICE", 0x03) },
      { payload: query("FILESERVER", 0x20) },
      { side: 1, payload: POSITIVE },
      { payload: query("WORKGROUP", 0x1b) },
    ]);
    expect([facts?.protocol, facts?.by]).toEqual(["netbios-ns", "content"]);
    expect(detailsOf(facts)).toEqual({
      operations: ["registration", "query"],
      names: ["ALICE-PC<00>", "WORKGROUP<00>", "ALICE<03>", "FILESERVER<20>", "WORKGROUP<1b>"],
    });
    expect(disclosed(facts)).toEqual([
      "host-name: ALICE-PC",
      "host-name: FILESERVER",
      "dns-answer: FILESERVER<20> -> 192.168.1.7",
      "dns-answer: FILESERVER<20> -> 10.0.0.7",
    ]);
    // tshark writes what the suffix means behind it.
    expect(tshark(PATH, query("FILESERVER", 0x20), "nbns.name")[0]).toContain("FILESERVER<20>");
    expect(tshark(PATH, registration("ALICE-PC", 0), "nbns.name")[0]).toContain("ALICE-PC<00>");
  });

  it("tells all names of a machine, and its network card", () => {
    const { facts } = understand({ ...PATH, dst: "192.168.1.9", srcPort: 51_000 }, [
      { payload: rawMessage(0, [asks(netbiosName("*", 0), NBSTAT)], [[], [], []]) },
      { side: 1, payload: status("02 00 5e 10 00 01") },
    ]);
    expect(detailsOf(facts)).toEqual({
      operations: ["status"],
      names: ["ALICE-PC<00>", "WORKGROUP<00>", "ALICE-PC<20>"],
    });
    expect(disclosed(facts)).toEqual(["host-name: ALICE-PC", "mac-address: 02:00:5e:10:00:01"]);
    expect(tshark(PATH, status("02 00 5e 10 00 01"), "nbns.netbios_name")[0]).toContain("ALICE-PC");
    expect(disclosed(understand(PATH, [{ payload: status("00 00 00 00 00 00") }]).facts)).toEqual([
      "host-name: ALICE-PC",
    ]);
  });

  it.each([
    [0x3010, "release"],
    [0x4010, "refresh"],
    [0x7910, "registration"],
  ])("knows the operation of %d: %s", (flags, operation) => {
    const message = rawMessage(
      flags,
      [asks(netbiosName("A", 0), NB)],
      [[], [], [record(dnsPointer(12), NB, address(0, "192.168.1.5"))]],
    );
    expect(detailsOf(understand(PATH, [{ payload: message }]).facts)).toMatchObject({ operations: [operation] });
  });

  it("is known on any port, with a scope, and by a negative answer", () => {
    const odd = { ...PATH, srcPort: 40_000, dstPort: 40_001 };
    expect(recognised(odd, query("ALICE-PC", 0, "netbios.example"))).toBe("netbios-ns by content");
    const negative = concat(
      rawMessage(0x8583, [], [[], [], []]),
      record(netbiosName("NOBODY", 0), 10, new Uint8Array(0)),
    );
    expect(recognised(odd, negative)).toBe("netbios-ns by content");
    expect(detailsOf(understand(odd, [{ payload: negative }]).facts)).toEqual({
      operations: ["query"],
      names: ["NOBODY<00>"],
    });
    expect(recognised({ dstPort: 53 }, query("ALICE-PC", 0))).toBe("netbios-ns by content");
  });

  it("is read as far as the snaplen left it, once its name is there", () => {
    const whole = query("ALICE-PC", 0);
    expect(detailsOf(understand(PATH, [{ payload: whole, kept: 46 }]).facts).names).toEqual(["ALICE-PC<00>"]);
    expect(recognised(PATH, whole, 44)).toBeUndefined();
  });

  it("is not DNS, nor what breaks its rules", () => {
    expect(recognised(PATH, dnsQuery(`${"A".repeat(31)}`))).toBe("dns by content");
    const name = netbiosName("ALICE-PC", 0);
    const outside = name.slice();
    outside[5] = 0x51;
    for (const other of [
      rawMessage(0x0110, [asks(outside, 4711)], [[], [], []]),
      rawMessage(0x0110, [asks(name, 4711)], [[], [], []]),
      rawMessage(0x0110, [asks(name, NB), asks(name, NB)], [[], [], []]),
      rawMessage(0x0170, [asks(name, NB)], [[], [], []]),
      rawMessage(0x0910, [asks(name, NB)], [[], [], []]),
      rawMessage(0x0110, [asks(name, NB)], [[], [], []]).slice(0, -1),
      new Uint8Array(50),
      new Uint8Array(50).fill(0x41),
    ]) {
      expect(recognised(PATH, other)).toBeUndefined();
    }
  });

  it("reads no record further than its data", () => {
    const answer = (type: number, data: Uint8Array, name = netbiosName("ALICE-PC", 0)) => {
      const payload = rawMessage(0x8400, [], [[record(name, type, data)], [], []]);
      // Behind it, bytes that would make the name a group's.
      return understand(PATH, [{ side: 1, payload }], 0xff).facts;
    };
    expect(disclosed(answer(NB, new Uint8Array(5)))).toEqual(["host-name: ALICE-PC"]);
    expect(disclosed(answer(NB, new Uint8Array(0)))).toEqual(["host-name: ALICE-PC"]);
    const any = netbiosName("*", 0);
    expect(disclosed(answer(NBSTAT, new Uint8Array(0), any))).toEqual([]);
    const names = concat([1], plain("BOB-PC", 0, 0));
    expect(disclosed(answer(NBSTAT, concat(names, [1, 2, 3, 4, 5]), any))).toEqual(["host-name: BOB-PC"]);
    expect(disclosed(answer(NBSTAT, concat([2], names.slice(1), [0x41, 0x41]), any))).toEqual(["host-name: BOB-PC"]);
  });

  it("takes nothing over from the datagram before", () => {
    const { facts } = understand(PATH, [
      { payload: status("02 00 5e 10 00 01") },
      { payload: query("FILESERVER", 0x20), kept: 46 },
    ]);
    expect(detailsOf(facts)).toMatchObject({ operations: ["status", "query"] });
  });

  it("keeps few names", () => {
    const sent = Array.from({ length: 600 }, (_, i) => ({ payload: query(`N${i}`, 0) }));
    const { facts } = understand(PATH, sent);
    expect(disclosed(facts)).toHaveLength(32);
    expect(facts!.more).toBe(480);
  });
});
