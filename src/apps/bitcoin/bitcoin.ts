import { formatEndpoint } from "../../net/index.js";
import type { StreamHead, StreamSide } from "../../streams/index.js";
import { type FlowContext, type FlowPorts, Match, type StreamProtocol, type StreamReader } from "../protocol-reader.js";
import { readAddr, readAddrV2 } from "./addr-messages.js";
import { CHAINS, CUSTOM_SIGNET, chainOfMagic, SIGNET_PORT } from "./chains.js";
import { CommandSet, KNOWN_COMMANDS, MAX_COMMANDS } from "./commands.js";
import {
  checksumHolds,
  commandOf,
  HEADER_BYTES,
  isSaneLength,
  isVersion,
  MessageFrames,
  payloadLength,
} from "./message-header.js";
import { type NetAddress, netAddress, type PeerNetwork } from "./net-address.js";
import { serviceNames } from "./services.js";
import { looksLikeVersion, readVersionMessage, SHAPE_BYTES } from "./version-message.js";

/** What match() may wait for. */
const MATCH_BYTES = 128;
const COMMAND = 4;
/** A `version`: 85 bytes and more without a user agent; 256 of it at most, and what may be added one day. */
const MIN_VERSION = 85;
const MAX_VERSION = 512;
/** Addresses of a flow that are told one by one: a gossiping peer tells thousands. */
const MAX_PEERS = 8;
/** Messages without a new command, after which none is waited for. */
const MAX_OLD_NEWS = 1_000;
const SIDES = ["originator", "responder"] as const;

/**
 * Bitcoin between peers, transport version 1, by the magic of a chain and a command, on any port. The magic of a custom
 * signet may be any, and other coins have the same messages with magics of theirs: it is taken only on signet's port, and
 * when the flow begins with a `version`, whose checksum holds.
 *
 * Source: Bitcoin Core's protocol.h; BIP 60, BIP 155.
 */
export const bitcoin: StreamProtocol = {
  protocol: "bitcoin",
  match(head: StreamHead, _side: StreamSide, ports: FlowPorts): Match {
    const { view, length } = head;
    const onSignetPort = ports.responder === SIGNET_PORT || ports.originator === SIGNET_PORT;
    if (length < HEADER_BYTES) return beginsMagic(head) || onSignetPort ? Match.NeedMore : Match.No;
    if (!isSaneLength(payloadLength(view, 0))) return Match.No;
    if (chainOfMagic(view.getInt32(0)) !== undefined) {
      return KNOWN_COMMANDS.has(commandOf(view, 0) ?? "") ? Match.Yes : Match.No;
    }
    return onSignetPort ? matchCustomSignet(head) : Match.No;
  },
  open: (context) => new BitcoinReader(context),
};

/** Whether the bytes so far, 4 at most, may become a chain's magic. */
function beginsMagic({ bytes, length }: StreamHead): boolean {
  for (const { magic } of CHAINS) {
    let i = 0;
    while (i < length && i < 4 && bytes[i] === ((magic >>> (24 - 8 * i)) & 0xff)) i++;
    if (i === length || i === 4) return true;
  }
  return false;
}

function matchCustomSignet(head: StreamHead): Match {
  const { view, length } = head;
  const payload = payloadLength(view, 0);
  if (!isVersion(view, 0) || payload < MIN_VERSION || payload > MAX_VERSION) return Match.No;
  if (length < HEADER_BYTES + SHAPE_BYTES) return Match.NeedMore;
  if (!looksLikeVersion(view, HEADER_BYTES)) return Match.No;
  // What is longer cannot be waited for: the reader looks at its checksum before it tells anything.
  if (HEADER_BYTES + payload > MATCH_BYTES) return Match.Yes;
  if (length < HEADER_BYTES + payload) return Match.NeedMore;
  return checksumHolds(view, 0) ? Match.Yes : Match.No;
}

/** What was told of one side. */
class Said {
  readonly commands: string[] = [];
  readonly networks: PeerNetwork[] = [];
  /** Addresses of nodes that it told. */
  addresses = 0;
  hasVersion = false;
  /** Offset of the next message within the head. */
  next = 0;
  done = false;
}

class BitcoinReader implements StreamReader {
  readonly frames = new MessageFrames();
  readonly #context: FlowContext;
  readonly #said = [new Said(), new Said()] as const;
  // Looked at for each message: within reach.
  readonly #ofOriginator = new CommandSet();
  readonly #ofResponder = new CommandSet();
  #magic = 0;
  #chain: string | undefined;
  /** Messages since the last one with a new command. */
  #oldNews = 0;
  /** Commands and peers disclosed so far. */
  #commands = 0;
  #peers = 0;

  constructor(context: FlowContext) {
    this.#context = context;
    context.facts.recognise("bitcoin", "content");
  }

  frame(side: StreamSide, view: DataView, at: number): boolean {
    if (this.#magic === 0) this.#isMessage(view, at);
    const set = side === 0 ? this.#ofOriginator : this.#ofResponder;
    if (set.isFull || set.has(view, at + COMMAND)) return ++this.#oldNews < MAX_OLD_NEWS;
    const command = commandOf(view, at);
    if (command === undefined) return true;
    this.#oldNews = 0;
    set.add(view, at + COMMAND);
    this.#command(side, command);
    return true;
  }

  read(side: StreamSide, head: StreamHead): number {
    const said = this.#said[side];
    const { view } = head;
    while (!said.done) {
      const at = said.next;
      if (head.length - at < HEADER_BYTES) return at + HEADER_BYTES;
      const length = payloadLength(view, at);
      if (!this.#isMessage(view, at) || !isSaneLength(length)) break;
      // Where headers come in pieces, the follower of frames may not have seen how a side began.
      this.frame(side, view, at);
      const end = at + HEADER_BYTES + length;
      const command = commandOf(view, at);
      if (command === "version" || command === "addr" || command === "addrv2") {
        if (head.length < end && !head.ended) return end;
        const stop = Math.min(end, head.length);
        // A checksum takes 20 us: not where nothing hangs on it.
        const matters =
          this.#chain === undefined || this.#hasNews(side, command, view, at + HEADER_BYTES, stop, length);
        if (matters && (head.length < end || checksumHolds(view, at))) {
          this.#message(side, command, view, at + HEADER_BYTES, stop, length);
        } else if (this.#chain === undefined) break;
      }
      said.next = end;
      if (head.length < end) {
        head.unread = end;
        return end;
      }
    }
    said.done = true;
    return Infinity;
  }

  /** Whether a message, if its checksum holds, may tell something. */
  #hasNews(side: StreamSide, command: string, view: DataView, start: number, end: number, length: number): boolean {
    if (command === "version") return !this.#said[side].hasVersion;
    return (command === "addr" ? readAddr : readAddrV2)(view, start, end, length, () => {}) > 0;
  }

  /** Whether a message of this flow's chain begins here. The first one decides which that is. */
  #isMessage(view: DataView, at: number): boolean {
    const magic = view.getInt32(at);
    if (this.#magic !== 0) return magic === this.#magic;
    const chain = chainOfMagic(magic);
    if (chain === undefined && !isVersion(view, at)) return false;
    this.#magic = magic;
    if (chain !== undefined) this.#tellChain(chain.name);
    return true;
  }

  #tellChain(name: string): void {
    this.#chain = name;
    this.#context.facts.detail("chain", name);
    this.#context.facts.disclose("bitcoin-chain", name);
  }

  #command(side: StreamSide, command: string): void {
    const { commands } = this.#said[side];
    const { facts } = this.#context;
    commands.push(command);
    facts.detail(`${SIDES[side]}Commands`, commands);
    if (this.#commands >= MAX_COMMANDS || this.#said[side === 0 ? 1 : 0].commands.includes(command)) return;
    this.#commands++;
    facts.disclose("bitcoin-command", command);
  }

  /** @param end - Where the payload or what was captured of it ends; its whole length is `length`. */
  #message(side: StreamSide, command: string, view: DataView, start: number, end: number, length: number): void {
    if (command === "version") this.#version(side, view, start, end);
    else this.#addresses(side, command === "addr" ? readAddr : readAddrV2, view, start, end, length);
  }

  #version(side: StreamSide, view: DataView, start: number, end: number): void {
    // Peers refuse a second one.
    if (this.#said[side].hasVersion) return;
    const message = readVersionMessage(view, start, end);
    if (message === undefined) return;
    this.#said[side].hasVersion = true;
    if (this.#chain === undefined) this.#tellChain(CUSTOM_SIGNET);
    const { facts } = this.#context;
    const { protocolVersion, services, time, receiver, sender, userAgent, startHeight, relay } = message;
    const speaker = SIDES[side];
    facts.detail(`${speaker}ProtocolVersion`, protocolVersion);
    if (services !== undefined) {
      const names = serviceNames(services);
      facts.detail(`${speaker}Services`, names);
      facts.disclose("bitcoin-services", names.join(" ") || "none");
    }
    if (time !== undefined) facts.detail(`${speaker}Time`, Number(time));
    if (receiver !== undefined) this.#address(`${speaker}SeesPeerAt`, receiver);
    if (sender !== undefined) this.#address(`${speaker}Address`, sender);
    if (userAgent !== undefined && userAgent !== "") {
      facts.detail(`${speaker}UserAgent`, userAgent);
      facts.disclose("user-agent", userAgent);
    }
    if (startHeight !== undefined) {
      facts.detail(`${speaker}Height`, startHeight);
      facts.disclose("bitcoin-height", String(startHeight));
    }
    if (relay !== undefined) facts.detail(`${speaker}Relay`, relay);
  }

  #address(key: string, address: NetAddress): void {
    const { facts } = this.#context;
    const { host, port, network, isInternet } = address;
    facts.detail(key, formatEndpoint({ address: host, port }));
    if (isInternet) facts.disclose("public-address", host);
    else if (network === "onion-v2") facts.disclose("onion-name", host);
  }

  #addresses(
    side: StreamSide,
    readAll: typeof readAddr,
    view: DataView,
    start: number,
    end: number,
    length: number,
  ): void {
    const said = this.#said[side];
    const { facts } = this.#context;
    // One address alone is most likely the node's own: others are gossiped in bundles.
    let only: NetAddress | undefined;
    let visited = 0;
    const told = readAll(view, start, end, length, (network, at, port) => {
      if (!said.networks.includes(network)) said.networks.push(network);
      const isOnion = network === "onion" || network === "onion-v2";
      if (++visited > 1 && !isOnion) return;
      if (this.#peers >= MAX_PEERS) return;
      const address = netAddress(network, view, at, port);
      if (visited === 1) only = address;
      if (!isOnion) return;
      this.#peers++;
      facts.disclose("onion-name", address.host);
    });
    if (told === 0) return;
    said.addresses += told;
    facts.detail(`${SIDES[side]}AddressesTold`, said.addresses);
    if (said.networks.length > 0) facts.detail(`${SIDES[side]}NetworksTold`, said.networks);
    if (told !== 1 || only === undefined || this.#peers >= MAX_PEERS) return;
    this.#peers++;
    facts.disclose("peer-address", formatEndpoint({ address: only.host, port: only.port }));
  }
}
