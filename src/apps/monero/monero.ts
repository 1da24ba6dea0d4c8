import type { StreamHead, StreamSide } from "../../streams/index.js";
import { type FlowContext, type FlowPorts, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import {
  beginsHeader,
  bodyLength,
  commandAt,
  commandName,
  flagsAt,
  HANDSHAKE,
  HEADER_BYTES,
  isHeader,
  LEVIN_MESSAGES,
  LevinFlag,
  TIMED_SYNC,
} from "./levin.js";
import { readStorage } from "./portable-storage.js";

/** What match() may wait for. */
const MATCH_BYTES = 128;
/** Where nodes listen: main, testnet, stagenet. */
const PORTS: ReadonlySet<number> = new Set([18080, 28080, 38080]);
const NETWORK_ID_BYTES = 16;
/** Network ids, by `src/cryptonote_config.h`: those of the three differ in their last byte. */
const NETWORK_ID = Buffer.from("1230f171610441611731008216a1a1", "hex");
const CHAINS: ReadonlyMap<number, string> = new Map([
  [0x10, "mainnet"],
  [0x11, "testnet"],
  [0x12, "stagenet"],
]);
/** Name, type (string) and length of the entry. */
const NETWORK_ID_ENTRY = Buffer.from("\x0anetwork_id\x0a\x40", "latin1");
/** Peers in one message: nodes tell 250, and refuse more. */
const MAX_PEERS = 1000;
const SIDES = ["originator", "responder"] as const;

/**
 * Monero between peers, on any port: by the id of its network in a handshake. Other currencies have the same messages,
 * with ids of their own; without that id only Monero's ports tell, and only together with a message's header.
 *
 * Source: Monero's docs/LEVIN_PROTOCOL.md and src/p2p/p2p_protocol_defs.h.
 */
export const monero: StreamProtocol = {
  protocol: "monero",
  match(head: StreamHead, _side: StreamSide, ports: FlowPorts): Match {
    const { bytes, view, length } = head;
    if (!beginsHeader(bytes, length)) return Match.No;
    if (length < HEADER_BYTES) return Match.NeedMore;
    if (!isHeader(view, 0)) return Match.No;
    if (commandAt(view, 0) === HANDSHAKE && flagsAt(view, 0) === LevinFlag.Request) {
      const at = findNetworkId(head);
      if (at >= 0) return chainAt(bytes, at) === undefined ? Match.No : Match.Yes;
      if (length < MATCH_BYTES && !head.ended) return Match.NeedMore;
    }
    return isMoneroPort(ports) ? Match.Yes : Match.No;
  },
  open: (context) => new MoneroReader(context),
};

/** Where the id of the network stands in the first bytes of a handshake; -1 when not all of it is there. */
function findNetworkId({ bytes, length }: StreamHead): number {
  const end = Math.min(length, MATCH_BYTES);
  const found = Buffer.from(bytes.buffer, 0, end).indexOf(NETWORK_ID_ENTRY, HEADER_BYTES);
  if (found < 0) return -1;
  const at = found + NETWORK_ID_ENTRY.length;
  return end - at < NETWORK_ID_BYTES ? -1 : at;
}

function chainAt(bytes: Uint8Array, at: number): string | undefined {
  for (let i = 0; i < NETWORK_ID.length; i++) if (bytes[at + i] !== NETWORK_ID[i]) return undefined;
  return CHAINS.get(bytes[at + NETWORK_ID.length]!);
}

function isMoneroPort(ports: FlowPorts): boolean {
  return PORTS.has(ports.responder) || PORTS.has(ports.originator);
}

class MoneroReader implements StreamReader {
  readonly frames = LEVIN_MESSAGES;
  readonly #context: FlowContext;
  readonly #commands: readonly [string[], string[]] = [[], []];
  /** The commands seen, as numbers. */
  readonly #seen: readonly [number[], number[]] = [[], []];
  readonly #next = [0, 0];
  readonly #done = [false, false];
  readonly #peers = [0, 0];

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("monero", isMoneroPort(context.ports) ? "port" : "content");
  }

  frame(side: StreamSide, view: DataView, at: number): boolean {
    const command = commandAt(view, at);
    const seen = this.#seen[side];
    if (seen.includes(command)) return true;
    const name = commandName(command);
    if (name === undefined) return true;
    seen.push(command);
    this.#commands[side].push(name);
    this.#context.facts.detail(`${SIDES[side]}Commands`, this.#commands[side]);
    return true;
  }

  read(side: StreamSide, head: StreamHead): number {
    const { view } = head;
    while (!this.#done[side]) {
      const at = this.#next[side]!;
      if (head.length - at < HEADER_BYTES) return at + HEADER_BYTES;
      const length = bodyLength(view, at);
      if (length < 0) break;
      // Where headers come in pieces, the follower of frames may not have seen how a side began.
      this.frame(side, view, at);
      const end = at + HEADER_BYTES + length;
      const command = commandAt(view, at);
      if (command === HANDSHAKE || command === TIMED_SYNC) {
        if (head.length < end && !head.ended) return end;
        this.#storage(side, head, at + HEADER_BYTES, Math.min(end, head.length));
      }
      this.#next[side] = end;
      if (head.length < end) return end;
    }
    this.#done[side] = true;
    return Infinity;
  }

  #storage(side: StreamSide, { bytes, view }: StreamHead, start: number, end: number): void {
    const { facts } = this.#context;
    const speaker = SIDES[side];
    readStorage(view, start, end, {
      value: (path, at, length) => {
        if (path === "node_data.network_id" && length === NETWORK_ID_BYTES) {
          const chain = chainAt(bytes, at);
          if (chain === undefined) return;
          facts.recognise("monero", "content");
          facts.detail("chain", chain);
        } else if (path === "node_data.my_port" && length === 4) {
          // 0 of a node that takes no connections, and through anonymity networks.
          facts.detail(`${speaker}Port`, view.getUint32(at, true));
        } else if (path === "node_data.peer_id" && length === 8) {
          facts.detail(`${speaker}PeerId`, view.getBigUint64(at, true).toString(16).padStart(16, "0"));
        } else if (path === "payload_data.current_height" && length === 8) {
          facts.detail(`${speaker}Height`, Number(view.getBigUint64(at, true)));
        }
      },
      array: (path, count) => {
        if ((path !== "local_peerlist_new" && path !== "local_peerlist") || count > MAX_PEERS) return;
        this.#peers[side]! += count;
        facts.detail(`${speaker}PeersTold`, this.#peers[side]!);
      },
    });
  }
}
