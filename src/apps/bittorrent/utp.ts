import type { PacketHeaders } from "../../decode/index.js";
import type { StreamSide } from "../../streams/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { beginsHandshake, HANDSHAKE_BYTES, readHandshake } from "./handshake.js";

/** Type ST_DATA (0), version 1. */
const DATA_VERSION_1 = 0x01;
const HEADER_BYTES = 20;
const MAX_EXTENSIONS = 4;
/** Both handshakes stand in each side's first data. */
const MAX_DATAGRAMS = 16;

/**
 * uTP, the BitTorrent transport over UDP. Its header alone is too weak a sign: only a data packet that begins with a
 * BitTorrent handshake is taken.
 *
 * Source: BEP 29.
 */
export const utp: DatagramProtocol = {
  protocol: "bittorrent",
  match: (view: DataView, headers: PacketHeaders) => handshakeAt(view, headers) >= 0,
  open({ facts }: FlowContext) {
    facts.recognise("bittorrent", "content");
    facts.detail("use", "utp");
    const done = [false, false];
    let left = MAX_DATAGRAMS;
    return {
      read(view: DataView, headers: PacketHeaders, side: StreamSide): boolean {
        const at = handshakeAt(view, headers);
        if (at >= 0 && headers.payloadEnd - at >= HANDSHAKE_BYTES) {
          readHandshake(facts, side, view, at);
          done[side] = true;
        }
        return --left > 0 && !(done[0] && done[1]);
      },
    };
  },
};

/** Offset of the handshake in a data packet; -1 where there is none. */
function handshakeAt(view: DataView, { payloadStart, payloadEnd }: PacketHeaders): number {
  if (payloadEnd - payloadStart < HEADER_BYTES || view.getUint8(payloadStart) !== DATA_VERSION_1) return -1;
  let extension = view.getUint8(payloadStart + 1);
  let at = payloadStart + HEADER_BYTES;
  // Each is: the kind of the next one, its own length, its bytes.
  for (let i = 0; extension !== 0; i++) {
    if (i >= MAX_EXTENSIONS || payloadEnd - at < 2) return -1;
    extension = view.getUint8(at);
    at += 2 + view.getUint8(at + 1);
  }
  return beginsHandshake(view, at, payloadEnd) ? at : -1;
}
