import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { netbiosDgm } from "../../../src/apps/dns/index.js";
import { ascii, concat, ipv4Bytes, u16 } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { DNS_FAMILY, tshark, understand } from "./datagrams.js";
import { netbiosName } from "./messages.js";

const PATH = { src: "192.168.1.5", srcPort: 138, dst: "192.168.1.255", dstPort: 138 };

interface Fields {
  readonly type?: number;
  readonly flags?: number;
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  readonly address?: string;
}

function message({
  type = 0x11,
  flags = 0x02,
  source = netbiosName("ALICE-PC", 0),
  destination = netbiosName("WORKGROUP", 0x1d),
  address = "192.168.1.5",
}: Fields = {}): Uint8Array {
  const names = concat(source, destination, ascii("\xffSMB%"));
  return concat([type, flags], u16(0x1234), ipv4Bytes(address), u16(138), u16(names.length), u16(0), names);
}

const read = (payload: Uint8Array, kept?: number) =>
  understand(PATH, [{ payload, ...(kept === undefined ? {} : { kept }) }], 0x31, [netbiosDgm, ...DNS_FAMILY]).facts;

describe("the NetBIOS datagram service", () => {
  it("tells what a machine is called and to whom it speaks", () => {
    const facts = read(message());
    expect([facts?.protocol, facts?.by]).toEqual(["netbios-dgm", "content"]);
    expect(detailsOf(facts)).toEqual({
      types: ["direct-group"],
      sourceAddress: "192.168.1.5",
      names: ["ALICE-PC<00>", "WORKGROUP<1d>"],
    });
    expect(disclosed(facts)).toEqual(["host-name: ALICE-PC"]);
    expect(tshark(PATH, message(), "nbdgm.source_name")[0]).toContain("ALICE-PC<00>");
    expect(tshark(PATH, message(), "nbdgm.destination_name")[0]).toContain("WORKGROUP<1d>");
  });

  it("tells an address that others see, and no name that is no machine's", () => {
    const facts = read(message({ type: 0x12, source: netbiosName("ALICE", 0x03), address: "203.0.113.5" }));
    expect(detailsOf(facts)).toMatchObject({ types: ["broadcast"], names: ["ALICE<03>", "WORKGROUP<1d>"] });
    expect(disclosed(facts)).toEqual(["public-address: 203.0.113.5"]);
  });

  it("is read with a scope, and as far as the snaplen left it", () => {
    const scoped = message({ source: netbiosName("ALICE-PC", 0x20, "netbios.example") });
    expect(detailsOf(read(scoped)).names).toEqual(["ALICE-PC<20>", "WORKGROUP<1d>"]);
    expect(detailsOf(read(scoped, 14 + 33)).names).toEqual(["ALICE-PC<20>"]);
    expect(read(scoped, 14 + 32)?.protocol).toBeUndefined();
  });

  it("is nothing of another type, with flags that are reserved, or whose length is another", () => {
    const outside = netbiosName("ALICE-PC", 0).slice();
    outside[7] = 0x51;
    for (const other of [
      message({ type: 0x10 - 1 }),
      message({ type: 0x13 }),
      message({ flags: 0x12 }),
      message({ source: outside }),
      message().subarray(0, -1),
      concat(message(), [0]),
    ]) {
      expect(read(other)?.protocol).not.toBe("netbios-dgm");
    }
  });

  it("never throws, whatever the bytes", () => {
    const whole = message();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255))), fc.nat(whole.length), (changes, kept) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        read(bytes, kept);
      }),
    );
  });
});
