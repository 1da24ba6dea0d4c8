// Names, user agents and nicknames come from strangers. Whatever leaves leek passes through one of these.

// C0, DEL and C1 control characters, and the bidirectional and zero-width characters that can reorder or hide text.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/**
 * Text for a terminal or a log line: control and reordering characters become `\xNN` or `\u{NNNN}`, so that a
 * name can neither move the cursor nor fake a line.
 */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/**
 * One CSV field (RFC 4180), safe to open in a spreadsheet: a leading `=`, `+`, `-` or `@` would be run as a formula,
 * so such a text gets a quote mark in front.
 */
export function escapeCsv(text: string): string {
  const safe = escapeText(text);
  const inert = /^[=+\-@]/.test(safe) ? `'${safe}` : safe;
  return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
