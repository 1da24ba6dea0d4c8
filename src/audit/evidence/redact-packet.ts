import { CapturedPacket } from "../../base/index.js";
import { EtherType, IpProtocol } from "../../net/index.js";
import { FrameCopy, foldChecksum, sumWords } from "./frame-copy.js";
import { type NetworkStart, redactEthernet, redactLink, toIp } from "./redact-link.js";
import { type MapAddress, redactNetwork, type UpperLayer } from "./redact-network.js";
import { redactTransport } from "./redact-transport.js";

const GRE_CHECKSUM = 0x8000;
const GRE_KEY = 0x2000;
const GRE_SEQUENCE = 0x1000;
/** Version, and source routing: not decoded. */
const GRE_OTHER = 0x4007;

/**
 * Writes a packet anew with other addresses, nothing of its payload and nothing of the machines' hardware; it belongs to
 * the same flow as before, has the same lengths, time and number, and right checksums (where it is whole). The layers are
 * those of decode/: what is not understood there is zeros here.
 *
 * @param map - Gives the same for the same address, of the same version and range.
 */
export function redactPacket(packet: CapturedPacket, map: MapAddress): CapturedPacket {
  const frame = new FrameCopy(packet);
  const network = redactLink(frame, packet.linkType);
  if (network !== undefined) redactFrom(frame, network, map);
  const redacted = new CapturedPacket();
  redacted.bytes = frame.bytes;
  redacted.view = frame.target;
  redacted.end = frame.length;
  redacted.originalLength = packet.originalLength;
  redacted.seconds = packet.seconds;
  redacted.nanoseconds = packet.nanoseconds;
  redacted.hasTime = packet.hasTime;
  redacted.linkType = packet.linkType;
  redacted.interfaceIndex = packet.interfaceIndex;
  redacted.number = packet.number;
  return redacted;
}

function redactFrom(frame: FrameCopy, network: NetworkStart, map: MapAddress): void {
  const outer = redactNetwork(frame, network, frame.length, frame.wireLength, map);
  if (outer === undefined) return;
  if (isTunnel(outer)) redactTunnel(frame, outer, map);
  else redactTransport(frame, outer);
}

function isTunnel({ protocol, fragment }: UpperLayer): boolean {
  if (fragment !== "none") return false;
  return protocol === IpProtocol.IPV4 || protocol === IpProtocol.IPV6 || protocol === IpProtocol.GRE;
}

/** Through one tunnel, as in decode/; where nothing is found in it, all of it stays zero. */
function redactTunnel(frame: FrameCopy, outer: UpperLayer, map: MapAddress): void {
  const inside = insideOf(frame, outer);
  if (inside === undefined) return;
  const inner = redactNetwork(frame, inside, outer.end, outer.wireEnd, map);
  if (inner !== undefined) redactTransport(frame, inner);
  if (outer.protocol === IpProtocol.GRE) sumGre(frame, outer);
}

function insideOf(frame: FrameCopy, outer: UpperLayer): NetworkStart | undefined {
  const { at, protocol } = outer;
  if (protocol === IpProtocol.GRE) return insideGre(frame, outer);
  return toIp(frame, { etherType: protocol === IpProtocol.IPV4 ? EtherType.IPV4 : EtherType.IPV6, at });
}

/** RFC 2784 2, RFC 2890 2: key and sequence number go. */
function insideGre(frame: FrameCopy, { at, end }: UpperLayer): NetworkStart | undefined {
  const { source } = frame;
  if (end - at < 4) return undefined;
  const flags = source.getUint16(at);
  if ((flags & GRE_OTHER) !== 0) return undefined;
  let length = 4;
  for (const flag of [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE]) if ((flags & flag) !== 0) length += 4;
  if (end - at < length) return undefined;
  frame.keep(at, 4);
  const etherType = source.getUint16(at + 2);
  if (etherType === EtherType.TEB) return redactEthernet(frame, at + length);
  return toIp(frame, { etherType, at: at + length });
}

function sumGre({ source, target }: FrameCopy, { at, end, wireEnd }: UpperLayer): void {
  if ((source.getUint16(at) & GRE_CHECKSUM) === 0 || end < wireEnd) return;
  target.setUint16(at + 4, foldChecksum(sumWords(target, at, end)));
}
