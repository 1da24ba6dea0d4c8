import { EtherType } from "../net/index.js";
import { DecodeStatus, NoEtherType, type PacketHeaders } from "./headers.js";

const PPPOE_HEADER_BYTES = 6;
const PROTOCOL_IPV4 = 0x0021;
const PROTOCOL_IPV6 = 0x0057;
const PROTOCOL_MPLS = 0x0281;
/** Datagrams encrypted by ECP (RFC 1968 2), on the whole link and on one of a bundle. */
const PROTOCOL_ENCRYPTED = 0x0053;
const PROTOCOL_ENCRYPTED_LINK = 0x0055;
/** From here on protocols carry no network layer: little traffic without control, then control of links and networks. */
const FIRST_OTHER_PROTOCOL = 0x4000;

/**
 * Decodes a PPP header with or without the HDLC-like `ff 03`, and with a one- or two-byte protocol field.
 *
 * Network layers other than IP are not told apart from those that hide it: compressed headers (RFC 1144, RFC 2509),
 * compressed datagrams (RFC 1962), fragments of a bundle (RFC 1990), bridged frames (RFC 3518).
 *
 * Source: RFC 1661 2 and 6.5 (protocol field compression), RFC 1662 3.1.
 */
export function decodePpp(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  let at = start;
  if (end - at >= 2 && view.getUint16(at) === 0xff03) at += 2;
  if (end - at < 1) return DecodeStatus.Truncated;
  let protocol = view.getUint8(at);
  if ((protocol & 1) === 1) {
    at += 1;
  } else {
    if (end - at < 2) return DecodeStatus.Truncated;
    protocol = view.getUint16(at);
    at += 2;
  }
  out.nextStart = at;
  if (protocol === PROTOCOL_IPV4) out.etherType = EtherType.IPV4;
  else if (protocol === PROTOCOL_IPV6) out.etherType = EtherType.IPV6;
  else if (protocol === PROTOCOL_MPLS) out.etherType = EtherType.MPLS;
  else {
    out.etherType = NoEtherType.PPP_CONTROL;
    if (protocol >= FIRST_OTHER_PROTOCOL) return DecodeStatus.NonIp;
    const isEncrypted = protocol === PROTOCOL_ENCRYPTED || protocol === PROTOCOL_ENCRYPTED_LINK;
    return isEncrypted ? DecodeStatus.Encrypted : DecodeStatus.Unsupported;
  }
  return DecodeStatus.Ok;
}

/** Decodes a PPPoE session header and the PPP header behind it. Source: RFC 2516 4. */
export function decodePppoeSession(view: DataView, start: number, end: number, out: PacketHeaders): DecodeStatus {
  if (end - start < PPPOE_HEADER_BYTES) return DecodeStatus.Truncated;
  if (view.getUint8(start) !== 0x11) return DecodeStatus.Malformed;
  if (view.getUint8(start + 1) !== 0) {
    out.etherType = EtherType.PPPOE_DISCOVERY;
    return DecodeStatus.NonIp;
  }
  return decodePpp(view, start + PPPOE_HEADER_BYTES, end, out);
}
