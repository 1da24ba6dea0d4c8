import { describe, expect, it } from "vitest";
import { ntp } from "../../src/apps/ntp.js";
import { ascii, concat, dnsQuery, filler, ipv4Bytes, u16, u32 } from "../support/packet-builder.js";
import { detailsOf, disclosed } from "./conversation.js";
import { datagram, overFrames } from "./lan/frames.js";
import { ntpMessage, ntpServer, ntsRequest } from "./lan/samples.js";

const ask = (payload: Uint8Array) => datagram(50_000, 123, payload);
const answer = (payload: Uint8Array) => datagram(123, 50_000, payload);

describe("ntp", () => {
  it("tells the server's distance from a clock, and where it has its time from", () => {
    const facts = overFrames([ntp], [ask(ntpMessage(3)), answer(ntpServer)]);
    expect([facts?.protocol, facts?.by]).toEqual(["ntp", "port"]);
    expect(detailsOf(facts)).toEqual({
      modes: ["client", "server"],
      version: 4,
      stratum: 2,
      referenceId: "192.0.2.123",
    });
    expect(disclosed(facts)).toEqual([]);
  });

  it.each([
    [1, "GPS\0", { stratum: 1, referenceId: "GPS" }],
    [0, "RATE", { stratum: 0, kissCode: "RATE" }],
    [1, "\x01GP\0", { stratum: 1 }],
    [0, "\0\0\0\0", { stratum: 0 }],
    [16, "\xc0\0\x02\x01", { stratum: 16 }],
  ])("reads the reference of stratum %d, %j", (stratum, referenceId, details) => {
    const message = ntpMessage(4, { stratum, referenceId: ascii(referenceId) });
    expect(detailsOf(overFrames([ntp], [answer(message)]))).toEqual({ modes: ["server"], version: 4, ...details });
  });

  it("tells which server a client had its time from, where the client says so", () => {
    const message = ntpMessage(3, { version: 3, stratum: 3, referenceId: ipv4Bytes("198.51.100.12") });
    expect(detailsOf(overFrames([ntp], [ask(message)]))).toEqual({
      modes: ["client"],
      version: 3,
      clientReferenceId: "198.51.100.12",
    });
  });

  it("knows NTS by its fields, and does not take a code at the end for one", () => {
    expect(detailsOf(overFrames([ntp], [ask(ntsRequest)])).nts).toBe(true);
    // The first of its fields, by a snaplen of 96.
    expect(detailsOf(overFrames([ntp], [ask(ntsRequest)], 96)).nts).toBe(true);
    for (const mac of [
      concat(u32(0x01040010), filler(16)),
      concat(u32(7), filler(20)),
      concat(u16(0x0204), u16(13), filler(40)),
    ]) {
      expect(detailsOf(overFrames([ntp], [ask(ntpMessage(3, {}, mac))])).nts).toBeUndefined();
    }
    const later = ntpMessage(3, {}, concat(u16(5), u16(28), filler(24)), concat(u16(0x0104), u16(36), filler(32)));
    expect(detailsOf(overFrames([ntp], [ask(later)])).nts).toBe(true);
  });

  it("knows control and private messages, which are short", () => {
    expect(detailsOf(overFrames([ntp], [ask(concat([0x16, 2], new Uint8Array(10)))]))).toEqual({
      modes: ["control"],
      version: 2,
    });
    expect(detailsOf(overFrames([ntp], [ask(Uint8Array.of(0x17, 0, 3, 0x2a, 0, 0, 0, 0))])).modes).toEqual(["private"]);
  });

  it.each([
    ["on other ports", datagram(50_000, 1123, ntpServer)],
    ["of version 0", ask(ntpMessage(3, { version: 0 }))],
    ["of version 5", ask(ntpMessage(3, { version: 5 }))],
    ["of mode 0", ask(ntpMessage(0))],
    ["of a reserved stratum", ask(ntpMessage(4, { stratum: 17 }))],
    ["too short", ask(ntpMessage(3).subarray(0, 47))],
    ["of odd length", ask(ntpMessage(3, {}, [1]))],
    ["that is DNS", ask(concat([0], dnsQuery("example.org")))],
  ])("is no message %s", (_, frame) => {
    expect(overFrames([ntp], [frame])).toBeUndefined();
  });
});
