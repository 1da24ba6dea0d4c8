import type { Protocol } from "../apps/index.js";
import { escapeText } from "../base/index.js";
import type { Classification } from "../classify/index.js";

/**
 * The tag behind a line of `leek print`: ` [tor NICKNAME]`, ` [clearnet tls NAME]`, ` [local socks5]`.
 *
 * @param names - What the capture calls the remote side; the first one is shown.
 * @param protocol - What the flow speaks, where leek recognised it. Left out for Tor, which is TLS to everybody.
 */
export function packetTag(classification: Classification, names: readonly string[], protocol?: Protocol): string {
  const [evidence] = classification.evidence;
  const { flowClass } = classification;
  const words: string[] = [flowClass];
  if (flowClass === "tor") {
    if (evidence !== undefined) {
      words.push("nickname" in evidence && evidence.nickname !== undefined ? evidence.nickname : evidence.kind);
    }
  } else {
    if (evidence?.kind === "relay-address-other-port" || evidence?.kind === "dir-port") words.push(evidence.kind);
    else if (protocol !== undefined && flowClass !== "tor-suspected") words.push(protocol);
    if (names[0] !== undefined) words.push(names[0]);
  }
  return ` [${words.map(oneWord).join(" ")}]`;
}

/** A name with a blank or a bracket in it could end the tag and begin another one. */
function oneWord(name: string): string {
  return escapeText(name).replace(/[ [\]]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
