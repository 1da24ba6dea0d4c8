import { escapeText } from "../base/index.js";
import type { Classification } from "../classify/index.js";

/**
 * The tag behind a line of `leek print`: ` [tor NICKNAME]`, ` [clearnet NAME]`, ` [local]`.
 *
 * @param names - What the capture calls the remote side; the first one is shown.
 */
export function packetTag(classification: Classification, names: readonly string[]): string {
  const [evidence] = classification.evidence;
  const detail =
    classification.flowClass === "tor" && evidence !== undefined
      ? "nickname" in evidence && evidence.nickname !== undefined
        ? evidence.nickname
        : evidence.kind
      : evidence?.kind === "relay-address-other-port" || evidence?.kind === "dir-port"
        ? evidence.kind
        : names[0];
  return detail === undefined ? ` [${classification.flowClass}]` : ` [${classification.flowClass} ${oneWord(detail)}]`;
}

/** A name with a blank or a bracket in it could end the tag and begin another one. */
function oneWord(name: string): string {
  return escapeText(name).replace(/[ [\]]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
