import { LinkType } from "../../base/index.js";
import { EtherType } from "../../net/index.js";
import type { FrameCopy } from "./frame-copy.js";

/** Where an IP header begins. */
export interface NetworkStart {
  readonly version: 4 | 6;
  readonly at: number;
}

/** Something with an EtherType. */
interface Carried {
  readonly etherType: number;
  readonly at: number;
}

/** Those whose headers can be rewritten so that nothing of the machine stays. */
const LINK_TYPES: ReadonlySet<number> = new Set([
  LinkType.EN10MB,
  LinkType.LINUX_SLL,
  LinkType.LINUX_SLL2,
  LinkType.RAW,
  LinkType.RAW_DLT,
  LinkType.RAW_OPENBSD,
  LinkType.IPV4,
  LinkType.IPV6,
]);

export function isRedactable(linkType: number): boolean {
  return LINK_TYPES.has(linkType);
}

const MAC_BYTES = 6;
const ETHERNET_BYTES = 14;
const FIRST_ETHERTYPE = 0x0600;
const SLL_BYTES = 16;
const SLL2_BYTES = 20;
/** As in decode/: tags and labels nest. */
const MAX_LAYERS = 10;
/** Bottom of stack, and time to live. */
const MPLS_KEPT = 0x1ff;
const MPLS_BOTTOM = 0x100;
const LOCALLY_ADMINISTERED = 0x02;
const GROUP = 0x01;

/**
 * Rewrites the link-layer header: types and lengths stay, addresses and tags go.
 *
 * @returns undefined where no IP header follows: then all that is not rewritten stays zero.
 */
export function redactLink(frame: FrameCopy, linkType: number): NetworkStart | undefined {
  switch (linkType) {
    case LinkType.EN10MB:
      return redactEthernet(frame, 0);
    case LinkType.LINUX_SLL: {
      if (frame.length < SLL_BYTES) return undefined;
      // packet type, hardware type, address length | address, 8 bytes | protocol
      frame.keep(0, 6);
      hideCookedAddress(frame, 6, frame.source.getUint16(4));
      frame.keep(14, 2);
      return toIp(frame, { etherType: frame.source.getUint16(14), at: SLL_BYTES });
    }
    case LinkType.LINUX_SLL2: {
      if (frame.length < SLL2_BYTES) return undefined;
      // protocol, reserved, interface index, hardware type, packet type, address length | address, 8 bytes
      frame.keep(0, 12);
      hideCookedAddress(frame, 12, frame.source.getUint8(11));
      return toIp(frame, { etherType: frame.source.getUint16(0), at: SLL2_BYTES });
    }
    case LinkType.IPV4:
      return { version: 4, at: 0 };
    case LinkType.IPV6:
      return { version: 6, at: 0 };
    default: {
      const version = frame.length > 0 ? frame.source.getUint8(0) >> 4 : 0;
      return version === 4 || version === 6 ? { version, at: 0 } : undefined;
    }
  }
}

/** The same for an Ethernet header within the frame. */
export function redactEthernet(frame: FrameCopy, at: number): NetworkStart | undefined {
  if (frame.length - at < ETHERNET_BYTES) return undefined;
  hideMac(frame, at);
  hideMac(frame, at + MAC_BYTES);
  frame.keep(at + 12, 2);
  const carried = behindLength(frame, { etherType: frame.source.getUint16(at + 12), at: at + ETHERNET_BYTES });
  return carried === undefined ? undefined : toIp(frame, carried);
}

/** Through VLAN tags, MPLS labels and PPPoE, as in decode/. */
export function toIp(frame: FrameCopy, start: Carried): NetworkStart | undefined {
  let carried: Carried | undefined = start;
  for (let layers = 0; carried !== undefined && layers < MAX_LAYERS; layers++) {
    if (carried.etherType === EtherType.IPV4) return { version: 4, at: carried.at };
    if (carried.etherType === EtherType.IPV6) return { version: 6, at: carried.at };
    carried = nextLayer(frame, carried);
  }
  return undefined;
}

function nextLayer(frame: FrameCopy, { etherType, at }: Carried): Carried | undefined {
  const { source, target, length } = frame;
  switch (etherType) {
    case EtherType.VLAN:
    case EtherType.QINQ:
    case EtherType.QINQ_OLD:
      if (length - at < 4) return undefined;
      frame.keep(at + 2, 2);
      return behindLength(frame, { etherType: source.getUint16(at + 2), at: at + 4 });
    case EtherType.MPLS:
    case EtherType.MPLS_MULTICAST: {
      if (length - at < 4) return undefined;
      const kept = source.getUint32(at) & MPLS_KEPT;
      target.setUint32(at, kept);
      return (kept & MPLS_BOTTOM) === 0 ? { etherType, at: at + 4 } : belowMpls(frame, at + 4);
    }
    case EtherType.PPPOE_SESSION:
      return behindPppoe(frame, at);
    default:
      return undefined;
  }
}

function belowMpls(frame: FrameCopy, at: number): Carried | undefined {
  if (frame.length - at < 1) return undefined;
  const nibble = frame.source.getUint8(at) >> 4;
  if (nibble === 4) return { etherType: EtherType.IPV4, at };
  if (nibble === 6) return { etherType: EtherType.IPV6, at };
  if (nibble !== 0 || frame.length - at < 4) return undefined;
  const inner = redactEthernet(frame, at + 4);
  return inner === undefined
    ? undefined
    : { etherType: inner.version === 4 ? EtherType.IPV4 : EtherType.IPV6, at: inner.at };
}

function behindPppoe(frame: FrameCopy, start: number): Carried | undefined {
  const { source, length } = frame;
  // version and type, code | session, which goes | length
  if (length - start < 6 || source.getUint16(start) !== 0x1100) return undefined;
  frame.keep(start, 2);
  frame.keep(start + 4, 2);
  let at = start + 6;
  if (length - at >= 2 && source.getUint16(at) === 0xff03) {
    frame.keep(at, 2);
    at += 2;
  }
  if (length - at < 1) return undefined;
  const size = (source.getUint8(at) & 1) === 1 ? 1 : 2;
  if (length - at < size) return undefined;
  const protocol = size === 1 ? source.getUint8(at) : source.getUint16(at);
  frame.keep(at, size);
  if (protocol === 0x21) return { etherType: EtherType.IPV4, at: at + size };
  if (protocol === 0x57) return { etherType: EtherType.IPV6, at: at + size };
  return protocol === 0x0281 ? { etherType: EtherType.MPLS, at: at + size } : undefined;
}

/** Below 0x0600 the type is a length, and LLC follows. */
function behindLength(frame: FrameCopy, carried: Carried): Carried | undefined {
  const { source, length } = frame;
  const { etherType, at } = carried;
  if (etherType >= FIRST_ETHERTYPE) return carried;
  if (length - at < 3) return undefined;
  const saps = source.getUint16(at);
  if (saps === 0x0606) {
    frame.keep(at, 3);
    return { etherType: EtherType.IPV4, at: at + 3 };
  }
  if (saps !== 0xaaaa || length - at < 8) return undefined;
  const organisation = (source.getUint16(at + 3) << 8) | source.getUint8(at + 5);
  if (organisation !== 0 && organisation !== 0xf8) return undefined;
  frame.keep(at, 8);
  return { etherType: source.getUint16(at + 6), at: at + 8 };
}

/** Group addresses carry parts of the IP address: only that it is one stays, and broadcast. */
function hideMac(frame: FrameCopy, at: number): void {
  const { source, target } = frame;
  if (source.getUint32(at) === 0xffffffff && source.getUint16(at + 4) === 0xffff) frame.keep(at, MAC_BYTES);
  else target.setUint8(at, LOCALLY_ADMINISTERED | (source.getUint8(at) & GROUP));
}

function hideCookedAddress(frame: FrameCopy, at: number, length: number): void {
  if (length === MAC_BYTES) frame.target.setUint8(at, LOCALLY_ADMINISTERED);
}
