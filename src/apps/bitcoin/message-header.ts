import type { FrameKind } from "../../streams/index.js";
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
/** Commands, padded to their 12 bytes. */
const VERSION = wordsOf("version");
const ADDR = wordsOf("addr");
const ADDR_V2 = wordsOf("addrv2");

/** @param at - Of the header, all of whose bytes are there. */
export function payloadLength(view: DataView, at: number): number {
  return view.getUint32(at + LENGTH, true);
}

export function isSaneLength(length: number): boolean {
  return length <= MAX_PAYLOAD;
}

export function isVersion(view: DataView, at: number): boolean {
  return hasCommand(view, at, VERSION);
}

/** Whether it tells addresses of peers; without making a text of the command, as this is asked of each message. */
export function isAddr(view: DataView, at: number): boolean {
  return hasCommand(view, at, ADDR);
}

/** As `addr`, in the form of BIP 155. */
export function isAddrV2(view: DataView, at: number): boolean {
  return hasCommand(view, at, ADDR_V2);
}

function hasCommand(view: DataView, at: number, words: DataView): boolean {
  const start = at + COMMAND;
  return (
    view.getInt32(start) === words.getInt32(0) &&
    view.getInt32(start + 4) === words.getInt32(4) &&
    view.getInt32(start + 8) === words.getInt32(8)
  );
}

function wordsOf(command: string): DataView {
  const words = new DataView(new ArrayBuffer(COMMAND_BYTES));
  for (let i = 0; i < command.length; i++) words.setUint8(i, command.charCodeAt(i));
  return words;
}

interface KnownCommand {
  readonly words: DataView;
  readonly text: string;
}

/** By a number made of their bytes: peers say the same few commands, and one text of each is enough. */
const KNOWN = new Map<number, KnownCommand>();
const MAX_KNOWN = 256;

/** @returns The command; undefined unless it is printable ASCII, then NULs to the end. */
export function commandOf(view: DataView, at: number): string | undefined {
  const start = at + COMMAND;
  const key = view.getInt32(start) ^ Math.imul(view.getInt32(start + 4), 31) ^ view.getInt32(start + 8);
  const known = KNOWN.get(key);
  if (known !== undefined && hasCommand(view, at, known.words)) return known.text;
  const text = readCommand(view, start);
  if (text === undefined) return undefined;
  if (KNOWN.size >= MAX_KNOWN) KNOWN.clear();
  KNOWN.set(key, { words: wordsOf(text), text });
  return text;
}

function readCommand(view: DataView, start: number): string | undefined {
  let length = 0;
  while (length < COMMAND_BYTES && view.getUint8(start + length) !== 0) length++;
  for (let i = 0; i < COMMAND_BYTES; i++) {
    const byte = view.getUint8(start + i);
    if (i < length ? byte <= 0x20 || byte > 0x7e : byte !== 0) return undefined;
  }
  if (length === 0) return undefined;
  return Buffer.from(view.buffer, view.byteOffset + start, length).toString("latin1");
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
