import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressPseudonyms, isRedactable, redactPacket } from "../../../src/audit/evidence/index.js";
import { type CapturedPacket, LinkType } from "../../../src/base/index.js";
import { decodePacket, PacketHeaders } from "../../../src/decode/index.js";
import { formatAddress, localRange, parseAddress } from "../../../src/net/index.js";
import { readBytes } from "../../capture/read-packets.js";
import { FIXTURES } from "../../support/leek.js";
import {
  arp,
  ascii,
  authenticationHeader,
  concat,
  ethernet,
  fragmentHeader,
  gre,
  hex,
  icmp,
  icmpv6,
  ieee8023,
  internetChecksum,
  ipip,
  ipv4,
  ipv4Bytes,
  ipv6,
  ipv6Bytes,
  optionsHeader,
  pppoe,
  qinq,
  routingHeader,
  sll,
  sll2,
  snap,
  TcpFlag,
  tcp,
  udp,
  vlan,
} from "../../support/packet-builder.js";
import { captured, type FrameFields } from "../../support/packets.js";

const A = "192.168.77.66";
const B = "203.0.113.99";
const A6 = "fd12:3456:789a:bcde:f012:3456:789a:bcde";
const B6 = "2a00:1450:4001:0830:1111:2222:3333:2004";
const RELAY = "198.51.100.5";
const SECRET = ascii("GET /secret.html HTTP/1.1 Host: secret.example");
const MAC = "00:1b:21:aa:bb:cc";

const segment = tcp({ srcPort: 40_000, dstPort: 443, seq: 7, ack: 9, flags: TcpFlag.ACK }, SECRET);
const datagram = udp({ srcPort: 40_000, dstPort: 53 }, SECRET);
const inner = ipv4({ src: A, dst: B }, segment);
const inner6 = ipv6({ src: A6, dst: B6 }, segment);
const link = (payload: Uint8Array, type?: number) =>
  ethernet({ src: MAC, dst: MAC, ...(type === undefined ? {} : { type }) }, payload);

const FRAMES: readonly (readonly [name: string, frame: Uint8Array, linkType: number])[] = [
  ["TCP over IPv4", link(inner), LinkType.EN10MB],
  ["TCP over IPv6", link(inner6), LinkType.EN10MB],
  ["UDP over IPv4", link(ipv4({ src: A, dst: B }, datagram)), LinkType.EN10MB],
  ["UDP over IPv6", link(ipv6({ src: A6, dst: B6 }, datagram)), LinkType.EN10MB],
  ["a VLAN tag", vlan(1234, inner), LinkType.EN10MB],
  ["two VLAN tags", qinq(1234, 321, inner6), LinkType.EN10MB],
  ["PPPoE", link(pppoe(inner), 0x8864), LinkType.EN10MB],
  ["MPLS", link(concat(hex("12345140"), inner), 0x8847), LinkType.EN10MB],
  ["LLC and SNAP", ieee8023(snap(inner)), LinkType.EN10MB],
  ["Linux cooked v1", sll({ address: MAC }, inner), LinkType.LINUX_SLL],
  ["Linux cooked v2", sll2({ address: MAC }, inner6), LinkType.LINUX_SLL2],
  ["bare IPv4", inner, LinkType.RAW],
  ["bare IPv6", inner6, LinkType.RAW],
  ["LINKTYPE_IPV4", inner, LinkType.IPV4],
  ["LINKTYPE_IPV6", inner6, LinkType.IPV6],
  [
    "IP options",
    link(ipv4({ src: A, dst: B, options: concat([7, 7, 4], ipv4Bytes(A), [0]) }, segment)),
    LinkType.EN10MB,
  ],
  ["a first fragment", link(ipv4({ src: A, dst: B, id: 77, moreFragments: true }, datagram)), LinkType.EN10MB],
  [
    "a later fragment",
    link(ipv4({ src: A, dst: B, id: 77, fragmentOffset: 64, protocol: 17 }, SECRET)),
    LinkType.EN10MB,
  ],
  [
    "IPv6 extension headers",
    link(
      ipv6(
        {
          src: A6,
          dst: B6,
          extensions: [optionsHeader(0), routingHeader(0, [B6]), authenticationHeader(77, 88), optionsHeader(60)],
        },
        segment,
      ),
    ),
    LinkType.EN10MB,
  ],
  [
    "an IPv6 fragment",
    link(ipv6({ src: A6, dst: B6, extensions: [fragmentHeader({ more: true, id: 99 })] }, datagram)),
    LinkType.EN10MB,
  ],
  ["IP in IP", link(ipv4({ src: A, dst: B }, ipip(inner))), LinkType.EN10MB],
  ["IPv6 in IPv4", link(ipv4({ src: A, dst: B }, ipip(inner6))), LinkType.EN10MB],
  [
    "GRE",
    link(ipv4({ src: A, dst: B }, gre(inner, { key: 0x12345678, sequence: 9, checksum: true }))),
    LinkType.EN10MB,
  ],
  ["Ethernet in GRE", link(ipv4({ src: A, dst: B }, gre(link(inner), { protocol: 0x6558 }))), LinkType.EN10MB],
  ["an ICMP error", link(ipv4({ src: B, dst: A }, icmp(3, 3, [0, 0, 0, 0], inner))), LinkType.EN10MB],
  [
    "neighbour discovery",
    link(ipv6({ src: A6, dst: B6 }, icmpv6(135, 0, [0, 0, 0, 0], concat(ipv6Bytes(A6), [1, 1], hex(MAC))))),
    LinkType.EN10MB,
  ],
  ["another protocol", link(ipv4({ src: A, dst: B, protocol: 50 }, SECRET)), LinkType.EN10MB],
  ["SCTP", link(ipv4({ src: A, dst: B, protocol: 132 }, concat([1, 2, 3, 4, 5, 6, 7, 8], SECRET))), LinkType.EN10MB],
  ["ARP", link(arp({ senderMac: MAC, senderIp: A, targetIp: B }), 0x0806), LinkType.EN10MB],
  ["padding behind IP", concat(link(inner), SECRET), LinkType.EN10MB],
];

function pseudonyms(): AddressPseudonyms {
  return new AddressPseudonyms(({ d }) => d === parseAddress(RELAY)!.d, new Set([A, B, A6, B6]));
}

function redact(packet: CapturedPacket): Uint8Array {
  return redactPacket(packet, pseudonyms().of).bytes;
}

/** What makes a packet's flow, without its addresses. */
function shape(frame: Uint8Array, fields: FrameFields) {
  const headers = new PacketHeaders();
  const status = decodePacket(captured(frame, fields), headers);
  const { etherType, ipVersion, protocol, fragment, transportStatus, srcPort, dstPort, tcpFlags, tunnel } = headers;
  if (status !== 0) return { status, etherType };
  const { payloadStart, payloadEnd, payloadLength, tcpSeq, tcpAck } = headers;
  const numbers = protocol === 6 && transportStatus === 0 && fragment !== 2 ? { tcpFlags, tcpSeq, tcpAck } : {};
  const id = fragment === 0 ? {} : { id: headers.fragmentId };
  return {
    ...{ status, etherType, ipVersion, protocol, fragment, transportStatus, srcPort, dstPort, tunnel },
    ...{ payloadStart, payloadEnd, payloadLength, ...numbers, ...id },
    ranges: [
      localRange(ipVersion === 4 ? 4 : 6, headers.srcA, headers.srcB, headers.srcC, headers.srcD),
      localRange(ipVersion === 4 ? 4 : 6, headers.dstA, headers.dstB, headers.dstC, headers.dstD),
    ],
  };
}

function expectSameFlow(redacted: Uint8Array, frame: Uint8Array, fields: FrameFields): void {
  const [before, after] = [shape(frame, fields), shape(redacted, fields)];
  if (before.status === 0) expect(after).toEqual(before);
  // Without an IP header it is of no flow, and there is nothing to keep.
  else expect(after.status).not.toBe(0);
}

/** Four bytes of an address or hardware address, or of the payload. */
const SECRETS = [
  ...[A, B].map((address) => ipv4Bytes(address)),
  ...[A6, B6].flatMap((address) => [0, 4, 8, 12].map((at) => ipv6Bytes(address).slice(at, at + 4))),
  [...hex(MAC)].slice(0, 4),
  ...Array.from({ length: SECRET.length - 3 }, (_, at) => [...SECRET.subarray(at, at + 4)]),
].map((bytes) => Buffer.from(bytes).toString("latin1"));

function secretsIn(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("latin1");
  return SECRETS.filter((secret) => text.includes(secret));
}

describe("a redacted packet", () => {
  it.each(FRAMES)(
    "of %s has the flow's shape, and nothing of addresses, hardware and payload",
    (name, frame, linkType) => {
      const redacted = redact(captured(frame, { linkType }));
      expect(redacted.length).toBe(frame.length);
      if (name !== "ARP") expectSameFlow(redacted, frame, { linkType });
      expect(secretsIn(redacted)).toEqual([]);
    },
  );

  it.each(FRAMES)("of %s is right in each prefix, whatever bytes lie behind it", (name, frame, linkType) => {
    for (let length = 0; length <= frame.length; length++) {
      const fields = { linkType, captured: length, originalLength: frame.length };
      const redacted = redact(captured(frame, { ...fields, padding: { before: 3, after: SECRET } }));
      expect(redacted.length).toBe(length);
      expect(secretsIn(redacted)).toEqual([]);
      if (name === "ARP") continue;
      const whole = { linkType, originalLength: frame.length };
      expectSameFlow(redacted, frame.subarray(0, length), whole);
    }
  });

  it("has the checksums that its new contents need", () => {
    const redacted = redact(captured(link(inner)));
    expect(internetChecksum(redacted.subarray(14, 34))).toBe(0);
    const length = redacted.length - 34;
    expect(internetChecksum(redacted.subarray(26, 34), [0, 6, length >> 8, length & 255], redacted.subarray(34))).toBe(
      0,
    );
    const gray = redact(captured(link(ipv4({ src: A, dst: B }, gre(inner, { checksum: true })))));
    expect(internetChecksum(gray.subarray(34))).toBe(0);
  });

  it("has no UDP checksum where there was none", () => {
    const frame = link(ipv4({ src: A, dst: B }, datagram));
    frame.set([0, 0], 40);
    expect([...redact(captured(frame)).subarray(40, 42)]).toEqual([0, 0]);
  });

  it("keeps a relay's address, and no part of a hardware address but that it is a group's", () => {
    const bytes = redact(
      captured(ethernet({ src: MAC, dst: "01:00:5e:11:22:33" }, ipv4({ src: A, dst: RELAY }, segment))),
    );
    expect([...bytes.subarray(0, 12)]).toEqual([3, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]);
    expect([...bytes.subarray(30, 34)]).toEqual(ipv4Bytes(RELAY));
    const broadcast = redact(captured(ethernet({ dst: "ff:ff:ff:ff:ff:ff" }, inner)));
    expect([...broadcast.subarray(0, 6)]).toEqual([255, 255, 255, 255, 255, 255]);
  });

  it("keeps sizes among TCP's options, and no time stamps, cookies or keys", () => {
    const options = concat(
      hex("020405b4"),
      hex("0402"),
      hex("080a1234567887654321"),
      hex("01"),
      hex("030307"),
      hex("220a1122334455667788"),
      hex("0101"),
    );
    const bytes = redact(
      captured(link(ipv4({ src: A, dst: B }, tcp({ srcPort: 1, dstPort: 2, flags: TcpFlag.SYN, options })))),
    );
    expect(Buffer.from(bytes.subarray(54)).toString("hex")).toBe(
      "020405b40402080a000000000000000001030307010101010101010101010101",
    );
  });

  it("can be made of any bytes", () => {
    const linkTypes = Object.values(LinkType).filter(isRedactable);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(...linkTypes),
        fc.nat(100),
        (bytes, linkType, more) => {
          const packet = captured(bytes, { linkType, originalLength: bytes.length + more });
          expect(redact(packet).length).toBe(bytes.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("can be made of valid frames with some bytes changed, and stays in the shape of its flow", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FRAMES.filter(([name]) => name !== "ARP")),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 3 }),
        ([, frame, linkType], changes) => {
          const changed = frame.slice();
          for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
          expectSameFlow(redact(captured(changed, { linkType })), changed, { linkType });
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("of each packet of the fixtures has the shape of its flow", async () => {
    const names = readdirSync(FIXTURES).filter((name) => name.endsWith(".pcap"));
    for (const name of names) {
      const { of } = pseudonyms();
      const { packets } = await readBytes(readFileSync(join(FIXTURES, name)));
      for (const { bytes, linkType, originalLength } of packets) {
        const frame = Buffer.from(bytes, "hex");
        const fields = { linkType, originalLength };
        expectSameFlow(redactPacket(captured(frame, fields), of).bytes, frame, fields);
      }
    }
  });
});

describe("pseudonyms of addresses", () => {
  const text = (pseudonym: AddressPseudonyms, address: string) => {
    const { version, a, b, c, d } = pseudonym.of(parseAddress(address)!);
    return formatAddress(version, a, b, c, d);
  };

  it.each([
    ["192.168.1.10", /^10\./],
    ["10.1.2.3", /^10\./],
    ["203.0.113.7", /^198\.1[89]\./],
    ["169.254.3.4", /^169\.254\./],
    ["100.64.3.4", /^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./],
    ["127.0.0.53", /^127\./],
    ["239.1.2.3", /^239\./],
    ["2a00::1", /^2001:db8:/],
    ["fd00::1", /^fd/],
    ["fe80::1:2:3", /^fe80::/],
    ["ff02::1:ff11:2233", /^ff02:/],
    ["::ffff:203.0.113.7", /^::ffff:198\.1[89]\./],
    ["64:ff9b::cb00:7107", /^64:ff9b::c61[23]:/],
  ])("of %s stays in its range and is another one", (address, form) => {
    const map = pseudonyms();
    const pseudonym = text(map, address);
    expect(pseudonym).toMatch(form);
    expect(pseudonym).not.toBe(address);
    expect(text(map, address)).toBe(pseudonym);
  });

  it.each([
    "0.0.0.0",
    "255.255.255.255",
    "127.0.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "::",
    "::1",
    "ff02::fb",
    RELAY,
  ])("of %s, which is everybody's, is itself", (address) => {
    expect(text(pseudonyms(), address)).toBe(address);
  });

  it("are different for different addresses, of the internet more than the benchmark network has", () => {
    const map = pseudonyms();
    const seen = new Set(
      Array.from({ length: 140_000 }, (_, i) => map.of({ version: 4, a: 0, b: 0, c: 0, d: (0x08000000 + i) | 0 }).d),
    );
    expect(seen.size).toBe(140_000);
    for (const d of seen) expect(localRange(4, 0, 0, 0, d)).toBeUndefined();
  });

  it("end before they fill memory", () => {
    const map = pseudonyms();
    const fill = () => {
      for (let i = 0; i <= 500_000; i++) map.of({ version: 6, a: 0x2a000000, b: 0, c: 0, d: i });
    };
    expect(fill).toThrow(/too many addresses/);
  });
});
