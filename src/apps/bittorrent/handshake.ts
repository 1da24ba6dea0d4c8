import type { StreamHead, StreamSide } from "../../streams/index.js";
import type { FlowFacts } from "../flow-facts.js";
import { type FlowContext, Match, type StreamProtocol } from "../protocol-reader.js";
import { hashAt, softwareOfPeerId } from "./peer-id.js";

const NAME = Buffer.from("\x13BitTorrent protocol", "latin1");
/** Name 20, reserved bits 8. */
const INFO_HASH = 28;
const PEER_ID = 48;
/** Of a whole handshake. */
export const HANDSHAKE_BYTES = 68;

/**
 * BitTorrent between peers, by the handshake. An encrypted one (MSE) looks like nothing.
 *
 * Source: BEP 3.
 */
export const bittorrent: StreamProtocol = {
  protocol: "bittorrent",
  match(head: StreamHead): Match {
    const length = Math.min(head.length, NAME.length);
    for (let i = 0; i < length; i++) if (head.bytes[i] !== NAME[i]) return Match.No;
    return length === NAME.length ? Match.Yes : Match.NeedMore;
  },
  open({ facts }: FlowContext) {
    facts.recognise("bittorrent", "content");
    facts.detail("use", "peer");
    return {
      read(side: StreamSide, head: StreamHead): number {
        if (head.length < HANDSHAKE_BYTES) return HANDSHAKE_BYTES;
        if (beginsHandshake(head.view, 0, head.length)) readHandshake(facts, side, head.view, 0);
        return Infinity;
      },
    };
  },
};

/** Whether [start, end) begins as a handshake: its first 20 bytes. */
export function beginsHandshake(view: DataView, start: number, end: number): boolean {
  if (end - start < NAME.length) return false;
  for (let i = 0; i < NAME.length; i++) if (view.getUint8(start + i) !== NAME[i]) return false;
  return true;
}

/** Reads a whole handshake, all of whose bytes are there. */
export function readHandshake(facts: FlowFacts, side: StreamSide, view: DataView, at: number): void {
  const infoHash = hashAt(view, at + INFO_HASH);
  facts.detail("infoHash", infoHash);
  facts.disclose("info-hash", infoHash);
  const software = softwareOfPeerId(view, at + PEER_ID);
  if (software === undefined) return;
  facts.detail(side === 0 ? "originatorSoftware" : "responderSoftware", software);
  facts.disclose("software", software);
}
