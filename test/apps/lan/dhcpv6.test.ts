import { describe, expect, it } from "vitest";
import { dhcp, dhcpv6 } from "../../../src/apps/lan/index.js";
import { ascii, concat, dnsName, dnsQuery, ethernet, hex, ipv6, u16, u32, udp } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { overFrames } from "./frames.js";
import { advertise, CLIENT_MAC, dhcpv6Message, duidLl, option6, relayed, SERVER_MAC, solicit } from "./samples.js";

const toServer = (payload: Uint8Array, srcPort = 546, dstPort = 547) =>
  ethernet({}, ipv6({ src: "fe80::2", dst: "ff02::1:2" }, udp({ srcPort, dstPort }, payload)));
const toClient = (payload: Uint8Array) => toServer(payload, 547, 546);
const read = (...frames: readonly Uint8Array[]) => overFrames([dhcp, dhcpv6], frames);

describe("dhcpv6", () => {
  it("tells the name, the address on the link and the system of who asks", () => {
    const facts = read(toServer(solicit));
    expect([facts?.protocol, facts?.by]).toEqual(["dhcpv6", "port"]);
    expect(detailsOf(facts)).toEqual({ messageTypes: ["solicit"], clientIdentifier: true });
    expect(disclosed(facts)).toEqual([
      `mac-address: ${CLIENT_MAC}`,
      "software: MSFT 5.0",
      "host-name: alices-laptop.example.org",
    ]);
  });

  it("tells the server's address on the link", () => {
    expect(disclosed(read(toClient(advertise)))).toEqual([`mac-address: ${CLIENT_MAC}`, `mac-address: ${SERVER_MAC}`]);
  });

  it("reads what relays pass on, as deep as relays may stand", () => {
    expect(detailsOf(read(toServer(relayed, 547, 547))).messageTypes).toEqual(["relay-forward", "solicit"]);
    expect(disclosed(read(toServer(relayed, 547, 547)))[0]).toBe("mac-address: 02:00:5e:00:53:03");
    const nest = (times: number): Uint8Array =>
      times === 0 ? solicit : concat([12, times], new Uint8Array(32), option6(9, nest(times - 1)));
    expect(disclosed(read(toServer(nest(8))))).toHaveLength(3);
    expect(disclosed(read(toServer(nest(9))))).toEqual([]);
  });

  it("reads a partial name, and no name that is malformed", () => {
    const named = (name: Uint8Array) => read(toServer(dhcpv6Message(3, option6(39, [0], name))));
    expect(disclosed(named(dnsName("laptop").subarray(0, 7)))).toEqual(["host-name: laptop"]);
    expect(disclosed(named(hex("40 6c 6c")))).toEqual([]);
    expect(disclosed(named(hex("05 6c 6c")))).toEqual([]);
  });

  it("takes no link-layer address from identifiers of other kinds", () => {
    const enterprise = option6(1, u16(2), u32(311), hex("0200 5e00 5301"));
    const long = option6(2, u16(3), u16(1), hex("02005e0053010203"));
    expect(disclosed(read(toServer(dhcpv6Message(1, enterprise, long, option6(1, [0])))))).toEqual([]);
  });

  it("is read as far as the snaplen let it be", () => {
    const message = dhcpv6Message(1, option6(1, duidLl), option6(16, u32(311), u16(8), ascii("MSFT 5.0")));
    const frame = toServer(message);
    expect(disclosed(overFrames([dhcpv6], [frame], frame.length - 3))).toEqual([`mac-address: ${SERVER_MAC}`]);
  });

  it.each([
    ["of another port", toServer(solicit, 5000, 5001)],
    ["of an unknown type", toServer(dhcpv6Message(99, option6(1, duidLl)))],
    ["without options", toServer(dhcpv6Message(1))],
    ["with bytes after its options", toServer(concat(solicit, [0]))],
    ["whose last option is longer than the message", toServer(solicit.subarray(0, -1))],
    ["that is DNS", toServer(dnsQuery("example.org"))],
  ])("is no message %s", (_, frame) => {
    expect(read(frame)).toBeUndefined();
  });
});
