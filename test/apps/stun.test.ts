import { describe, expect, it } from "vitest";
import { stun } from "../../src/apps/stun.js";
import { ascii, concat, dnsQuery, filler, hex, ipv4Bytes, u16, u32 } from "../support/packet-builder.js";
import { detailsOf, disclosed } from "./conversation.js";
import { datagram, overFrames } from "./lan/frames.js";
import {
  attribute,
  classicRequest,
  classicResponse,
  ntpMessage,
  stunMessage,
  stunSamples,
  turnPermission,
} from "./lan/samples.js";

const ask = (payload: Uint8Array, port = 47_000) => datagram(50_000, port, payload, "192.168.50.2", "203.0.113.80");
const answer = (payload: Uint8Array, port = 47_000) => datagram(port, 50_000, payload, "203.0.113.80", "192.168.50.2");
const DTLS = hex("16 fefd 0000 000000000000 0004 01000000");

describe("stun", () => {
  it("tells the program and the public address, as RFC 5769 has them", () => {
    const facts = overFrames([stun], [ask(stunSamples.request), answer(stunSamples.ipv4)]);
    expect([facts?.protocol, facts?.by]).toEqual(["stun", "content"]);
    expect(detailsOf(facts)).toEqual({
      messages: ["binding request", "binding response"],
      userName: true,
      ice: true,
      mappedAddress: "192.0.2.1:32853",
    });
    expect(disclosed(facts)).toEqual([
      "software: STUN test client",
      "software: test vector",
      "public-address: 192.0.2.1",
    ]);
    expect(disclosed(overFrames([stun], [answer(stunSamples.ipv6)]))).toContain(
      "public-address: 2001:db8:1234:5678:11:2233:4455:6677",
    );
  });

  it("tells peers of a relay, and no user's name", () => {
    const relayed = attribute(0x0016, [0, 1], u16(49_152 ^ 0x2112), u32(0xcb007150 ^ 0x2112a442));
    const facts = overFrames([stun], [ask(turnPermission), answer(stunMessage(0x0103, [relayed]))]);
    expect(detailsOf(facts)).toEqual({
      messages: ["create-permission request", "allocate response"],
      userName: true,
      realm: "example.org",
      relayedAddress: "203.0.113.80:49152",
    });
    expect(disclosed(facts)).toEqual(["peer-address: 198.51.100.9:8333"]);
    expect(JSON.stringify([detailsOf(facts), disclosed(facts)])).not.toContain("alice");
  });

  it.each([
    [0x0011, "binding indication"],
    [0x0111, "binding error"],
    [0x0017, "data indication"],
    [0x0009, "channel-bind request"],
    [0x0005, "method-5 request"],
  ])("calls type %d %s", (type, name) => {
    expect(detailsOf(overFrames([stun], [ask(stunMessage(type))])).messages).toEqual([name]);
  });

  it("takes ICE with DTLS for WebRTC, and a mark of libwebrtc, but not ICE alone", () => {
    expect(detailsOf(overFrames([stun], [ask(stunSamples.request)])).webrtc).toBeUndefined();
    const secured = overFrames([stun], [ask(stunSamples.request), ask(DTLS)]);
    expect(detailsOf(secured)).toMatchObject({ ice: true, dtls: true, webrtc: true });
    expect(detailsOf(overFrames([stun], [ask(stunMessage(1)), ask(DTLS)])).webrtc).toBeUndefined();
    const google = stunMessage(1, [attribute(0xc057, u32(0x0001000a))]);
    expect(detailsOf(overFrames([stun], [ask(google)])).webrtc).toBe(true);
  });

  it("does not call an address of the site public", () => {
    const mapped = attribute(0x0020, [0, 1], u16(5000 ^ 0x2112), u32(0xc0a83202 ^ 0x2112a442));
    const facts = overFrames([stun], [answer(stunMessage(0x0101, [mapped]))]);
    expect(detailsOf(facts).mappedAddress).toBe("192.168.50.2:5000");
    expect(disclosed(facts)).toEqual([]);
  });

  it("reads no address whose family and length disagree", () => {
    const bad = [
      attribute(0x0020, [0, 2], u16(1), u32(1)),
      attribute(0x0020, [0, 1], u16(1), filler(16)),
      attribute(0x0020, [0, 3], u16(1), u32(1)),
      attribute(0x0020, [0, 1]),
      attribute(0x0020),
    ];
    expect(detailsOf(overFrames([stun], [answer(stunMessage(0x0101, bad))]))).toEqual({
      messages: ["binding response"],
    });
  });

  it("is believed without a cookie on its own port only", () => {
    const facts = overFrames([stun], [ask(classicRequest, 3478), answer(classicResponse, 3478)]);
    expect([facts?.protocol, facts?.by]).toEqual(["stun", "port"]);
    expect(disclosed(facts)).toEqual(["public-address: 192.0.2.1"]);
    expect(overFrames([stun], [ask(classicRequest)])).toBeUndefined();
    const classic = (type: number, ...attributes: readonly Uint8Array[]) =>
      ask(stunMessage(type, attributes, u32(1)), 3478);
    expect(overFrames([stun], [classic(0x0003)])).toBeUndefined();
    expect(overFrames([stun], [classic(0x0001, attribute(0x0012, u32(1)))])).toBeUndefined();
    expect(overFrames([stun], [classic(0x0001, concat(u16(3), u16(8), u32(1)))])).toBeUndefined();
  });

  it("is read as far as the snaplen let it be", () => {
    const facts = overFrames([stun], [answer(stunSamples.ipv4)], 14 + 20 + 8 + 20 + 16 + 11);
    expect(disclosed(facts)).toEqual(["software: test vector"]);
  });

  it.each([
    ["a byte more", concat(stunSamples.request, [0])],
    ["four bytes more", concat(stunSamples.request, u32(0))],
    ["a first byte of others", concat([0x40], stunSamples.request.subarray(1))],
    ["half a header", stunSamples.request.subarray(0, 16)],
    ["DNS", dnsQuery("example.org")],
    ["NTP", ntpMessage(3)],
    ["a channel's data", concat(u16(0x4000), u16(4), ipv4Bytes("192.0.2.1"))],
    ["text", ascii("SSDP and other texts, long enough for it")],
  ])("is not %s", (_, payload) => {
    expect(overFrames([stun], [ask(payload, 3478)])).toBeUndefined();
  });
});
