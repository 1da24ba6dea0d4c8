import type { FrameKind } from "../../streams/index.js";

/** signature 8, length u64, expects an answer 1, command u32, return code i32, flags u32, version u32; little-endian. */
export const HEADER_BYTES = 33;
/** The part of it that says what is to be known of any message: up to the command. */
const START_BYTES = 21;
const SIGNATURE_HIGH = 0x01210101;
const SIGNATURE_LOW = 0x01010101;
const LENGTH = 8;
const COMMAND = 17;
const FLAGS = 25;
const VERSION = 29;
/** LEVIN_DEFAULT_MAX_PACKET_SIZE. */
const MAX_BODY = 100_000_000;

export const LevinFlag = { Request: 1, Response: 2 } as const;

/** By number; 2005 was never given. Fragments and fillers of anonymity networks have none. */
const COMMANDS: ReadonlyMap<number, string> = new Map([
  [1001, "handshake"],
  [1002, "timed-sync"],
  [1003, "ping"],
  [1004, "stat-info"],
  [1005, "network-state"],
  [1006, "peer-id"],
  [1007, "support-flags"],
  [2001, "new-block"],
  [2002, "new-transactions"],
  [2003, "request-get-objects"],
  [2004, "response-get-objects"],
  [2006, "request-chain"],
  [2007, "response-chain-entry"],
  [2008, "new-fluffy-block"],
  [2009, "request-fluffy-missing-tx"],
  [2010, "get-txpool-complement"],
]);

export const HANDSHAKE = 1001;
export const TIMED_SYNC = 1002;

export function commandName(command: number): string | undefined {
  return COMMANDS.get(command);
}

/** @param at - Of a header whose first 21 bytes are there. */
export function commandAt(view: DataView, at: number): number {
  return view.getUint32(at + COMMAND, true);
}

/** @param at - Of a whole header. */
export function flagsAt(view: DataView, at: number): number {
  return view.getUint32(at + FLAGS, true);
}

/**
 * Bytes of the body.
 *
 * @param at - Of a header whose first 21 bytes are there.
 * @returns -1 when this is no header.
 */
export function bodyLength(view: DataView, at: number): number {
  if (view.getInt32(at) !== SIGNATURE_HIGH || view.getInt32(at + 4) !== SIGNATURE_LOW) return -1;
  if (view.getUint32(at + LENGTH + 4, true) !== 0) return -1;
  const length = view.getUint32(at + LENGTH, true);
  return length > MAX_BODY ? -1 : length;
}

/** Whether a whole header is one of a message with a command that is known. */
export function isHeader(view: DataView, at: number): boolean {
  const flags = flagsAt(view, at);
  const isMessage = flags === LevinFlag.Request || flags === LevinFlag.Response;
  return (
    bodyLength(view, at) >= 0 &&
    view.getUint32(at + VERSION, true) === 1 &&
    isMessage &&
    COMMANDS.has(commandAt(view, at))
  );
}

/** Whether the bytes so far may become a header. */
export function beginsHeader(bytes: Uint8Array, length: number): boolean {
  for (let i = 0; i < length && i < LENGTH; i++) if (bytes[i] !== (i === 1 ? 0x21 : 0x01)) return false;
  return true;
}

/**
 * Messages of Levin, the protocol of CryptoNote's nodes. The header is longer than a follower of frames keeps, but its
 * last 12 bytes need not be read: they count as body.
 *
 * Source: Monero's docs/LEVIN_PROTOCOL.md.
 */
export const LEVIN_MESSAGES: FrameKind = {
  headerBytes: START_BYTES,
  bodyBytes(view, at) {
    const length = bodyLength(view, at);
    return length < 0 ? -1 : length + HEADER_BYTES - START_BYTES;
  },
};
