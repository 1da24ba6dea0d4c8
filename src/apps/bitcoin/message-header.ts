import type { FrameKind } from "../../streams/index.js";
import { KnownLists } from "../known-lists.js";
import { sha256 } from "../sha256.js";
import { chainOfMagic } from "./chains.js";

/** magic 4, command 12, payload length u32 LE, checksum 4. */
export const HEADER_BYTES = 24;
const COMMAND = 4;
const COMMAND_BYTES = 12;
const LENGTH = 16;
const CHECKSUM = 20;
/** MAX_PROTOCOL_MESSAGE_LENGTH of Bitcoin Core's net.h. */
const MAX_PAYLOAD = 4_000_000;
/** The bytes of `version`, padded. */
const VERSION_COMMAND = [0x76657273, 0x696f6e00, 0] as const;
/** Of the command that is being read. */
const BYTES = new Uint16Array(COMMAND_BYTES);
const COMMANDS = new KnownLists<string | undefined>();

/** @param at - Of the header, all of whose bytes are there. */
export function payloadLength(view: DataView, at: number): number {
  return view.getUint32(at + LENGTH, true);
}

export function isSaneLength(length: number): boolean {
  return length <= MAX_PAYLOAD;
}

export function isVersion(view: DataView, at: number): boolean {
  return (
    view.getInt32(at + COMMAND) === VERSION_COMMAND[0] &&
    view.getInt32(at + COMMAND + 4) === VERSION_COMMAND[1] &&
    view.getInt32(at + COMMAND + 8) === VERSION_COMMAND[2]
  );
}

/** @returns The command, the same text for the same bytes; undefined unless it is printable ASCII, then NULs to the end. */
export function commandOf(view: DataView, at: number): string | undefined {
  for (let i = 0; i < COMMAND_BYTES; i++) BYTES[i] = view.getUint8(at + COMMAND + i);
  return COMMANDS.of(BYTES, COMMAND_BYTES, commandText);
}

function commandText(bytes: Uint16Array): string | undefined {
  const end = bytes.indexOf(0);
  const length = end < 0 ? COMMAND_BYTES : end;
  const isText = bytes.every((byte, i) => (i < length ? byte > 0x20 && byte <= 0x7e : byte === 0));
  return isText && length > 0 ? String.fromCharCode(...bytes.subarray(0, length)) : undefined;
}

/** Whether a message, all of which is there, is what its checksum is of: the first 4 bytes of SHA-256 of SHA-256. */
export function checksumHolds(view: DataView, at: number): boolean {
  const payload = Buffer.from(view.buffer, view.byteOffset + at + HEADER_BYTES, payloadLength(view, at));
  return sha256(sha256(payload)).readInt32BE(0) === view.getInt32(at + CHECKSUM);
}

/**
 * The messages of one flow: those of the chain whose magic stands in the first header that is met. Of a chain that is
 * not known, that must be a `version`.
 */
export class MessageFrames implements FrameKind {
  readonly headerBytes = HEADER_BYTES;
  #magic = 0;
  #hasMagic = false;

  bodyBytes(view: DataView, at: number): number {
    const magic = view.getInt32(at);
    if (this.#hasMagic ? magic !== this.#magic : chainOfMagic(magic) === undefined && !isVersion(view, at)) return -1;
    const length = payloadLength(view, at);
    if (!isSaneLength(length)) return -1;
    this.#magic = magic;
    this.#hasMagic = true;
    return length;
  }
}
