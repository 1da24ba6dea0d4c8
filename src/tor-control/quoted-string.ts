const ESCAPED: Readonly<Record<string, number>> = { n: 0x0a, t: 0x09, r: 0x0d };

export interface QuotedString {
  /** What was quoted, one character for each byte. */
  readonly text: string;
  /** Offset just past the closing quote. */
  readonly end: number;
}

/**
 * Reads a QuotedString with C escapes, as tor writes paths and addresses.
 *
 * Source: control-spec 2.1.1 (`\n`, `\t`, `\r`, octal up to `\377`, and any other character for itself).
 *
 * @param start - Offset of the opening quote.
 * @returns undefined when no such string stands there.
 */
export function parseQuotedString(text: string, start: number): QuotedString | undefined {
  if (text[start] !== '"') return undefined;
  let unquoted = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return { text: unquoted, end: at + 1 };
    if (character !== "\\") {
      unquoted += character;
      continue;
    }
    const octal = /^[0-3]?[0-7]{1,2}/.exec(text.slice(at + 1, at + 4))?.[0];
    if (octal !== undefined) {
      unquoted += String.fromCharCode(Number.parseInt(octal, 8));
      at += octal.length;
      continue;
    }
    at += 1;
    const next = text[at];
    if (next === undefined) return undefined;
    unquoted += ESCAPED[next] === undefined ? next : String.fromCharCode(ESCAPED[next]);
  }
  return undefined;
}
