import type { PacketHeaders } from "../../decode/index.js";
import type { StreamSide } from "../../streams/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { hashAt, softwareOfPeerId } from "./peer-id.js";

/** 0x41727101980, the connection id of a connect request. */
const MAGIC_HIGH = 0x417;
const MAGIC_LOW = 0x27101980;
const CONNECT_BYTES = 16;
const ANNOUNCE_BYTES = 98;
const Action = { Connect: 0, Announce: 1, Scrape: 2 } as const;
const MAX_SCRAPED = 74;
const MAX_DATAGRAMS = 32;

/**
 * A BitTorrent tracker over UDP, by its connect request.
 *
 * Source: BEP 15.
 */
export const udpTracker: DatagramProtocol = {
  protocol: "bittorrent",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength }: PacketHeaders): boolean {
    return (
      payloadLength === CONNECT_BYTES &&
      payloadEnd - at === CONNECT_BYTES &&
      view.getUint32(at) === MAGIC_HIGH &&
      view.getUint32(at + 4) === MAGIC_LOW &&
      view.getUint32(at + 8) === Action.Connect
    );
  },
  open({ facts }: FlowContext) {
    facts.recognise("bittorrent", "content");
    facts.detail("use", "udp-tracker");
    let left = MAX_DATAGRAMS;
    let client: StreamSide | undefined;
    return {
      read(view: DataView, { payloadStart: at, payloadEnd }: PacketHeaders, side: StreamSide): boolean {
        // The first one is what was matched: a client's.
        client ??= side;
        const length = payloadEnd - at;
        if (side === client && length >= CONNECT_BYTES) {
          const action = view.getUint32(at + 8);
          if (action === Action.Announce && length >= ANNOUNCE_BYTES) {
            const infoHash = hashAt(view, at + 16);
            facts.detail("infoHash", infoHash);
            facts.disclose("info-hash", infoHash);
            facts.detail("announcedPort", view.getUint16(at + 96));
            const software = softwareOfPeerId(view, at + 36);
            if (software !== undefined) {
              facts.detail(side === 0 ? "originatorSoftware" : "responderSoftware", software);
              facts.disclose("software", software);
            }
          } else if (action === Action.Scrape) {
            const end = Math.min(payloadEnd, at + 16 + 20 * MAX_SCRAPED);
            for (let hash = at + 16; end - hash >= 20; hash += 20) facts.disclose("info-hash", hashAt(view, hash));
          }
        }
        return --left > 0;
      },
    };
  },
};
