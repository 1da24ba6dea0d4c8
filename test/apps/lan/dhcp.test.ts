import { describe, expect, it } from "vitest";
import { bittorrentDht, udpTracker } from "../../../src/apps/bittorrent/index.js";
import { dhcp, dhcpv6, natPmp, pcp } from "../../../src/apps/lan/index.js";
import { ascii, concat, dnsName, dnsQuery, hex, ipv4Bytes, u32 } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { datagram, overFrames } from "./frames.js";
import { CLIENT_MAC, dhcpMessage, discover, duidLlt, offer } from "./samples.js";

const ALL = [dhcp, dhcpv6, natPmp, pcp, bittorrentDht, udpTracker];
const toServer = (payload: Uint8Array) => datagram(68, 67, payload);
const toClient = (payload: Uint8Array) => datagram(67, 68, payload);

describe("dhcp", () => {
  it("tells the name, the address on the link and the system of who asks", () => {
    const facts = overFrames(ALL, [toServer(discover)]);
    expect([facts?.protocol, facts?.by]).toEqual(["dhcp", "content"]);
    expect(detailsOf(facts)).toEqual({
      messageTypes: ["discover"],
      clientIdentifier: true,
      requestedAddress: "192.168.50.2",
    });
    expect(disclosed(facts)).toEqual([`mac-address: ${CLIENT_MAC}`, "host-name: alices-laptop", "software: MSFT 5.0"]);
  });

  it("tells what the server gives, on whatever port", () => {
    expect(detailsOf(overFrames(ALL, [datagram(67, 4011, offer)]))).toEqual({
      messageTypes: ["offer"],
      serverIdentifier: "192.168.50.1",
      assignedAddress: "192.168.50.2",
    });
  });

  it("lists each type of message once, in order", () => {
    const request = dhcpMessage({}, [53, [3]], [54, ipv4Bytes("192.168.50.1")], 255);
    const frames = [discover, request, discover, dhcpMessage({}, [53, [99]], 255)].map(toServer);
    expect(detailsOf(overFrames(ALL, frames)).messageTypes).toEqual(["discover", "request"]);
  });

  it.each([
    ["in labels", concat([0x05, 255, 255], dnsName("alices-laptop.example.org"))],
    ["in ASCII", concat([0x01, 0, 0], ascii("alices-laptop.example.org\0"))],
  ])("reads a full name %s", (_, value) => {
    expect(disclosed(overFrames(ALL, [toServer(dhcpMessage({}, [81, value], 255))]))).toContain(
      "host-name: alices-laptop.example.org",
    );
  });

  it("reads the link-layer address within an identifier of RFC 4361, and none of another kind", () => {
    const node = concat([255], u32(1), duidLlt);
    const other = "02:00:5e:00:53:99";
    expect(disclosed(overFrames(ALL, [toServer(dhcpMessage({ mac: other }, [61, node], 255))]))).toEqual([
      `mac-address: ${other}`,
      `mac-address: ${CLIENT_MAC}`,
    ]);
    const opaque = dhcpMessage({ mac: other }, [61, concat([0], ascii("secret"))], 255);
    expect(disclosed(overFrames(ALL, [toServer(opaque)]))).toEqual([`mac-address: ${other}`]);
  });

  it("reads options that go on in the fields for file and server name", () => {
    const message = dhcpMessage(
      { file: concat([12, 4], ascii("from"), [255]), serverName: concat([60, 4], ascii("here"), [255]) },
      [52, [3]],
      255,
    );
    expect(disclosed(overFrames(ALL, [toServer(message)]))).toEqual([
      `mac-address: ${CLIENT_MAC}`,
      "host-name: from",
      "software: here",
    ]);
    const without = dhcpMessage({ file: concat([12, 4], ascii("from"), [255]) }, 255);
    expect(disclosed(overFrames(ALL, [toServer(without)]))).toEqual([`mac-address: ${CLIENT_MAC}`]);
  });

  it("takes the vendor class of a server for an echo, and no address of nobody or of a group", () => {
    expect(
      disclosed(
        overFrames(ALL, [toClient(dhcpMessage({ op: 2, mac: "00:00:00:00:00:00" }, [60, ascii("PXEClient")]))]),
      ),
    ).toEqual([]);
    expect(disclosed(overFrames(ALL, [toServer(dhcpMessage({ mac: "ff:ff:ff:ff:ff:ff" }, 255))]))).toEqual([]);
    expect(disclosed(overFrames(ALL, [toServer(dhcpMessage({ hardwareType: 32 }, 255))]))).toEqual([]);
  });

  it("is believed by its ports alone where the snaplen cut the cookie", () => {
    const facts = overFrames(ALL, [toServer(discover)], 96);
    expect([facts?.protocol, facts?.by]).toEqual(["dhcp", "port"]);
    expect(disclosed(facts)).toEqual([`mac-address: ${CLIENT_MAC}`]);
    expect(overFrames(ALL, [datagram(68, 4011, discover)], 96)).toBeUndefined();
    expect(overFrames(ALL, [toServer(dhcpMessage({ hardwareType: 32 }, 255))], 96)).toBeUndefined();
  });

  it("stops at an option that is longer than what is left", () => {
    const damaged = concat(dhcpMessage({}, [53, [1]]), [12, 200], ascii("name"));
    expect(disclosed(overFrames(ALL, [toServer(damaged)]))).toEqual([`mac-address: ${CLIENT_MAC}`]);
  });

  it.each([
    ["another cookie", dhcpMessage({ cookie: 0x63825364 }, [53, [1]])],
    ["another operation", dhcpMessage({ op: 3 }, [53, [1]])],
    ["no hardware", dhcpMessage({ hardwareType: 0 }, [53, [1]])],
    ["no options", discover.subarray(0, 239)],
    ["DNS", dnsQuery("example.org")],
    ["zeros", new Uint8Array(300)],
  ])("is not %s", (_, payload) => {
    expect(overFrames(ALL, [toServer(payload)])).toBeUndefined();
  });

  it("does not read past the end of a message without an end", () => {
    const message = dhcpMessage({}, [53, [1]]);
    const hostName = concat(hex("0c04"), ascii("leak"));
    expect(disclosed(overFrames(ALL, [toServer(message)], Infinity, hostName))).toEqual([`mac-address: ${CLIENT_MAC}`]);
  });
});
