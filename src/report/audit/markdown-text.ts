import { escapeText } from "../../base/index.js";

/**
 * Text from strangers as a code span: in one, nothing is a link, a mention, HTML or markup. Backticks, which would end it,
 * and pipes, which would end a table's cell even there, are shown as escapeText shows control characters.
 */
export function code(text: string): string {
  if (text.trim() === "") return "(blank)";
  return `\`${escapeText(text).replaceAll("`", "\\x60").replaceAll("|", "\\x7c")}\``;
}

const OPENING = /^[("]*/;
const CLOSING = /[)",.:;!?]*$/;
/** No letter after a hyphen would be a link to an issue: GH-1. */
const WORD = /^[A-Za-z][A-Za-z\d]*(?:['’-][A-Za-z][A-Za-z\d]*)*$/;
const NUMBER = /^\d+(?:[.,:]\d+)*$/;
/** Would be a link to a commit. */
const DIGEST = /^[\da-f]{7,}$/i;

/** leek's own sentences: whatever is no plain word or number, such as options, names and addresses, becomes code. */
export function prose(text: string): string {
  return text
    .split(" ")
    .map((token) => {
      const opening = OPENING.exec(token)![0];
      const closing = CLOSING.exec(token.slice(opening.length))![0];
      const core = token.slice(opening.length, token.length - closing.length);
      const isWord = core === "" || core === "{" || core === "}" || WORD.test(core) || NUMBER.test(core);
      return isWord && !DIGEST.test(core) ? token : `${opening}${code(core)}${closing}`;
    })
    .join(" ");
}
