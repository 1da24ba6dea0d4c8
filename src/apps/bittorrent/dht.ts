import type { PacketHeaders } from "../../decode/index.js";
import type { DatagramProtocol, FlowContext } from "../protocol-reader.js";
import { SeenList } from "../seen-list.js";
import { disclosePublicAddress, ipv4At, ipv6At } from "../wire-values.js";
import { KrpcMessage } from "./krpc.js";
import { hashAt, softwareOfNode } from "./peer-id.js";

const LETTER_D = 0x64;
const LETTER_E = 0x65;
const LETTER_Q = 0x71;
const LETTER_R = 0x72;
const MIN_BYTES = 20;
const MAX_DATAGRAMS = 64;
const QUERIES = new Set(["ping", "find_node", "get_peers", "announce_peer", "get", "put", "sample_infohashes", "vote"]);

/**
 * The DHT of BitTorrent, by its bencoded messages.
 *
 * Source: BEP 5.
 */
export const bittorrentDht: DatagramProtocol = {
  protocol: "bittorrent",
  match(view: DataView, { payloadStart: at, payloadEnd, payloadLength }: PacketHeaders): boolean {
    if (payloadEnd - at < MIN_BYTES || view.getUint8(at) !== LETTER_D) return false;
    // The first key: "a", "e", "q", "r" or "ip".
    if (view.getUint8(at + 1) !== 0x31 && view.getUint8(at + 1) !== 0x32) return false;
    const message = new KrpcMessage();
    const whole = message.decode(view, at, payloadEnd);
    // What the snaplen cut lacks its end, where the kind stands.
    if (!whole) return payloadEnd - at < payloadLength && message.id >= 0;
    if (!message.hasTransaction) return false;
    if (message.kind === LETTER_E) return true;
    if (message.id < 0) return false;
    return message.kind === LETTER_R || (message.kind === LETTER_Q && message.queryStart >= 0);
  },
  open({ facts }: FlowContext) {
    facts.recognise("bittorrent", "content");
    facts.detail("use", "dht");
    const queries = new SeenList<string>(facts, "queries");
    const message = new KrpcMessage();
    let left = MAX_DATAGRAMS;
    return {
      read(view: DataView, { payloadStart, payloadEnd }: PacketHeaders): boolean {
        if (!message.decode(view, payloadStart, payloadEnd) && message.id < 0) return --left > 0;
        const { queryStart, queryEnd, infoHash, port, version, ip, ipBytes } = message;
        if (queryStart >= 0 && queryEnd - queryStart <= 20) {
          const query = textAt(view, queryStart, queryEnd);
          if (QUERIES.has(query)) queries.add(query);
        }
        if (infoHash >= 0) {
          const hash = hashAt(view, infoHash);
          facts.detail("infoHash", hash);
          facts.disclose("info-hash", hash);
        }
        if (port > 0 && port <= 65_535) facts.detail("announcedPort", port);
        if (version >= 0) {
          const software = softwareOfNode(view, version);
          if (software !== undefined) facts.disclose("software", software);
        }
        // BEP 42: a node tells the other one its address.
        if (ip >= 0) disclosePublicAddress(facts, ipBytes === 4 ? ipv4At(view, ip) : ipv6At(view, ip));
        return --left > 0;
      },
    };
  },
};

function textAt(view: DataView, start: number, end: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, end - start).toString("latin1");
}
