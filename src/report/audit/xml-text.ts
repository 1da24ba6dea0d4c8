import { escapeText } from "../../base/index.js";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/**
 * Text for content and attributes of XML 1.0. Control characters, which it cannot carry even as references, are shown as
 * escapeText shows them; so are lone surrogates and the two that are no characters (XML 1.0 §2.2). Line ends stay.
 */
export function escapeXml(text: string): string {
  return text
    .split("\n")
    .map((line) =>
      escapeText(line)
        .replace(/[\p{Surrogate}\ufffe\uffff]/gu, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
        .replace(/[&<>"']/g, (character) => ENTITIES[character]!),
    )
    .join("\n");
}
