import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { icmp } from "../../../src/apps/icmp.js";
import type { FlowFacts } from "../../../src/apps/index.js";
import { dhcp, dhcpv6, natPmp, pcp } from "../../../src/apps/lan/index.js";
import { ntp } from "../../../src/apps/ntp.js";
import { stun } from "../../../src/apps/stun.js";
import { openCapture } from "../../../src/capture/index.js";
import { readAll } from "../../capture/read-packets.js";
import { buildPcap } from "../../support/capture-builder.js";
import {
  concat,
  dnsName,
  ethernet,
  hex,
  icmpv6,
  ipv4Bytes,
  ipv6,
  ipv6Bytes,
  u16,
  u32,
  udp,
} from "../../support/packet-builder.js";
import { detailsOf } from "../conversation.js";
import { datagram, overFrames } from "./frames.js";
import {
  advertise,
  attribute,
  classicResponse,
  dhcpMessage,
  discover,
  natPmpAddressIs,
  natPmpMap,
  natPmpMapped,
  ntpMessage,
  ntpServer,
  ntsRequest,
  offer,
  pcpMap,
  pcpMapped,
  pcpPeer,
  relayed,
  solicit,
  stunMessage,
  stunSamples,
  turnPermission,
} from "./samples.js";

const ALL = [icmp, dhcp, dhcpv6, natPmp, pcp, ntp, stun];
const FIXTURE = join(import.meta.dirname, "../../../fixtures/tor-and-ping-ntp-leak.pcap");

const directory = mkdtempSync(join(tmpdir(), "leek-lan-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The values of each field in each packet, as tshark sees them. */
function tshark(path: string, fields: readonly string[]): string[][][] {
  const args = ["-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|"];
  // tshark complains of running as root on standard error.
  const text = execFileSync("tshark", [...args, ...fields.flatMap((it) => ["-e", it])], { stdio: "pipe" }).toString();
  const lines = text.replace(/\n$/, "").split("\n");
  return lines.map((line) => line.split("\t").map((values) => values.split("|").filter((it) => it !== "")));
}

type Said = (facts: FlowFacts) => readonly unknown[];
const of =
  (kind: string): Said =>
  ({ disclosures }) =>
    disclosures.filter((it) => it.kind === kind).map(({ value }) => value);
const detail =
  (key: string): Said =>
  ({ details }) =>
    [details.get(key) ?? []].flat();
/** The host of what is `host:port`. */
const hosts =
  (said: Said): Said =>
  (facts) =>
    said(facts).map((it) => String(it).replace(/:\d+$/, ""));

const toServer6 = (payload: Uint8Array) =>
  ethernet({}, ipv6({ src: "fe80::2", dst: "ff02::1:2" }, udp({ srcPort: 546, dstPort: 547 }, payload)));
const neighbours = icmpv6(135, 0, u32(0), concat(ipv6Bytes("fe80::1"), [1, 1], hex("02005e005301")));
const router = icmpv6(
  134,
  0,
  [64, 0, ...u16(1800)],
  concat(
    u32(0),
    u32(0),
    [3, 4, 64, 0xc0],
    u32(86_400),
    u32(14_400),
    u32(0),
    ipv6Bytes("2001:db8:50::"),
    [25, 3, 0, 0],
    u32(1200),
    ipv6Bytes("2001:db8:50::53"),
  ),
);
const inIpv6 = (segment: typeof router) => ethernet({}, ipv6({ src: "fe80::1", dst: "ff02::1" }, segment));
const fullName = dhcpMessage({}, [53, [3]], [81, concat([5, 255, 255], dnsName("alice.example.org"))], 255);
const relayedIpv6 = attribute(
  0x0012,
  [0, 2],
  u16(0x1234),
  concat(hex("2112a442 b7e7a701 bc34d686 fa87dfae")).map((byte, i) => byte ^ ipv6Bytes("2001:db8::9")[i]!),
);

/** Frames, with what in them both must say the same of. */
const SAMPLES: readonly (readonly [frame: Uint8Array, said: Readonly<Record<string, Said>>])[] = [
  [
    datagram(68, 67, discover),
    {
      "dhcp.hw.mac_addr": (facts) => of("mac-address")(facts).flatMap((it) => [it, it]),
      "dhcp.option.hostname": of("host-name"),
      "dhcp.option.vendor_class_id": of("software"),
      "dhcp.option.requested_ip_address": detail("requestedAddress"),
    },
  ],
  [
    datagram(67, 68, offer),
    { "dhcp.option.dhcp_server_id": detail("serverIdentifier"), "dhcp.ip.your": detail("assignedAddress") },
  ],
  [datagram(68, 67, fullName), { "dhcp.fqdn.name": of("host-name") }],
  [
    toServer6(solicit),
    {
      "dhcpv6.duidllt.link_layer_addr": of("mac-address"),
      "dhcpv6.client_domain": of("host-name"),
      "dhcpv6.vendorclass.data": of("software"),
    },
  ],
  [
    toServer6(advertise),
    {
      "dhcpv6.duidllt.link_layer_addr": (facts) => of("mac-address")(facts).slice(0, 1),
      "dhcpv6.duidll.link_layer_addr": (facts) => of("mac-address")(facts).slice(1),
    },
  ],
  [toServer6(relayed), { "dhcpv6.client_domain": of("host-name") }],
  [datagram(5351, 50_000, natPmpAddressIs), { "nat-pmp.external_ip": of("public-address") }],
  [datagram(50_000, 5351, natPmpMap), { "nat-pmp.internal_port": detail("internalPorts") }],
  [datagram(5351, 50_000, natPmpMapped), { "nat-pmp.external_port": detail("externalPorts") }],
  [
    datagram(50_000, 5351, pcpMap),
    {
      "portcontrol.client_ip": (facts) => detail("clientAddress")(facts).map((it) => `::ffff:${it}`),
      "portcontrol.map.internal_port": detail("internalPorts"),
    },
  ],
  [
    datagram(5351, 50_000, pcpMapped),
    {
      "portcontrol.map.rsp_assigned_ext_ip": (facts) => of("public-address")(facts).map((it) => `::ffff:${it}`),
      "portcontrol.map.rsp_assigned_external_port": detail("externalPorts"),
      "portcontrol.lifetime_rsp": detail("lifetimeSeconds"),
    },
  ],
  [
    datagram(50_000, 5351, pcpPeer),
    {
      "portcontrol.peer.remote_peer_ip": (facts) => hosts(of("peer-address"))(facts).map((it) => `::ffff:${it}`),
      "portcontrol.peer.internal_port": detail("internalPorts"),
    },
  ],
  [datagram(50_000, 123, ntpMessage(3)), { "ntp.flags.vn": detail("version") }],
  [datagram(123, 50_000, ntpServer), { "ntp.stratum": detail("stratum") }],
  [
    datagram(50_000, 123, ntsRequest),
    // Two fields of NTS.
    { "ntp.ext.type": (facts) => (detail("nts")(facts)[0] === true ? [0x0104, 0x0204] : []) },
  ],
  [datagram(50_000, 3478, stunSamples.request), { "stun.att.software": of("software") }],
  [datagram(3478, 50_000, stunSamples.ipv4), { "stun.att.ipv4": of("public-address") }],
  [datagram(3478, 50_000, stunSamples.ipv6), { "stun.att.ipv6": of("public-address") }],
  [
    datagram(50_000, 3478, turnPermission),
    { "stun.att.ipv4": hosts(of("peer-address")), "stun.att.realm": detail("realm") },
  ],
  [
    datagram(50_000, 3478, stunMessage(0x0008, [relayedIpv6])),
    { "stun.att.ipv6": (facts) => hosts(of("peer-address"))(facts).map((it) => String(it).slice(1, -1)) },
  ],
  [datagram(3478, 50_000, classicResponse), { "classicstun.att.ipv4": of("public-address") }],
  [inIpv6(neighbours), { "icmpv6.opt.linkaddr": of("mac-address") }],
  [
    inIpv6(router),
    {
      "icmpv6.opt.prefix": (facts) => detail("prefixes")(facts).map((it) => String(it).replace(/\/64$/, "")),
      "icmpv6.opt.rdnss": detail("dnsServers"),
      "icmpv6.nd.ra.router_lifetime": detail("routerLifetimeSeconds"),
    },
  ],
];

describe("what tshark reads", () => {
  it("of messages made by the RFCs, leek reads too", () => {
    const path = join(directory, "samples.pcap");
    writeFileSync(
      path,
      buildPcap(
        {},
        SAMPLES.map(([bytes]) => ({ bytes })),
      ),
    );
    const fields = [...new Set(SAMPLES.flatMap(([, said]) => Object.keys(said)))];
    const theirs = tshark(path, fields);
    expect(theirs).toHaveLength(SAMPLES.length);
    SAMPLES.forEach(([frame, said], i) => {
      const facts = overFrames(ALL, [frame])!;
      for (const [field, ours] of Object.entries(said)) {
        const judged = theirs[i]![fields.indexOf(field)]!;
        expect(judged, `sample ${i} has no ${field}`).not.toEqual([]);
        expect(ours(facts).map(String), `sample ${i}, ${field}`).toEqual(judged.map(plain));
      }
    });
  });

  it("of recorded pings, neighbours and time requests, leek reads too", async () => {
    const { packets } = await readAll(await openCapture(FIXTURE));
    const fields = ["icmp.type", "icmpv6.type", "icmpv6.opt.linkaddr", "ntp.flags.mode", "ntp.stratum", "ntp.refid"];
    const programs = new Set<unknown>();
    let seen = 0;
    tshark(FIXTURE, fields).forEach(([type4, type6, mac, mode, stratum, reference], i) => {
      const frame = Buffer.from(packets[i]!.bytes, "hex");
      const facts = overFrames(ALL, [frame]);
      const isIcmp = type4!.length + type6!.length > 0;
      if (!isIcmp && mode!.length === 0) {
        expect(facts, `packet ${i + 1}`).toBeUndefined();
        return;
      }
      seen++;
      expect(facts?.protocol).toBe(isIcmp ? "icmp" : "ntp");
      expect(of("mac-address")(facts!)).toEqual(mac);
      for (const program of of("software")(facts!)) programs.add(program);
      const names: Readonly<Record<string, string>> = {
        0: "echo-reply",
        8: "echo-request",
        128: "echo-request",
        129: "echo-reply",
        135: "neighbor-solicitation",
        136: "neighbor-advertisement",
      };
      if (isIcmp) expect(detailsOf(facts).types).toEqual([names[(type4![0] ?? type6![0])!]]);
      else if (mode![0] === "4") {
        expect(detailsOf(facts)).toMatchObject({ modes: ["server"], stratum: Number(stratum![0]) });
        expect(Buffer.from(ipv4Bytes(String(detailsOf(facts).referenceId ?? "0.0.0.0"))).toString("hex")).toBe(
          reference![0]!.replaceAll(":", ""),
        );
      } else expect(detailsOf(facts).modes).toEqual(["client"]);
    });
    expect(seen).toBe(16);
    // As the fixture was made.
    expect([...programs]).toEqual(["iputils ping"]);
  });
});

/** tshark gives some numbers in hexadecimal, and names with their root. */
function plain(value: string): string {
  return /^0x[0-9a-f]+$/.test(value) ? String(Number(value)) : value.replace(/\.$/, "");
}
