import { LinkType } from "../base/index.js";
import { EtherType } from "../net/index.js";
import { decodeEthernet } from "./ethernet.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";
import { decodeIeee80211, decodeRadiotap } from "./ieee80211.js";
import { decodeLinuxSll, decodeLinuxSll2 } from "./linux-cooked.js";
import { decodeNflog } from "./nflog.js";
import { decodeNullLoop } from "./null-loop.js";
import { decodePpp, decodePppoeSession } from "./ppp.js";

/**
 * Decodes the link-layer header of a frame: the first of the three dispatchers.
 *
 * @returns Ok with `etherType` and `nextStart` set; NonIp, Truncated, Malformed, Encrypted as the protocol's decoder
 *   says; Unsupported for a link type without a decoder here.
 */
export function decodeLink(
  linkType: number,
  view: DataView,
  start: number,
  end: number,
  out: PacketHeaders,
): DecodeStatus {
  switch (linkType) {
    case LinkType.EN10MB:
      return decodeEthernet(view, start, end, out);
    case LinkType.LINUX_SLL2:
      return decodeLinuxSll2(view, start, end, out);
    case LinkType.LINUX_SLL:
      return decodeLinuxSll(view, start, end, out);
    case LinkType.RAW:
    case LinkType.RAW_DLT:
    case LinkType.RAW_OPENBSD:
      return decodeRaw(view, start, end, out);
    case LinkType.IPV4:
      out.etherType = EtherType.IPV4;
      out.nextStart = start;
      return DecodeStatus.Ok;
    case LinkType.IPV6:
      out.etherType = EtherType.IPV6;
      out.nextStart = start;
      return DecodeStatus.Ok;
    case LinkType.NULL:
    case LinkType.LOOP:
      return decodeNullLoop(view, start, end, out);
    case LinkType.PPP:
    case LinkType.PPP_SERIAL:
      return decodePpp(view, start, end, out);
    case LinkType.PPP_ETHER:
      return decodePppoeSession(view, start, end, out);
    case LinkType.IEEE802_11:
      return decodeIeee80211(view, start, end, false, out);
    case LinkType.IEEE802_11_RADIO:
      return decodeRadiotap(view, start, end, out);
    case LinkType.NFLOG:
      return decodeNflog(view, start, end, out);
    default:
      return DecodeStatus.Unsupported;
  }
}

/** Tells the IP version of a frame without link-layer header by its first nibble. */
function decodeRaw(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < 1) return DecodeStatus.Truncated;
  const version = view.getUint8(start) >> 4;
  out.nextStart = start;
  if (version === 4) out.etherType = EtherType.IPV4;
  else if (version === 6) out.etherType = EtherType.IPV6;
  else {
    out.etherType = NoEtherType.OTHER_FAMILY;
    return DecodeStatus.Malformed;
  }
  return DecodeStatus.Ok;
}
