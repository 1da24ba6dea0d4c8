import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { icmp } from "../../../src/apps/icmp.js";
import type { DatagramProtocol, FlowFacts } from "../../../src/apps/index.js";
import { dhcp, dhcpv6, natPmp, pcp } from "../../../src/apps/lan/index.js";
import { ntp } from "../../../src/apps/ntp.js";
import { stun } from "../../../src/apps/stun.js";
import {
  ascii,
  concat,
  ethernet,
  filler,
  icmpEcho,
  icmp as icmpMessage,
  icmpv6,
  ipv4,
  ipv6,
  ipv6Bytes,
  udp,
} from "../../support/packet-builder.js";
import { datagram, inIpv4, overFrames } from "./frames.js";
import * as samples from "./samples.js";

const inIpv6 = (bytes: Uint8Array) => ethernet({}, ipv6({ src: "fe80::2", dst: "fe80::1", protocol: 58 }, bytes));
const neighbour = icmpv6(135, 0, [0, 0, 0, 0], concat(ipv6Bytes("fe80::1"), [1, 1, 2, 0, 94, 0, 83, 1]));

/** A protocol, a message of it, and the frame around a message. */
const MESSAGES: readonly (readonly [DatagramProtocol, Uint8Array, (payload: Uint8Array) => Uint8Array])[] = [
  [dhcp, samples.discover, (it) => datagram(68, 67, it)],
  [dhcp, samples.offer, (it) => datagram(67, 68, it)],
  [dhcpv6, samples.solicit, (it) => datagram(546, 547, it)],
  [dhcpv6, samples.relayed, (it) => datagram(547, 547, it)],
  [natPmp, samples.natPmpMapped, (it) => datagram(5351, 50_000, it)],
  [natPmp, samples.natPmpAddressIs, (it) => datagram(5351, 50_000, it)],
  [pcp, samples.pcpMapped, (it) => datagram(5351, 50_000, it)],
  [pcp, samples.pcpPeer, (it) => datagram(50_000, 5351, it)],
  [ntp, samples.ntsRequest, (it) => datagram(50_000, 123, it)],
  [ntp, samples.ntpServer, (it) => datagram(123, 50_000, it)],
  [stun, samples.stunSamples.request, (it) => datagram(50_000, 3478, it)],
  [stun, samples.stunSamples.ipv6, (it) => datagram(3478, 50_000, it)],
  [stun, samples.turnPermission, (it) => datagram(50_000, 3478, it)],
  [stun, samples.classicResponse, (it) => datagram(3478, 50_000, it)],
  [
    icmp,
    icmpEcho(false, 1, 1, ascii("abcdefghijklmnopqrstuvwabcdefghi")).bytes,
    (it) => inIpv4({ protocol: 1, bytes: it, checksumOffset: undefined }),
  ],
  [
    icmp,
    icmpMessage(3, 3, [0, 0, 0, 0], ipv4({}, udp({}, filler(20)))).bytes,
    (it) => inIpv4({ protocol: 1, bytes: it, checksumOffset: undefined }),
  ],
  [icmp, neighbour.bytes, inIpv6],
];
const ALL = [icmp, dhcp, dhcpv6, natPmp, pcp, ntp, stun];
/** What lies behind a packet: nothing, and what would be read as more of it. */
const AROUND = [new Uint8Array(0), filler(300), new Uint8Array(300), ascii("abcdefghijklmnopqrstuvw".repeat(12))];

const said = (facts: FlowFacts | undefined) =>
  facts && [facts.protocol, facts.by, [...facts.details], facts.disclosures, facts.names];

describe("the datagram protocols", () => {
  it("know their own messages, each as one of theirs", () => {
    for (const [protocol, message, frame] of MESSAGES) {
      expect(overFrames(ALL, [frame(message)])?.protocol).toBe(protocol.protocol);
      const others = ALL.filter((it) => it !== protocol);
      expect(overFrames(others, [frame(message)])).toBeUndefined();
    }
  });

  it("know every prefix, or do not, whatever lies behind it", () => {
    for (const [, message, frame] of MESSAGES) {
      const whole = frame(message);
      for (let length = 0; length < whole.length; length++) {
        const [first, ...others] = AROUND.map((around) => said(overFrames(ALL, [whole], length, around)));
        for (const other of others) expect(other).toEqual(first);
      }
      for (let length = 1; length < message.length; length++) {
        const [first, ...others] = AROUND.map((around) =>
          said(overFrames(ALL, [frame(message.subarray(0, length))], Infinity, around)),
        );
        for (const other of others) expect(other).toEqual(first);
      }
    }
  });

  it("never throw on changed messages and random bytes, and keep little of them", () => {
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...MESSAGES), changes, fc.uint8Array({ maxLength: 40 }), fc.nat(500)), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.integer({ min: 30, max: 600 }),
        (parts, snaplen) => {
          const frames = parts.map(([[, message, frame], edits, tail, length]) => {
            const bytes = message.slice();
            for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
            return frame(concat(bytes.subarray(0, length), tail));
          });
          for (const protocol of ALL) {
            const facts = overFrames([protocol], frames, snaplen);
            expect(facts?.details.size ?? 0).toBeLessThan(32);
            for (const { value } of facts?.disclosures ?? []) {
              expect(value).not.toBe("");
              expect(value.length).toBeLessThanOrEqual(256);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...MESSAGES), (bytes, [, , frame]) => {
        overFrames(ALL, [frame(bytes)]);
      }),
      { numRuns: 300 },
    );
  });

  it("change what is known of a flow a bounded number of times", () => {
    for (const [protocol, message, frame] of MESSAGES) {
      const wire = frame(message);
      const facts = overFrames([protocol], new Array<Uint8Array>(2000).fill(wire))!;
      expect(facts.version).toBeLessThan(4000);
      expect(facts.protocol).toBe(protocol.protocol);
    }
  });

  it("are quick on a message of many small parts", () => {
    const options = concat(...Array.from({ length: 15_000 }, () => [0, 39, 0, 0]));
    const attributes = concat(...Array.from({ length: 15_000 }, () => [0x80, 0x22, 0, 0]));
    const nested = (depth: number): Uint8Array =>
      depth === 0
        ? samples.dhcpv6Message(1, options)
        : concat([12, 0], new Uint8Array(32), samples.option6(9, nested(depth - 1)));
    const frames = [
      ...new Array<Uint8Array>(64).fill(datagram(546, 547, nested(8))),
      ...new Array<Uint8Array>(64).fill(datagram(50_000, 3478, samples.stunMessage(1, [attributes]))),
    ];
    const before = performance.now();
    overFrames([dhcpv6], frames.slice(0, 64));
    overFrames([stun], frames.slice(64));
    expect(performance.now() - before).toBeLessThan(2000);
  });
});
