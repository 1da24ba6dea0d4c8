/** What a document is, by its first bytes. */
export type DocumentType = "consensus" | "certificates" | "exit-list" | "other";

/** Enough for the annotation lines and the first line of any document that is kept. */
export const HEAD_BYTES = 1024;

/** Annotation lines (`@type ...`) may stand in front; an exit list may tell when it was downloaded before anything else. */
const FIRST_LINES: readonly (readonly [DocumentType, RegExp])[] = [
  ["consensus", /^network-status-version 3(?:[ \n]|$)/],
  ["certificates", /^dir-key-certificate-version 3(?:[ \n]|$)/],
  ["exit-list", /^(?:ExitNode [0-9A-Fa-f]{40}|Downloaded \d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:[ \r\n]|$)/],
];

/** @param head - The document's first HEAD_BYTES, or all of it. A vote looks like a consensus here. */
export function typeOf(head: Uint8Array): DocumentType {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES)).toString("latin1");
  let start = 0;
  while (text[start] === "@") {
    const newline = text.indexOf("\n", start);
    if (newline < 0) return "other";
    start = newline + 1;
  }
  const rest = text.slice(start);
  return FIRST_LINES.find(([, pattern]) => pattern.test(rest))?.[0] ?? "other";
}
