import { CapturedPacket, LinkType } from "../base/index.js";
import type { Moment } from "../flows/index.js";
import { type IpAddress, parseAddress } from "../net/index.js";
import { Analysis, type FlowRecord } from "../pipeline/index.js";
import type { RelayDirectory } from "../relays/index.js";

/** TEST-NET-1 and the documentation prefix (RFC 5737, RFC 3849): nobody is there. */
const TARGETS = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
/** RFC 863: whoever gets it throws it away. */
const DISCARD_PORT = 9;
const FIRST_PORT = 40_000;
const PORTS = 20_000;
const ETHERTYPES = { 4: 0x0800, 6: 0x86dd } as const;
const ETHERNET_BYTES = 14;
const UDP = 17;
const UDP_BYTES = 8;
/** It dies at the first router. */
const HOPS = 1;

/**
 * A harmless, marked packet that goes around Tor, to see whether a leak would be found. Whoever finds it must take it for
 * a leak, and then leave it out of the report.
 */
export interface Canary {
  /** The originator's port, which tells it from all other traffic to nowhere. */
  readonly port: number;
  readonly target: string;
  readonly frame: Uint8Array;
}

/**
 * @param source - An address of the audited node.
 * @param mark - A number from which port and payload are made: another one for each canary.
 * @param mac - Of the interface: the frame goes to whom it comes from, so that no switch takes it further.
 */
export function makeCanary(source: IpAddress, mark: number, mac: Uint8Array = new Uint8Array(6)): Canary {
  const { version } = source;
  const target = TARGETS[version];
  const port = FIRST_PORT + (mark % PORTS);
  const payload = Buffer.from(`leek canary ${mark}`, "latin1");
  const udp = Buffer.alloc(UDP_BYTES);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(DISCARD_PORT, 2);
  udp.writeUInt16BE(UDP_BYTES + payload.length, 4);
  const destination = parseAddress(target)!;
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(UDP, 0);
  pseudo.writeUInt16BE(UDP_BYTES + payload.length, 2);
  udp.writeUInt16BE(
    checksum(Buffer.concat([addressBytes(source), addressBytes(destination), pseudo, udp, payload])) || 0xffff,
    6,
  );
  const ethernet = Buffer.alloc(ETHERNET_BYTES);
  ethernet.set(mac, 0);
  ethernet.set(mac, 6);
  ethernet.writeUInt16BE(ETHERTYPES[version], 12);
  const ip = ipHeader(source, destination, UDP_BYTES + payload.length);
  return { port, target, frame: Buffer.concat([ethernet, ip, udp, payload]) };
}

/** Whether a flow is a canary's. */
export function isCanary({ flow }: FlowRecord, { port, target }: Canary): boolean {
  const { transport, originator, responder } = flow;
  return (
    transport === "udp" && originator.port === port && responder.address === target && responder.port === DISCARD_PORT
  );
}

/**
 * Sends canaries through an analysis of their own, with the same relay documents: a document that has the address for a
 * relay's, or a policy that allows everything, shows.
 *
 * @returns The flows that came out.
 */
export function plantCanaries(directory: RelayDirectory, canaries: readonly Canary[], at: Moment): FlowRecord[] {
  const records: FlowRecord[] = [];
  const analysis = new Analysis({ directory, onFlow: (record) => records.push(record) });
  for (const [i, { frame }] of canaries.entries()) {
    const packet = new CapturedPacket();
    packet.bytes = frame;
    packet.view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    packet.end = frame.length;
    packet.originalLength = frame.length;
    packet.seconds = at.seconds;
    packet.nanoseconds = at.nanoseconds;
    packet.linkType = LinkType.EN10MB;
    packet.number = i + 1;
    analysis.observe(packet);
  }
  analysis.finish([]);
  return records;
}

function ipHeader(source: IpAddress, destination: IpAddress, payloadLength: number): Buffer {
  if (source.version === 6) {
    const header = Buffer.alloc(8);
    header[0] = 0x60;
    header.writeUInt16BE(payloadLength, 4);
    header[6] = UDP;
    header[7] = HOPS;
    return Buffer.concat([header, addressBytes(source), addressBytes(destination)]);
  }
  const header = Buffer.alloc(12);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payloadLength, 2);
  header[8] = HOPS;
  header[9] = UDP;
  const whole = Buffer.concat([header, addressBytes(source), addressBytes(destination)]);
  whole.writeUInt16BE(checksum(whole), 10);
  return whole;
}

function addressBytes({ version, a, b, c, d }: IpAddress): Buffer {
  const bytes = Buffer.alloc(version === 4 ? 4 : 16);
  for (const [i, word] of (version === 4 ? [d] : [a, b, c, d]).entries()) bytes.writeInt32BE(word, i * 4);
  return bytes;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
