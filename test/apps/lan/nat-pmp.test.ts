import { describe, expect, it } from "vitest";
import { dhcp, dhcpv6, natPmp, pcp } from "../../../src/apps/lan/index.js";
import { concat, ipv4Bytes, u16, u32 } from "../../support/packet-builder.js";
import { detailsOf, disclosed } from "../conversation.js";
import { datagram, overFrames } from "./frames.js";
import {
  natPmpAddress,
  natPmpAddressIs,
  natPmpMap,
  natPmpMapped,
  pcpMap,
  pcpMapped,
  pcpMapping,
  pcpPeer,
  pcpRequest,
  pcpResponse,
} from "./samples.js";

const ALL = [dhcp, dhcpv6, natPmp, pcp];
const HOST = "192.168.50.2";
const GATEWAY = "192.168.50.1";
const ask = (payload: Uint8Array) => datagram(50_000, 5351, payload, HOST, GATEWAY);
const answer = (payload: Uint8Array) => datagram(5351, 50_000, payload, GATEWAY, HOST);

describe("nat-pmp", () => {
  it("tells the public address, and which ports are opened", () => {
    const facts = overFrames(ALL, [ask(natPmpAddress), answer(natPmpAddressIs), ask(natPmpMap), answer(natPmpMapped)]);
    expect([facts?.protocol, facts?.by]).toEqual(["nat-pmp", "port"]);
    expect(detailsOf(facts)).toEqual({
      operations: ["external-address", "map-tcp"],
      externalAddress: "203.0.113.7",
      internalPorts: [6881],
      externalPorts: [40_001],
      lifetimeSeconds: 3600,
    });
    expect(disclosed(facts)).toEqual(["public-address: 203.0.113.7"]);
  });

  it("takes the external port of a request for a wish, and a private address behind another NAT for no public one", () => {
    expect(detailsOf(overFrames(ALL, [ask(natPmpMap)])).externalPorts).toBeUndefined();
    const facts = overFrames(ALL, [answer(concat([0, 128], u16(0), u32(1), ipv4Bytes("10.0.0.5")))]);
    expect(detailsOf(facts).externalAddress).toBe("10.0.0.5");
    expect(disclosed(facts)).toEqual([]);
  });

  it("tells why the gateway says no, and believes nothing else of that answer", () => {
    const refused = concat([0, 128], u16(3), u32(1), ipv4Bytes("203.0.113.7"));
    const facts = overFrames(ALL, [answer(refused)]);
    expect(detailsOf(facts)).toEqual({ operations: ["external-address"], resultCode: 3 });
    expect(disclosed(facts)).toEqual([]);
    expect(detailsOf(overFrames(ALL, [answer(concat([0, 129], u16(1), u32(1)))])).resultCode).toBe(1);
  });

  it.each([
    ["of another length", ask(concat(natPmpMap, [0]))],
    ["of another port", datagram(50_000, 5352, natPmpAddress)],
    ["that a gateway asks", answer(natPmpMap)],
    ["that a host answers", ask(natPmpMapped)],
    ["of an unknown operation", ask(Uint8Array.of(0, 3))],
    ["that is too short", ask(Uint8Array.of(0))],
    ["with half a refusal that refuses nothing", answer(natPmpAddressIs.subarray(0, 8))],
  ])("is no message %s", (_, frame) => {
    expect(overFrames(ALL, [frame])).toBeUndefined();
  });
});

describe("pcp", () => {
  it("tells the public address, and which ports are opened", () => {
    const facts = overFrames(ALL, [ask(pcpMap), answer(pcpMapped)]);
    expect([facts?.protocol, facts?.by]).toEqual(["pcp", "port"]);
    expect(detailsOf(facts)).toEqual({
      operations: ["map"],
      clientAddress: HOST,
      internalPorts: [8333],
      externalPorts: [40_002],
      externalAddress: "203.0.113.7",
      lifetimeSeconds: 3600,
    });
    expect(disclosed(facts)).toEqual(["public-address: 203.0.113.7"]);
  });

  it("tells to which peer a way shall be kept open", () => {
    const facts = overFrames(ALL, [ask(pcpPeer)]);
    expect(detailsOf(facts)).toMatchObject({ operations: ["peer"], internalPorts: [50_000] });
    expect(disclosed(facts)).toEqual(["peer-address: 198.51.100.9:8333"]);
  });

  it("tells IPv6 addresses too", () => {
    const facts = overFrames(ALL, [answer(pcpResponse(1, 0, pcpMapping(8333, 8333, "2001:db8:50::2")))]);
    expect(disclosed(facts)).toEqual(["public-address: 2001:db8:50::2"]);
  });

  it("believes nothing of an answer that says no", () => {
    const facts = overFrames(ALL, [answer(pcpResponse(1, 2, pcpMapping(8333, 40_002, "::ffff:203.0.113.7")))]);
    expect(detailsOf(facts)).toEqual({ operations: ["map"], resultCode: 2 });
    expect(disclosed(facts)).toEqual([]);
  });

  it("knows announcements, and reads of what was cut its header alone", () => {
    expect(detailsOf(overFrames(ALL, [ask(pcpRequest(0))]))).toEqual({ operations: ["announce"], clientAddress: HOST });
    const cut = overFrames(ALL, [answer(pcpMapped)], 14 + 20 + 8 + 24);
    expect(detailsOf(cut)).toEqual({ operations: ["map"], lifetimeSeconds: 3600 });
  });

  it.each([
    ["of another port", datagram(50_000, 5352, pcpMap)],
    ["of another version", ask(concat([3], pcpMap.subarray(1)))],
    ["of an unknown operation", ask(pcpRequest(9, new Uint8Array(36)))],
    ["that is too short for its operation", ask(pcpMap.subarray(0, 56))],
    ["of odd length", ask(concat(pcpMap, [0]))],
    ["that is too long", ask(concat(pcpMap, new Uint8Array(1100)))],
    ["that a host answers", ask(pcpMapped)],
    ["with a request that has a result", ask(concat(pcpMap.subarray(0, 3), [1], pcpMap.subarray(4)))],
  ])("is no message %s", (_, frame) => {
    expect(overFrames(ALL, [frame])).toBeUndefined();
  });
});
