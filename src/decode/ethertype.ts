import { EtherType } from "../net/index.js";
import { decodeEthernet, decodeLlc, FIRST_ETHERTYPE } from "./ethernet.js";
import { DecodeStatus, type PacketHeaders } from "./headers.js";
import { decodePppoeSession } from "./ppp.js";

const TAG_BYTES = 4;
/** Tags and labels nest; more than this many on one frame is an attack or a loop. */
const MAX_LAYERS = 10;
const MPLS_BOTTOM_OF_STACK = 0x100;

/**
 * Walks from `out.etherType` at `out.nextStart` through VLAN tags, MPLS labels and PPPoE to an IP header: the second
 * dispatcher.
 *
 * Source: IEEE 802.1Q 9.6, RFC 3032 2.1, RFC 2516.
 *
 * @returns Ok with `etherType` IPV4 or IPV6 and `nextStart` at its header; NonIp for any other payload.
 */
export function decodeEtherType(view: DataView, end: number, out: PacketHeaders): DecodeStatus {
  for (let layers = 0; layers < MAX_LAYERS; layers++) {
    const start = out.nextStart;
    switch (out.etherType) {
      case EtherType.IPV4:
      case EtherType.IPV6:
        return DecodeStatus.Ok;
      case EtherType.VLAN:
      case EtherType.QINQ:
      case EtherType.QINQ_OLD: {
        if (end - start < TAG_BYTES) return DecodeStatus.Truncated;
        out.etherType = view.getUint16(start + 2);
        out.nextStart = start + TAG_BYTES;
        if (out.etherType < FIRST_ETHERTYPE) {
          const status = decodeLlc(view, out.nextStart, end, out);
          if (status !== DecodeStatus.Ok) return status;
        }
        break;
      }
      case EtherType.MPLS:
      case EtherType.MPLS_MULTICAST: {
        if (end - start < TAG_BYTES) return DecodeStatus.Truncated;
        out.nextStart = start + TAG_BYTES;
        if ((view.getUint32(start) & MPLS_BOTTOM_OF_STACK) !== 0) {
          const status = belowMpls(view, end, out);
          if (status !== DecodeStatus.Ok) return status;
        }
        break;
      }
      case EtherType.PPPOE_SESSION: {
        const status = decodePppoeSession(view, start, end, out);
        if (status !== DecodeStatus.Ok) return status;
        break;
      }
      default:
        return DecodeStatus.NonIp;
    }
  }
  return DecodeStatus.Malformed;
}

/** MPLS names no payload type: 4 and 6 start IP, 0 is a pseudowire control word before Ethernet (RFC 4385 3). */
function belowMpls(view: DataView, end: number, out: PacketHeaders): DecodeStatus {
  const start = out.nextStart;
  if (end - start < 1) return DecodeStatus.Truncated;
  const nibble = view.getUint8(start) >> 4;
  if (nibble === 4) out.etherType = EtherType.IPV4;
  else if (nibble === 6) out.etherType = EtherType.IPV6;
  else if (nibble === 0) return decodeEthernet(view, start + 4, end, out);
  else return DecodeStatus.NonIp;
  return DecodeStatus.Ok;
}
