import { softwareOfPeerId } from "../bittorrent/peer-id.js";
import type { FlowContext } from "../protocol-reader.js";

/** Of hashes and peer ids. */
const ID_BYTES = 20;
const MAX_PARAMETERS = 64;
const TRACKER_PATH = /\/(?:announce|scrape)(?:\.php)?$/;

/**
 * Notes what a client tells a BitTorrent tracker.
 *
 * Source: BEP 3 (announce), BEP 48 (scrape).
 *
 * @param target - In origin form.
 */
export function noteTrackerRequest({ facts }: FlowContext, target: string): void {
  const question = target.indexOf("?");
  if (question < 0 || !TRACKER_PATH.test(target.slice(0, question))) return;
  for (const parameter of target.slice(question + 1).split("&", MAX_PARAMETERS)) {
    const equals = parameter.indexOf("=");
    const name = parameter.slice(0, equals);
    if (name !== "info_hash" && name !== "peer_id") continue;
    const id = decodeId(parameter.slice(equals + 1));
    if (id === undefined) continue;
    if (name === "info_hash") {
      const hash = id.toString("hex");
      facts.detail("bittorrentTracker", true);
      facts.detail("infoHash", hash);
      facts.disclose("info-hash", hash);
    } else {
      const software = softwareOfPeerId(id, 0);
      if (software !== undefined) facts.disclose("software", software);
    }
  }
}

/** Bytes in percent-encoding; undefined unless they are twenty. */
function decodeId(text: string): Buffer<ArrayBuffer> | undefined {
  // Three characters for a byte at most.
  if (text.length > ID_BYTES * 3) return undefined;
  const bytes = Buffer.alloc(ID_BYTES);
  let length = 0;
  for (const [token] of text.matchAll(/%[0-9A-Fa-f]{2}|./gs)) {
    if (length === ID_BYTES || token === "%" || token.charCodeAt(0) > 0x7f) return undefined;
    bytes[length++] = token.length === 3 ? Number.parseInt(token.slice(1), 16) : token.charCodeAt(0);
  }
  return length === ID_BYTES ? bytes : undefined;
}
