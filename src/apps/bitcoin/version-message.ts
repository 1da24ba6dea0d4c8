import { compactSize, compactSizeBytes } from "./compact-size.js";
import { type NetAddress, netAddress, networkAt, offsetOf } from "./net-address.js";

/** What a node says of itself first. Undefined from where the bytes end. */
export interface VersionMessage {
  readonly protocolVersion: number;
  readonly services: bigint | undefined;
  /** Seconds since 1970-01-01 UTC, by the node's clock. */
  readonly time: bigint | undefined;
  /** Under which address the node sees the other one; undefined when it does not tell. */
  readonly receiver: NetAddress | undefined;
  /** Its own; Bitcoin Core leaves it zero since 0.18. */
  readonly sender: NetAddress | undefined;
  readonly userAgent: string | undefined;
  readonly startHeight: number | undefined;
  /** Whether it wants transactions (BIP 37). */
  readonly relay: boolean | undefined;
}

// Offsets.
const SERVICES = 4;
const TIME = 12;
/** services 8, address 16, port 2. */
const RECEIVER = 20;
const SENDER = 46;
const ADDRESS_BYTES = 26;
const NONCE = 72;
const USER_AGENT = 80;
/** MAX_SUBVERSION_LENGTH of Bitcoin Core's net.h. */
const MAX_USER_AGENT = 256;

/**
 * Reads the payload of `version`, as far as it goes.
 *
 * Source: BIP 60, BIP 14; Bitcoin Core's net_processing.cpp, PushNodeVersion.
 *
 * @returns undefined when not even the protocol version is there.
 */
export function readVersionMessage(view: DataView, start: number, end: number): VersionMessage | undefined {
  const length = end - start;
  if (length < SERVICES) return undefined;
  let userAgent: string | undefined;
  let startHeight: number | undefined;
  let relay: boolean | undefined;
  const agentBytes = compactSize(view, start + USER_AGENT, end);
  if (agentBytes >= 0 && agentBytes <= MAX_USER_AGENT) {
    const agentStart = start + USER_AGENT + compactSizeBytes(view.getUint8(start + USER_AGENT));
    const agentEnd = agentStart + agentBytes;
    if (agentEnd <= end) userAgent = textAt(view, agentStart, agentBytes);
    if (end - agentEnd >= 4) startHeight = view.getInt32(agentEnd, true);
    if (end - agentEnd >= 5) relay = view.getUint8(agentEnd + 4) !== 0;
  }
  return {
    protocolVersion: view.getInt32(start, true),
    services: length < TIME ? undefined : view.getBigUint64(start + SERVICES, true),
    time: length < RECEIVER ? undefined : view.getBigInt64(start + TIME, true),
    receiver: length < RECEIVER + ADDRESS_BYTES ? undefined : addressAt(view, start + RECEIVER),
    sender: length < SENDER + ADDRESS_BYTES ? undefined : addressAt(view, start + SENDER),
    userAgent,
    startHeight,
    relay,
  };
}

/** Whether the payload, of which NONCE bytes are there, may be the `version` of a node that knows signets. */
export function looksLikeVersion(view: DataView, start: number): boolean {
  const protocolVersion = view.getInt32(start, true);
  const time = view.getBigInt64(start + TIME, true);
  return protocolVersion >= 70_002 && protocolVersion < 80_000 && time >= FIRST_SIGNET && time < 1n << 32n;
}

/** BIP 325 is of 2019. */
const FIRST_SIGNET = 1_546_300_800n;
export const SHAPE_BYTES = NONCE;

/** services 8, address 16, port 2: the only number in network order. */
function addressAt(view: DataView, at: number): NetAddress | undefined {
  const network = networkAt(view, at + 8);
  if (network === undefined) return undefined;
  return netAddress(network, view, at + 8 + offsetOf(network), view.getUint16(at + 24));
}

function textAt(view: DataView, at: number, bytes: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, bytes).toString("utf8");
}
