import type { CapturedPacket } from "../base/index.js";
import { EtherType, IpProtocol } from "../net/index.js";
import { decodeEtherType } from "./ethertype.js";
import { decodeGre } from "./gre.js";
import { DecodeStatus, Fragment, type PacketHeaders } from "./headers.js";
import { decodeIpv4 } from "./ipv4.js";
import { decodeIpv6 } from "./ipv6.js";
import { decodeLink } from "./link.js";
import { decodeTcp } from "./tcp.js";
import { decodeUdp } from "./udp.js";

/**
 * Decodes a packet from its link layer to its ports, through at most one tunnel (IP-in-IP, 6in4, GRE). Allocates
 * nothing and never throws; reads nothing outside [packet.start, packet.end).
 *
 * @returns `out.status`. Ok means that the addresses are known; whether ports are stands in `out.transportStatus`.
 */
export function decodePacket(packet: CapturedPacket, out: PacketHeaders): DecodeStatus {
  const view = packet.view;
  const end = packet.end;
  out.ipVersion = 0;
  out.tunnel = 0;
  out.status = decodeLink(packet.linkType, view, packet.start, end, out);
  if (out.status !== DecodeStatus.Ok) return out.status;
  out.status = decodeNetwork(view, end, packet.start + packet.originalLength, out);
  if (out.status !== DecodeStatus.Ok) return out.status;
  if (isTunnel(out.protocol) && out.fragment === Fragment.None) decodeTunnel(view, out);
  else decodeTransport(view, out);
  return out.status;
}

function decodeNetwork(view: DataView, end: number, wireEnd: number, out: PacketHeaders): DecodeStatus {
  if (out.etherType !== EtherType.IPV4) {
    const status = decodeEtherType(view, end, out);
    if (status !== DecodeStatus.Ok) return status;
  }
  return out.etherType === EtherType.IPV4
    ? decodeIpv4(view, out.nextStart, end, wireEnd, out)
    : decodeIpv6(view, out.nextStart, end, wireEnd, out);
}

/** The third dispatcher: by upper-layer protocol. */
function decodeTransport(view: DataView, out: PacketHeaders): void {
  out.tcpFlags = 0;
  out.srcPort = 0;
  out.dstPort = 0;
  out.payloadStart = Math.min(out.nextStart, out.nextEnd);
  out.payloadEnd = out.nextEnd;
  out.payloadLength = out.nextWireEnd > out.nextStart ? out.nextWireEnd - out.nextStart : 0;
  if (out.fragment === Fragment.Later) {
    out.transportStatus = DecodeStatus.NonIp;
    return;
  }
  switch (out.protocol) {
    case IpProtocol.TCP:
      out.transportStatus = decodeTcp(view, out);
      break;
    case IpProtocol.UDP:
    case IpProtocol.SCTP:
    case IpProtocol.UDPLITE:
      out.transportStatus = decodeUdp(view, out);
      break;
    default:
      out.transportStatus = DecodeStatus.NonIp;
  }
}

function isTunnel(protocol: number): boolean {
  return protocol === IpProtocol.IPV4 || protocol === IpProtocol.IPV6 || protocol === IpProtocol.GRE;
}

/** Moves the outer addresses aside and decodes the packet inside; when that fails, the tunnel packet itself stands. */
function decodeTunnel(view: DataView, out: PacketHeaders): void {
  const { nextStart, nextEnd, nextWireEnd, protocol, etherType } = out;
  out.outerVersion = out.ipVersion;
  out.outerSrcA = out.srcA;
  out.outerSrcB = out.srcB;
  out.outerSrcC = out.srcC;
  out.outerSrcD = out.srcD;
  out.outerDstA = out.dstA;
  out.outerDstB = out.dstB;
  out.outerDstC = out.dstC;
  out.outerDstD = out.dstD;
  let status: DecodeStatus = DecodeStatus.Ok;
  if (protocol === IpProtocol.GRE) status = decodeGre(view, out);
  else out.etherType = protocol === IpProtocol.IPV4 ? EtherType.IPV4 : EtherType.IPV6;
  if (status === DecodeStatus.Ok) status = decodeNetwork(view, nextEnd, nextWireEnd, out);
  if (status === DecodeStatus.Ok) {
    out.tunnel = protocol;
    decodeTransport(view, out);
    return;
  }
  out.ipVersion = out.outerVersion;
  out.srcA = out.outerSrcA;
  out.srcB = out.outerSrcB;
  out.srcC = out.outerSrcC;
  out.srcD = out.outerSrcD;
  out.dstA = out.outerDstA;
  out.dstB = out.outerDstB;
  out.dstC = out.outerDstC;
  out.dstD = out.outerDstD;
  out.protocol = protocol;
  out.etherType = etherType;
  out.fragment = Fragment.None;
  out.nextStart = nextStart;
  out.nextEnd = nextEnd;
  out.nextWireEnd = nextWireEnd;
  decodeTransport(view, out);
}
