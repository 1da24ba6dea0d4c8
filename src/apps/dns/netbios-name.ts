import { ByteText } from "../byte-text.js";

/** A label's length byte, and two letters for each of 16 bytes (RFC 1001 14.1). */
const ENCODED_BYTES = 33;
const LABEL_BYTES = 32;
const MAX_LABEL_BYTES = 63;
const LETTER_A = 0x41;
/** The last byte is no character, but says what has the name. */
export const NAME_BYTES = 16;
const SPACE = 0x20;

/** What has a name: the last byte of it. Source: Microsoft KB 163409. */
const NetbiosSuffix = { WORKSTATION: 0x00, SERVER: 0x20 } as const;

export interface NetbiosName {
  /** Without the blanks that fill it up; bytes as they stood, a character for each. */
  readonly name: string;
  readonly suffix: number;
}

/** For one name after the other. */
const TEXT = new ByteText(NAME_BYTES);

/** Whether a name in the first-level encoding begins here: 32 letters from A to P. */
export function isEncodedName(view: DataView, at: number, end: number): boolean {
  if (end - at < ENCODED_BYTES || view.getUint8(at) !== LABEL_BYTES) return false;
  for (let i = 1; i < ENCODED_BYTES; i++) if ((view.getUint8(at + i) - LETTER_A) >>> 0 > 15) return false;
  return true;
}

/**
 * Where a name of which `isEncodedName` holds ends, with the labels of its scope.
 *
 * @returns Offset just behind it; -1 where not all of it is there.
 */
export function encodedNameEnd(view: DataView, start: number, end: number): number {
  for (let at = start; at < end; ) {
    const length = view.getUint8(at);
    if (length === 0) return at + 1;
    // No pointers: each datagram stands for itself.
    if (length > MAX_LABEL_BYTES) return -1;
    at += 1 + length;
  }
  return -1;
}

/** Reads a name of which `isEncodedName` holds. */
export function readEncodedName(view: DataView, at: number): NetbiosName {
  const byteAt = (i: number) =>
    ((view.getUint8(at + 1 + i * 2) - LETTER_A) << 4) | (view.getUint8(at + 2 + i * 2) - LETTER_A);
  return nameOf(byteAt);
}

/** Reads the 16 bytes of a name that is not encoded. */
export function readPlainName(view: DataView, at: number): NetbiosName {
  return nameOf((i) => view.getUint8(at + i));
}

function nameOf(byteAt: (i: number) => number): NetbiosName {
  let length = NAME_BYTES - 1;
  // The wildcard is filled up with zeros (RFC 1002 4.2.17).
  while (length > 0 && (byteAt(length - 1) === SPACE || byteAt(length - 1) === 0)) length--;
  TEXT.length = 0;
  for (let i = 0; i < length; i++) TEXT.push(byteAt(i));
  return { name: TEXT.toString(), suffix: byteAt(NAME_BYTES - 1) };
}

/** Whether it is a machine's: other suffixes are of users, groups and roles. */
export function isHostName({ name, suffix }: NetbiosName): boolean {
  return name !== "" && (suffix === NetbiosSuffix.WORKSTATION || suffix === NetbiosSuffix.SERVER);
}

/** `FILESERVER<20>`, as the tools of Windows and Samba write it. */
export function nameWithSuffix({ name, suffix }: NetbiosName): string {
  return `${name}<${suffix.toString(16).padStart(2, "0")}>`;
}
