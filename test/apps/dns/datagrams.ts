import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dnsOverUdp, llmnr, mdns, netbiosNs } from "../../../src/apps/dns/index.js";
import {
  ApplicationTracker,
  type DatagramProtocol,
  type FlowFacts,
  type PassiveNames,
} from "../../../src/apps/index.js";
import { IpProtocol } from "../../../src/net/index.js";
import { buildPcap } from "../../support/capture-builder.js";
import { ethernet, ipv4, ipv6, udp } from "../../support/packet-builder.js";
import { captured, decode } from "../../support/packets.js";

/** In the order in which they are to be tried. */
export const DNS_FAMILY: readonly DatagramProtocol[] = [netbiosNs, mdns, llmnr, dnsOverUdp];

/** Where a flow's datagrams go; those of side 1 go back. */
export interface Path {
  readonly src?: string;
  readonly srcPort?: number;
  readonly dst?: string;
  readonly dstPort?: number;
}

export interface Sent {
  readonly side?: 0 | 1;
  readonly payload: Uint8Array;
  /** Bytes of it that were captured; all by default. */
  readonly kept?: number;
}

export interface Understood {
  readonly facts: FlowFacts | undefined;
  readonly names: PassiveNames;
}

/** What is understood of the datagrams of one flow, in whole frames in the midst of others' bytes. */
export function understand(path: Path, sent: readonly Sent[], behind = 0x31, protocols = DNS_FAMILY): Understood {
  const tracker = new ApplicationTracker({ streams: [], datagrams: protocols });
  tracker.begin(0, IpProtocol.UDP, path.srcPort ?? 40_000, path.dstPort ?? 53);
  sent.forEach(({ side = 0, payload, kept = payload.length }, index) => {
    const frame = frameOf(path, side, payload);
    const packet = captured(frame, {
      captured: frame.length - payload.length + kept,
      padding: { before: 5, after: new Uint8Array(300).fill(behind) },
      seconds: 1_700_000_000 + index,
      number: index + 1,
    });
    tracker.observe(0, side, packet, decode(packet));
  });
  return { facts: tracker.factsOf(0), names: tracker.names };
}

function frameOf(path: Path, side: 0 | 1, payload: Uint8Array): Uint8Array {
  const { src = "192.0.2.1", srcPort = 40_000, dst = "192.0.2.53", dstPort = 53 } = path;
  const ip = dst.includes(":") ? ipv6 : ipv4;
  return side === 0
    ? ethernet({}, ip({ src, dst }, udp({ srcPort, dstPort }, payload)))
    : ethernet({}, ip({ src: dst, dst: src }, udp({ srcPort: dstPort, dstPort: srcPort }, payload)));
}

/** The protocol and how it was known: `dns by content`. */
export function recognised(path: Path, payload: Uint8Array, kept = payload.length): string | undefined {
  const { facts } = understand(path, [{ payload, kept }]);
  return facts && `${facts.protocol} by ${facts.by}`;
}

/** What tshark reads of fields in a datagram: a line for each, values joined by commas. */
export function tshark(path: Path, payload: Uint8Array, ...fields: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "leek-dns-"));
  try {
    const file = join(directory, "a.pcap");
    writeFileSync(file, buildPcap({}, [{ bytes: frameOf(path, 0, payload) }]));
    return tsharkFields(file, "udp", fields).flatMap((line) => line.split("\t"));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A line for each packet, fields divided by tabs. */
export function tsharkFields(file: string, filter: string, fields: readonly string[]): string[] {
  const args = ["-n", "-r", file, "-Y", filter, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  // It complains on standard error where it runs as root.
  const output = execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return output.replace(/\n$/, "").split("\n");
}
